/**
 * HTTP while the store is away: it says so, in time, and answers again when the store is back.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kinds } from '../../machines/kinds.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import { startPostgres } from '../servers/servers.ts';
import { commitLives, fleet } from './http-fleet.ts';
import { type HttpNode, httpOver, StandingClock } from './http-node.ts';

let server: Awaited<ReturnType<typeof startPostgres>>;
let store: PostgresStore;
let node: HttpNode;

beforeAll(async () => {
  server = await startPostgres();
  await migrate(server.url());
  const clock = new StandingClock();
  store = new PostgresStore({ connectionString: server.url(), kinds, clock, serverErrorMs: 50 });
  node = await httpOver(store, clock);
  await commitLives(store, fleet);
});

afterAll(async () => {
  await node.app.close();
  await store.close();
  await server.end();
});

test('whatever needs the store says that it is away, and when to ask again', async () => {
  expect((await node.app.inject('/v1/devices/cp-001')).statusCode).toBe(200);
  await server.stop();
  for (const path of ['/v1/devices', '/v1/fleet', '', '/reports', '/timeline', '/journal', '/commands']) {
    const url = path.startsWith('/v1') ? path : `/v1/devices/cp-001${path}`;
    const response = await node.app.inject(url);
    expect([url, response.statusCode, response.headers['retry-after']]).toEqual([url, 503, '2']);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(response.json()).toMatchObject({ code: 'store-unavailable', status: 503 });
    expect(response.body).not.toMatch(/postgres|ECONN|127\.0\.0\.1/i);
  }
  expect((await node.app.inject('/healthz')).statusCode).toBe(200);
});

test('once the store is back it is asked again, without a restart', async () => {
  await server.start();
  const response = await node.app.inject('/v1/devices/cp-001/timeline');
  expect([response.statusCode, response.json<{ device: string }>().device]).toEqual([200, 'cp-001']);
});
