/**
 * A node on the hub and the store in memory, where the store answers late: what the node says meanwhile, and in which order.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { kinds } from '../../machines/kinds.ts';
import { DeviceLog } from '../../src/telemetry/device-log.ts';
import { MemoryBus } from '../../src/memory/bus.ts';
import { MemoryFeed } from '../../src/memory/feed.ts';
import { type MemoryAnswer, MemoryHub } from '../../src/memory/hub.ts';
import { MemoryLink } from '../../src/memory/link.ts';
import { MemoryStore } from '../../src/memory/store.ts';
import { DEFAULT_LIMITS, type RuntimeLimits } from '../../src/runtime/limits.ts';
import { Node } from '../../src/runtime/node.ts';
import type { Clock, Feed } from '../../src/runtime/ports.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { decode, encode } from '../../src/wire/codec.ts';
import { PARTITIONS, partitionOf } from '../../src/wire/partition.ts';
import { twinCommand, twinGet, twinLedger } from '../../src/wire/subjects.ts';
import { RIGHT_HUB } from '../../tools/right-hub.ts';
import { until } from '../nodes/node.ts';

const log = pino({ level: 'silent' });
const DEVICE = 'cp-1';
const LEASE_MS = 60_000;
/** A report with this note is data that the store refuses. */
const REFUSED = 'refuse this';
const FIRST = '00000000-0000-4000-8000-000000000001';

/** Holds up who passes while it is closed. */
class Gate {
  readonly #waiting: (() => void)[] = [];
  #isOpen = true;

  get waiting(): number {
    return this.#waiting.length;
  }

  close(): void {
    this.#isOpen = false;
  }

  open(): void {
    this.#isOpen = true;
    for (const goOn of this.#waiting.splice(0)) goOn();
  }

  async pass(): Promise<void> {
    if (!this.#isOpen) await new Promise<void>((goOn) => this.#waiting.push(goOn));
  }

  /** Somebody stands before it. */
  async untilSomebodyWaits(): Promise<void> {
    await until('somebody stands before the gate', () => {
      const done = this.waiting > 0;
      return Promise.resolve(done ? { done } : { done, seen: 'nobody' });
    });
  }
}

/** A store whose answers can be held up. */
class LateStore extends MemoryStore {
  readonly renewals = new Gate();
  readonly commits = new Gate();
  /** Of each commit that it took. */
  readonly reportsOfCommits: number[] = [];
  /** Of each commit that it refused because of what a report says. */
  readonly reportsOfRefusals: number[] = [];
  /** So many more commits are refused, whatever is in them. */
  refusals = 0;
  /** So many more commits are refused in which a command is accepted beside a report. */
  refusedCommands = 0;
  /** The next questions for a command's entry pass one of these each. */
  readonly lookUps: Gate[] = [];

  override async renew(...asked: Parameters<MemoryStore['renew']>): ReturnType<MemoryStore['renew']> {
    const answer = await super.renew(...asked);
    await this.renewals.pass();
    return answer;
  }

  override async commit(...asked: Parameters<MemoryStore['commit']>): ReturnType<MemoryStore['commit']> {
    const [{ reports, ledger }] = asked;
    if (reports.length === 1 && ledger.length > 0 && this.refusedCommands > 0) {
      this.refusedCommands -= 1;
      return { type: 'refused', cause: new Error('this command is not stored') };
    }
    if (reports.length > 1 && this.refusals > 0) {
      this.refusals -= 1;
      return { type: 'refused', cause: new Error('this is not stored') };
    }
    if (reports.some(({ report }) => JSON.stringify(report).includes(REFUSED))) {
      this.reportsOfRefusals.push(reports.length);
      await this.commits.pass();
      return { type: 'refused', cause: new Error('this is never stored') };
    }
    this.reportsOfCommits.push(reports.length);
    const answer = await super.commit(...asked);
    await this.commits.pass();
    return answer;
  }

  override async ledgerEntry(
    ...asked: Parameters<MemoryStore['ledgerEntry']>
  ): ReturnType<MemoryStore['ledgerEntry']> {
    await this.lookUps.shift()?.pass();
    return super.ledgerEntry(...asked);
  }
}

/** The node's monotonic clock goes on by so much at once, as nobody can wait for. */
let aheadMs: number;
const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + aheadMs };

let hub: MemoryHub;
let store: LateStore;
let node: Node;
let seq: number;
let backend: MemoryLink;

beforeEach(async () => {
  aheadMs = 0;
  seq = 0;
  hub = new MemoryHub(systemClock);
  backend = new MemoryLink(systemClock);
  store = new LateStore({ kinds, clock: systemClock, serverErrorMs: 50, retentionDays: 30 });
  node = newNode();
  await node.start();
  say('available');
  await untilHeard();
});
afterEach(async () => {
  store.renewals.open();
  store.commits.open();
  await node.stop();
});

/** A node that takes the partitions as soon as nobody holds them, with a way of its own to the streams. */
function newNode({
  toStreams = new MemoryLink(systemClock),
  feed = new MemoryFeed({ hub, link: toStreams, clock: systemClock }),
  ...limits
}: { readonly toStreams?: MemoryLink; readonly feed?: Feed } & Partial<RuntimeLimits> = {}): Node {
  const link = new MemoryLink(systemClock);
  const { telemetry } = createTelemetry(log, new DeviceLog(log, clock), clock);
  return new Node({
    kinds,
    clock,
    store,
    node: 'n1',
    telemetry,
    clockProblem: () => null,
    hubClock: RIGHT_HUB,
    feed,
    bus: new MemoryBus({ hub, link, clock: systemClock }),
    limits: { ...DEFAULT_LIMITS, leaseTtlMs: LEASE_MS, ...limits },
  });
}

function say(state: string, more: object = {}): void {
  seq += 1;
  const report = { boot: 1, seq, up: seq, kind: 'charge-point', state, sensors: {}, ...more };
  hub.storeReport('depot', DEVICE, encode(report, 'json'));
}

function ask(subject: string, body: object = {}, timeoutMs = 60_000): Promise<MemoryAnswer> {
  return hub.request(backend, subject, encode(body, 'json'), timeoutMs);
}

/** The twin has heard all that was said. A node that gives its partitions up may take a question with it. */
async function untilHeard(): Promise<void> {
  await until('everything is heard', async () => {
    const { sequence } = read(await ask(twinGet(DEVICE), {}, 200)) as { sequence?: { seq: number } };
    const done = sequence?.seq === seq;
    return done ? { done } : { done, seen: JSON.stringify(sequence) };
  });
}

function read(answer: MemoryAnswer): Readonly<Record<string, unknown>> {
  if (answer.type !== 'reply') return {};
  const body = decode(answer.payload);
  return body.ok ? (body.value as Readonly<Record<string, unknown>>) : {};
}

describe('a lease', () => {
  test('lasts from when its renewal was asked for, however late that is answered', async () => {
    // The pause between two renewals is counted by timers, which do not know that the clock went on.
    const others = new LateStore({ kinds, clock: systemClock, serverErrorMs: 50, retentionDays: 30 });
    others.renewals.close();
    const link = new MemoryLink(systemClock);
    const { telemetry } = createTelemetry(log, new DeviceLog(log, clock), clock);
    const second = new Node({
      kinds,
      clock,
      store: others,
      node: 'n2',
      telemetry,
      clockProblem: () => null,
      hubClock: RIGHT_HUB,
      feed: new MemoryFeed({ hub, link, clock: systemClock }),
      bus: new MemoryBus({ hub, link, clock: systemClock }),
      limits: { ...DEFAULT_LIMITS, leaseTtlMs: 3_000 },
    });
    await second.start();
    await others.renewals.untilSomebodyWaits();
    expect(second.status.isSure).toBe(true);
    aheadMs = 3_000;
    expect(second.status.isSure).toBe(false);
    others.renewals.open();
    await Promise.resolve();
    await new Promise(setImmediate);
    expect(second.status.isSure).toBe(false);
    aheadMs = 0;
    await second.stop();
  });

  test('that may have run out lets nothing be told that rests on no commit: neither a refusal nor a state', async () => {
    store.commits.close();
    say('charging');
    await store.commits.untilSomebodyWaits();
    // Decided while the commit is under way, to be told after it.
    const questions = [
      ask(twinCommand(DEVICE, 'reserve'), { id: FIRST, args: { token: 'T', holdMs: 60_000 } }),
      ask(twinGet(DEVICE)),
    ];
    await pause(100);
    aheadMs = LEASE_MS;
    store.commits.open();
    // That a node is not sure to own the device may be told at any time, and keeps nobody waiting.
    for (const question of questions) expect(read(await question)).toMatchObject({ code: 'unavailable' });
  });
});

describe('requests of one device', () => {
  test('are decided in the order in which they came, however long it takes to look one of them up', async () => {
    const slow = new Gate();
    slow.close();
    store.lookUps.push(slow);
    const command = ask(twinCommand(DEVICE, 'report'), { id: FIRST, args: {}, waitMs: 0 });
    await slow.untilSomebodyWaits();
    const ledger = ask(twinLedger(DEVICE), { id: FIRST });
    await pause(100);
    slow.open();
    expect(read(await command)).toMatchObject({ id: FIRST, outcome: 'pending' });
    // It was asked after it, so it is known.
    expect(read(await ledger)).toMatchObject({ id: FIRST, outcome: 'pending' });
  });
});

describe('a node that has taken a partition', () => {
  const stop = twinCommand(DEVICE, 'stop');

  test('accepts nothing but `report` before it has read what the hub had stored by then', async () => {
    say('charging');
    await untilHeard();
    await node.stop();
    // Said while nobody listened: there is nothing to stop any more.
    say('available');
    const toStreams = new MemoryLink(systemClock);
    toStreams.freeze();
    node = newNode({ toStreams });
    await node.start();
    await until('the device is served again', async () => {
      const { state } = read(await ask(twinGet(DEVICE), {}, 200));
      const done = state === 'charging';
      return done ? { done } : { done, seen: String(state) };
    });
    const refused = read(await ask(stop, { id: FIRST, args: {} }));
    expect(refused).toMatchObject({ code: 'unavailable' });
    expect(String(refused.detail)).toContain('is not read yet, so it accepts nothing but report');
    const second = FIRST.replace(/1$/, '2');
    expect(read(await ask(twinCommand(DEVICE, 'report'), { id: second, args: {} }))).toMatchObject({
      outcome: 'pending',
    });
    expect(read(await ask(twinGet(DEVICE)))).toMatchObject({ allowed: ['report'] });
    expect(read(await ask(twinLedger(DEVICE), { id: FIRST })), 'it was not accepted').toMatchObject({
      code: 'unknown-id',
    });
    toStreams.heal();
    await untilHeard();
    const now = read(await ask(stop, { id: FIRST, args: {} }));
    expect(now, 'asked again, it is decided on what is known now').toMatchObject({ code: 'illegal-state' });
  });

  test('accepts what is asked of the devices of a site of which the hub had stored nothing', async () => {
    await node.stop();
    node = newNode();
    await node.start();
    hub.storeReport(
      'annex',
      'cp-2',
      encode({ boot: 1, seq: 1, up: 1, kind: 'charge-point', state: 'charging', sensors: {} }, 'json'),
    );
    await until('the device is asked to stop', async () => {
      const answer = read(await ask(twinCommand('cp-2', 'stop'), { id: FIRST, args: {}, waitMs: 0 }, 500));
      const done = answer.acceptedAt !== undefined;
      return done ? { done } : { done, seen: JSON.stringify(answer) };
    });
  });
});

describe('a request that was decided on', () => {
  const second = FIRST.replace(/1$/, '2');
  const report = twinCommand(DEVICE, 'report');

  /** Nobody holds the partitions any more, and whoever did cannot commit. */
  const takeAway = async (): Promise<void> => store.release(await store.leases());

  test('is answered at once when its node hears that it lost the partition, while the store has not answered', async () => {
    await node.stop();
    node = newNode({ leaseTtlMs: 3_000 });
    await node.start();
    await untilHeard();
    store.commits.close();
    const given = ask(report, { id: FIRST, args: {}, waitMs: 0 });
    await store.commits.untilSomebodyWaits();
    // Decided while that commit is under way, and never given to the store.
    const filled = ask(report, { id: second, args: {}, waitMs: 0 });
    const state = ask(twinGet(DEVICE));
    await pause(100);
    await takeAway();
    expect(read(await given)).toMatchObject({ outcome: 'failed', code: 'undecided' });
    expect(read(await filled)).toMatchObject({ outcome: 'failed', code: 'unavailable' });
    expect(read(await state)).toMatchObject({ outcome: 'failed', code: 'unavailable' });
  });

  test('is answered at once when the commit is refused because another owns the partition', async () => {
    await takeAway();
    const answer = read(await ask(report, { id: FIRST, args: {}, waitMs: 0 }));
    expect(answer).toMatchObject({ outcome: 'failed', code: 'undecided' });
    expect(String(answer.detail)).toContain('ask again with the same id');
  });
});

describe('what was committed and is not published yet', () => {
  /** Numbers of the device's partition, as the stream holds them. */
  function published(): readonly number[] {
    return hub.changes.messages
      .map(
        ({ payload }) => JSON.parse(new TextDecoder().decode(payload)) as { partition: number; no: number },
      )
      .filter(({ partition }) => partition === partitionOf(DEVICE))
      .map(({ no }) => no);
  }

  test('is left to the next owner, which publishes what the store still knows and nothing else', async () => {
    const setBack = store.keep();
    hub.changes.refuse('full');
    say('charging');
    await untilHeard();
    const before = await store.journalAfter(partitionOf(DEVICE), 0, 1_000);
    setBack();
    // Its commits are refused from now on, and it takes the partition anew.
    say('available');
    await untilHeard();
    const after = await store.journalAfter(partitionOf(DEVICE), 0, 1_000);
    hub.changes.refuseNoMore();
    await until('the journal is published', async () => {
      const done = published().includes(after.at(-1)?.no ?? 0);
      return done ? { done } : { done, seen: JSON.stringify(published()) };
    });
    const numbers = after.map(({ no }) => no);
    expect(published()).toEqual(numbers);
    expect(before.filter(({ no }) => !numbers.includes(no))).not.toEqual([]);
  });
});

describe('a message that the store refuses', () => {
  test('is found one by one, becomes a dead letter, and then reports share commits again', async () => {
    for (const note of ['a', 'b', REFUSED, 'c']) say('available', { note });
    await untilHeard();
    const before = store.reportsOfCommits.length;
    for (let more = 0; more < 200; more += 1) say('available');
    await untilHeard();
    expect(Math.max(...store.reportsOfCommits.slice(before))).toBeGreaterThan(10);
  });

  test('is found however much else is decided before it', async () => {
    await node.stop();
    node = newNode({ batchReportsMax: 4 });
    await node.start();
    await untilHeard();
    for (const note of ['a', 'b', 'c', 'd', 'e', REFUSED, 'f', 'g', 'h', REFUSED, 'i'])
      say('available', { note });
    await untilHeard();
  });

  test('is decided alone, whatever came while it was refused with others', async () => {
    store.commits.close();
    say('available');
    await store.commits.untilSomebodyWaits();
    // Both are decided while that commit is under way, and share the next one.
    say('available');
    say('available', { note: REFUSED });
    await pause(100);
    store.commits.open();
    store.commits.close();
    await store.commits.untilSomebodyWaits();
    for (let more = 0; more < 50; more += 1) say('available');
    store.commits.open();
    await untilHeard();
    expect(store.reportsOfRefusals).toEqual([2, 1]);
  });

  test('is none that was decided beside what the store refuses', async () => {
    store.refusedCommands = 1;
    store.commits.close();
    say('available');
    await store.commits.untilSomebodyWaits();
    // Both are decided while that commit is under way, and share the next one.
    say('available');
    const answer = ask(twinCommand(DEVICE, 'report'), { id: FIRST, args: {}, waitMs: 0 });
    await pause(100);
    store.commits.open();
    expect(read(await answer)).toMatchObject({ outcome: 'failed' });
    await untilHeard();
    expect(store.refusedCommands).toBe(0);
    expect(await store.deadLetters({ device: null, reason: null, before: null, limit: 10 })).toEqual([]);
  });

  test('keeps nothing alone that the store takes after all: reports share commits again', async () => {
    await node.stop();
    node = newNode({ batchReportsMax: 20 });
    await node.start();
    await untilHeard();
    store.refusals = 1;
    for (let more = 0; more < 40; more += 1) say('available');
    await untilHeard();
    expect(store.refusals).toBe(0);
    const before = store.reportsOfCommits.length;
    for (let more = 0; more < 200; more += 1) say('available');
    await untilHeard();
    expect(Math.max(...store.reportsOfCommits.slice(before))).toBeGreaterThan(10);
  });
});

test('a node that stops writes what it set aside last, though nothing was decided since', async () => {
  await node.stop();
  // No time passes at the hub, so that of what is above a rate nothing is heard now and then.
  const now = systemClock.now();
  hub = new MemoryHub({ ...systemClock, now: () => now });
  store = new LateStore({ kinds, clock: systemClock, serverErrorMs: 50, retentionDays: 30 });
  const streams = new MemoryFeed({ hub, link: new MemoryLink(systemClock), clock: systemClock });
  const feed: Feed = {
    // What is set aside is not read again while it runs.
    open: async (options) => {
      const reading = await streams.open(options);
      return { read: () => new Promise(() => undefined), stop: () => reading.stop() };
    },
  };
  node = newNode({ feed, deviceRate: { perSecond: 1, burst: 2 } });
  await node.start();
  const sayAndSetAside = async (count: number): Promise<void> => {
    const wanted = node.status.backlog + count;
    for (let more = 0; more < count; more += 1) say('available');
    await until('it is set aside', () => {
      const { backlog } = node.status;
      return Promise.resolve(backlog >= wanted ? { done: true } : { done: false, seen: String(backlog) });
    });
  };
  seq = 0;
  for (const state of ['available', 'available', 'available']) say(state);
  await until('what is within the rate is decided', async () => {
    const page = { from: null, to: null, after: null, isNewestFirst: false, limit: 99 };
    const { length } = await store.reports(DEVICE, page);
    return length > 1 ? { done: true } : { done: false, seen: String(length) };
  });
  await sayAndSetAside(5);
  const { backlog: setAside } = node.status;
  await sayAndSetAside(1);
  await node.stop();
  const leases = await store.acquire({ node: 'next', limit: PARTITIONS, ttlMs: LEASE_MS, epochAtLeast: 0 });
  const lease = leases.find(({ partition }) => partition === partitionOf(DEVICE));
  expect(lease?.positions).toMatchObject([{ stream: 'DEVICES-depot', position: seq }]);
  expect(lease?.backlog.reduce((sum, { messages }) => sum + messages, 0)).toBe(setAside + 1);
});
