/**
 * `npm run simulate:servers -- --mutants`: plants each bug in a copy of the source, and tells which storms notice it. For whoever changes the storms, a
 * checker, or the text that a bug is planted in: it takes minutes for each.
 */
import { say } from '../../tools/cli/print.ts';
import { type Judge, type MutantResult, occurrences, runMutant } from '../simulation/mutations/mutant.ts';
import type { Mutation } from '../simulation/mutations/mutation.ts';
import { stormMutations } from './mutations.ts';

/** What hangs is given up after this, s: shorter than in a judgement, because a bug that hangs is noticed. */
const PATIENCE_S = 60;

const STORM: Judge = {
  entry: 'test/storm/main.ts',
  needs: ['tools', 'test'],
  links: ['.cache', 'nats.conf'],
  args: ['--terse', '--bail', '--side-by-side', '4', '--patience', String(PATIENCE_S)],
  runMaxMs: 3_600_000,
};

interface Storms {
  readonly first: number;
  readonly seeds: number;
}

/** Runs storms with the bug in them, until one notices it. */
export function runStormMutant(mutation: Mutation, storms: Storms): Promise<MutantResult> {
  return runMutant(mutation, storms, STORM);
}

/** Tries the bugs whose sentences have `part` in them on so many storms. Resolves with how many nobody notices. */
export async function searchStormMutants(part: string, storms: Storms): Promise<number> {
  let unnoticed = 0;
  for (const mutation of stormMutations.filter(({ bug }) => bug.includes(part))) {
    const times = occurrences(mutation);
    const { noticed, output } = times === 1 ? await runStormMutant(mutation, storms) : NOWHERE;
    const found = [...noticed].map(([seed, checkers]) => `at seed ${seed} by ${checkers.join(', ')}`);
    if (found.length === 0) unnoticed += 1;
    const word = found.length === 0 ? 'NOT NOTICED' : 'noticed    ';
    const stale = times === 1 ? '' : `the text to be replaced stands ${times} times in ${mutation.file}`;
    const where = found.length === 0 ? stale || output.split('\n').slice(-3).join(' ') : found.join('; ');
    say(`${word} ${mutation.bug}: ${where}`);
  }
  return unnoticed;
}

const NOWHERE = { noticed: new Map<number, readonly string[]>(), output: '' };
