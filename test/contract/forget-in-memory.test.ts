/**
 * A device is forgotten while somebody waits for it, on a node in memory whose clock stands still: what was asked waits for an answer of the
 * device for as long as the test likes.
 */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kinds } from '../../machines/kinds.ts';
import { DeviceLog } from '../../src/telemetry/device-log.ts';
import { MemoryBus } from '../../src/memory/bus.ts';
import { MemoryFeed } from '../../src/memory/feed.ts';
import { type MemoryAnswer, MemoryHub, RUNTIME_ACCOUNT } from '../../src/memory/hub.ts';
import { MemoryLink } from '../../src/memory/link.ts';
import { MemoryStore } from '../../src/memory/store.ts';
import { DEFAULT_LIMITS } from '../../src/runtime/limits.ts';
import { Node } from '../../src/runtime/node.ts';
import type { Clock } from '../../src/runtime/ports.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { decode, encode } from '../../src/wire/codec.ts';
import {
  httpCommand,
  httpForget,
  twinCommand,
  twinDesired,
  twinGet,
  twinLedger,
} from '../../src/wire/subjects.ts';
import { RIGHT_HUB } from '../../tools/right-hub.ts';
import { until } from '../nodes/node.ts';

const log = pino({ level: 'silent' });
const DEVICE = 'cp-1';
const ID = '00000000-0000-4000-8000-000000000001';
const OTHER = '00000000-0000-4000-8000-000000000002';
/** Nobody who is answered waits so long, ms: who does is not answered. */
const NEVER_MS = 30_000;

type Body = Readonly<Record<string, unknown>>;

let clock: Clock;
let hub: MemoryHub;
let store: MemoryStore;
let node: Node;
let backend: MemoryLink;

beforeEach(async () => {
  const now = systemClock.now();
  clock = { ...systemClock, now: () => now };
  hub = new MemoryHub(clock);
  backend = new MemoryLink(clock);
  const link = new MemoryLink(clock);
  const { telemetry } = createTelemetry(log, new DeviceLog(log, clock), clock);
  store = new MemoryStore({ kinds, clock, serverErrorMs: 50, retentionDays: 30 });
  node = new Node({
    kinds,
    clock,
    node: 'n1',
    telemetry,
    clockProblem: () => null,
    hubClock: RIGHT_HUB,
    store,
    feed: new MemoryFeed({ hub, link: new MemoryLink(clock), clock }),
    bus: new MemoryBus({ hub, link, clock }),
    limits: DEFAULT_LIMITS,
  });
  await node.start();
});
afterEach(async () => {
  await node.stop();
});

/** The device says this, and is heard. */
async function say(seq: number, more: object = {}): Promise<void> {
  const report = { boot: 1, seq, up: seq, kind: 'charge-point', state: 'available', sensors: {}, ...more };
  hub.storeReport('depot', DEVICE, encode(report, 'json'));
  await until('it is heard', async () => {
    const { sequence } = read(await ask(twinGet(DEVICE), {}, 200)) as { sequence?: { seq: number } };
    return { done: sequence?.seq === seq, seen: JSON.stringify(sequence) };
  });
}

function ask(subject: string, body: object = {}, timeoutMs = NEVER_MS): Promise<MemoryAnswer> {
  return hub.request(backend, subject, encode(body, 'json'), timeoutMs);
}

async function register(): Promise<void> {
  store.register({ device: DEVICE, kind: 'charge-point', site: 'depot', registered: true, labels: {} });
  await until('it is registered', async () => {
    const { code } = read(await ask(twinGet(DEVICE)));
    return { done: code === undefined, seen: String(code) };
  });
}

async function forget(): Promise<Body> {
  const word = encode({ reason: 'sold' }, 'json');
  return read(await hub.request(backend, httpForget('eva', DEVICE), word, NEVER_MS, RUNTIME_ACCOUNT));
}

function read(answer: MemoryAnswer): Body {
  if (answer.type !== 'reply') return { outcome: answer.type };
  const body = decode(answer.payload);
  return body.ok ? (body.value as Body) : {};
}

test('what waits until the device has answered is refused as forgotten at once, whoever asked: it was not accepted', async () => {
  await say(1, { commands: [] });
  const asked = { id: ID, args: {}, waitMs: NEVER_MS };
  const waiting = [ask(twinCommand(DEVICE, 'reserve'), asked)];
  const overHttp = encode({ ...asked, id: OTHER }, 'json');
  waiting.push(
    hub.request(backend, httpCommand('eva', DEVICE, 'reserve'), overHttp, NEVER_MS, RUNTIME_ACCOUNT),
  );
  for (const id of [ID, OTHER])
    await until('it waits', async () => {
      const { code } = read(await ask(twinLedger(DEVICE), { id }));
      return { done: code === 'undecided', seen: String(code) };
    });
  expect(await forget()).toMatchObject({ outcome: 'forgotten', inFlight: 'nothing', inFlightUntil: null });
  const detail = expect.stringContaining('was not accepted') as string;
  expect((await Promise.all(waiting)).map(read)).toMatchObject([
    { id: ID, outcome: 'refused', code: 'forgotten', detail },
    { id: OTHER, outcome: 'refused', code: 'forgotten', detail },
  ]);
});

test('what is in flight beyond the device is told apart from nothing: it may take effect at any time', async () => {
  await say(1, { commands: [{ n: 4, outcome: 'undecided' }] });
  expect(await forget()).toMatchObject({ isRepeated: false, inFlight: 'undecided', inFlightUntil: null });
});

test('asked again nobody can tell what is in flight, and it does not read as nothing', async () => {
  await say(1);
  expect(await forget()).toMatchObject({ isRepeated: false, inFlight: 'nothing' });
  expect(await forget()).toMatchObject({ isRepeated: true, inFlight: 'not-known', inFlightUntil: null });
});

test('a version that was seen before a device was forgotten is none of what is known once it is registered again', async () => {
  await register();
  const patch = { limitA: 16 };
  const { version: seen } = read(await ask(twinDesired(DEVICE), { patch }));
  const { version: known } = read(await ask(twinGet(DEVICE)));
  await forget();
  await register();
  expect(read(await ask(twinGet(DEVICE))).version).toBeGreaterThan(known as number);
  expect(read(await ask(twinDesired(DEVICE), { patch, ifVersion: seen }))).toMatchObject({
    code: 'version-mismatch',
  });
});

test('a device that is registered again goes on with the numbers of before: none of a command, and no version, is given twice', async () => {
  await say(1, { commands: [] });
  const report = async (id: string): Promise<number> => {
    const asked = { id, args: {}, waitMs: 0 };
    return read(await ask(twinCommand(DEVICE, 'report'), asked)).n as number;
  };
  const version = async (): Promise<number> => read(await ask(twinGet(DEVICE))).version as number;
  const before = { n: await report(ID), version: await version() };
  await forget();
  await register();
  await say(2, { commands: [] });
  const after = { n: await report(OTHER), version: await version() };
  expect(after.n).toBeGreaterThan(before.n);
  expect(after.version).toBeGreaterThan(before.version);
});
