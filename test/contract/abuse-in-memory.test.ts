/**
 * A node on the hub and the store in memory, and sites that say too much: what is decided, kept and counted.
 */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { kinds } from '../../machines/kinds.ts';
import { DeviceLog } from '../../src/telemetry/device-log.ts';
import { MemoryBus } from '../../src/memory/bus.ts';
import { MemoryFeed } from '../../src/memory/feed.ts';
import { MemoryHub } from '../../src/memory/hub.ts';
import { MemoryLink } from '../../src/memory/link.ts';
import { MemoryStore } from '../../src/memory/store.ts';
import type { NumberedDeadLetter } from '../../src/contract/dead-letter.ts';
import { ANY_DEVICE } from '../../src/contract/device-filter.ts';
import { BY_ID } from '../../src/runtime/device-query.ts';
import { DEFAULT_LIMITS, type RuntimeLimits } from '../../src/runtime/limits.ts';
import { Node } from '../../src/runtime/node.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { encode } from '../../src/wire/codec.ts';
import { partitionOf } from '../../src/wire/partition.ts';
import { RIGHT_HUB } from '../../tools/right-hub.ts';
import { until } from '../nodes/node.ts';

const log = pino({ level: 'silent' });

let hub: MemoryHub;
let store: MemoryStore;
let node: Node | null = null;
let counted: ReturnType<typeof createTelemetry>;

beforeEach(() => {
  hub = new MemoryHub(systemClock);
  store = new MemoryStore({ kinds, clock: systemClock, serverErrorMs: 50, retentionDays: 30 });
});
afterEach(async () => {
  await node?.stop();
  node = null;
});

/** Starts a node, which reads what the stream holds by then. */
async function startNode(limits: Partial<RuntimeLimits> = {}): Promise<void> {
  const clock = systemClock;
  const link = new MemoryLink(clock);
  counted = createTelemetry(log, new DeviceLog(log, clock), clock);
  node = new Node({
    kinds,
    clock,
    store,
    node: 'n1',
    telemetry: counted.telemetry,
    clockProblem: () => null,
    hubClock: RIGHT_HUB,
    feed: new MemoryFeed({ hub, link, clock }),
    bus: new MemoryBus({ hub, link, clock }),
    limits: { ...DEFAULT_LIMITS, ...limits },
  });
  await node.start();
}

/** Everything of the stream is decided. */
async function untilDecided(): Promise<void> {
  await until('everything is decided', async () => {
    const leases = await store.leases();
    const reached = new Map<string, number>();
    for (const { stream, position } of leases.flatMap(({ positions }) => positions))
      reached.set(stream, Math.max(reached.get(stream) ?? 0, position));
    const ranges = leases.flatMap(({ backlog }) => backlog);
    const isRead = [...hub.reports.all].every(
      ([name, { lastSequence }]) => reached.get(name) === lastSequence,
    );
    const done = isRead && ranges.length === 0;
    return done ? { done } : { done, seen: JSON.stringify({ reached: [...reached], ranges }) };
  });
}

function say(device: string, seq: number, { site = 'depot', ...more }: Record<string, unknown> = {}): void {
  const report = { boot: 1, seq, up: seq, kind: 'charge-point', state: 'available', sensors: {}, ...more };
  hub.storeReport(site as string, device, encode(report, 'msgpack'));
}

/** Names of devices of the partition of the first. */
function neighbours(count: number): readonly string[] {
  const names = Array.from({ length: 1_000 }, (_, index) => `cp-${String(index)}`);
  return names.filter((name) => partitionOf(name) === partitionOf('cp-0')).slice(0, count);
}

async function sequencesOf(device: string): Promise<readonly number[]> {
  const page = { from: null, to: null, after: null, isNewestFirst: false, limit: 10_000 };
  return (await store.reports(device, page)).map(({ seq }) => seq);
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('devices of one partition above their rates', () => {
  test('are decided on whole, each message once, however they follow each other', async () => {
    const devices = neighbours(3);
    for (const seq of numbers(900))
      for (const [index, device] of devices.entries()) {
        // One of them falls silent before the others do, and one speaks in fits.
        if (index === 0 && seq > 500) continue;
        if (index === 1 && seq % 100 > 50) continue;
        say(device, index === 1 ? seq - 50 * Math.floor(seq / 100) : seq);
      }
    await startNode({ mailboxMessagesMax: 50 });
    await untilDecided();
    for (const device of devices) {
      const stored = hub.reports
        .of('depot')
        .messages.filter(({ subject }) => subject.endsWith(`.${device}`)).length;
      const seqs = await sequencesOf(device);
      expect(new Set(seqs).size, device).toBe(seqs.length);
      const duplicates = (await store.twin(device))!.twin.sequence.duplicates;
      expect(seqs.length + duplicates, device).toBe(stored);
    }
  });
});

describe('a site at its bound of devices that nobody registered', () => {
  const max = { unregisteredDevicesMax: 3 };

  function register(device: string, site = 'depot'): void {
    store.register({ device, kind: 'charge-point', site, registered: true, labels: {} });
  }

  async function heard(): Promise<readonly string[]> {
    const page = { ...ANY_DEVICE, order: BY_ID, cursor: null, limit: 1_000 };
    const { devices } = await store.find(page);
    return devices.filter(({ twin }) => twin.newest !== null).map(({ device }) => device);
  }

  async function refused(): Promise<readonly NumberedDeadLetter[]> {
    const page = { device: null, reason: 'too-many-unregistered', before: null, limit: 1_000 };
    return (await store.deadLetters(page)).toReversed();
  }

  test('gets no further one, hears those it has and the registered ones, and touches no other site', async () => {
    register('known');
    for (const device of ['a', 'b', 'c']) say(device, 1);
    await startNode(max);
    await untilDecided();
    for (const device of ['d', 'known', 'a', 'b', 'c', 'd']) say(device, 2);
    say('e', 1, { site: 'harbour' });
    await untilDecided();
    expect(await heard()).toEqual(['a', 'b', 'c', 'e', 'known']);
    for (const device of ['a', 'b', 'c']) expect(await sequencesOf(device)).toEqual([1, 2]);
    const letters = await refused();
    expect(letters.map(({ device, site }) => `${site} ${device}`)).toEqual(['depot d', 'depot d']);
    expect(letters[0]!.detail).toMatch(/site depot has 3 devices .* below 3: register the device/);
    const text = await counted.registry.metrics();
    expect(text).toContain('corral_dead_letters_total{reason="too-many-unregistered"} 2');
  });

  test('is at it after the node was started again, also above it', async () => {
    for (const device of ['a', 'b', 'c', 'd', 'e']) say(device, 1);
    await startNode();
    await untilDecided();
    await node?.stop();
    for (const device of ['a', 'b', 'c', 'd', 'e', 'f']) say(device, 2);
    await startNode(max);
    await untilDecided();
    expect(await heard()).toEqual(['a', 'b', 'c', 'd', 'e']);
    for (const device of await heard()) expect(await sequencesOf(device)).toEqual([1, 2]);
    expect((await refused()).map(({ device }) => device)).toEqual(['f']);
  });

  test('hears a device that was registered meanwhile once the node was started again', async () => {
    for (const device of ['a', 'b', 'c', 'd']) say(device, 1);
    await startNode(max);
    await untilDecided();
    expect(await heard()).toEqual(['a', 'b', 'c']);
    await node?.stop();
    register('d');
    // One that is registered takes no room of those that are not.
    register('a');
    say('d', 2);
    say('e', 1);
    say('f', 1);
    await startNode(max);
    await untilDecided();
    expect(await heard()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect((await refused()).map(({ device }) => device)).toEqual(['d', 'f']);
  });

  test('has room for whom nothing was decided: what cannot be read or told counts for nobody', async () => {
    for (const device of ['x', 'y', 'z']) say(device, 1, { kind: 'submarine' });
    for (const device of ['u', 'v', 'w']) say(device, 1, { up: 'long' });
    for (const device of ['a', 'b', 'c', 'd']) say(device, 1);
    await startNode(max);
    await untilDecided();
    expect(await heard()).toEqual(['a', 'b', 'c']);
    expect((await refused()).map(({ device }) => device)).toEqual(['d']);
  });
});

describe('what cannot be read', () => {
  const rubbish = new TextEncoder().encode('hello');
  const ALL = { device: null, reason: null, before: null, limit: 1_000 };

  async function reasons(): Promise<Readonly<Record<string, number>>> {
    const found: Record<string, number> = {};
    for (const { reason } of await store.deadLetters(ALL)) found[reason] = (found[reason] ?? 0) + 1;
    return found;
  }

  test('is kept up to sixty a minute and device, and the rest is counted in one', async () => {
    for (let index = 0; index < 1_000; index += 1) hub.storeReport('depot', 'cp-1', rubbish);
    await startNode();
    await untilDecided();
    await node?.stop();
    const { 'not-a-map': kept = 0, 'too-many-dead-letters': counts = 0 } = await reasons();
    // The thousand may lie in two minutes.
    expect([60, 120]).toContain(kept);
    expect(counts).toBe(kept / 60);
    const letters = await store.deadLetters({ ...ALL, reason: 'too-many-dead-letters' });
    const left = letters.map(({ detail }) => Number(/^\d+/.exec(detail)![0]));
    expect(left.reduce((sum, count) => sum + count) + kept).toBe(1_000);
    const bytes = letters.reduce((sum, letter) => sum + letter.bytes, 0);
    expect(bytes, 'of all that are counted').toBe((1_000 - kept) * rubbish.length);
    const text = await counted.registry.metrics();
    expect(text).toContain('corral_dead_letters_total{reason="not-a-map"} 1000');
    expect(text).toContain(`corral_dead_letters_left_total ${String(1_000 - kept)}`);
  });

  test('is bounded for a site, whatever its devices call themselves, and another site keeps its own', async () => {
    for (let index = 0; index < 3_000; index += 1) hub.storeReport('depot', `x-${String(index)}`, rubbish);
    hub.storeReport('harbour', 'cp-1', rubbish);
    await startNode();
    await untilDecided();
    await node?.stop();
    const letters = await store.deadLetters({ ...ALL, limit: 5_000 });
    expect(letters.filter(({ site }) => site === 'depot').length).toBeLessThanOrEqual(2 * 601);
    expect(letters.filter(({ site }) => site === 'harbour')).toHaveLength(1);
  });
});
