/**
 * A device that is moved to another site, or is of another kind: the inventory says so, and its owner follows without a restart. On real
 * servers.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectToHub } from '../../src/nats/connect.ts';
import { RawDevice } from '../devices/raw-device.ts';
import { World } from '../servers/world.ts';

let world: World;

beforeEach(async () => {
  world = await World.start();
});
afterEach(async () => {
  await world.end();
});

async function move(device: string): Promise<void> {
  await world.eye.query(`update device set site = 'harbour' where id = $1`, [device]);
}

function untilAt(device: string, site: string): Promise<unknown> {
  return world.backend.untilDocument(device, `its site is ${site}`, (document) => document.site === site);
}

/** The same device, behind the other site. */
async function movedDevice(device: RawDevice): Promise<RawDevice> {
  const harbour = await connectToHub({ url: world.hub.url('harbour'), name: 'harbour' });
  world.add(() => harbour.close());
  const moved = await RawDevice.start({ nats: harbour.nats, device: device.device });
  moved.boot = device.boot + 1;
  return moved;
}

test('its twin follows, the journal says so, and only the new site speaks as it and is commanded', async () => {
  await world.hostNode();
  const device = await world.knownDevice();
  await move(device.device);
  await untilAt(device.device, 'harbour');
  const [line] = await world.eye.query<{ detail: string }>(
    `select detail from transition t join device d on d.key = t.device where d.id = $1 and cause = 'engineer'`,
    [device.device],
  );
  expect(line?.detail).toBe('the inventory has moved it from site depot to site harbour');
  await device.report();
  await world.eye.untilRow(
    'the old site is refused',
    `select 1 from dead_letter where device = $1 and reason = 'foreign-site' and site = 'depot'`,
    [device.device],
  );
  const moved = await movedDevice(device);
  await moved.report();
  await world.backend.untilDocument(
    device.device,
    'the new site is heard, and answers',
    ({ sequence }) => (sequence as { boot: number }).boot === moved.boot,
  );
  expect(
    await world.backend.command(device.device, 'reserve', { args: { holdMs: 60_000 }, waitMs: 20_000 }),
  ).toMatchObject({
    outcome: 'done',
  });
});

test('so it is where it was moved while no node ran', async () => {
  const node = await world.hostNode();
  const device = await world.knownDevice();
  await node.stop();
  await move(device.device);
  await world.hostNode();
  await untilAt(device.device, 'harbour');
});

test.each([
  ['while its node runs', true],
  ['while no node runs', false],
])(
  'a device that the inventory gives another kind, %s, is a twin of that kind, and the journal says so',
  async (_, runs) => {
    const node = await world.hostNode();
    const { device } = await world.knownDevice();
    if (!runs) await node.stop();
    await world.eye.query(`update device set kind = 'kiosk' where id = $1`, [device]);
    if (!runs) await world.hostNode();
    const known = ({ kind, state }: Readonly<Record<string, unknown>>): boolean =>
      kind === 'kiosk' && state === 'offline';
    await world.backend.untilDocument(device, 'it is a kiosk of which nothing is known', known);
    const [line] = await world.eye.query<{ detail: string }>(
      `select detail from transition t join device d on d.key = t.device where d.id = $1 and cause = 'engineer'`,
      [device],
    );
    expect(line?.detail).toBe('the inventory says that it is a kiosk and no charge-point');
  },
);
