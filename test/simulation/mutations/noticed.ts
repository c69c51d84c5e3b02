/**
 * The checkers can fail: each bug that is planted on purpose is noticed, by the property that it breaks. Each list of bugs is a file of
 * tests, so that several run at once.
 */
import { describe, expect, test } from 'vitest';
import { complain } from '../../../tools/cli/print.ts';
import { occurrences, runMutant } from './mutant.ts';
import type { Mutation } from './mutation.ts';
import { searchOtherWorlds } from './other-worlds.ts';

/** Where the world that a bug names does not show it any more, so many others are looked at before it counts as unnoticed. */
const OTHERS = { first: 1, seeds: 24 };

/** A test for each of the bugs. */
export function testThatEachIsNoticed(mutations: readonly Mutation[]): void {
  describe('a planted bug is noticed:', () => {
    test.each(mutations)('$bug', expectNoticed);
  });
}

async function expectNoticed(mutation: Mutation): Promise<void> {
  const { bug, file, seed, caughtBy } = mutation;
  expect(occurrences(mutation), `how often the text to be replaced stands in ${file}`).toBe(1);
  const { noticed } = await runMutant(mutation, { first: seed, seeds: 1 });
  if (noticed.get(seed)?.includes(caughtBy) === true) return;
  const { seeds, output } = await searchOtherWorlds(mutation, OTHERS);
  const command = `npm run simulate -- --mutants --seeds 100 --bug "${bug}"`;
  const nowhere = `not by ${caughtBy} at seed ${seed}, nor in ${OTHERS.seeds} worlds: ${command}\n${output}`;
  expect(seeds.length, nowhere).toBeGreaterThan(0);
  complain(`${bug}: not noticed at seed ${seed} any more, but at ${seeds.join(', ')}`);
}
