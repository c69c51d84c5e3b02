/** Who asked for a command, on a whole system: proved by the hub and by the node, whatever the request says. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { startNode } from '../nodes/node.ts';
import { RawBackend, type RawBody } from '../callers/raw-backend.ts';
import type { RawDevice } from '../devices/raw-device.ts';
import { linesIn } from '../nodes/journal.ts';
import { World } from '../servers/world.ts';

const token = 'a-token-of-the-till-0123456789';

let world: World;
let app: App;
let booking: RawBackend;
let device: RawDevice;

beforeAll(async () => {
  world = await World.start();
  const env = { CORRAL_HTTP_OPERATE_TOKENS: `till-2:${token}` };
  app = await startNode({ hub: world.hub, databaseUrl: world.databaseUrl, env });
  world.add(() => app.stop());
  booking = await RawBackend.connect(world.hub, 'booking');
  world.add(() => booking.close());
  device = await world.knownDevice();
});
afterAll(() => world.end());

test('a program is in the ledger under its account, whoever it says it is', async () => {
  const claimed = 'nats:backend';
  const outcome = await booking.command(device.device, 'report', { by: claimed, waitMs: 5_000 });
  expect(outcome).toMatchObject({ by: claimed, asker: 'nats:booking' });
  expect(await world.backend.ledger(device.device, String(outcome.id))).toMatchObject({
    asker: 'nats:booking',
  });
  const other = await world.backend.command(device.device, 'report', { waitMs: 5_000 });
  expect(other).toMatchObject({ by: null, asker: 'nats:backend' });
});

test('what is published of an outcome says who asked', async () => {
  const { id } = await booking.command(device.device, 'report', { waitMs: 5_000 });
  const published = await linesIn(world.backend.nats, 'CHANGES');
  expect(published.find(({ body }) => body.id === id)?.body).toMatchObject({ asker: 'nats:booking' });
});

test('a command over HTTP is in the ledger under the name of its token, and HTTP shows who asked', async () => {
  const id = randomUUID();
  const path = `/v1/devices/${device.device}/commands`;
  const answer = await http(`${path}?waitMs=5000`, { id, name: 'report', by: 'nats:booking' });
  expect(answer).toMatchObject({ id, by: 'nats:booking', asker: 'http:till-2' });
  expect(await http(`${path}/${id}`)).toMatchObject({ asker: 'http:till-2' });
  expect(await world.backend.ledger(device.device, id)).toMatchObject({ asker: 'http:till-2' });
});

test('an explanation tells both who asked and on whose behalf', async () => {
  await booking.command(device.device, 'reserve', { by: 'mara', waitMs: 5_000 });
  const { chain } = await http(`/v1/devices/${device.device}/explain`);
  const sentences = (chain as readonly RawBody[]).map(({ sentence }) => String(sentence));
  expect(sentences).toContainEqual(expect.stringContaining('mara (asked by nats:booking) commanded reserve'));
});

async function http(path: string, body?: RawBody): Promise<RawBody> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const request = body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) };
  return (await (await fetch(`${app.httpUrl}${path}`, request)).json()) as RawBody;
}
