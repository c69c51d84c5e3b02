/** Leases on Postgres, where a question takes longer than what happens meanwhile: it began before, and is decided after it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kinds } from '../../machines/kinds.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import { createDatabase, type TestDatabase } from '../servers/servers.ts';
import { type DatabaseEye, openEye } from './database-eye.ts';
import { T0 } from './store-samples.ts';

const TTL_MS = 60_000;

let database: TestDatabase;
let holder: DatabaseEye;
let witness: DatabaseEye;
let store: PostgresStore;

beforeAll(async () => {
  database = await createDatabase();
  await migrate(database.url);
  [holder, witness] = [await openEye(database.url), await openEye(database.url)];
  const options = { kinds, clock: { now: () => T0 }, serverErrorMs: 50 };
  store = new PostgresStore({ ...options, connectionString: database.url });
});
afterAll(async () => {
  await Promise.all([store.close(), holder.close(), witness.close()]);
  await database.drop();
});

test('what another node took, or renewed, after the question for free partitions began is not free', async () => {
  // A new session asks more than this before it is used.
  await store.release([]);
  await holder.query('begin');
  await holder.query('lock table lease in access exclusive mode');
  const acquired = store.acquire({ node: 'late', limit: 32, ttlMs: TTL_MS, epochAtLeast: Date.now() });
  await witness.untilRow(
    'the question waits',
    "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'with free%'",
  );
  await holder.query(
    "update lease set owner = 'early', expires_at = clock_timestamp() + $1 * interval '1 millisecond'",
    [TTL_MS],
  );
  await holder.query('commit');
  expect(await acquired).toEqual([]);
});
