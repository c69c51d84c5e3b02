import { beforeEach, describe, expect, test } from 'vitest';
import type { Report } from '../../../machines/report.ts';
import { AGENT_LIMITS } from '../../../src/device/limits.ts';
import { DeviceWorld, quiet } from './device-world.ts';

let world: DeviceWorld;

const positions = (reports: readonly Report[]): string[] => reports.map(({ boot, seq }) => `${boot}/${seq}`);
const seqs = (reports: readonly Report[]): number[] => reports.map(({ seq }) => seq);

/** People use the device so many times, a second apart. */
async function use(times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await world.time.pass(1_000);
    world.hardware.use({ level: world.time.now });
    await quiet();
  }
}

beforeEach(() => {
  world = new DeviceWorld();
});

describe('after an outage', () => {
  test('the current report comes first and alone, then the older ones in one frame, in order', async () => {
    await world.boot();
    world.hub.mood = 'deaf';
    await use(5);
    world.hub.frames.length = 0;
    world.hub.mood = 'ok';
    await world.time.pass(AGENT_LIMITS.retryLongestMs);
    expect(world.hub.frames.map(seqs)).toEqual([[6], [2, 3, 4, 5]]);
  });

  test('with the order fifo everything comes oldest first', async () => {
    world.options = { order: 'fifo' };
    await world.boot();
    world.hub.mood = 'deaf';
    await use(5);
    world.hub.frames.length = 0;
    world.hub.mood = 'ok';
    await world.time.pass(AGENT_LIMITS.retryLongestMs);
    expect(world.hub.frames.map(seqs)).toEqual([[2, 3, 4, 5, 6]]);
  });

  test('what is new overtakes what is old between two frames', async () => {
    world.limits = { ...AGENT_LIMITS, frameReportsMax: 2 };
    await world.boot();
    world.hub.mood = 'deaf';
    await use(5);
    world.hub.frames.length = 0;
    world.hub.mood = 'ok';
    const { publish } = world.hub;
    world.hub.publish = async (payload) => {
      await publish.call(world.hub, payload);
      if (world.hub.frames.length === 2) await world.command({ n: 1, name: 'report' });
    };
    await world.time.pass(AGENT_LIMITS.retryLongestMs);
    expect(world.hub.frames.map(seqs)).toEqual([[6], [2, 3], [7], [4, 5]]);
  });

  test('a frame holds no more bytes than it may, and a report is never split off its place', async () => {
    world.limits = { ...AGENT_LIMITS, frameBytesMax: 700 };
    await world.boot();
    world.hub.mood = 'deaf';
    await use(20);
    world.hub.frames.length = 0;
    world.hub.mood = 'ok';
    await world.time.pass(AGENT_LIMITS.retryLongestMs);
    const [current, ...older] = world.hub.frames;
    expect(seqs(current ?? [])).toEqual([21]);
    expect(seqs(older.flat())).toEqual(Array.from({ length: 19 }, (_, index) => index + 2));
    for (const frame of older) expect(JSON.stringify(frame).length).toBeLessThanOrEqual(700);
    expect(older.some((frame) => frame.length > 1)).toBe(true);
  });

  test('that spans restarts, the current report comes first and the earlier boots follow in order', async () => {
    world.hub.mood = 'deaf';
    for (let boot = 1; boot <= 3; boot += 1) {
      await world.boot();
      await use(2);
      world.crash();
    }
    world.hub.mood = 'ok';
    await world.boot();
    await world.time.pass(AGENT_LIMITS.retryLongestMs);
    expect(world.hub.frames.map(positions)).toEqual([
      ['4/1'],
      ['1/1', '1/2', '1/3', '2/1', '2/2', '2/3', '3/1', '3/2', '3/3'],
    ]);
  });
});

describe('while nothing gets through', () => {
  test('pauses grow up to their longest', async () => {
    await world.boot();
    world.hub.mood = 'deaf';
    const { publish } = world.hub;
    const tries: number[] = [];
    world.hub.publish = async (payload) => {
      tries.push(world.time.now);
      await publish.call(world.hub, payload);
    };
    world.hardware.use({ level: 1 });
    await world.time.pass(50_000);
    const pauses = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
    for (const [index, pause] of pauses.entries()) {
      const grown = Math.min(AGENT_LIMITS.retryFirstMs * 2 ** index, AGENT_LIMITS.retryLongestMs);
      expect(pause).toBeLessThanOrEqual(grown);
      expect(pause).toBeGreaterThan(grown * 0.7);
    }
    expect(pauses.length).toBeGreaterThan(7);
  });

  test('each try carries the newest report', async () => {
    await world.boot();
    world.hub.mood = 'mute';
    await use(20);
    const tried = world.hub.frames.slice(1);
    expect(tried.every((frame) => frame.length === 1)).toBe(true);
    const sent = seqs(tried.flat());
    expect(sent).toEqual([...sent].sort((a, b) => a - b));
    expect(sent.at(-1)).toBeGreaterThan(10);
  });

  test('a pause ends as soon as the connection is back', async () => {
    await world.boot();
    world.hub.mood = 'deaf';
    await use(20);
    world.hub.mood = 'ok';
    world.hub.listener?.restored();
    await quiet();
    expect(world.agent?.status()).toMatchObject({ pending: 0, isDelivering: true });
  });

  test('a pause ends as soon as a command arrives, since then the link works', async () => {
    await world.boot();
    world.hub.mood = 'deaf';
    await use(20);
    world.hub.mood = 'ok';
    await world.command({ n: 1, name: 'report' });
    expect(world.hub.reports.some(({ commands }) => commands?.[0]?.n === 1)).toBe(true);
  });

  test('one publish is in flight at most', async () => {
    let open = 0;
    let openMost = 0;
    const { publish } = world.hub;
    world.hub.publish = async (payload) => {
      open += 1;
      openMost = Math.max(openMost, open);
      await new Promise<void>((resolve) => world.time.after(3_000, resolve));
      open -= 1;
      await publish.call(world.hub, payload);
    };
    await world.boot();
    await use(20);
    expect(openMost).toBe(1);
  });
});

describe('what the hub acked', () => {
  test('is not sent again, not even after a restart', async () => {
    await world.boot();
    await use(3);
    world.hub.frames.length = 0;
    await world.boot();
    await use(1);
    expect(positions(world.hub.reports)).toEqual(['2/1', '2/2']);
  });

  test('without the ack arriving is sent again until it does', async () => {
    await world.boot();
    world.hub.mood = 'mute';
    await use(1);
    world.hub.mood = 'ok';
    await world.time.pass(AGENT_LIMITS.retryLongestMs);
    const copies = world.hub.reports.filter(({ seq }) => seq === 2);
    expect(copies.length).toBeGreaterThan(1);
    for (const copy of copies) expect(copy).toEqual(copies[0]);
    expect(world.agent?.status().pending).toBe(0);
  });
});

describe('a full outbox', () => {
  test('drops the oldest report for a new one, which the server sees as missing', async () => {
    world.limits = { ...AGENT_LIMITS, outboxReportsMax: 4 };
    world.hub.mood = 'deaf';
    await world.boot();
    await use(9);
    expect(world.agent?.status()).toMatchObject({ pending: 4, dropped: 6 });
    world.hub.mood = 'ok';
    await world.time.pass(AGENT_LIMITS.retryLongestMs);
    expect(world.hub.frames.map(seqs)).toEqual([[10], [7, 8, 9]]);
  });

  test('by bytes does the same', async () => {
    world.limits = { ...AGENT_LIMITS, outboxBytesMax: 900 };
    world.hub.mood = 'deaf';
    await world.boot();
    await use(30);
    const { pending = 0 } = world.agent?.status() ?? {};
    expect(pending).toBeGreaterThan(2);
    expect(pending).toBeLessThan(10);
  });

  test('stays dropped after a restart', async () => {
    world.limits = { ...AGENT_LIMITS, outboxReportsMax: 4 };
    world.hub.mood = 'deaf';
    await world.boot();
    await use(9);
    world.limits = AGENT_LIMITS;
    await world.boot();
    expect(world.agent?.status().pending).toBe(5);
  });

  test('keeps every outcome, since the newest report names them all', async () => {
    world.limits = { ...AGENT_LIMITS, outboxReportsMax: 2 };
    world.hub.mood = 'deaf';
    await world.boot();
    for (let n = 1; n <= 6; n += 1) await world.command({ n, name: 'report' });
    world.hub.mood = 'ok';
    await world.time.pass(AGENT_LIMITS.retryLongestMs);
    expect(world.hub.reports[0]?.commands?.map(({ n }) => n)).toEqual([6, 5, 4, 3, 2, 1]);
  });
});

test('a report that fits into no frame ends the agent instead of blocking all others', async () => {
  await world.boot();
  world.hardware.use({ note: 'x'.repeat(AGENT_LIMITS.frameBytesMax) });
  await quiet();
  await expect(world.agent?.ended).resolves.toBeInstanceOf(Error);
});
