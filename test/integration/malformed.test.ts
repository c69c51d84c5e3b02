/**
 * What strangers and broken devices send: ten thousand messages that cannot be read, among good ones.
 */
import { randomBytes } from 'node:crypto';
import type { NatsConnection } from '@nats-io/nats-core';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import type { App } from '../../src/app/app.ts';
import { encode } from '../../src/wire/codec.ts';
import { startNode, until } from '../nodes/node.ts';
import { createDatabase, startHub, startSite } from '../servers/servers.ts';

const MALFORMED = 10_000;
const DEVICES = 40;
const REPORTS = 50;

const good = (boot: number, seq: number): Record<string, unknown> => ({
  boot,
  seq,
  up: seq * 1_000,
  state: seq % 2 === 0 ? 'charging' : 'available',
  sensors: { meterWh: seq },
  since: {},
  commands: [],
  firmware: '1.0',
});

/** A message that cannot be read: the device token of its subject, its bytes, and the reason it has to be given. */
interface Bad {
  readonly device: string;
  readonly payload: Uint8Array;
  readonly reason: string;
}

const json = (value: unknown): Uint8Array => encode(value, 'json');
const text = (characters: string): Uint8Array => new TextEncoder().encode(characters);
const deep = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

/** One of each sort, on the subject of a good device wherever the device is not itself what is wrong. */
function badSorts(device: string, index: number): readonly Bad[] {
  const report = good(1, 1_000_000 + index);
  const sorts: readonly (readonly [reason: string, payload: Uint8Array])[] = [
    ['empty', new Uint8Array()],
    ['not-a-map', Uint8Array.of(0xc1, ...randomBytes(20))],
    ['not-a-map', text('hello')],
    ['malformed', text('{"boot":1,')],
    ['malformed', Uint8Array.of(0x85, 0xa4, 0x62)],
    ['bad-report', json({})],
    ['bad-report', json({ ...report, boot: '1' })],
    ['bad-report', json({ ...report, seq: 0 })],
    ['bad-report', json({ ...report, seq: -4 })],
    ['bad-report', json({ ...report, up: 1.5 })],
    ['bad-report', json({ ...report, sensors: [] })],
    ['bad-report', json({ ...report, up: 'long' })],
    ['bad-report', json({ ...report, boot: 1e300 })],
    ['bad-frame', json([])],
    ['bad-report', json([7])],
    ['too-deep', text(`{"boot":1,"seq":1,"up":1,"state":"available","sensors":{},"x":${deep(10_000)}}`)],
    ['not-plain-data', json({ ...report, note: 'a\u0000b' })],
    ['device-mismatch', json({ ...report, device: 'somebody-else' })],
  ];
  return [
    ...sorts.map(([reason, payload]) => ({ device, reason, payload })),
    { device: 'x'.repeat(65), reason: 'bad-device-id', payload: json(report) },
    { device: 'ü', reason: 'bad-device-id', payload: json(report) },
    {
      device: `stranger-${String(index)}`,
      reason: 'unknown-kind',
      payload: json({ ...report, sensors: {} }),
    },
    {
      device: `alien-${String(index)}`,
      reason: 'unknown-kind',
      payload: json({ ...report, kind: 'submarine' }),
    },
  ];
}

describe('malformed messages', () => {
  const parts = {} as {
    hub: Awaited<ReturnType<typeof startHub>>;
    site: Awaited<ReturnType<typeof startSite>>;
    database: Awaited<ReturnType<typeof createDatabase>>;
    app: App;
    devices: NatsConnection;
    operator: HubConnection;
    store: pg.Client;
  };

  beforeAll(async () => {
    parts.hub = await startHub();
    parts.site = await startSite(parts.hub);
    parts.database = await createDatabase();
    // Each is looked at here; that they are bounded is looked at elsewhere.
    const limits = { deviceDeadLettersMax: 2 * MALFORMED, siteDeadLettersMax: 2 * MALFORMED };
    parts.app = await startNode({ hub: parts.hub, databaseUrl: parts.database.url, limits });
    parts.devices = await connect({ servers: parts.site.url });
    parts.operator = await connectToHub({ url: parts.hub.url('operator'), name: 'test' });
    parts.store = new pg.Client({ connectionString: parts.database.url });
    await parts.store.connect();
  });

  afterAll(async () => {
    await parts.store.end();
    await parts.operator.close();
    await parts.devices.close();
    await parts.app.stop();
    await parts.site.end();
    await parts.hub.end();
    await parts.database.drop();
  });

  test('each of 10,000 malformed messages is counted and kept with its reason, and no good one is lost', async () => {
    const expected = new Map<string, number>();
    const names = Array.from({ length: DEVICES }, (_, index) => `cp-${String(index)}`);
    const bads: Bad[] = [];
    for (let index = 0; bads.length < MALFORMED; index += 1) {
      bads.push(...badSorts(names[index % DEVICES] ?? '', index));
    }
    bads.length = MALFORMED;
    for (const { reason } of bads) expected.set(reason, (expected.get(reason) ?? 0) + 1);

    await publishAmong(parts.devices, bads, names);

    const { rows } = await untilRows(
      parts.store,
      'every good report is in the history',
      'select count(*)::int as n from report',
      DEVICES * REPORTS,
    );
    expect(rows).toEqual([{ n: DEVICES * REPORTS }]);
    await untilRows(
      parts.store,
      'every bad message is a dead letter',
      'select count(*)::int as n from dead_letter',
      MALFORMED,
    );
    const byReason = await parts.store.query<{ reason: string; n: number }>(
      'select reason, count(*)::int as n from dead_letter group by reason',
    );
    expect(new Map(byReason.rows.map(({ reason, n }) => [reason, n]))).toEqual(expected);
    await expectPublished(parts.operator);
    await expectCounted(parts.app.httpUrl, expected);
  });

  test('a value that does not fit, or a state that nobody knows, silences no device', async () => {
    const report = { ...good(3, 1), sensors: { meterWh: null, powerW: 11_000 }, firmware: null, since: null };
    for (const payload of [json(report), json({ ...good(3, 2), state: 'Preparing' })])
      await parts.devices.request('device.cp-1.report', payload, { timeout: 5_000 });
    await untilRows(parts.store, 'both are filed', 'select count(*)::int as n from report where boot = 3', 2);
    const of = async (path: string): Promise<unknown> =>
      (await fetch(`${parts.app.httpUrl}/v1/devices/cp-1${path}`)).json();
    expect(await of('')).toMatchObject({ state: 'suspect', suspicions: [{ reason: 'unknown-state' }] });
    await parts.devices.request('device.cp-1.report', json({ ...report, seq: 3 }), { timeout: 5_000 });
    await untilRows(parts.store, 'it is filed', 'select count(*)::int as n from report where boot = 3', 3);
    expect(await of('')).toMatchObject({
      state: 'available',
      suspicions: [],
      unreadable: ['meterWh'],
      reported: { powerW: 11_000 },
    });
    const metrics = await (await fetch(`${parts.app.httpUrl}/metrics`)).text();
    expect(metrics).toMatch(/^corral_unreadable_values_total 2$/m);
  });

  test('a frame of the largest size is kept, a report of that size is refused, and the next good one is heard', async () => {
    const note = 'x'.repeat(60_000);
    const frame = Array.from({ length: 16 }, (_, index) => ({ ...good(2, index + 1), note }));
    const huge = { ...good(2, 17), note: 'x'.repeat(1_000_000) };
    for (const payload of [encode(frame, 'msgpack'), encode(huge, 'msgpack'), json(good(2, 18))])
      await parts.devices.request('device.cp-0.report', payload, { timeout: 5_000 });
    const sql = 'select count(*)::int as n from report where boot = 2';
    await untilRows(parts.store, 'all but the huge one are in the history', sql, 17);
    const { rows } = await parts.store.query(
      `select device, bytes > 1000000 as huge from dead_letter where reason = 'too-large'`,
    );
    expect(rows).toEqual([{ device: 'cp-0', huge: true }]);
  });
});

/** Publishes bad messages with the good ones of all devices spread among them; every one is acknowledged by the hub. */
async function publishAmong(
  devices: NatsConnection,
  bads: readonly Bad[],
  names: readonly string[],
): Promise<void> {
  const every = Math.floor(bads.length / (names.length * REPORTS));
  let sent = 0;
  let pending: Promise<unknown>[] = [];
  const publish = (device: string, payload: Uint8Array): void => {
    pending.push(devices.request(`device.${device}.report`, payload, { timeout: 30_000 }));
  };
  for (const [index, bad] of bads.entries()) {
    publish(bad.device, bad.payload);
    if (index % every === 0 && sent < names.length * REPORTS) {
      publish(names[sent % names.length] ?? '', json(good(1, Math.floor(sent / names.length) + 1)));
      sent += 1;
    }
    if (pending.length >= 200) {
      await Promise.all(pending);
      pending = [];
    }
  }
  await Promise.all(pending);
  expect(sent).toBe(names.length * REPORTS);
}

async function untilRows(
  store: pg.Client,
  what: string,
  sql: string,
  wanted: number,
): Promise<pg.QueryResult<{ n: number }>> {
  const result = await until(what, async () => {
    const counted = await store.query<{ n: number }>(sql);
    const n = counted.rows[0]?.n ?? 0;
    return n >= wanted
      ? { done: true, value: counted }
      : { done: false, seen: `${String(n)} of ${String(wanted)}` };
  });
  if (result === undefined) throw new Error('the wait ended without a result');
  return result;
}

async function expectPublished(operator: HubConnection): Promise<void> {
  const manager = await jetstreamManager(operator.nats, { checkAPI: false });
  await until('the stream DEADLETTER holds them all', async () => {
    const { state } = await manager.streams.info('DEADLETTER');
    return state.messages === MALFORMED ? { done: true } : { done: false, seen: String(state.messages) };
  });
}

async function expectCounted(httpUrl: string, expected: ReadonlyMap<string, number>): Promise<void> {
  const metrics = await (await fetch(`${httpUrl}/metrics`)).text();
  for (const [reason, count] of expected) {
    expect(metrics).toContain(`corral_dead_letters_total{reason="${reason}"} ${String(count)}`);
  }
}
