/**
 * How twins are rewritten: on their page, as long as nothing changes that an index is about.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kinds } from '../../machines/kinds.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import { PARTITIONS } from '../../src/wire/partition.ts';
import { createDatabase, type TestDatabase } from '../servers/servers.ts';
import { type DatabaseEye, openEye } from './database-eye.ts';
import { advance, advanced, commitOf, T0, twin } from './store-samples.ts';

let database: TestDatabase;
let store: PostgresStore;
let psql: DatabaseEye;

beforeAll(async () => {
  database = await createDatabase();
  store = new PostgresStore({
    connectionString: database.url,
    kinds,
    clock: { now: () => T0 },
    serverErrorMs: 50,
  });
  psql = await openEye(database.url);
});
afterAll(async () => {
  await psql.close();
  await store.close();
  await database.drop();
});

const REWRITES = 20;

test('a twin that stays in its state, doubted or not, is rewritten on its page', async () => {
  let leases = await store.acquire({ node: 'a', limit: PARTITIONS, ttlMs: 60_000, epochAtLeast: Date.now() });
  const suspicions = [{ reason: 'divergence', since: T0, detail: 'x' }];
  for (let version = 1; version <= REWRITES + 1; version += 1) {
    const partitions = leases.map((lease) => advance(lease));
    const path = version % 2 === 0 ? 'available.idle' : 'available.occupied';
    const twins = [
      twin('cp-1', { version, path, lastContactAt: T0 + version }),
      twin('cp-2', { version, path: 'suspect.doubted', suspicions, lastContactAt: T0 + version }),
    ];
    expect(await store.commit(commitOf(partitions, { twins }))).toEqual({ type: 'committed' });
    leases = leases.map((lease, index) => advanced(lease, partitions[index]));
  }
  // A connection tells what it counted when it ends, or some time.
  await store.close();
  const counted = await psql.untilRow<{ hot: number }>(
    'the server has counted the rewrites',
    `select n_tup_hot_upd::integer as hot from pg_stat_user_tables where relname = 'twin' and n_tup_upd = $1`,
    [2 * REWRITES],
  );
  expect(counted.hot).toBe(2 * REWRITES);
});
