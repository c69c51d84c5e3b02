/**
 * A site whose devices make up names: nobody registered them, so only so many get a twin. On real servers, and over a restart of the node.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { connectToHub } from '../../src/nats/connect.ts';
import { openEye } from '../contract/database-eye.ts';
import { startNode, until } from '../nodes/node.ts';
import { RawDevice } from '../devices/raw-device.ts';
import { World } from '../servers/world.ts';

let world: World;

beforeEach(async () => {
  world = await World.start();
});
afterEach(async () => {
  await world.end();
});

async function hostNode(): Promise<App> {
  const { hub, databaseUrl } = world;
  const node = await startNode({ hub, databaseUrl, env: { CORRAL_UNREGISTERED_MAX: '3' } });
  world.add(() => node.stop());
  return node;
}

function deviceOf(device: string): Promise<RawDevice> {
  return world.newDevice({ device, manner: 'deaf' });
}

/** A device of another site, on a connection of that site's own. */
async function neighbour(): Promise<RawDevice> {
  const harbour = await connectToHub({ url: world.hub.url('harbour'), name: 'harbour' });
  world.add(() => harbour.close());
  return RawDevice.start({ nats: harbour.nats, device: 'neighbour', manner: 'deaf' });
}

async function register(device: string): Promise<void> {
  await world.eye.query(
    `insert into device (id, kind, site, registered) values ($1, 'charge-point', 'depot', true)`,
    [device],
  );
}

/** Waits until the node answers for a device. */
function untilKnown(device: string): Promise<Readonly<Record<string, unknown>>> {
  return world.backend.untilDocument(device, 'it is known', (document) => document.device === device);
}

/** How often each device of the store was heard. */
async function heard(): Promise<Readonly<Record<string, number>>> {
  const rows = await world.eye.query<{ id: string; n: number }>(
    'select d.id, count(r.seq)::int as n from device d left join report r on r.device = d.key group by d.id',
  );
  return Object.fromEntries(rows.map(({ id, n }) => [id, n]));
}

async function untilHeard(wanted: Readonly<Record<string, number>>): Promise<void> {
  await until('the reports of all are in the store', async () => {
    const seen = await heard();
    const done = Object.entries(wanted).every(([device, n]) => seen[device] === n);
    return { done, seen: JSON.stringify(seen) };
  });
}

/** Waits for so many dead letters of a device; resolves with the last one's detail. */
async function untilRefused(device: string, times: number): Promise<string> {
  const detail = await until(`${device} is refused`, async () => {
    const rows = await world.eye.query<{ detail: string }>(
      `select detail from dead_letter where device = $1 and reason = 'too-many-unregistered' order by no`,
      [device],
    );
    const value = rows.at(-1)?.detail ?? '';
    return rows.length === times ? { done: true, value } : { done: false, seen: JSON.stringify(rows) };
  });
  return detail ?? '';
}

test('a site gets twins for as many unregistered devices as it may have, and no more after a restart either', async () => {
  await register('registered');
  const first = await hostNode();
  const three = await Promise.all(['one', 'two', 'three'].map(deviceOf));
  const [fourth, registered, other] = await Promise.all([
    deviceOf('four'),
    deviceOf('registered'),
    neighbour(),
  ]);
  for (const device of three) await device.report();
  await untilHeard({ one: 1, two: 1, three: 1 });

  for (const device of [fourth, registered, other, ...three]) await device.report();
  const all = { one: 2, two: 2, three: 2, registered: 1, neighbour: 1 };
  expect(await untilRefused('four', 1)).toMatch(/site depot has 3 .*register the device.*UNREGISTERED_MAX/);
  await untilHeard(all);
  expect(await heard()).toEqual(all);

  await first.stop();
  await hostNode();
  for (const device of [fourth, registered, other, ...three]) await device.report();
  await untilRefused('four', 2);
  const again = { one: 3, two: 3, three: 3, registered: 2, neighbour: 2 };
  await untilHeard(again);
  expect(await heard()).toEqual(again);
});

test('a device that was refused is heard once it is registered, while its node goes on', async () => {
  await hostNode();
  for (const device of await Promise.all(['one', 'two', 'three'].map(deviceOf))) await device.report();
  await untilHeard({ one: 1, two: 1, three: 1 });
  const fourth = await deviceOf('four');
  await fourth.report();
  await untilRefused('four', 1);
  await register('four');
  await untilKnown('four');
  await fourth.report();
  await untilHeard({ four: 1 });
});

test('a device that is registered while its node runs belongs to its site from then on, whoever speaks in its name first', async () => {
  await hostNode();
  await register('neighbour');
  const document = await untilKnown('neighbour');
  expect(document).toMatchObject({ kind: 'charge-point', site: 'depot' });
  const thief = await neighbour();
  await thief.report();
  await until('the other site is refused', async () => {
    const seen = await world.eye.query(
      `select site from dead_letter where device = 'neighbour' and reason = 'foreign-site'`,
    );
    return { done: seen.length === 1, seen: JSON.stringify(seen) };
  });
  await (await deviceOf('neighbour')).report();
  await untilHeard({ neighbour: 1 });
});

test('a device is heard of although its registration took long, and another one was over before it', async () => {
  await hostNode();
  const slow = await openEye(world.databaseUrl);
  world.add(() => slow.close());
  await slow.query('begin');
  await slow.query(
    `insert into device (id, kind, site, registered) values ('slow', 'charge-point', 'depot', true)`,
  );
  await register('quick');
  await untilKnown('quick');
  await slow.query('commit');
  await untilKnown('slow');
});
