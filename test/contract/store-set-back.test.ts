/** The store on Postgres when the database is set back under it: what the node has learnt from it before is of no account. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kinds } from '../../machines/kinds.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import type { DeviceRowGone } from '../../src/postgres/device-keys.ts';
import type { SetBack } from '../../src/postgres/known-database.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import type { Commit, Lease } from '../../src/runtime/ports.ts';
import { createDatabase, type TestDatabase } from '../servers/servers.ts';
import { type DatabaseEye, openEye } from './database-eye.ts';
import { advance, advanced, commitOf, devicesIn, filed, loaded, report, T0, twin } from './store-samples.ts';

let database: TestDatabase;
let backup: string;
let eye: DatabaseEye;
let store: PostgresStore;
const notices: (SetBack | DeviceRowGone)[] = [];

beforeAll(async () => {
  database = await createDatabase();
  backup = `${new URL(database.url).pathname.slice(1)}_backup`;
  const adminUrl = new URL(database.url);
  adminUrl.pathname = '/postgres';
  eye = await openEye(adminUrl.href);
  await migrate(database.url);
  store = new PostgresStore({
    kinds,
    clock: { now: () => T0 },
    serverErrorMs: 50,
    connectionString: database.url,
    onNotice: (notice) => void notices.push(notice),
  });
});
afterAll(async () => {
  await store.close();
  await eye.query(`drop database if exists ${backup} with (force)`);
  await eye.close();
  await database.drop();
});

const nameOf = (url: string): string => new URL(url).pathname.slice(1);

/** What a database is now, under another name. Nobody may be connected to it meanwhile. */
async function copy(from: string, to: string): Promise<void> {
  await eye.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [from]);
  await eye.query(`create database ${to} template ${from}`);
}

/** The database becomes what it was when the backup was made, and every connection to it breaks. */
async function restore(): Promise<void> {
  await eye.query(`drop database ${nameOf(database.url)} with (force)`);
  await copy(backup, nameOf(database.url));
}

function born(lease: Lease, device: string): Commit {
  return commitOf([advance(lease)], { twins: [twin(device)], reports: [filed(device, report(1))] });
}

async function reportsOf(device: string): Promise<number> {
  const page = { from: null, to: null, after: null, isNewestFirst: false, limit: 100 };
  return (await store.reports(device, page)).length;
}

test('writes no device under the key of another one, and takes its leases for gone', async () => {
  const leases = (await store.acquire({ node: 'a', limit: 2, ttlMs: 60_000, epochAtLeast: Date.now() })) as [
    Lease,
    Lease,
  ];
  const [here, there] = leases;
  await loaded(store, here.partition);
  await copy(nameOf(database.url), backup);
  const [x] = devicesIn(here.partition, 1, 'x-');
  const [y] = devicesIn(there.partition, 1, 'y-');
  expect(await store.commit(born(here, x))).toEqual({ type: 'committed' });
  await restore();
  // Of this partition the database knows as much as the node does: only the keys are not what they were.
  expect(await store.commit(born(there, y))).toEqual({ type: 'fenced', partitions: [there.partition] });
  expect(await store.commit(born(advanced(here), x))).toEqual({
    type: 'fenced',
    partitions: [here.partition],
  });
  expect(await store.renew({ node: 'a', ttlMs: 60_000, leases, refuses: null })).toEqual([]);
  expect(notices.map(({ type }) => type)).toEqual(['store-set-back']);
  await eye.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
    nameOf(database.url),
  ]);
  const psql = await openEye(database.url);
  await psql.query("update lease set expires_at = now() - interval '1 second' where owner is not null");
  await psql.close();
  const taken = (await store.acquire({ node: 'a', limit: 2, ttlMs: 60_000, epochAtLeast: Date.now() })) as [
    Lease,
    Lease,
  ];
  for (const [index, device] of [y, x].entries()) {
    const lease = taken.find(({ partition }) => partition === [there, here][index]!.partition)!;
    await loaded(store, lease.partition);
    expect(await store.commit(born(lease, device))).toEqual({ type: 'committed' });
  }
  expect([await reportsOf(x), await reportsOf(y)]).toEqual([1, 1]);
  expect(notices, 'the same database is the same, whoever connects to it').toHaveLength(1);
});
