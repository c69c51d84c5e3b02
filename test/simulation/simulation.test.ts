/**
 * Worlds in which everything that can fail does, judged by what really happened in them.
 */
import { describe, expect, test } from 'vitest';
import { violationText } from './print.ts';
import { regressions } from './regressions.ts';
import { addTallies, NOTHING, runSeed, type Verdict } from './run.ts';
import { KeptTrace } from './trace.ts';
import { FAULTS, MISHAPS } from './trouble.ts';

/** Each begins with a seed of its own, so that a failure says quickly which world it was. */
const LOTS = [1, 11, 21, 31];
const SEEDS_IN_LOT = 10;

/** A world is run once, for all tests that look at it. */
const verdicts = new Map<number, Promise<Verdict>>();

function verdictOn(seed: number): Promise<Verdict> {
  const known = verdicts.get(seed) ?? runSeed(seed);
  verdicts.set(seed, known);
  return known;
}

async function flawsOf(seed: number): Promise<string[]> {
  const { violations } = await verdictOn(seed);
  return violations.map(violationText);
}

function lotFrom(first: number): number[] {
  return Array.from({ length: SEEDS_IN_LOT }, (_, index) => first + index);
}

describe('in every world', () => {
  test.each(LOTS)(
    'what twins say is true, and nothing is lost or done twice: %i and the nine after',
    async (first) => {
      for (const seed of lotFrom(first)) expect(await flawsOf(seed)).toEqual([]);
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

test('among some dozens of worlds every sort of fault happens, and every outcome of a command', async () => {
  let tally = NOTHING;
  for (const seed of LOTS.flatMap(lotFrom)) tally = addTallies(tally, (await verdictOn(seed)).tally);
  const sorts = [...Object.keys(FAULTS), ...MISHAPS];
  expect(sorts.filter((sort) => (tally.faults[sort] ?? 0) === 0)).toEqual([]);
  const outcomes = ['done', 'rejected', 'expired', 'unknown-closed'];
  expect(outcomes.filter((outcome) => (tally.commands[outcome] ?? 0) === 0)).toEqual([]);
});
