/**
 * No command over HTTP is answered 5xx for what is in it, all the way to a twin and its device.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { faultsAmong } from '../hostile/http-fuzz.ts';
import { type Description, everyNasty, nastyMixtures } from '../hostile/nasty-requests.ts';
import { startNode } from '../nodes/node.ts';
import { World } from '../servers/world.ts';

const TOKEN = 'a-token-that-may-operate';
const headers = { authorization: `Bearer ${TOKEN}` };
const COMMANDS = '/v1/devices/{device}/commands';

let world: World;
let node: App;
let description: Description;
let known: Readonly<Record<string, readonly string[]>>;

beforeAll(async () => {
  world = await World.start();
  const env = { CORRAL_HTTP_OPERATE_TOKENS: `fuzz:${TOKEN}`, CORRAL_HTTP_RATE_MAX: '1000000' };
  node = await startNode({ hub: world.hub, databaseUrl: world.databaseUrl, env });
  world.add(() => node.stop());
  const { device } = await world.knownDevice({ manner: 'obeys' });
  known = { device: [device], name: ['"reserve"'], args: ['{"holdMs":60000}'] };
  const { paths } = (await (await fetch(`${node.httpUrl}/openapi.json`)).json()) as Description;
  description = { paths: { [COMMANDS]: { post: paths[COMMANDS]!.post! } } };
});
afterAll(() => world.end());

test('no command is answered 5xx for what is in it', async () => {
  const requests = [
    ...everyNasty(description, known),
    ...nastyMixtures(description, known, { seed: 11, count: 200 }),
  ];
  const { faults, statuses } = await faultsAmong(requests, { url: node.httpUrl, parallel: 4, headers });
  expect(faults).toEqual([]);
  expect(statuses.get(400) ?? 0).toBeGreaterThan(50);
  expect((statuses.get(200) ?? 0) + (statuses.get(202) ?? 0)).toBeGreaterThan(0);
});
