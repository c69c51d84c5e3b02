/** A new site is a copied block in nats.conf and two reloads, under traffic: its stream is made and read by the nodes that run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import { siteStream } from '../../src/wire/subjects.ts';
import { projectFolder } from '../../tools/dev/project-folders.ts';
import { until } from '../nodes/node.ts';
import { RawDevice } from '../devices/raw-device.ts';
import { temporaryFolder } from '../servers/servers.ts';
import { World } from '../servers/world.ts';

const DEVICES = 10;

let world: World;
let configFile: string;

beforeEach(async () => {
  const { folder, remove } = temporaryFolder();
  configFile = join(folder, 'nats.conf');
  writeFileSync(configFile, readFileSync(join(projectFolder, 'nats.conf')));
  world = await World.start({ hub: { configFile } });
  world.add(async () => remove());
});
afterEach(() => world.end());

/** Copies the block of the site `depot` and reloads twice, as `nats.conf` says. */
async function addSite(site: string): Promise<HubConnection> {
  const conf = readFileSync(configFile, 'utf8');
  const [block] = /^ {2}depot \{\n[\s\S]*?^ {2}\}\n/m.exec(conf) ?? [];
  if (block === undefined) throw new Error('nats.conf has no block of the site depot');
  const added = block.replaceAll('depot', site).replace('$CORRAL_SITE_DEPOT_PASSWORD', '"quay"');
  writeFileSync(
    configFile,
    conf.replace(block, () => `${block}\n${added}`),
  );
  process.kill(world.hub.pid(), 'SIGHUP');
  const url = new URL(world.hub.url('depot'));
  url.username = site;
  url.password = 'quay';
  const connection = await until('the new site may log in', async () => {
    try {
      return { done: true, value: await connectToHub({ url: url.href, name: site }) };
    } catch (error) {
      return { done: false, seen: String(error) };
    }
  });
  process.kill(world.hub.pid(), 'SIGHUP');
  return connection!;
}

test('a site that is added to the configuration is heard and commanded by a node that runs, and nobody else is disturbed', async () => {
  await world.hostNode();
  const fleet = await world.startFleet(DEVICES);
  fleet.beginLoad();
  await fleet.made(2 * DEVICES);
  const quay = await addSite('quay');
  world.add(() => quay.close());
  const device = await RawDevice.start({ nats: quay.nats, device: 'at-the-quay' });
  await until('the first report of the new site is taken', async () => {
    try {
      const ack = await device.report();
      return ack.stream === siteStream('quay') ? { done: true } : { done: false, seen: JSON.stringify(ack) };
    } catch (error) {
      // Nobody answers while there is no stream: it keeps the report.
      device.seq -= 1;
      return { done: false, seen: String(error) };
    }
  });
  const { site } = await world.backend.untilDocument(
    device.device,
    'it is available',
    ({ state }) => state === 'available',
  );
  expect(site).toBe('quay');
  expect(await world.backend.command(device.device, 'reserve')).toMatchObject({ outcome: 'done' });
  await fleet.made(2 * DEVICES);
  await fleet.endLoad();
  await fleet.expectStoredOnce(world.eye);
});
