/**
 * An agent that speaks for a station behind it: it does not know at once what becomes of a command, and sometimes never does.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { RING_SIZE_MAX } from '../../../machines/report.ts';
import { AGENT_LIMITS } from '../../../src/device/limits.ts';
import type { ActResult } from '../../../src/device/ports.ts';
import { DeviceWorld, quiet } from './device-world.ts';

let world: DeviceWorld;

beforeEach(async () => {
  world = new DeviceWorld();
  await world.boot();
});

/** A promise, and what ends it. */
function pending(): { readonly promise: Promise<ActResult>; readonly end: (result: ActResult) => void } {
  let end!: (result: ActResult) => void;
  const promise = new Promise<ActResult>((resolve) => {
    end = resolve;
  });
  return { promise, end };
}

const undecided = (reason = 'no-session'): ActResult => ({ outcome: 'undecided', reason });
const ring = () => world.report.commands ?? [];

describe('a body that answers late', () => {
  test('amends what was undecided, in its place, by a report at once', async () => {
    const { promise, end } = pending();
    world.hardware.results.push(() => promise);
    await world.command({ n: 1, name: 'start' });
    await world.time.pass(AGENT_LIMITS.actMs);
    await world.command({ n: 2, name: 'report' });
    expect(ring()).toEqual([
      { n: 2, outcome: 'done' },
      { n: 1, outcome: 'undecided', reason: 'no-answer' },
    ]);
    end({ outcome: 'done' });
    await quiet();
    expect(ring()).toEqual([
      { n: 2, outcome: 'done' },
      { n: 1, outcome: 'done' },
    ]);
  });

  test('amends what it called undecided itself, when the effect shows', async () => {
    world.hardware.results.push(undecided());
    await world.command({ n: 1, name: 'start' });
    expect(ring()).toEqual([{ n: 1, outcome: 'undecided', reason: 'no-session' }]);
    world.hardware.use({}, { amends: { n: 1, result: { outcome: 'rejected', reason: 'no-session' } } });
    await quiet();
    expect(ring()).toEqual([{ n: 1, outcome: 'rejected', reason: 'no-session' }]);
  });

  test('is heard also where the effect shows before the call has an end', async () => {
    const { promise, end } = pending();
    world.hardware.results.push(() => promise);
    await world.command({ n: 1, name: 'start' });
    world.hardware.use({}, { amends: { n: 1, result: { outcome: 'done' } } });
    end(undecided('timeout'));
    await quiet();
    expect(ring()).toEqual([{ n: 1, outcome: 'done' }]);
  });

  test('is not heard where it contradicts its own last word', async () => {
    await world.command({ n: 1, name: 'start' });
    world.hardware.use({}, { amends: { n: 1, result: { outcome: 'rejected', reason: 'fault' } } });
    await quiet();
    expect(ring()).toEqual([{ n: 1, outcome: 'done' }]);
  });

  test('ends the hold with a `start` that was done after all, and with a `reserve` that was not', async () => {
    await world.command({ n: 1, name: 'reserve', holdMs: 600_000 });
    world.hardware.results.push(undecided());
    await world.command({ n: 2, name: 'start' });
    expect(world.report.hold?.id).toBe('id-1');
    world.hardware.use({}, { amends: { n: 2, result: { outcome: 'done' } } });
    await quiet();
    expect(world.report.hold).toBeUndefined();
    expect(world.hardware.endedHolds).toEqual(['id-1']);
  });
});

describe('what is undecided', () => {
  test('is never evicted from the ring, however many probes come after it', async () => {
    world.hardware.results.push(undecided());
    await world.command({ n: 1, name: 'start' });
    for (let n = 2; n < 30; n += 1) await world.command({ n, name: 'report' });
    expect(ring()).toHaveLength(RING_SIZE_MAX);
    expect(ring().at(-1)).toEqual({ n: 1, outcome: 'undecided', reason: 'no-session' });
    expect(ring()[0]).toEqual({ n: 29, outcome: 'done' });
  });

  test('fills the ring but for one place: another command that acts is refused as busy', async () => {
    for (let n = 1; n < RING_SIZE_MAX; n += 1) {
      world.hardware.results.push(undecided());
      await world.command({ n, name: 'stop' });
    }
    await world.command({ n: 50, name: 'stop' });
    expect(ring()[0]).toEqual({ n: 50, outcome: 'rejected', reason: 'busy' });
    await world.command({ n: 51, name: 'report' });
    expect(ring()[0]).toEqual({ n: 51, outcome: 'done' });
    expect(ring().filter(({ outcome }) => outcome === 'undecided')).toHaveLength(RING_SIZE_MAX - 1);
  });

  test('outlives a restart, and is settled by what the hardware shows in the next boot', async () => {
    world.hardware.results.push(undecided(), undecided());
    await world.command({ n: 1, name: 'start' });
    await world.command({ n: 2, name: 'stop' });
    world.hardware.isTransparent = 'undecided';
    await world.boot();
    expect(ring().map(({ outcome }) => outcome)).toEqual(['undecided', 'undecided']);
    world.hardware.isTransparent = false;
    await world.boot();
    expect(ring()).toEqual([
      { n: 2, outcome: 'unknown', reason: 'interrupted', fence: { boot: 1 } },
      { n: 1, outcome: 'unknown', reason: 'interrupted', fence: { boot: 1 } },
    ]);
  });

  test('is amended also by what shows between the question of a boot and its first report', async () => {
    world.hardware.results.push(undecided());
    await world.command({ n: 1, name: 'start' });
    world.hardware.isTransparent = 'undecided';
    world.storageMs = 50;
    await world.boot();
    world.hardware.use({}, { amends: { n: 1, result: { outcome: 'done' } } });
    await world.time.pass(1_000);
    expect(ring()).toEqual([{ n: 1, outcome: 'done' }]);
  });

  test('survives a crash at any step: it is undecided, or was never executed', async () => {
    for (let steps = 1; steps < 12; steps += 1) {
      const crashing = new DeviceWorld();
      await crashing.boot();
      crashing.hardware.isTransparent = false;
      crashing.hardware.results.push(undecided());
      crashing.crashSoon(steps);
      await crashing.command({ n: 1, name: 'start' });
      await crashing.boot();
      const named = crashing.report.commands?.map(({ outcome }) => outcome) ?? [];
      expect(['', 'unknown']).toContain(named.join());
    }
  });
});

describe('the moment of an execution', () => {
  test('is told with its deadline, and what the body waits for counts against it', async () => {
    const { promise, end } = pending();
    world.hardware.results.push(() => promise);
    await world.command({ n: 1, name: 'start', notAfterUp: 2_000 });
    const [moment] = world.hardware.moments;
    expect(moment?.notAfterUp).toBe(2_000);
    expect(moment?.mayStillStart()).toBe(true);
    await world.time.pass(2_001);
    expect(moment?.uptime()).toBe(2_001);
    expect(moment?.mayStillStart()).toBe(false);
    end({ outcome: 'rejected', reason: 'too-late' });
    await quiet();
    expect(ring()).toEqual([{ n: 1, outcome: 'rejected', reason: 'too-late' }]);
  });
});

describe('the end of a hold', () => {
  test('is told to the body: by its time, by a command, and across a restart that it did not outlive', async () => {
    await world.command({ n: 1, name: 'reserve', holdMs: 5_000 });
    await world.time.pass(5_000);
    await world.command({ n: 2, name: 'reserve', holdMs: 5_000 });
    await world.command({ n: 3, name: 'release' });
    await world.command({ n: 4, name: 'reserve', holdMs: 5_000 });
    await world.boot();
    expect(world.hardware.endedHolds).toEqual(['id-1', 'id-2', 'id-4']);
  });
});

describe('`reboot` of a station that may refuse it', () => {
  async function bootWith(reset: () => Promise<ActResult>): Promise<void> {
    world.body = { reset };
    await world.boot();
  }

  test('is rejected where the station refuses, and the boot goes on', async () => {
    await bootWith(async () => ({ outcome: 'rejected', reason: 'reset-refused' }));
    await world.command({ n: 1, name: 'reboot' });
    expect(world.report).toMatchObject({
      boot: 2,
      commands: [{ n: 1, outcome: 'rejected', reason: 'reset-refused' }],
    });
  });

  test('is done when the station has granted it and is back', async () => {
    await bootWith(async () => ({ outcome: 'done' }));
    await world.command({ n: 1, name: 'reboot' });
    await quiet();
    expect(world.report).toMatchObject({ boot: 3, commands: [{ n: 1, outcome: 'done' }] });
  });

  test('that was asked for when the power went is proved by no restart: the hardware is asked', async () => {
    await bootWith(() => new Promise(() => undefined));
    await world.command({ n: 1, name: 'reboot' });
    world.hardware.isTransparent = false;
    await world.boot();
    expect(ring()).toEqual([{ n: 1, outcome: 'unknown', reason: 'interrupted', fence: { boot: 2 } }]);
  });

  test('that got no answer is undecided; a late refusal amends it, a late grant is done by the next boot alone', async () => {
    const { promise, end } = pending();
    await bootWith(() => promise);
    await world.command({ n: 1, name: 'reboot' });
    await world.time.pass(AGENT_LIMITS.actMs);
    expect(ring()).toEqual([{ n: 1, outcome: 'undecided', reason: 'no-answer' }]);
    end({ outcome: 'done' });
    await quiet();
    expect(ring()).toEqual([{ n: 1, outcome: 'undecided', reason: 'no-answer' }]);
  });
});

describe('an agent whose station is gone', () => {
  test('makes no heartbeat and reports no change; its boot goes on when it is back, with a report at once', async () => {
    world.agent?.suspend();
    const made = world.hub.reports.length;
    world.hardware.use({ doorOpen: true });
    await world.time.pass(10 * AGENT_LIMITS.heartbeatMs);
    expect(world.hub.reports).toHaveLength(made);
    expect(world.agent?.status().isSuspended).toBe(true);
    world.agent?.resume();
    await quiet();
    expect(world.hub.reports).toHaveLength(made + 1);
    expect(world.report).toMatchObject({ boot: 1, state: 'available', sensors: { doorOpen: true } });
    await world.time.pass(AGENT_LIMITS.heartbeatMs);
    expect(world.hub.reports).toHaveLength(made + 2);
  });

  test('refuses every command as not connected, by a report that says nothing of the station', async () => {
    world.agent?.suspend();
    await world.command({ n: 1, name: 'start' });
    await world.command({ n: 2, name: 'report' });
    expect(world.hardware.executions).toEqual([]);
    expect(world.report).toMatchObject({ state: 'not-connected', sensors: {} });
    expect(ring()).toEqual([
      { n: 2, outcome: 'rejected', reason: 'not-connected' },
      { n: 1, outcome: 'rejected', reason: 'not-connected' },
    ]);
  });

  test('keeps what is undecided, and lets go of a hold by itself all the same', async () => {
    await world.command({ n: 1, name: 'reserve', holdMs: 5_000 });
    world.hardware.results.push(undecided());
    await world.command({ n: 2, name: 'stop' });
    world.agent?.suspend();
    await world.time.pass(5_000);
    expect(world.hardware.endedHolds).toEqual(['id-1']);
    world.agent?.resume();
    await quiet();
    expect(world.report.hold).toBeUndefined();
    expect(ring()[0]).toEqual({ n: 2, outcome: 'undecided', reason: 'no-session' });
  });
});
