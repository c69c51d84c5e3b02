/**
 * The checkers can fail: each bug that is planted on purpose is noticed, by the property that it breaks.
 */
import { describe, expect, test } from 'vitest';
import { mutations } from './mutations/all.ts';
import { occurrences, runMutant } from './mutations/mutant.ts';

/** Where the world that a bug names does not show it any more, so many others are looked at before it counts as unnoticed. */
const OTHERS = { first: 1, seeds: 24 };

describe('a planted bug is noticed:', () => {
  test.each(mutations)('$bug', async (mutation) => {
    const { bug, file, seed, caughtBy } = mutation;
    expect(occurrences(mutation), `how often the text to be replaced stands in ${file}`).toBe(1);
    const { noticed } = await runMutant(mutation, { first: seed, seeds: 1 });
    if (noticed.get(seed)?.includes(caughtBy) === true) return;
    const other = await runMutant(mutation, OTHERS);
    const seeds = [...other.noticed].filter(([, all]) => all.includes(caughtBy)).map(([found]) => found);
    const command = `npm run simulate -- --mutants --seeds 100 --bug "${bug}"`;
    const nowhere = `not by ${caughtBy} at seed ${seed}, nor in ${OTHERS.seeds} worlds: ${command}\n${other.output}`;
    expect(seeds.length, nowhere).toBeGreaterThan(0);
    console.warn(`${bug}: not noticed at seed ${seed} any more, but at ${seeds.join(', ')}`);
  });
});
