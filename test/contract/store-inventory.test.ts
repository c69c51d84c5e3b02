/**
 * The inventory on Postgres: what is built into a device, and every change of it, from the scans it sends.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FiledReport } from '../../actors/decision.ts';
import { kinds } from '../../machines/kinds.ts';
import type { Report } from '../../machines/report.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import type { Lease } from '../../src/runtime/ports.ts';
import { createDatabase, type TestDatabase } from '../servers/servers.ts';
import { type DatabaseEye, openEye } from './database-eye.ts';
import { advance, advanced, commitOf, devicesIn, filed, report, T0, twin } from './store-samples.ts';

type Components = NonNullable<Report['components']>;

const modem = (serial: string, firmware?: string) => ({
  slot: 'modem',
  model: 'Q 4G',
  serial,
  ...(firmware === undefined ? {} : { firmware }),
});
const meter = { slot: 'meter', model: 'EM-340', serial: 'm-1' };

describe('a scan of components', () => {
  let database: TestDatabase;
  let store: PostgresStore;
  let psql: DatabaseEye;
  let lease: Lease;
  let devices: readonly [string, ...string[]];
  beforeEach(async () => {
    database = await createDatabase();
    const connectionString = database.url;
    store = new PostgresStore({ connectionString, kinds, clock: { now: () => T0 }, serverErrorMs: 50 });
    psql = await openEye(connectionString);
    [lease] = (await store.acquire({ node: 'a', limit: 1, ttlMs: 60_000, epochAtLeast: Date.now() })) as [
      Lease,
    ];
    devices = devicesIn(lease.partition, 2);
  });
  afterEach(async () => {
    await psql.close();
    await store.close();
    await database.drop();
  });

  const scan = (device: string, boot: number, components: Components): FiledReport =>
    filed(device, report(1, { boot, components }), { measuredAt: T0 + boot * 1000 });

  async function commit(...reports: readonly FiledReport[]): Promise<void> {
    const twins = [...new Set(reports.map(({ device }) => device))].map((device) => twin(device));
    expect(await store.commit(commitOf([advance(lease)], { twins, reports }))).toEqual({ type: 'committed' });
    lease = advanced(lease);
  }

  const inventory = () =>
    psql.query('select slot, model, serial, firmware from inventory order by device, slot');
  const changes = () =>
    psql.query(
      'select slot, change, before, after, boot::int from inventory_history order by boot, measured_at, slot',
    );

  test('becomes the inventory, and a change for each part', async () => {
    await commit(scan(devices[0], 1, [modem('s-1', '2.0'), meter]));
    expect(await inventory()).toEqual([
      { slot: 'meter', model: 'EM-340', serial: 'm-1', firmware: null },
      { slot: 'modem', model: 'Q 4G', serial: 's-1', firmware: '2.0' },
    ]);
    const [first, second] = [
      { model: 'EM-340', serial: 'm-1', firmware: null },
      { model: 'Q 4G', serial: 's-1', firmware: '2.0' },
    ];
    expect(await changes()).toEqual([
      { slot: 'meter', change: 'added', before: null, after: first, boot: 1 },
      { slot: 'modem', change: 'added', before: null, after: second, boot: 1 },
    ]);
  });

  test('that finds what is known changes nothing', async () => {
    await commit(scan(devices[0], 1, [modem('s-1'), meter]));
    await commit(scan(devices[0], 2, [meter, modem('s-1')]));
    expect(await changes()).toHaveLength(2);
  });

  test('tells a part that was replaced from one that got new firmware and one that is gone', async () => {
    await commit(scan(devices[0], 1, [modem('s-1', '2.0'), meter]));
    await commit(scan(devices[0], 2, [modem('s-1', '2.1'), meter]));
    await commit(scan(devices[0], 3, [modem('s-2', '2.1')]));
    expect((await changes()).slice(2)).toMatchObject([
      { slot: 'modem', change: 'updated', before: { firmware: '2.0' }, after: { firmware: '2.1' }, boot: 2 },
      { slot: 'meter', change: 'removed', after: null, boot: 3 },
      { slot: 'modem', change: 'replaced', before: { serial: 's-1' }, after: { serial: 's-2' }, boot: 3 },
    ]);
    expect(await inventory()).toMatchObject([{ slot: 'modem', serial: 's-2' }]);
  });

  test('tells which modem was in this charger on a given day', async () => {
    await commit(scan(devices[0], 1, [modem('s-1')]));
    await commit(scan(devices[0], 9, [modem('s-2')]));
    const [row] = await psql.query(
      `select after ->> 'serial' as serial from inventory_history
        where device = $1 and slot = 'modem' and measured_at <= $2 order by measured_at desc limit 1`,
      [devices[0], new Date(T0 + 5000)],
    );
    expect(row).toEqual({ serial: 's-1' });
  });

  test('may come more than once in a batch: the changes are those between them, in the order of the boots', async () => {
    await commit(
      scan(devices[0], 3, [modem('s-3')]),
      scan(devices[0], 1, [modem('s-1')]),
      scan(devices[1]!, 1, [modem('s-9'), meter]),
      scan(devices[0], 2, []),
    );
    const own = await psql.query(
      'select change, boot::int from inventory_history where device = $1 order by boot',
      [devices[0]],
    );
    expect(own).toEqual([
      { change: 'added', boot: 1 },
      { change: 'removed', boot: 2 },
      { change: 'added', boot: 3 },
    ]);
    expect(await inventory()).toMatchObject([{ serial: 's-3' }, { slot: 'meter' }, { serial: 's-9' }]);
  });

  test('that is older than the newest one and comes later changes nothing', async () => {
    await commit(scan(devices[0], 2, [modem('s-2')]));
    await commit(scan(devices[0], 1, [modem('s-1'), meter]));
    expect(await inventory()).toMatchObject([{ serial: 's-2' }]);
    expect(await changes()).toHaveLength(1);
  });

  test('of a commit that is fenced changes nothing', async () => {
    const stale = commitOf([{ ...advance(lease), epoch: lease.epoch + 1 }], {
      twins: [twin(devices[0])],
      reports: [scan(devices[0], 1, [modem('s-1')])],
    });
    expect(await store.commit(stale)).toMatchObject({ type: 'fenced' });
    expect(await psql.query('select from model')).toEqual([]);
    expect(await psql.query('select from inventory_scan')).toEqual([]);
  });
});
