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
    const command = `npm run simulate -- --mutants --bug "${bug}"`;
    console.warn(`${bug}: not noticed at seed ${seed} any more; another is found by: ${command}`);
    const other = await runMutant(mutation, OTHERS);
    const checkers = [...other.noticed.values()].flat();
    expect(checkers, `not at seed ${seed}, nor in ${OTHERS.seeds} worlds\n${other.output}`).toContain(
      caughtBy,
    );
  });
});
