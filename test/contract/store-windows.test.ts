/**
 * What a question about a window of time costs the database: as much as there is in the window, however long the life of the device.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kinds } from '../../machines/kinds.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import { createDatabase, type TestDatabase } from '../servers/servers.ts';
import { type DatabaseEye, openEye } from './database-eye.ts';
import { OwnedStore } from './owned-store.ts';
import { bootClock, filed, report, T0, twin } from './store-samples.ts';

const BOOTS = 20_000;
const MINUTE = 60_000;
/** Clocks that a page of a few reports may look at, of that many. */
const CLOCKS_MAX = 1_000;

const device = 'cp-1';

let database: TestDatabase;
let psql: DatabaseEye;

const open = (): PostgresStore =>
  new PostgresStore({
    connectionString: database.url,
    kinds,
    clock: { now: () => T0 },
    serverErrorMs: 50,
  });

beforeAll(async () => {
  database = await createDatabase();
  psql = await openEye(database.url);
  const store = open();
  const owned = await OwnedStore.take(store);
  const present = bootClock({ boot: BOOTS, latest: { up: 0, at: T0 } });
  const reports = [1, BOOTS / 2, BOOTS].map((boot) =>
    filed(device, report(1, { boot, up: 1_000 }), { receivedAt: T0 - (BOOTS - boot) * MINUTE + 1_000 }),
  );
  await owned.commit({ twins: [twin(device, { clock: present })], reports });
  await store.close();
  await psql.query(
    `insert into boot_clock (device, incarnation, boot, latest_up, latest_at)
      select d.key, 1, boot, 0, $1::float8 - ($2::integer - boot) * $3::float8
      from device d, generate_series(1, $2::integer - 1) boot where d.id = $4`,
    [T0, BOOTS, MINUTE, device],
  );
  await psql.query('analyze boot_clock');
});
afterAll(async () => {
  await psql.close();
  await database.drop();
});

/** Rows of the table of clocks that were read so far, by all whose connections have ended. */
async function clocksRead(): Promise<number> {
  await psql.untilRow(
    'the connections of the store have ended',
    `select 1 where not exists (select from pg_stat_activity where datname = current_database() and application_name = 'corral')`,
  );
  await psql.query('select pg_stat_clear_snapshot()');
  const [row] = await psql.query<{ read: number }>(
    `select (seq_tup_read + idx_tup_fetch)::integer as read from pg_stat_user_tables where relname = 'boot_clock'`,
  );
  return row!.read;
}

test.each([
  ['at the beginning', 1],
  ['in the middle', BOOTS / 2],
  ['at the end', BOOTS],
])(
  'of a device with 20,000 boots, a window %s of its life costs no look at the clocks of all',
  async (_, boot) => {
    const began = T0 - (BOOTS - boot) * MINUTE;
    const before = await clocksRead();
    const store = open();
    for (const isNewestFirst of [false, true]) {
      const window = { from: began, to: began + MINUTE, after: null, isNewestFirst, limit: 100 };
      const found = await store.reports(device, window);
      expect(found.map((each) => [each.boot, each.measuredAt])).toEqual([[boot, began + 1_000]]);
    }
    await store.close();
    expect((await clocksRead()) - before).toBeLessThan(CLOCKS_MAX);
  },
);
