/**
 * Worlds in which everything that can fail does, judged by what really happened in them.
 */
import { describe, expect, test } from 'vitest';
import { violationText } from './print.ts';
import { regressions } from './regressions.ts';
import { runSeed } from './run.ts';
import { KeptTrace } from './trace.ts';

/** Each begins with a seed of its own, so that a failure says quickly which world it was. */
const LOTS = [1, 11, 21, 31];
const SEEDS_IN_LOT = 10;

async function flawsOf(seed: number): Promise<string[]> {
  const { violations } = await runSeed(seed);
  return violations.map(violationText);
}

describe('in every world', () => {
  test.each(LOTS)(
    'what twins say is true, and nothing is lost or done twice: %i and the nine after',
    async (first) => {
      for (let seed = first; seed < first + SEEDS_IN_LOT; seed += 1) expect(await flawsOf(seed)).toEqual([]);
    },
  );

  test.each(regressions)('$why: seed $seed', async ({ seed }) => {
    expect(await flawsOf(seed)).toEqual([]);
  });

  test('the same seed gives the same trace twice, to the last line', async () => {
    const digests = [];
    for (const seed of [3, 3, 4, 4]) digests.push((await runSeed(seed, new KeptTrace())).digest);
    const [first, again, other, otherAgain] = digests;
    expect(again).toBe(first);
    expect(otherAgain).toBe(other);
    expect(other).not.toBe(first);
  });
});
