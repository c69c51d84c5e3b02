/**
 * Devices whose uptime lies, on real servers: what everybody is told over HTTP of when things were measured.
 */
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { connectCorral, type Corral } from '../../src/client/corral.ts';
import { startNode, until } from '../nodes/node.ts';
import { RawDevice } from '../devices/raw-device.ts';
import { createDatabase, startHub, startSite } from '../servers/servers.ts';

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
/** Since it was last asked, a clock may have been off by what no round trip shows yet, ms. */
const UNSEEN_MS = 1_000;

/** What a clock makes of the uptime from the moment on in which the lie begins, at `from`. */
type Lie = (upMs: number, from: number) => number;

const lies: readonly (readonly [string, Lie])[] = [
  ['stands still', (upMs, from) => Math.min(upMs, from)],
  ['runs ten times as fast', (upMs, from) => upMs + 9 * Math.max(0, upMs - from)],
  ['runs at half speed', (upMs, from) => upMs - Math.max(0, upMs - from) / 2],
  ['jumps ahead by an hour', (upMs) => upMs + HOUR],
];

interface Said {
  readonly seq: number;
  readonly state: string;
  readonly measuredAt: string;
  readonly errorMs: number | null;
  readonly receivedAt: string;
  /** Its own wall clock, which is that of this machine. */
  readonly body: { readonly at: number };
}

let hub: Awaited<ReturnType<typeof startHub>>;
let site: Awaited<ReturnType<typeof startSite>>;
let database: Awaited<ReturnType<typeof createDatabase>>;
let gateway: NatsConnection;
let client: Corral;
let app: App;

beforeAll(async () => {
  hub = await startHub();
  site = await startSite(hub);
  database = await createDatabase();
  gateway = await connect({ servers: site.url });
  client = await connectCorral({ url: hub.url('backend') });
  app = await startNode({ hub, databaseUrl: database.url });
});

afterAll(async () => {
  await client.close();
  await app.stop();
  await gateway.close();
  await site.end();
  await hub.end();
  await database.drop();
});

async function get(path: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${app.httpUrl}${path}`);
  expect(response.status, path).toBe(200);
  return (await response.json()) as Record<string, unknown>;
}

/** A device of which round trips have proved the clock, and that was available, and charging since. */
async function proved(device: string): Promise<RawDevice> {
  const raw = await RawDevice.start({ nats: gateway, device });
  await raw.report({ kind: 'charge-point', state: 'available' });
  await until('a round trip bounds its clock', async () => {
    const response = await fetch(`${app.httpUrl}/v1/devices/${device}`);
    const seen = await response.text();
    return seen.includes('"verified":true') ? { done: true } : { done: false, seen };
  });
  await raw.report({ state: 'charging' });
  return raw;
}

async function findings(device: string): Promise<readonly string[]> {
  const { transitions } = (await get(`/v1/devices/${device}/journal`)) as {
    transitions: readonly { readonly cause: { readonly detail: string } }[];
  };
  return transitions
    .map(({ cause }) => cause.detail)
    .filter((detail) => detail.includes('clock-out-of-bounds'));
}

/** It is asked for reports until one shows that its clock is out of its bounds. */
async function found(raw: RawDevice): Promise<void> {
  await until('its clock is found out of bounds', async () => {
    await client.command(raw.device, 'report');
    const said = await findings(raw.device);
    return said.length > 0 ? { done: true } : { done: false, seen: 'nothing in the journal' };
  });
}

async function reportsOf(device: string): Promise<readonly Said[]> {
  const { reports } = (await get(`/v1/devices/${device}/reports?limit=1000`)) as { reports: readonly Said[] };
  return reports.toSorted((a, b) => a.seq - b.seq);
}

/** What HTTP tells of a device in four ways. */
interface Told {
  readonly reports: readonly Said[];
  readonly intervals: readonly { readonly state: string; readonly from: string; readonly seq: number }[];
  readonly document: { readonly since: string; readonly asOf: string };
  /** At the moment in which the last interval began. */
  readonly knownNow: { readonly state: string; readonly report: { readonly seq: number } };
}

/** All four of the same reports: a device may answer a question of its twin while it is looked at, and is then looked at again. */
async function told(raw: RawDevice): Promise<Told> {
  const { device } = raw;
  let found: Told | undefined;
  await until('nothing is reported while the device is looked at', async () => {
    const reports = await reportsOf(device);
    const { intervals } = (await get(`/v1/devices/${device}/timeline`)) as Pick<Told, 'intervals'>;
    const document = (await get(`/v1/devices/${device}`)) as unknown as Told['document'];
    const from = intervals.at(-1)!.from;
    const { knownNow } = (await get(`/v1/devices/${device}/at?time=${encodeURIComponent(from)}`)) as Pick<
      Told,
      'knownNow'
    >;
    found = { reports, intervals, document, knownNow };
    return reports.length === raw.seq
      ? { done: true }
      : { done: false, seen: `${String(reports.length)} reports of ${String(raw.seq)}` };
  });
  return found!;
}

/** Reports, timeline, document and the answer about a moment agree, and none puts anything after its arrival. */
async function expectAgreement(raw: RawDevice): Promise<void> {
  const { reports, intervals, document, knownNow } = await told(raw);
  expect(reports.map(({ seq }) => seq)).toEqual(
    Array.from({ length: reports.length }, (_, index) => index + 1),
  );
  for (const { seq, measuredAt, receivedAt, errorMs, body } of reports) {
    expect(Date.parse(measuredAt), `report ${String(seq)}`).toBeLessThanOrEqual(Date.parse(receivedAt));
    if (errorMs === null) continue;
    const offMs = Math.abs(Date.parse(measuredAt) - body.at);
    expect(offMs, `report ${String(seq)}`).toBeLessThanOrEqual(errorMs + UNSEEN_MS);
  }
  expect(intervals.map(({ state }) => state)).toEqual(['available', 'charging', 'available']);
  // Time never runs back: where estimates are in disorder, the earlier report gives way.
  const times = reports.map(({ measuredAt }) => Date.parse(measuredAt));
  for (const { from, seq } of intervals) expect(Date.parse(from)).toBe(Math.min(...times.slice(seq - 1)));
  const last = intervals.at(-1)!;
  expect(Math.abs(Date.parse(document.since) - Date.parse(last.from))).toBeLessThanOrEqual(UNSEEN_MS);
  expect(Date.parse(document.asOf)).toBeLessThanOrEqual(Date.now());
  // Of reports that were measured in the same millisecond the last one counts.
  const by = Date.parse(last.from);
  const newest = reports.findLast(({ measuredAt }) => Date.parse(measuredAt) <= by)!;
  expect(knownNow).toMatchObject({ state: 'available', report: { seq: newest.seq } });
}

describe.each(lies)('of a device whose uptime %s', (name, lie) => {
  test('nothing is told that was measured after it was received, it is said so, and all that is told agrees', async () => {
    const raw = await proved(name.replaceAll(' ', '-'));
    const from = raw.up;
    raw.clock = (upMs) => lie(upMs, from);
    await found(raw);
    await raw.report({ state: 'available' });
    await client.command(raw.device, 'report');
    await expectAgreement(raw);
    expect(await get(`/v1/devices/${raw.device}`)).toMatchObject({ state: 'available', suspicions: [] });
  });
});

test('an uptime of another sort in a single report moves nothing but that report', async () => {
  const raw = await proved('another-sort');
  const before = await reportsOf(raw.device);
  await raw.publish({ ...raw.make(), up: 9 * YEAR });
  await raw.report({ state: 'available' });
  await client.command(raw.device, 'report');
  expect(await findings(raw.device)).toHaveLength(1);
  await expectAgreement(raw);
  const after = await reportsOf(raw.device);
  for (const { seq, measuredAt, errorMs } of before) {
    expect(after[seq - 1]).toMatchObject({ seq, measuredAt });
    expect(after[seq - 1]!.errorMs).toBeLessThanOrEqual(errorMs ?? Infinity);
  }
  expect(await get(`/v1/devices/${raw.device}`)).toMatchObject({
    sequence: { incarnation: 1 },
    suspicions: [],
  });
  expect(await (await fetch(`${app.httpUrl}/metrics`)).text()).toMatch(
    /^corral_clock_out_of_bounds_total [1-9]\d*$/m,
  );
});

test('an uptime in ms since 1970 is refused, and moves nothing', async () => {
  const raw = await proved('since-1970');
  await raw.publish({ ...raw.make(), up: Date.now() });
  await raw.report({ state: 'available' });
  await client.command(raw.device, 'report');
  expect(await findings(raw.device)).toEqual([]);
  expect((await reportsOf(raw.device)).filter(({ errorMs }) => errorMs === null)).toEqual([]);
});
