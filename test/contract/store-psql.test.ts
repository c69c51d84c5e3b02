/**
 * The database as somebody with psql finds it: the plain questions have plain answers, and everything says what it is.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EPOCH_MAX } from '../../machines/command.ts';
import { kinds } from '../../machines/kinds.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import type { Lease } from '../../src/runtime/ports.ts';
import { PARTITIONS, partitionOf } from '../../src/wire/partition.ts';
import { createDatabase, type TestDatabase } from '../servers/servers.ts';
import { type DatabaseEye, openEye } from './database-eye.ts';
import { OwnedStore } from './owned-store.ts';
import {
  advance,
  bootClock,
  commitOf,
  deadLetter,
  entry,
  filed,
  lines,
  report,
  T0,
  transition,
  twin,
} from './store-samples.ts';

const SECOND = 1000;

describe('a database of Corral', () => {
  let database: TestDatabase;
  let store: PostgresStore;
  let psql: DatabaseEye;
  const car = 'car-7';

  beforeAll(async () => {
    database = await createDatabase();
    store = new PostgresStore({
      connectionString: database.url,
      kinds,
      clock: { now: () => T0 },
      serverErrorMs: 50,
    });
    psql = await openEye(database.url);
    const leases = await store.acquire({
      node: 'a',
      limit: PARTITIONS,
      ttlMs: 60_000,
      epochAtLeast: Date.now(),
    });
    const heard = twin(car, {
      kind: 'car',
      path: 'suspect',
      since: T0 - 5 * SECOND,
      newest: {
        ...twin(car).newest!,
        receivedAt: T0 + 3 * SECOND,
        boot: 2,
        seq: 2,
        up: 2000,
        report: report(2, { boot: 2, firmware: '9.1' }),
      },
      clock: bootClock({ boot: 2, latest: { up: 0, at: T0 + 20 }, earliest: { up: 0, at: T0 } }),
      hold: { id: 'h1', by: 'ann', since: T0, until: T0 + 60 * SECOND, certainUntil: T0 + 61 * SECOND },
      suspicions: [
        { reason: 'cable-without-hatch', since: T0, detail: 'the cable is in, the hatch is shut' },
      ],
      desired: { version: 3, values: { ledColour: 'green' } },
    });
    const { partition } = leases.find((lease: Lease) => lease.partition === partitionOf(car))!;
    const first = bootClock({ boot: 1, latest: { up: 1000, at: T0 - 50 * SECOND } });
    const result = await store.commit(
      commitOf(
        leases.map((lease) => advance(lease)),
        {
          twins: [heard, twin('cp-1', { newest: null, clock: null, lastContactAt: null, since: null })],
          reports: [
            filed(car, report(3)),
            filed(car, report(2, { boot: 2, state: 'charging' }), {
              disposition: 'late',
              receivedAt: T0 + 3 * SECOND,
            }),
          ],
          clocks: [{ device: car, clock: first }],
          ledger: [entry(car, { name: 'reserve', by: 'ann', outcome: 'unknown', reason: 'no answer' })],
          journal: lines(partition, 1, transition(car, { to: 'suspect' }), deadLetter(partition)),
        },
      ),
    );
    expect(result).toEqual({ type: 'committed' });
  });
  afterAll(async () => {
    await psql.close();
    await store.close();
    await database.drop();
  });

  test('tells which devices are suspect, why, since when, and who holds them', async () => {
    const rows = await psql.query("select * from fleet where state = 'suspect'");
    expect(rows).toMatchObject([
      {
        device: car,
        kind: 'car',
        site: 'depot',
        registered: false,
        path: 'suspect',
        firmware: '9.1',
        since: new Date(T0 - 5 * SECOND),
        boot: '2',
        seq: '2',
        version: '1',
        error_ms: expect.closeTo(10.4, 1) as number,
        suspicions: ['cable-without-hatch'],
        hold: 'h1',
        held_by: 'ann',
        held_until: new Date(T0 + 60 * SECOND),
        sensors: { hatch: false },
        desired_version: '3',
        desired: { ledColour: 'green' },
        measured_at: new Date(T0 + 2 * SECOND + 10),
        last_contact: new Date(T0 + SECOND),
      },
    ]);
  });

  test('lists a device that was configured and never heard', async () => {
    const [row] = await psql.query("select * from fleet where device = 'cp-1'");
    expect(row).toMatchObject({
      state: 'available',
      measured_at: null,
      last_contact: null,
      sensors: null,
      suspicions: null,
    });
  });

  test('tells what a device was, and when, by the clocks of its boots', async () => {
    const rows = await psql.query('select * from history where device = $1 order by incarnation, boot, seq', [
      car,
    ]);
    expect(rows).toMatchObject([
      {
        boot: '1',
        seq: '3',
        state: 'available',
        measured_at: new Date(T0 - 48 * SECOND),
        is_late: false,
        disposition: 'latest',
      },
      {
        boot: '2',
        seq: '2',
        state: 'charging',
        measured_at: new Date(T0 + 2 * SECOND + 10),
        is_late: true,
        disposition: 'late',
      },
    ]);
    const reports = await store.reports(car, {
      from: null,
      to: null,
      after: null,
      isNewestFirst: false,
      limit: 9,
    });
    expect(reports.map(({ measuredAt }) => Math.round(measuredAt))).toEqual([
      T0 - 48 * SECOND,
      T0 + 2 * SECOND + 10,
    ]);
  });

  test('times the reports of a boot whose clock was broken by segments, as the archive does', async () => {
    const name = 'broken-1';
    const owned = await OwnedStore.take(store);
    const anchored = (up: number, at: number) => ({
      latest: { up, at: T0 + at + 20 },
      earliest: { up, at: T0 + at },
    });
    const stoodStill = bootClock({ boot: 1, untilSeq: 3, brokenAt: T0 + 3_600_000, ...anchored(1000, 1000) });
    const present = bootClock({
      boot: 1,
      fromSeq: 3,
      crossings: 1,
      beganUp: 3000,
      ...anchored(3000, 3_600_000),
    });
    const reports = [1, 2, 3, 4].map((seq) =>
      filed(name, report(seq), { receivedAt: T0 + (seq < 3 ? 0 : 3_597_000) + seq * SECOND + 5 }),
    );
    const newest = { ...twin(name).newest!, seq: 4, up: 4000, receivedAt: T0 + 3_601_005 };
    await owned.commit({
      twins: [twin(name, { newest, clock: present })],
      reports,
      clocks: [{ device: name, clock: stoodStill }],
    });
    const page = { from: null, to: null, after: null, isNewestFirst: false, limit: 9 };
    const archived = await store.reports(name, page);
    const rows = await psql.query<{ measured_at: Date }>(
      'select * from history where device = $1 order by incarnation, boot, seq',
      [name],
    );
    expect(rows.map(({ measured_at: at }) => at.getTime())).toEqual(
      archived.map(({ measuredAt }) => Math.round(measuredAt)),
    );
    expect(archived.map(({ measuredAt }) => measuredAt - T0)).toEqual([1005, 2005, 3_600_005, 3_601_005]);
  });

  test('tells what the twin believed, what was commanded, and what could not be read', async () => {
    expect(await psql.query('select device, from_path, to_path, cause from journal')).toEqual([
      { device: car, from_path: 'offline', to_path: 'suspect', cause: 'report' },
    ]);
    expect(
      await psql.query("select device, name, by, outcome, reason from ledger where outcome = 'unknown'"),
    ).toEqual([{ device: car, name: 'reserve', by: 'ann', outcome: 'unknown', reason: 'no answer' }]);
    expect(await psql.query('select reason, count(*)::int from dead_letter group by reason')).toEqual([
      { reason: 'bad-report', count: 1 },
    ]);
  });

  test('tells who decides for which partition', async () => {
    const [row] = await psql.query(
      "select count(*)::int as held from lease where owner = 'a' and expires_at > now()",
    );
    expect(row).toEqual({ held: PARTITIONS });
  });

  test('knows the partition of every device id as the hub does', async () => {
    const ids = Array.from(
      { length: 300 },
      (_, index) => `${['cp', 'Car_', 'x-'][index % 3]!}${String(index * 7919)}`,
    );
    const rows = await psql.query<{ id: string; partition: number }>(
      'select id, partition_of(id) as partition from unnest($1::text[]) id',
      [ids],
    );
    expect(rows).toEqual(ids.map((id) => ({ id, partition: partitionOf(id) })));
  });

  test('says of every table, view and function what it is', async () => {
    const silent = await psql.query(
      `select relname as name from pg_class c
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v')
          and not relispartition and obj_description(c.oid, 'pg_class') is null
      union all select proname from pg_proc p
        where pronamespace = 'public'::regnamespace and obj_description(p.oid, 'pg_proc') is null`,
    );
    expect(silent).toEqual([]);
  });

  test('has an index only on columns of twin that seldom change, so that rewriting a twin stays on its page', async () => {
    const rows = await psql.query<{ column: string }>(
      `select a.attname as column from pg_index i join pg_attribute a on a.attrelid = i.indexrelid
        where i.indrelid = 'twin'::regclass order by 1`,
    );
    expect(rows.map(({ column }) => column)).toEqual(['device', 'device', 'device', 'partition', 'state']);
  });

  test('refuses a device id that is no token of a subject', async () => {
    for (const id of ['', 'a.b', 'ä', 'a b', 'x'.repeat(65)]) {
      const inserted = psql.query("insert into device (id, kind, site) values ($1, 'car', 'depot')", [id]);
      await expect(inserted).rejects.toThrow(/check constraint/);
    }
  });

  test('whose epochs were set by hand gives none that every device ignores', async () => {
    await psql.query("update lease set epoch = $1, expires_at = now() - interval '1 second'", [EPOCH_MAX]);
    const taken = store.acquire({ node: 'b', limit: 1, ttlMs: 60_000, epochAtLeast: Date.now() });
    await expect(taken).rejects.toThrow(`the lease epoch ${String(EPOCH_MAX + 1)} is none that devices take`);
  });
});
