import { describe, expect, test } from 'vitest';
import { unknownBug } from '../../simulation/command-line.ts';
import {
  EVERYTHING,
  nameOf,
  type Plan,
  planText,
  readOnly,
  type Sort,
  type Trouble,
} from '../../simulation/plan.ts';
import { fewest, shrink, TRIALS_MAX, type Trial } from '../../simulation/shrink.ts';

const BEGINS = 1_000_000;

/** A world with ten of each of four sorts, a second apart, which is broken at the last of those that it takes. */
function worldBrokenBy(needed: readonly string[]): { run: (plan: Plan) => Promise<Trial>; runs: Plan[] } {
  const sorts: Sort[] = ['node-crash', 'store-mute', 'device-kill', 'site-cut'];
  const all: Trouble[] = Array.from({ length: 40 }, (_, index) => ({
    sort: sorts[index % sorts.length]!,
    number: Math.floor(index / sorts.length) + 1,
    at: BEGINS + index * 100_000,
  }));
  const runs: Plan[] = [];
  const run = async (plan: Plan): Promise<Trial> => {
    runs.push(plan);
    const { only, stormMs } = plan;
    const isIn = (trouble: Trouble): boolean =>
      (only === null || only.includes(trouble.sort) || only.includes(nameOf(trouble))) &&
      trouble.at <= BEGINS + (stormMs ?? Infinity);
    const troubles = all.filter(isIn);
    const broken = troubles.filter((trouble) => needed.includes(nameOf(trouble)));
    return { brokenAt: broken.length === needed.length ? (broken.at(-1)?.at ?? BEGINS) : null, troubles };
  };
  return { run, runs };
}

async function shrunk(needed: readonly string[], mayGoOn = (): boolean => true) {
  const { run, runs } = worldBrokenBy(needed);
  const result = await shrink({ run, whole: await run(EVERYTHING), begins: BEGINS, mayGoOn });
  return { ...result, runs };
}

describe('a failing world is shrunk', () => {
  test('to the faults without which the property holds, and to a storm that ends soon after them', async () => {
    const needed = ['store-mute:3', 'site-cut:5'];
    const { plan, troubles } = await shrunk(needed);
    expect(plan.only).toEqual(needed);
    expect(troubles.map(nameOf)).toEqual(needed);
    const lastMs = troubles.at(-1)!.at - BEGINS;
    expect(plan.stormMs).toBeGreaterThanOrEqual(lastMs);
    expect(plan.stormMs).toBeLessThan(lastMs + 100_000);
  });

  test('to no fault at all where it takes none', async () => {
    const { plan, troubles } = await shrunk([]);
    expect(plan.only).toEqual([]);
    expect(troubles).toEqual([]);
    expect(planText(plan)).toContain('--only nothing');
  });

  test('never to a world in which the property holds, and with a bounded number of worlds', async () => {
    const needed = Array.from({ length: 10 }, (_, index) => `device-kill:${index + 1}`);
    const { plan, trials, runs } = await shrunk(needed);
    expect(trials).toBeLessThanOrEqual(TRIALS_MAX);
    expect(runs.length).toBe(trials + 1);
    const { run } = worldBrokenBy(needed);
    expect((await run(plan)).brokenAt).not.toBeNull();
  });

  test('to what was found when there is no time left', async () => {
    const { plan, trials } = await shrunk(['store-mute:3'], () => false);
    expect([plan, trials]).toEqual([EVERYTHING, 0]);
  });
});

test('of two that are needed at the ends of a long list nothing else is left', async () => {
  const all = Array.from({ length: 100 }, (_, index) => index);
  const breaks = async (some: readonly number[]): Promise<boolean> => some.includes(0) && some.includes(99);
  expect(await fewest(all, breaks)).toEqual([0, 99]);
});

test('what `--only` names is what a plan prints, and nothing else', () => {
  const only = ['node-crash:2', 'mix-ups', 'neighbour:7'];
  expect(planText({ only, stormMs: 5_000 })).toBe(`--only ${only.join(',')} --storm-ms 5000`);
  expect(readOnly(only.join(','))).toEqual(only);
  expect(readOnly('nothing')).toEqual([]);
  for (const text of ['node-crashes', 'node-crash:0', 'node-crash:x', ''])
    expect(() => readOnly(text)).toThrow('--only takes');
});

test('words that no planted bug has in its sentence are an error that lists the bugs, and not a run without any', () => {
  const bugs = [{ bug: 'the fence is forgotten' }, { bug: 'a ring is dropped' }];
  expect(unknownBug('ring', bugs)).toBeNull();
  expect(unknownBug('', bugs)).toBeNull();
  expect(unknownBug('rain', bugs)).toMatch(
    /none has "rain" in it: the fence is forgotten; a ring is dropped$/,
  );
});
