/**
 * Migrations and housekeeping of the store on Postgres.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { kinds } from '../../machines/kinds.ts';
import { migrate, MigrationError } from '../../src/postgres/migrate.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import type { ReportPage } from '../../src/history/ports.ts';
import type { Lease } from '../../src/runtime/ports.ts';
import { createDatabase, type TestDatabase } from '../servers/servers.ts';
import { type DatabaseEye, openEye } from './database-eye.ts';
import {
  advance,
  bootClock,
  advanced,
  commitOf,
  deadLetter,
  entry,
  devicesIn,
  filed,
  lines,
  report,
  T0,
  transition,
  twin,
} from './store-samples.ts';

const DAY = 86_400_000;
const ALL: ReportPage = { from: null, to: null, after: null, isNewestFirst: false, limit: 9 };

let database: TestDatabase;
let psql: DatabaseEye;
beforeEach(async () => {
  database = await createDatabase();
  psql = await openEye(database.url);
});
afterEach(async () => {
  await psql.close();
  await database.drop();
});

describe('migrations', () => {
  async function apply(name: string): Promise<void> {
    const file = new URL(`../../src/postgres/migrations/${name}`, import.meta.url);
    await psql.query(await readFile(file, 'utf8'));
  }

  const schema = () =>
    psql.query('select table_name, column_name from information_schema.columns order by 1, 2');

  test('applied again, or by many nodes at once, change nothing', async () => {
    const before = await schema();
    await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)]);
    expect(await schema()).toEqual(before);
  });

  describe('of a server that is reached and then says nothing', () => {
    /** Passes on what a client says until `isOver` finds the message after which the server is silent. */
    async function silentAfter(isOver: (said: string) => boolean): Promise<string> {
      const { hostname, port } = new URL(database.url);
      const sockets = new Set<Socket>();
      const server = createServer((socket) => {
        const upstream = connect(Number(port), hostname);
        for (const one of [socket, upstream]) sockets.add(one.on('error', () => undefined));
        let isSilent = false;
        socket.on('data', (said) => {
          isSilent ||= isOver(said.toString('latin1'));
          if (!isSilent) upstream.write(said);
        });
        upstream.pipe(socket);
      });
      onTestFinished(() => {
        for (const socket of sockets) socket.destroy();
        server.close();
      });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const url = new URL(database.url);
      url.host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
      return url.href;
    }

    test.each([
      ['not even who it is', () => true, { connectTimeoutMs: 100, migrateTimeoutMs: 3_600_000 }],
      [
        'nothing of the lock',
        (said: string) => said.includes('pg_advisory_lock'),
        { connectTimeoutMs: 60_000, migrateTimeoutMs: 100 },
      ],
    ])('are given up in time: %s', async (_, isOver, limits) => {
      const url = await silentAfter(isOver);
      await expect(migrate(url, limits)).rejects.toThrow(/timeout/);
    });
  });

  test('of an empty database by many nodes at once are each applied once', async () => {
    const before = await schema();
    await psql.query('drop schema public cascade');
    await psql.query('create schema public');
    await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)]);
    expect(await schema()).toEqual(before);
  });

  test('keep what an older version had set aside: a range for each message, of nobody knows whom', async () => {
    // As version 0012 left it.
    await psql.query('alter table lease drop column backlog');
    await psql.query("alter table lease add column backlog bigint[] not null default '{}'");
    await psql.query("update lease set backlog = '{5,7}' where partition = 3");
    await apply('0013_backlog-ranges.sql');
    const rangeOf = (at: number) => ({ site: '', device: '', from: at, to: at, messages: 1 });
    expect(
      await psql.query('select partition, backlog from lease where partition in (3, 4) order by 1'),
    ).toEqual([
      { partition: 3, backlog: [rangeOf(5), rangeOf(7)] },
      { partition: 4, backlog: [] },
    ]);
  });

  test('keep how far an older version had got: a position in the one stream that all sites had', async () => {
    // As version 0013 left it.
    await psql.query('alter table dead_letter drop column stream');
    await psql.query('alter table lease drop column positions');
    await psql.query(
      'alter table lease add column position bigint not null default 0, add column stream text',
    );
    const range = { site: 'depot', device: 'cp-1', from: 5, to: 7, messages: 2 };
    await psql.query("update lease set position = 9, stream = 'then', backlog = $1 where partition = 3", [
      JSON.stringify([range, { ...range, from: 8, to: 8, messages: 1 }]),
    ]);
    await psql.query(
      "insert into dead_letter (partition, no, site, device, sequence, received_at, reason, detail, bytes) values (3, 1, 'depot', 'cp-1', 4, now(), 'bad-report', '', 1)",
    );
    await apply('0014_site-streams.sql');
    const stream = 'DEVICES';
    const sql = 'select partition, positions, backlog from lease where partition in (3, 4) order by 1';
    expect(await psql.query(sql)).toEqual([
      {
        partition: 3,
        positions: { [stream]: { position: 9, made: 'then' } },
        backlog: [
          { ...range, stream },
          { ...range, from: 8, to: 8, messages: 1, stream },
        ],
      },
      { partition: 4, positions: {}, backlog: [] },
    ]);
    expect(await psql.query('select stream from dead_letter')).toEqual([{ stream }]);
  });

  test('that this version does not know are refused: the database is ahead', async () => {
    await psql.query("insert into migration (name, checksum) values ('9999_from-the-future.sql', 'x')");
    await expect(migrate(database.url)).rejects.toThrow(MigrationError);
  });

  test('that were edited after they had landed are refused', async () => {
    await psql.query("update migration set checksum = 'x' where name like '0002%'");
    await expect(migrate(database.url)).rejects.toThrow(/0002_ownership\.sql/);
  });
});

describe('housekeeping of reports', () => {
  let store: PostgresStore;
  let lease: Lease;
  let device: string;
  const limits = {
    retentionDays: 30,
    journalRetentionDays: 60,
    inventoryChangesMax: 5,
    daysAhead: 2,
    daysBack: 1,
    maintenanceLockTimeoutMs: 100,
  };
  beforeEach(async () => {
    const connectionString = database.url;
    store = new PostgresStore({
      connectionString,
      kinds,
      clock: { now: () => T0 },
      serverErrorMs: 50,
      limits,
    });
    [lease] = (await store.acquire({ node: 'a', limit: 1, ttlMs: 60_000, epochAtLeast: Date.now() })) as [
      Lease,
    ];
    [device] = devicesIn(lease.partition, 1);
  });
  afterEach(() => store.close());

  async function receive(...times: readonly number[]): Promise<void> {
    const reports = times.map((receivedAt, index) => filed(device, report(index + 1), { receivedAt }));
    const result = await store.commit(commitOf([advance(lease)], { twins: [twin(device)], reports }));
    expect(result).toEqual({ type: 'committed' });
    lease = advanced(lease);
  }

  const tables = async () =>
    (
      await psql.query<{ name: string }>(
        'select distinct tableoid::regclass::text as name from report order by 1',
      )
    ).map(({ name }) => name);

  test('makes a partition for each day before it comes, once', async () => {
    const days = ['report_2026_01_30', 'report_2026_01_31', 'report_2026_02_01', 'report_2026_02_02'];
    expect(await store.maintain(T0)).toEqual({ created: days, dropped: [], postponed: [], swept: null });
    expect(await store.maintain(T0)).toEqual({ created: [], dropped: [], postponed: [], swept: null });
    expect(await store.maintain(T0 + DAY)).toMatchObject({ created: ['report_2026_02_03'] });
    await receive(T0, T0 + DAY, T0 + 2 * DAY);
    expect(await tables()).toEqual(days.slice(1));
  });

  test('moves what found no partition to its day once that is made', async () => {
    await receive(T0, T0 + DAY, T0 + 40 * DAY);
    expect(await tables()).toEqual(['report_default']);
    await store.maintain(T0);
    expect(await tables()).toEqual(['report_2026_01_31', 'report_2026_02_01', 'report_default']);
    const reports = await store.reports(device, {
      from: null,
      to: null,
      after: null,
      isNewestFirst: false,
      limit: 9,
    });
    expect(reports.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  test('of a node that was down for two weeks makes the days it missed, where the hub has kept reports for it', async () => {
    await store.maintain(T0);
    await receive(T0, T0 + 4 * DAY, T0 + 14 * DAY);
    expect(await tables()).toEqual(['report_2026_01_31', 'report_default']);
    expect(await store.maintain(T0 + 14 * DAY)).toMatchObject({
      created: ['report_2026_02_04', ...[13, 14, 15, 16].map((day) => `report_2026_02_${String(day)}`)],
    });
    expect(await tables()).toEqual(['report_2026_01_31', 'report_2026_02_04', 'report_2026_02_14']);
  });

  test('by a clock that is three weeks ahead, or behind, loses nothing and is right again when the clock is', async () => {
    await store.maintain(T0);
    for (const [step, wrong] of [21, -21].entries()) {
      const day = 5 * (step + 1);
      expect((await store.maintain(T0 + (wrong + day) * DAY)).dropped).toEqual([]);
      await receive(T0 + day * DAY);
      expect((await tables()).at(-1)).toBe('report_default');
      await store.maintain(T0 + day * DAY);
      expect(await tables()).not.toContain('report_default');
    }
    expect(await store.reports(device, ALL)).toHaveLength(2);
  });

  test('by a clock that is ahead of that of Postgres by more than the retention drops nothing', async () => {
    const now = Date.now();
    await store.maintain(now);
    await receive(now);
    expect((await store.maintain(now + 100 * DAY)).dropped).toEqual([]);
    expect(await store.reports(device, ALL)).toHaveLength(1);
  });

  test('moves a day of many reports at once, of which some have a place already', async () => {
    await receive(...Array.from({ length: 3_000 }, (_, index) => T0 + index));
    await store.maintain(T0);
    await receive(T0 + 4_000);
    expect(await tables()).toEqual(['report_2026_01_31']);
    const [row] = await psql.query<{ n: number }>('select count(*)::int as n from report_2026_01_31');
    expect(row!.n).toBe(3_001);
  });

  test('drops days whose retention has passed, also from the default partition', async () => {
    await store.maintain(T0);
    await receive(T0 - 20 * DAY, T0, T0 + DAY);
    const { dropped } = await store.maintain(T0 + 31 * DAY);
    expect(dropped).toEqual(['report_2026_01_30', 'report_2026_01_31']);
    expect(await tables()).toEqual(['report_2026_02_01']);
  });

  test('drops the clock of a boot with the last report of it, and not before', async () => {
    await store.maintain(T0);
    const clocks = [1, 2].map((boot) => ({
      device,
      clock: bootClock({ boot, latest: { up: 0, at: T0 } }),
    }));
    const reports = [
      filed(device, report(1), { receivedAt: T0 }),
      filed(device, report(1, { boot: 2 }), { receivedAt: T0 }),
      filed(device, report(2, { boot: 2 }), { receivedAt: T0 + 2 * DAY, disposition: 'late' }),
    ];
    const result = await store.commit(commitOf([advance(lease)], { twins: [twin(device)], reports, clocks }));
    expect(result).toEqual({ type: 'committed' });
    expect((await store.maintain(T0 + 31 * DAY)).swept).toMatchObject({ bootClocks: 1 });
    expect(await psql.query('select boot::int from boot_clock')).toEqual([{ boot: 2 }]);
    expect((await store.maintain(T0 + 33 * DAY)).swept).toMatchObject({ bootClocks: 1 });
    expect(await psql.query('select from boot_clock')).toEqual([]);
  });

  test('drops dead letters with the reports of their day, and transitions later, but nothing that is still to be published', async () => {
    await store.maintain(T0);
    const { partition } = lease;
    const journal = lines(
      partition,
      1,
      ...[0, 1, 2].flatMap((day) => [
        transition(device, { recordedAt: T0 + day * DAY }),
        deadLetter(partition, { receivedAt: T0 + day * DAY }),
      ]),
    );
    const moved = advance(lease, { journal: 6, published: 4 });
    expect(await store.commit(commitOf([moved], { twins: [twin(device)], journal }))).toEqual({
      type: 'committed',
    });
    expect((await store.maintain(T0 + 40 * DAY)).swept).toMatchObject({ deadLetters: 2, transitions: 0 });
    expect((await store.maintain(T0 + 90 * DAY)).swept).toMatchObject({ deadLetters: 0, transitions: 2 });
    expect((await store.journalAfter(partition, 4, 9)).map(({ no }) => no)).toEqual([5, 6]);
  });

  test('drops commands and their outcomes as old as transitions, but none that is still awaited', async () => {
    await store.maintain(T0);
    const { partition } = lease;
    const closed = { outcome: 'done', decidedAt: T0 + 1_000, closedAt: T0 + 1_000 } as const;
    const ledger = [
      entry(device, { id: 'old', n: 1, ...closed }),
      entry(device, { id: 'open', n: 2, outcome: 'unknown', decidedAt: T0 }),
      entry(device, { id: 'new', n: 3, ...closed, decidedAt: T0 + 50 * DAY, closedAt: T0 + 50 * DAY }),
    ];
    const journal = ledger.map(
      (known, index) => ({ type: 'outcome', partition, no: index + 1, entry: known }) as const,
    );
    const moved = advance(lease, { journal: 3, published: 3 });
    const change = { twins: [twin(device)], ledger, journal };
    expect(await store.commit(commitOf([moved], change))).toEqual({ type: 'committed' });
    expect((await store.maintain(T0 + 40 * DAY)).swept).toMatchObject({ outcomes: 0, commands: 0 });
    expect((await store.maintain(T0 + 90 * DAY)).swept).toMatchObject({ outcomes: 2, commands: 1 });
    const left = await store.commands(device, { beforeN: null, limit: 9 });
    expect(left.map(({ id }) => id)).toEqual(['new', 'open']);
    expect(await psql.query('select no::int from outcome')).toEqual([{ no: 3 }]);
  });

  test('keeps the newest changes of the components of a device, and the models that are named', async () => {
    await store.maintain(T0);
    const reports = Array.from({ length: 20 }, (_, index) =>
      filed(
        device,
        report(index + 1, { components: [{ slot: 'modem', model: `M${String(index)}`, serial: 's' }] }),
      ),
    );
    const result = await store.commit(commitOf([advance(lease)], { twins: [twin(device)], reports }));
    expect(result).toEqual({ type: 'committed' });
    expect((await store.maintain(T0 + 31 * DAY)).swept).toMatchObject({ inventoryChanges: 15 });
    expect(await psql.query(`select after ->> 'model' as model from inventory_change order by no`)).toEqual(
      [15, 16, 17, 18, 19].map((index) => ({ model: `M${String(index)}` })),
    );
    expect(await psql.query('select name from model')).toEqual([{ name: 'M19' }]);
  });

  test('leaves to the next time what a lock prevents, and keeps nobody waiting', async () => {
    await store.maintain(T0);
    const reader = await openEye(database.url);
    await reader.query('begin');
    await reader.query('select from report_2026_01_30');
    expect(await store.maintain(T0 + 31 * DAY)).toMatchObject({
      dropped: ['report_2026_01_31'],
      postponed: ['report_2026_01_30'],
    });
    await reader.query('commit');
    await reader.close();
    expect(await store.maintain(T0 + 31 * DAY)).toMatchObject({
      dropped: ['report_2026_01_30'],
      postponed: [],
    });
  });

  test('is done by one node when many do it at once', async () => {
    const done = await Promise.all([store.maintain(T0), store.maintain(T0), store.maintain(T0)]);
    expect(new Set(done.flatMap(({ created }) => created)).size).toBe(4);
    await receive(T0);
    expect(await tables()).toEqual(['report_2026_01_31']);
  });

  test('a device that somebody registers in the moment of its first commit is not there twice', async () => {
    const other = await openEye(database.url);
    await other.query('begin');
    await other.query(
      "insert into device (id, kind, site, registered) values ($1, 'charge-point', 'depot', true)",
      [device],
    );
    const answer = store.commit(
      commitOf([advance(lease)], { twins: [twin(device)], reports: [filed(device, report(1))] }),
    );
    await psql.untilRow(
      'the commit waits for the other one',
      `select 1 from pg_stat_activity where application_name = 'corral' and datname = current_database() and wait_event_type = 'Lock'`,
    );
    await other.query('commit');
    await other.close();
    expect(await answer).toEqual({ type: 'committed' });
    expect(await store.twin(device)).toMatchObject({ inventory: { registered: true }, twin: { version: 1 } });
    expect(await store.reports(device, ALL)).toHaveLength(1);
  });
});
