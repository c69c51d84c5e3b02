/**
 * A device whose row vanishes under a running node, as when somebody deletes it by SQL: that is the business of this device alone.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PostgresStore } from '../../src/postgres/store.ts';
import { kinds } from '../../machines/kinds.ts';
import { createDatabase, type TestDatabase } from '../servers/servers.ts';
import { type DatabaseEye, openEye } from './database-eye.ts';
import { OwnedStore } from './owned-store.ts';
import { entry, filed, report, T0, twin } from './store-samples.ts';

describe('a device row that vanishes', () => {
  let database: TestDatabase;
  let store: PostgresStore;
  let eye: DatabaseEye;
  let owned: OwnedStore;
  const notices: { readonly type: string }[] = [];

  beforeEach(async () => {
    database = await createDatabase();
    eye = await openEye(database.url);
    store = new PostgresStore({
      connectionString: database.url,
      kinds,
      clock: { now: () => T0 },
      serverErrorMs: 50,
      onNotice: (notice) => notices.push(notice),
    });
    owned = await OwnedStore.take(store);
    notices.length = 0;
  });
  afterEach(async () => {
    await store.close();
    await eye.close();
    await database.drop();
  });

  const say = (device: string, seq: number): Promise<void> => {
    const said = report(seq);
    const sequence = { ranges: [1, 1, seq], floorBoot: 0, closedMissing: 0, late: 0, duplicates: 0 };
    const newest = { boot: 1, seq, up: said.up, receivedAt: T0 + said.up, at: null, report: said };
    const next = twin(device, { version: seq, sequence, newest });
    return owned.commit({ twins: [next], reports: [filed(device, said)] });
  };
  const remove = async (device: string): Promise<void> => {
    const key = `(select key from device where id = '${device}')`;
    const tables = ['twin', 'component', 'inventory_scan', 'inventory_change'];
    for (const table of tables) await eye.query(`delete from ${table} where device = ${key}`);
    await eye.query(`delete from device where id = '${device}'`);
  };

  test('is written again by the next message of its device, and the others in the commit are written too', async () => {
    await say('cp-1', 1);
    await say('cp-2', 1);
    await remove('cp-1');
    await say('cp-1', 2);
    await say('cp-2', 2);
    expect(
      await eye.query(
        'select id, registered, t.seq from device d join twin t on t.device = d.key order by id',
      ),
    ).toEqual([
      { id: 'cp-1', registered: false, seq: '2' },
      { id: 'cp-2', registered: false, seq: '2' },
    ]);
    expect(notices).toEqual([{ type: 'device-row-gone', device: 'cp-1' }]);
  });

  test('takes the key of the row that somebody put in its place', async () => {
    await say('cp-1', 1);
    await remove('cp-1');
    await eye.query(
      `insert into device (id, kind, site, registered) values ('cp-1', 'charge-point', 'depot', true)`,
    );
    const request = entry('cp-1');
    await say('cp-1', 2);
    await owned.commit({ twins: [twin('cp-1', { version: 3 })], ledger: [request] });
    expect((await store.twin('cp-1'))?.inventory.registered).toBe(true);
    expect(await store.ledgerEntry('cp-1', request.id)).toEqual(request);
  });
});
