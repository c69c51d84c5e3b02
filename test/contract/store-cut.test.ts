/**
 * The store on Postgres when its connection is cut in the middle of a commit: what it answers is certain, and nothing is written
 * twice.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { kinds } from '../../machines/kinds.ts';
import type { PostgresLimits } from '../../src/postgres/limits.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import type { Commit, Lease } from '../../src/runtime/ports.ts';
import { type Link, startLink } from '../servers/link.ts';
import { createDatabase, startPostgres, type TestDatabase } from '../servers/servers.ts';
import { type DatabaseEye, openEye } from './database-eye.ts';
import { advance, advanced, commitOf, devicesIn, filed, loaded, report, T0, twin } from './store-samples.ts';

const options = { kinds, clock: { now: () => T0 }, serverErrorMs: 50 };
const ALL = { from: null, to: null, after: null, isNewestFirst: false, limit: 100 };

/** A node's process of the server that is at work on a commit, and what it waits for. */
const COMMITTING = `select pid from pg_stat_activity
  where application_name = 'corral' and datname = current_database() and query like 'with held%' and state = 'active'`;

describe('a commit whose connection is cut', () => {
  let database: TestDatabase;
  let link: Link;
  let eye: DatabaseEye;
  /** Holds locks, in a transaction. */
  let holder: DatabaseEye;
  let store: PostgresStore;
  let lease: Lease;
  let device: string;

  beforeEach(async () => {
    database = await createDatabase();
    link = await startLink();
    eye = await openEye(database.url);
    holder = await openEye(database.url);
    const url = new URL(database.url);
    link.leadTo(url.host);
    url.host = link.address;
    store = openStore(url.href);
    [lease] = (await store.acquire({ node: 'a', limit: 1, ttlMs: 60_000, epochAtLeast: Date.now() })) as [
      Lease,
    ];
    [device] = devicesIn(lease.partition, 1);
    // A commit that makes the connections, so that the next one is sent at once.
    expect(await store.commit(commitOf([advance(lease)], { twins: [twin(device)] }))).toEqual({
      type: 'committed',
    });
    lease = advanced(lease);
  });
  afterEach(async () => {
    link.heal();
    await holder.close();
    await store.close();
    await eye.close();
    await link.close();
    await database.drop();
  });

  function openStore(connectionString: string): PostgresStore {
    const limits: Partial<PostgresLimits> = { giveUpAfterMs: 500, connectTimeoutMs: 2_000 };
    return new PostgresStore({ ...options, connectionString, limits });
  }

  const next = (): Commit =>
    commitOf([advance(lease)], {
      twins: [twin(device, { version: 2 })],
      reports: [filed(device, report(2))],
    });
  const batchMoved = (): Promise<object> =>
    eye.untilRow('the commit is written', 'select 1 from lease where partition = $1 and batch = $2', [
      lease.partition,
      lease.batch + 1,
    ]);
  /** Another node has the partition, with a store of its own. */
  async function takenByOther(): Promise<{ readonly other: PostgresStore; readonly taken: Lease }> {
    await eye.query("update lease set expires_at = now() - interval '1 second' where owner is not null");
    const other = openStore(database.url);
    const [taken] = (await other.acquire({
      node: 'b',
      limit: 1,
      ttlMs: 60_000,
      epochAtLeast: Date.now(),
    })) as [Lease];
    expect(taken.partition).toBe(lease.partition);
    return { other, taken };
  }
  const filedReports = async (): Promise<number> => (await eye.query('select 1 from report')).length;
  const versions = (): Promise<readonly object[]> => eye.query('select version from twin');

  test('after it was written is committed, though its answer was lost', async () => {
    link.freeze('down');
    const answer = store.commit(next());
    await batchMoved();
    link.cut();
    link.heal();
    expect(await answer).toEqual({ type: 'committed' });
    expect(await filedReports()).toBe(1);
  });

  test('before it arrived is unavailable and nothing is written; the same commit succeeds afterwards', async () => {
    link.freeze('up');
    const commit = next();
    const answer = store.commit(commit);
    link.cut();
    link.heal();
    expect(await answer).toMatchObject({ type: 'unavailable' });
    expect(await filedReports()).toBe(0);
    expect(await versions()).toEqual([{ version: '1' }]);
    expect(await store.commit(commit)).toEqual({ type: 'committed' });
    expect(await filedReports()).toBe(1);
  });

  test('while the server is still at work on it is ended there first: nothing of it is written later', async () => {
    await holder.query('begin');
    await holder.query('select from twin for update');
    const commit = next();
    const answer = store.commit(commit);
    await eye.untilRow('the commit waits for the lock', `${COMMITTING} and wait_event_type = 'Lock'`);
    link.cut();
    link.heal();
    expect(await answer).toMatchObject({ type: 'unavailable' });
    await holder.query('commit');
    expect(await eye.query(COMMITTING)).toEqual([]);
    expect(await versions()).toEqual([{ version: '1' }]);
    expect(await store.commit(commit)).toEqual({ type: 'committed' });
    expect(await versions()).toEqual([{ version: '2' }]);
  });

  test('by an administrator before it was written is unavailable, and nothing is written', async () => {
    await holder.query('begin');
    await holder.query('select from lease where partition = $1 for update', [lease.partition]);
    const answer = store.commit(next());
    const waiting = `${COMMITTING} and wait_event_type = 'Lock'`;
    const { pid } = await eye.untilRow<{ pid: number }>('the commit waits for the lock', waiting);
    await eye.query('select pg_terminate_backend($1)', [pid]);
    expect(await answer).toMatchObject({ type: 'unavailable' });
    await holder.query('commit');
    expect(await filedReports()).toBe(0);
  });

  test('is unavailable while the store is away, and committed once it can be asked: never written a second time', async () => {
    link.freeze('down');
    const commit = next();
    const answer = store.commit(commit);
    await batchMoved();
    link.cut();
    expect(await answer).toMatchObject({ type: 'unavailable' });
    expect(await store.commit(commit)).toMatchObject({ type: 'unavailable' });
    link.heal();
    expect(await store.commit(commit)).toEqual({ type: 'committed' });
    expect(await filedReports()).toBe(1);
    lease = advanced(lease);
    expect(await store.commit(next())).toEqual({ type: 'committed' });
  });

  test('is fenced if others have taken its partitions by the time it can be asked', async () => {
    link.freeze('up');
    const commit = next();
    const answer = store.commit(commit);
    link.cut();
    expect(await answer).toMatchObject({ type: 'unavailable' });
    const { other } = await takenByOther();
    await other.close();
    link.heal();
    expect(await store.commit(commit)).toEqual({ type: 'fenced', partitions: [lease.partition] });
    expect(await filedReports()).toBe(0);
  });

  test('is fenced if others have committed just as many times since: the batch that is found there is theirs', async () => {
    link.freeze('up');
    const commit = next();
    const answer = store.commit(commit);
    link.cut();
    expect(await answer).toMatchObject({ type: 'unavailable' });
    const { other, taken } = await takenByOther();
    await loaded(other, taken.partition);
    expect(await other.commit(commitOf([advance(taken)]))).toEqual({ type: 'committed' });
    expect(await batchMoved()).toBeDefined();
    await other.close();
    link.heal();
    expect(await store.commit(commit)).toEqual({ type: 'fenced', partitions: [lease.partition] });
    expect(await filedReports()).toBe(0);
  });

  test('does not keep others from the partition: a node that is stopped in the middle holds no lock', async () => {
    link.freeze('up');
    const answer = store.commit(next());
    const { other } = await takenByOther();
    await other.close();
    link.heal();
    expect(await answer).toEqual({ type: 'fenced', partitions: [lease.partition] });
  });

  test('does not keep others from the other partitions: a lease that somebody is writing to is passed over', async () => {
    await holder.query('begin');
    await holder.query('select from lease where partition = 5 for update');
    const other = openStore(database.url);
    const taken = await other.acquire({ node: 'b', limit: 32, ttlMs: 60_000, epochAtLeast: Date.now() });
    expect(taken.map(({ partition }) => partition)).not.toContain(5);
    expect(taken).toHaveLength(30);
    await holder.query('commit');
    await other.close();
  });

  test('a statement that is not answered in time counts as cut', async () => {
    const url = new URL(database.url);
    url.host = link.address;
    const limits: Partial<PostgresLimits> = {
      giveUpAfterMs: 500,
      answerTimeoutMs: 300,
      connectTimeoutMs: 300,
    };
    const hasty = new PostgresStore({ ...options, connectionString: url.href, limits });
    await hasty.renew({ node: 'a', ttlMs: 60_000, leases: [lease], refuses: null });
    link.freeze('up');
    expect(await hasty.commit(next())).toMatchObject({ type: 'unavailable' });
    link.heal();
    expect(await filedReports()).toBe(0);
    await hasty.close();
  });
});

describe('a server that takes nothing from anybody', () => {
  test('because its transaction numbers run out, is away: the commit is not the data’s fault, and succeeds later', async () => {
    const database = await createDatabase();
    const eye = await openEye(database.url);
    const store = new PostgresStore({ ...options, connectionString: database.url });
    const [lease] = (await store.acquire({
      node: 'a',
      limit: 1,
      ttlMs: 60_000,
      epochAtLeast: Date.now(),
    })) as [Lease];
    const [device] = devicesIn(lease.partition, 1);
    // What the server itself says then (PostgreSQL, GetNewTransactionId), with its SQLSTATE.
    await eye.query(`create function run_out() returns trigger language plpgsql as $$ begin
      raise exception 'database is not accepting commands that assign new transaction IDs to avoid wraparound data loss'
        using errcode = 'program_limit_exceeded';
    end $$`);
    await eye.query('create trigger run_out before update on lease for each row execute function run_out()');
    const commit = commitOf([advance(lease)], { twins: [twin(device)], reports: [filed(device, report(1))] });
    expect(await store.commit(commit)).toMatchObject({ type: 'unavailable' });
    await eye.query('drop trigger run_out on lease');
    expect(await store.commit(commit)).toEqual({ type: 'committed' });
    await store.close();
    await eye.close();
    await database.drop();
  });
});

describe('a commit that is killed in the moment of committing', () => {
  let server: Awaited<ReturnType<typeof startPostgres>>;
  let eye: DatabaseEye;
  let store: PostgresStore;
  beforeAll(async () => {
    server = await startPostgres();
    await migrate(server.url());
    eye = await openEye(server.url());
  });
  afterAll(async () => {
    await eye.close();
    await server.end();
  });

  /** Every commit of a session that begins after this is written, and then waits for a standby that is not there. */
  async function waitForNobody(): Promise<void> {
    const [database] = await eye.query<{ name: string }>('select current_database() as name');
    // The eye itself waits for nobody.
    await eye.query('set synchronous_commit = local');
    await eye.query("alter system set synchronous_standby_names = 'nobody'");
    await eye.query('select pg_reload_conf()');
    await eye.query(`alter database ${database!.name} set synchronous_commit = on`);
  }

  /** Standbys are of no account any more: whoever waits for one goes on. */
  async function waitForNobodyNoMore(): Promise<void> {
    await eye.query('alter system reset synchronous_standby_names');
    await eye.query('select pg_reload_conf()');
  }

  test.each([
    ['ended', 'pg_terminate_backend'],
    ['cancelled', 'pg_cancel_backend'],
  ])('and %s while it waits for a standby is not acted upon before one has it', async (how, end) => {
    const [device] = devicesIn(0, 1, `${how}-`);
    await eye.query("insert into device (id, kind, site) values ($1, 'charge-point', 'depot')", [device]);
    const [{ batch }] = (await eye.query(
      "update lease set owner = 'a', epoch = 1, expires_at = now() where partition = 0 returning batch::int",
    )) as [{ readonly batch: number }];
    await waitForNobody();
    const limits = { giveUpAfterMs: 500, answerTimeoutMs: 1_000 };
    store = new PostgresStore({ ...options, connectionString: server.url(), limits });
    await loaded(store, 0);
    const lease: Lease = {
      partition: 0,
      epoch: 1,
      batch,
      positions: [],
      backlog: [],
      journal: 0,
      published: 0,
    };
    const commit = commitOf([advance(lease)], { twins: [twin(device)], reports: [filed(device, report(1))] });
    const answer = store.commit(commit);
    const committing = `${COMMITTING} and wait_event = 'SyncRep'`;
    const { pid } = await eye.untilRow<{ pid: number }>('it waits for the standby', committing);
    await eye.query(`select ${end}($1)`, [pid]);
    expect(await answer).toMatchObject({ type: 'unavailable' });
    expect(await store.commit(commit), 'asked again').toMatchObject({ type: 'unavailable' });
    await waitForNobodyNoMore();
    expect(await store.commit(commit)).toEqual({ type: 'committed' });
    expect(await store.reports(device, ALL)).toHaveLength(1);
    const left = await eye.query("select from pg_stat_activity where wait_event = 'SyncRep'");
    expect(left, 'nothing waits for a standby any more').toEqual([]);
    await store.close();
  });
});
