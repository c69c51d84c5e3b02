/**
 * `npm run simulate -- --mutants`: tells whether the planted bugs are still noticed at the seeds that they name, and searches
 * another world for each that is not. For whoever changes the worlds, a checker, or the text that a bug is planted in.
 */
import { say } from '../../../tools/cli/print.ts';
import { mutations } from './all.ts';
import { occurrences, runMutant } from './mutant.ts';
import type { Mutation } from './mutation.ts';
import { searchOtherWorlds } from './other-worlds.ts';

interface Worlds {
  readonly first: number;
  readonly seeds: number;
}

/** Tries the bugs whose sentences have `part` in them. Resolves with how many are not noticed at the seed they name. */
export async function searchMutants(part: string, worlds: Worlds): Promise<number> {
  let stale = 0;
  for (const mutation of mutations.filter(({ bug }) => bug.includes(part))) {
    const problem = await problemWith(mutation, worlds);
    if (problem !== null) stale += 1;
    say(`${problem === null ? 'noticed    ' : 'NOT NOTICED'} ${mutation.bug}: ${problem ?? 'as it says'}`);
  }
  return stale;
}

async function problemWith(mutation: Mutation, worlds: Worlds): Promise<string | null> {
  const { file, caughtBy, seed } = mutation;
  const times = occurrences(mutation);
  if (times !== 1) return `the text to be replaced stands ${times} times in ${file}, not once`;
  const { noticed } = await runMutant(mutation, { first: seed, seeds: 1 });
  return noticed.get(seed)?.includes(caughtBy) === true ? null : searchOther(mutation, worlds);
}

async function searchOther(mutation: Mutation, worlds: Worlds): Promise<string> {
  const { caughtBy, seed } = mutation;
  const { seeds, others } = await searchOtherWorlds(mutation, worlds);
  if (seeds.length > 0) return `not by ${caughtBy} at seed ${seed}, but at ${seeds.join(', ')}`;
  const nobody = others.size === 0 ? 'nor by anybody else' : `only by ${[...others].join(', ')}`;
  return `not by ${caughtBy} at seed ${seed}, nor in ${worlds.seeds} worlds from ${worlds.first} on, ${nobody}`;
}
