/**
 * A command that comes again under another number, because a store that was set back has forgotten it: the device knows it by its id, and
 * executes it once.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Command } from '../../../machines/command.ts';
import { RING_SIZE_MAX, type RingEntry } from '../../../machines/report.ts';
import { lineOf, readLine } from '../../../src/device/log-entry.ts';
import { BLANK_MEMORY, checked, type DeviceMemory, EXECUTED_MAX } from '../../../src/device/device-state.ts';
import type { ActResult } from '../../../src/device/ports.ts';
import { unsettled } from '../../../src/device/executed-before.ts';
import { amend, receive } from '../../../src/device/reception.ts';
import { DeviceWorld, quiet } from './device-world.ts';

let world: DeviceWorld;

beforeEach(async () => {
  world = new DeviceWorld();
  await world.boot();
});

const UNDECIDED: ActResult = { outcome: 'undecided', reason: 'no-session' };
const ring = (): readonly RingEntry[] => world.report.commands ?? [];
/** How often the hardware was told to do something. */
const acts = (): number => world.hardware.moments.length;
/** What became of n 1, in the boots after it. */
const settles = async (shown: boolean | 'undecided'): Promise<void> => {
  world.hardware.isTransparent = shown;
  await world.boot();
};

describe('a command that was done', () => {
  test('is done under another number too, and is not executed again', async () => {
    await world.command({ n: 1, id: 'x', name: 'start' });
    await world.command({ n: 2, name: 'stop' });
    await world.command({ n: 100, id: 'x', name: 'start' });
    expect(ring()).toEqual([
      { n: 100, outcome: 'done', executedAs: 1 },
      { n: 2, outcome: 'done' },
      { n: 1, outcome: 'done' },
    ]);
    expect(acts()).toBe(2);
    expect(world.hardware.isOn).toBe(false);
  });

  test('is named by its first number however often it comes', async () => {
    await world.command({ n: 1, id: 'x', name: 'start' });
    await world.command({ n: 100, id: 'x', name: 'start' });
    await world.command({ n: 200, id: 'x', name: 'start' });
    expect(ring()[0]).toEqual({ n: 200, outcome: 'done', executedAs: 1 });
    expect(acts()).toBe(1);
  });

  test('is known when the ring has let go of it for what nobody executes', async () => {
    await world.command({ n: 1, id: 'x', name: 'start' });
    for (let n = 2; n < 30; n += 1) await world.command({ n, name: 'report' });
    for (let n = 30; n < 40; n += 1) await world.command({ n, name: 'reserve', holdMs: 1_000 });
    await world.command({ n: 100, id: 'x', name: 'start' });
    expect(ring()[0]).toEqual({ n: 100, outcome: 'done', executedAs: 1 });
    expect(acts()).toBe(1);
  });

  test('is known among the last that were executed, and not beyond', async () => {
    await world.command({ n: 1, id: 'x', name: 'stop' });
    for (let n = 2; n < 1 + EXECUTED_MAX; n += 1) await world.command({ n, name: 'stop' });
    await world.command({ n: 100, id: 'x', name: 'stop' });
    expect(ring()[0]).toEqual({ n: 100, outcome: 'done', executedAs: 1 });
    await world.command({ n: 101, name: 'stop' });
    await world.command({ n: 102, id: 'x', name: 'stop' });
    expect(ring()[0]).toEqual({ n: 102, outcome: 'done' });
  });

  test('is known after a restart', async () => {
    await world.command({ n: 1, id: 'x', name: 'start' });
    await world.boot();
    await world.command({ n: 100, id: 'x', name: 'start' });
    expect(ring()[0]).toEqual({ n: 100, outcome: 'done', executedAs: 1 });
    expect(acts()).toBe(1);
  });

  test('is another command under another name, and `report` is answered as ever', async () => {
    await world.command({ n: 1, id: 'x', name: 'start' });
    await world.command({ n: 2, id: 'x', name: 'stop' });
    await world.command({ n: 3, id: 'x', name: 'report' });
    await world.command({ n: 4, id: 'x', name: 'report' });
    expect(ring()).toEqual([4, 3, 2, 1].map((n) => ({ n, outcome: 'done' })));
    expect(acts()).toBe(2);
  });
});

describe('a `reserve` that was done', () => {
  test('is done while its hold goes on, which stays as it was', async () => {
    await world.command({ n: 1, id: 'x', name: 'reserve', holdMs: 60_000 });
    await world.time.pass(10_000);
    await world.command({ n: 100, id: 'x', name: 'reserve', holdMs: 60_000 });
    expect(ring()[0]).toEqual({ n: 100, outcome: 'done', executedAs: 1 });
    expect(world.report.hold).toEqual({ id: 'x', leftMs: 50_000 });
  });

  test('is done when its hold is over, and begins no other', async () => {
    await world.command({ n: 1, id: 'x', name: 'reserve', holdMs: 60_000 });
    await world.command({ n: 2, name: 'release' });
    await world.command({ n: 100, id: 'x', name: 'reserve', holdMs: 60_000 });
    expect(ring()[0]).toEqual({ n: 100, outcome: 'done', executedAs: 1 });
    expect(world.report.hold).toBeUndefined();
  });
});

test('a `release` that was done does not end the hold of somebody who came after', async () => {
  await world.command({ n: 1, id: 'x', name: 'release' });
  await world.command({ n: 2, id: 'eva', name: 'reserve', holdMs: 60_000 });
  await world.command({ n: 100, id: 'x', name: 'release' });
  expect(world.report.hold?.id).toBe('eva');
});

describe('a command that was rejected', () => {
  test('was not executed, and is judged like a new one', async () => {
    world.hardware.results.push({ outcome: 'rejected', reason: 'jammed' });
    await world.command({ n: 1, id: 'x', name: 'start' });
    await world.command({ n: 100, id: 'x', name: 'start' });
    expect(ring()[0]).toEqual({ n: 100, outcome: 'done' });
    await world.command({ n: 200, id: 'x', name: 'start' });
    expect(ring()[0]).toEqual({ n: 200, outcome: 'done', executedAs: 100 });
    expect(acts()).toBe(2);
  });
});

describe('a command that is undecided', () => {
  beforeEach(async () => {
    world.hardware.results.push(UNDECIDED);
    await world.command({ n: 1, id: 'x', name: 'start' });
    await world.command({ n: 100, id: 'x', name: 'start' });
  });

  test('is undecided under both numbers, and is not sent on again', async () => {
    expect(ring()).toEqual([
      { n: 100, outcome: 'undecided', reason: 'no-session', executedAs: 1 },
      { n: 1, outcome: 'undecided', reason: 'no-session' },
    ]);
    expect(acts()).toBe(1);
  });

  test.each<ActResult & { outcome: 'done' | 'rejected' }>([
    { outcome: 'done' },
    { outcome: 'rejected', reason: 'no-session' },
  ])('gets its last word under both at once: $outcome', async (result) => {
    world.hardware.use({}, { amends: { n: 1, result } });
    await quiet();
    expect(ring()).toEqual([
      { n: 100, ...result, executedAs: 1 },
      { n: 1, ...result },
    ]);
  });

  test('is executed when it comes again after its last word was that it was not', async () => {
    world.hardware.use({}, { amends: { n: 1, result: { outcome: 'rejected', reason: 'no-session' } } });
    await quiet();
    await world.command({ n: 200, id: 'x', name: 'start' });
    expect(ring()[0]).toEqual({ n: 200, outcome: 'done' });
    expect(acts()).toBe(2);
  });

  test('is asked about once in the next boot, by the number under which it was executed', async () => {
    const asked: number[] = [];
    world.hardware.wasExecuted = ({ n }) => {
      asked.push(n);
      return 'undecided';
    };
    await world.boot();
    expect(asked).toEqual([1]);
    expect(ring()).toEqual([
      { n: 100, outcome: 'undecided', reason: 'interrupted', executedAs: 1 },
      { n: 1, outcome: 'undecided', reason: 'interrupted' },
    ]);
  });

  test('is unknown under both where nothing shows it after a restart, with the fence of its own boot', async () => {
    await settles(false);
    const fence = { boot: 1 };
    expect(ring()).toEqual([
      { n: 100, outcome: 'unknown', reason: 'interrupted', fence, executedAs: 1 },
      { n: 1, outcome: 'unknown', reason: 'interrupted', fence },
    ]);
  });

  test('keeps that fence over a second session, also where it comes again in that', async () => {
    await settles('undecided');
    await world.command({ n: 200, id: 'x', name: 'start' });
    await settles(false);
    expect(ring().map(({ fence }) => fence)).toEqual([{ boot: 1 }, { boot: 1 }, { boot: 1 }]);
  });
});

test('a `reserve` that is undecided lets go of its hold when it was not executed, whatever numbers it has', async () => {
  world.body = { judge: () => ({ type: 'accept', hold: 'begin', acts: true }) };
  await world.boot();
  world.hardware.results.push(UNDECIDED);
  await world.command({ n: 1, id: 'x', name: 'reserve', holdMs: 600_000 });
  await world.command({ n: 100, id: 'x', name: 'reserve', holdMs: 600_000 });
  expect(world.report.hold?.id).toBe('x');
  world.hardware.use({}, { amends: { n: 1, result: { outcome: 'rejected', reason: 'refused' } } });
  await quiet();
  expect(world.report.hold).toBeUndefined();
  expect(world.hardware.endedHolds).toEqual(['x']);
});

test('what is unknown is so under another number, with the same fence', async () => {
  world.hardware.results.push('throws');
  await world.command({ n: 1, id: 'x', name: 'start' });
  await settles(false);
  await world.command({ n: 100, id: 'x', name: 'start' });
  expect(ring()[0]).toEqual({
    n: 100,
    outcome: 'unknown',
    reason: 'interrupted',
    fence: { boot: 1 },
    executedAs: 1,
  });
  expect(acts()).toBe(1);
});

test('a ring in which all but one place is undecided names it in the place of a number before, and keeps that one place', async () => {
  for (let n = 1; n < RING_SIZE_MAX; n += 1) {
    world.hardware.results.push(UNDECIDED);
    await world.command({ n, id: `x${String(n)}`, name: 'stop' });
  }
  await world.command({ n: 100, id: 'x3', name: 'stop' });
  await world.command({ n: 101, name: 'report' });
  expect(ring().map(({ n }) => n)).toEqual([101, 100, 7, 6, 5, 4, 2, 1]);
  expect(ring()[1]).toEqual({ n: 100, outcome: 'undecided', reason: 'no-session', executedAs: 3 });
  world.hardware.use({}, { amends: { n: 3, result: { outcome: 'done' } } });
  await quiet();
  expect(ring()[1]).toEqual({ n: 100, outcome: 'done', executedAs: 3 });
});

test('is known before its deadline and its boot are looked at: refused for those it would count as not executed', async () => {
  await world.command({ n: 1, id: 'x', name: 'start' });
  await world.time.pass(10);
  await world.command({ n: 100, id: 'x', name: 'start', notAfterUp: 5 });
  expect(ring()[0]).toEqual({ n: 100, outcome: 'done', executedAs: 1 });
  await world.command({ n: 101, id: 'x', name: 'start', boot: 7 });
  expect(ring()[0]).toEqual({ n: 101, outcome: 'done', executedAs: 1 });
  await world.command({ n: 102, id: 'x', name: 'start', epoch: 0 });
  expect(ring()[0]).toEqual({ n: 102, outcome: 'rejected', reason: 'stale-epoch' });
  await world.command({ n: 103, id: 'x', name: 'start' });
  expect(ring()[0]).toEqual({ n: 103, outcome: 'done', executedAs: 1 });
});

test('a gateway says what it did, also while its station is away', async () => {
  await world.command({ n: 1, id: 'x', name: 'start' });
  world.agent?.suspend();
  await world.command({ n: 100, id: 'x', name: 'start' });
  expect(ring()[0]).toEqual({ n: 100, outcome: 'done', executedAs: 1 });
  expect(world.report.state).toBe('not-connected');
});

test('wherever the power goes, the hardware is told once, and the new number never says that it was not', async () => {
  for (let steps = 1; steps < 24; steps += 1) {
    world = new DeviceWorld();
    await world.boot();
    world.crashSoon(steps);
    await world.command({ n: 1, id: 'x', name: 'start' });
    await world.command({ n: 100, id: 'x', name: 'start' }).catch(() => undefined);
    await world.boot();
    await world.command({ n: 200, id: 'x', name: 'start' });
    expect(world.hardware.executions, `after ${steps} steps`).toHaveLength(1);
    expect(ring()[0]).toMatchObject({ n: 200, outcome: 'done' });
  }
});

test('a memory that an older agent stored is read, and knows nothing of ids', () => {
  const old: DeviceMemory = {
    ...BLANK_MEMORY,
    boot: 3,
    highestN: 4,
    highestEpoch: 1,
    ring: [{ n: 4, outcome: 'done' }],
  };
  const memory = checked((readLine(lineOf({ memory: old })) as { memory: DeviceMemory }).memory);
  const start: Command = { n: 5, epoch: 1, id: 'x', name: 'start', args: {}, boot: 3, notAfterUp: 9 };
  const moment = { up: 0, holdChargeMs: 1_000 };
  const accepts = { type: 'accept', hold: 'keep', acts: true } as const;
  expect(receive(memory, start, moment, () => accepts).type).toBe('begun');
});

test('a memory that knows one command twice, or too many, is a mistake of ours', () => {
  const known = (n: number, id = `x${String(n)}`) => ({
    id,
    name: 'start',
    entry: { n, outcome: 'done' },
  });
  const twice: DeviceMemory = { ...BLANK_MEMORY, executed: [known(1, 'x'), known(2, 'x')] };
  expect(() => checked(twice)).toThrow('I6');
  const many = Array.from({ length: EXECUTED_MAX + 1 }, (_, n) => known(n));
  expect(() => checked({ ...BLANK_MEMORY, executed: many })).toThrow('I6');
});

describe('a command that is undecided under several numbers', () => {
  const first: Command = { n: 1, epoch: 1, id: 'x', name: 'start', args: {}, boot: 3, notAfterUp: 5_000 };
  const again = { ...first, n: 100, executedAs: 1 };

  test('is asked of the hardware once', () => {
    const other = { ...first, n: 7, id: 'y' };
    const asked = unsettled({ ...BLANK_MEMORY, undecided: [first, again], begun: other });
    expect(asked.map(({ id }) => id)).toEqual(['x', 'y']);
  });

  test('is remembered by its first one, also where that is in the ring no more', () => {
    const memory: DeviceMemory = { ...BLANK_MEMORY, boot: 3, undecided: [again] };
    const known = amend(memory, 1, { outcome: 'done' });
    expect(known.ring).toEqual([{ n: 100, outcome: 'done', executedAs: 1 }]);
    const moment = { up: 1_000, holdChargeMs: 60_000 };
    const third = receive(known, { ...first, n: 200 }, moment, () => ({ type: 'refuse', reason: 'busy' }));
    expect(third).toMatchObject({ type: 'executed-before' });
    expect(third.memory.ring[0]).toEqual({ n: 200, outcome: 'done', executedAs: 1 });
  });
});
