/**
 * Migrations and housekeeping of the store on Postgres.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { kinds } from '../../machines/kinds.ts';
import { migrate, MigrationError } from '../../src/postgres/migrate.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import type { Lease } from '../../src/runtime/ports.ts';
import { createDatabase, type TestDatabase } from '../servers.ts';
import { type DatabaseEye, openEye } from './database-eye.ts';
import { advance, advanced, commitOf, devicesIn, filed, report, T0, twin } from './store-samples.ts';

const DAY = 86_400_000;

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
  const schema = () =>
    psql.query('select table_name, column_name from information_schema.columns order by 1, 2');

  test('applied again, or by many nodes at once, change nothing', async () => {
    const before = await schema();
    await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)]);
    expect(await schema()).toEqual(before);
  });

  test('of an empty database by many nodes at once are each applied once', async () => {
    const before = await schema();
    await psql.query('drop schema public cascade');
    await psql.query('create schema public');
    await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)]);
    expect(await schema()).toEqual(before);
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
  const limits = { retentionDays: 30, daysAhead: 2, daysBack: 1, maintenanceLockTimeoutMs: 100 };
  beforeEach(async () => {
    const connectionString = database.url;
    store = new PostgresStore({
      connectionString,
      kinds,
      clock: { now: () => T0 },
      serverErrorMs: 50,
      limits,
    });
    [lease] = (await store.acquire({ node: 'a', limit: 1, ttlMs: 60_000 })) as [Lease];
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
    expect(await store.maintain(T0)).toEqual({ created: days, dropped: [], postponed: [] });
    expect(await store.maintain(T0)).toEqual({ created: [], dropped: [], postponed: [] });
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

  test('drops days whose retention has passed, also from the default partition', async () => {
    await store.maintain(T0);
    await receive(T0 - 20 * DAY, T0, T0 + DAY);
    const { dropped } = await store.maintain(T0 + 31 * DAY);
    expect(dropped).toEqual(['report_2026_01_30', 'report_2026_01_31']);
    expect(await tables()).toEqual(['report_2026_02_01']);
  });

  test('leaves to the next time what a lock prevents, and keeps nobody waiting', async () => {
    await store.maintain(T0);
    const reader = await openEye(database.url);
    await reader.query('begin');
    await reader.query('select from report_2026_01_30');
    expect(await store.maintain(T0 + 31 * DAY)).toMatchObject({
      ...{ dropped: ['report_2026_01_31'], postponed: ['report_2026_01_30'] },
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
    expect(
      await store.reports(device, { from: null, to: null, after: null, isNewestFirst: false, limit: 9 }),
    ).toHaveLength(1);
  });
});
