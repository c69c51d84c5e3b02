/**
 * What time it is, and a node that takes partitions: nothing is taken before it is known, and what is counted from it is never given again.
 */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kinds } from '../../machines/kinds.ts';
import { DeviceLog } from '../../src/telemetry/device-log.ts';
import { MemoryBus } from '../../src/memory/bus.ts';
import { MemoryFeed } from '../../src/memory/feed.ts';
import { MemoryHub } from '../../src/memory/hub.ts';
import { MemoryLink } from '../../src/memory/link.ts';
import { MemoryStore } from '../../src/memory/store.ts';
import { ClockWatch } from '../../src/runtime/clock-watch.ts';
import { DEFAULT_LIMITS } from '../../src/runtime/limits.ts';
import { Node } from '../../src/runtime/node.ts';
import type { Clock, TimeSource } from '../../src/runtime/ports.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { until } from '../nodes/node.ts';

const HOUR_MS = 3_600_000;
const { serverErrorMs } = DEFAULT_LIMITS;
const log = pino({ level: 'silent' });

/** How far the clocks of the node, the hub and the store are ahead, ms. */
let ahead: { node: number; hub: number; store: number };
let isHubAway: boolean;
let store: MemoryStore;
let watch: ClockWatch;
let node: Node;

const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead.node };
const storeClock: Clock = { ...systemClock, now: () => systemClock.now() + ahead.store };
const sources: readonly TimeSource[] = [
  {
    server: 'hub',
    now: async () => {
      if (isHubAway) throw new Error('the hub is away');
      return systemClock.now() + ahead.hub;
    },
  },
  { server: 'store', now: async () => storeClock.now() },
];

beforeEach(() => {
  ahead = { node: 0, hub: 0, store: 0 };
  isHubAway = false;
  store = new MemoryStore({ kinds, clock: storeClock, serverErrorMs, retentionDays: 30 });
  watch = new ClockWatch({ clock, serverErrorMs, everyMs: 20, onChange: () => undefined });
  const hub = new MemoryHub(systemClock);
  const link = new MemoryLink(systemClock);
  const { telemetry } = createTelemetry(log, new DeviceLog(log, watch), watch);
  node = new Node({
    kinds,
    clock: watch,
    store,
    node: 'n1',
    telemetry,
    clockProblem: () => watch.problem,
    hubClock: watch,
    feed: new MemoryFeed({ hub, link, clock: systemClock }),
    bus: new MemoryBus({ hub, link, clock: systemClock }),
    limits: { ...DEFAULT_LIMITS, leaseTtlMs: 600, acquireRetryMs: 20 },
  });
});

afterEach(async () => {
  watch.stop();
  await node.stop();
});

async function untilItOwns(): Promise<readonly number[]> {
  await until('the node owns all partitions, as the store has it', async () => {
    const leases = await store.leases();
    return { done: leases.every(({ owner }) => owner !== null), seen: JSON.stringify(leases[0]) };
  });
  return (await store.leases()).map(({ epoch }) => epoch);
}

test('takes nothing before it was compared with the hub’s: its own clock alone tells nobody what time it is', async () => {
  ahead.node = HOUR_MS;
  isHubAway = true;
  await watch.start(sources);
  await node.start();
  expect((await store.leases()).every(({ owner }) => owner === null)).toBe(true);
  expect([node.status.isStandby, watch.problem]).toEqual([false, expect.stringMatching(/not compared/)]);
  isHubAway = false;
  const epochs = await untilItOwns();
  // Neither is any epoch an hour ahead.
  expect(Math.max(...epochs)).toBeLessThan(systemClock.now() + HOUR_MS / 2);
});

test('takes nothing while three clocks tell three times and nobody knows whose is right', async () => {
  ahead = { node: HOUR_MS, hub: -HOUR_MS, store: 0 };
  await watch.start(sources);
  await node.start();
  expect((await store.leases()).every(({ owner }) => owner === null)).toBe(true);
  ahead.hub = 0;
  await untilItOwns();
});

test('counts no epoch from the clock of a store that comes back from a backup with another time', async () => {
  await watch.start(sources);
  const setBack = store.keep();
  await node.start();
  const before = await untilItOwns();
  ahead.store = -HOUR_MS;
  setBack();
  const after = await untilItOwns();
  for (const [partition, epoch] of after.entries()) expect(epoch).toBeGreaterThan(before[partition]!);
});

test('gives no epoch again that it had, whatever clocks tell by then', async () => {
  ahead = { node: HOUR_MS, hub: HOUR_MS, store: HOUR_MS };
  await watch.start(sources);
  const setBack = store.keep();
  await node.start();
  const before = await untilItOwns();
  ahead = { node: 0, hub: 0, store: 0 };
  setBack();
  const after = await untilItOwns();
  for (const [partition, epoch] of after.entries()) expect(epoch).toBeGreaterThan(before[partition]!);
});
