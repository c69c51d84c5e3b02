/**
 * Readers of events while the hub is away: nothing can arrive, and nobody is left to believe that all is well.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { until } from '../nodes/node.ts';
import { World } from '../servers/world.ts';

let world: World;
let node: App;

beforeAll(async () => {
  world = await World.start();
  node = await world.hostNode();
});
afterAll(() => world.end());

test('a stream of events ends while nothing can arrive, none begins, and whoever comes back then has lost nothing', async () => {
  const device = await world.knownDevice();
  const first = await fetch(`${node.httpUrl}/v1/events`);
  const ended = first.text();
  await world.hub.kill();
  const place = /^id: (\S+)\nevent: open/m.exec(await ended)?.[1] ?? '';
  expect(place).not.toBe('');
  const headers = { 'last-event-id': place };
  const refused = await fetch(`${node.httpUrl}/v1/events`, { headers });
  expect(await refused.json()).toMatchObject({ code: 'hub-unavailable', status: 503 });
  await world.hub.start();
  const again = await until('events are to be had again', async () => {
    const response = await fetch(`${node.httpUrl}/v1/events`, { headers });
    return response.ok ? { done: true, value: response } : { done: false, seen: await response.text() };
  });
  await until('its device can be heard again', async () => {
    const isSent = await device.report({ state: 'charging' }).then(
      () => true,
      () => false,
    );
    return isSent ? { done: true } : { done: false, seen: 'no ack' };
  });
  let text = '';
  for await (const chunk of again?.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    if (text.includes('event: changed')) break;
  }
  expect(text).toContain(`"device":"${device.device}"`);
});
