/**
 * A gateway whose twin lives on one node, and devices of it whose twins live on another: what is known of it travels through the store. On
 * the same node it travels at once.
 */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Twin } from '../../actors/twin.ts';
import { chargePoint } from '../../machines/charge-point.ts';
import { worldState } from '../../machines/statechart.ts';
import { DeviceLog } from '../../src/telemetry/device-log.ts';
import { MemoryBus } from '../../src/memory/bus.ts';
import { MemoryFeed } from '../../src/memory/feed.ts';
import { MemoryHub } from '../../src/memory/hub.ts';
import { MemoryLink } from '../../src/memory/link.ts';
import { MemoryStore } from '../../src/memory/store.ts';
import { DEFAULT_LIMITS } from '../../src/runtime/limits.ts';
import { Node } from '../../src/runtime/node.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { encode } from '../../src/wire/codec.ts';
import { PARTITIONS, partitionOf } from '../../src/wire/partition.ts';
import { RIGHT_HUB } from '../../tools/right-hub.ts';
import { until } from '../nodes/node.ts';

const SILENCE_MS = 2_000;
const kinds = [{ ...chargePoint, limits: { ...chargePoint.limits, silenceMs: SILENCE_MS } }];
/** What is known of sources is read with each renewal, three times within that. */
const LEASE_MS = 3_000;
const HALF = PARTITIONS / 2;
const log = pino({ level: 'silent' });

/** The first ids of this prefix whose partitions are in one half of all. */
function idsIn(prefix: string, half: 'lower' | 'upper', count: number): readonly string[] {
  const ids: string[] = [];
  for (let index = 0; ids.length < count; index += 1) {
    const id = `${prefix}-${String(index)}`;
    if (partitionOf(id) < HALF === (half === 'lower')) ids.push(id);
  }
  return ids;
}

const [GATEWAY] = idsIn('gw', 'lower', 1) as [string];
const DEVICES = idsIn('cp', 'upper', 8);

let hub: MemoryHub;
let store: MemoryStore;
let nodes: readonly Node[];
let startedAt: number;
let seq: number;

function makeNode(name: string, leaseTtlMs = LEASE_MS): Node {
  const link = new MemoryLink(systemClock);
  const { telemetry } = createTelemetry(log, new DeviceLog(log, systemClock), systemClock);
  return new Node({
    kinds,
    clock: systemClock,
    store,
    node: name,
    telemetry,
    clockProblem: () => null,
    hubClock: RIGHT_HUB,
    feed: new MemoryFeed({ hub, link, clock: systemClock }),
    bus: new MemoryBus({ hub, link, clock: systemClock }),
    // Each keeps what it has taken at first.
    limits: { ...DEFAULT_LIMITS, leaseTtlMs, acquireRetryMs: 3_600_000 },
  });
}

beforeEach(async () => {
  [startedAt, seq] = [Date.now(), 0];
  hub = new MemoryHub(systemClock);
  store = new MemoryStore({ kinds, clock: systemClock, serverErrorMs: 50, retentionDays: 30 });
  const lower = await store.acquire({
    node: 'nobody',
    limit: HALF,
    ttlMs: LEASE_MS,
    epochAtLeast: Date.now(),
  });
  const upper = makeNode('upper');
  await upper.start();
  await store.release(lower);
  const other = makeNode('lower');
  await other.start();
  nodes = [upper, other];
  await until('each has its half', () => {
    const held = nodes.map(({ status }) => status.partitions.length);
    const done = held.every((count) => count === HALF);
    return Promise.resolve(done ? { done } : { done, seen: held.join(' and ') });
  });
});
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
});

/** They report, each once; `state` is what is said of the devices. */
function say(who: readonly string[], state = 'available', session = 1): void {
  seq += 1;
  for (const device of who) {
    const via = device === GATEWAY ? {} : { via: { id: GATEWAY, session } };
    const boot = device === GATEWAY ? session : 1;
    const report = { boot, seq, up: Date.now() - startedAt, kind: 'charge-point', sensors: {}, ...via };
    hub.storeReport('depot', device, encode({ ...report, state }, 'json'));
  }
}

async function untilAll(
  devices: readonly string[],
  what: string,
  is: (twin: Twin) => boolean,
): Promise<void> {
  await until(what, async () => {
    const twins = await Promise.all(devices.map(async (device) => (await store.twin(device))?.twin ?? null));
    const others = twins.filter((twin) => twin === null || !is(twin));
    if (others.length === 0) return { done: true };
    return { done: false, seen: JSON.stringify(others.map((twin) => [twin?.path, twin?.via])) };
  });
}

/** World states of devices, as their journal has them. */
async function statesOf(devices: readonly string[]): Promise<ReadonlySet<string>> {
  const page = { before: null, recordedUpTo: null, limit: 1_000 };
  const lines = await Promise.all(devices.map((device) => store.transitions(device, page)));
  return new Set(lines.flat().map(({ to }) => worldState(to)));
}

describe('a gateway whose twin is on another node', () => {
  test('makes its devices unknown while it is away, and none of them offline', async () => {
    say([GATEWAY, ...DEVICES]);
    await untilAll(DEVICES, 'its gateway is away', ({ via }) => via?.doubt === 'away');
    expect(await statesOf(DEVICES)).toEqual(new Set(['available', 'suspect']));
    expect(await statesOf([GATEWAY])).toEqual(new Set(['available', 'offline']));
    say([GATEWAY, ...DEVICES]);
    await untilAll(
      DEVICES,
      'it is right',
      ({ path, via }) => via?.doubt === null && path.startsWith('available'),
    );
  });

  test('ends what its devices said in the session before', async () => {
    say([GATEWAY, ...DEVICES]);
    await untilAll(DEVICES, 'it is heard', ({ path }) => path.startsWith('available'));
    say([GATEWAY], 'available', 2);
    await untilAll(
      DEVICES,
      'that session has ended',
      ({ via }) => via?.doubt === 'session' || via?.doubt === 'away',
    );
    say(DEVICES, 'available', 2);
    await untilAll(DEVICES, 'it is heard in this one', ({ via }) => via?.session === 2);
  });

  test('is told by its own owner that it plays an old snapshot, and its devices heed that', async () => {
    for (const state of ['available', 'charging', 'available', 'charging'])
      say([GATEWAY, ...DEVICES], state === 'charging' ? state : 'available');
    await untilAll([GATEWAY], 'it was found', ({ suspicions }) =>
      suspicions.some(({ reason }) => reason === 'snapshot-replayed'),
    );
    await untilAll(DEVICES, 'nothing of it counts', ({ via, suspicions }) => {
      const isHeeded = via?.doubt === 'replay' || via?.doubt === 'away';
      return isHeeded && suspicions.every(({ reason }) => reason === 'source-away');
    });
  });
});

test('a gateway whose twin is on the same node is told at once that it plays an old snapshot, before anything is read of it', async () => {
  hub = new MemoryHub(systemClock);
  store = new MemoryStore({ kinds, clock: systemClock, serverErrorMs: 50, retentionDays: 30 });
  // What is known of sources is read with each renewal, of which there is none in this test.
  const alone = makeNode('alone', 3_600_000);
  nodes = [...nodes, alone];
  await alone.start();
  for (const state of ['available', 'charging', 'available', 'charging'])
    say([GATEWAY, ...DEVICES], state === 'charging' ? state : 'available');
  await untilAll([GATEWAY], 'it was found', ({ suspicions }) =>
    suspicions.some(({ reason }) => reason === 'snapshot-replayed'),
  );
});
