/** A node that is told to stop while Postgres is away ends within its limit, says so, and loses nothing. */
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../nodes/node.ts';
import { type NodeProcess, startNodeProcess } from '../nodes/node-process.ts';
import { RawDevice } from '../devices/raw-device.ts';
import { startHub, startPostgres, startSite } from '../servers/servers.ts';

let hub: Awaited<ReturnType<typeof startHub>>;
let site: Awaited<ReturnType<typeof startSite>>;
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let gateway: NatsConnection;
let node: NodeProcess;

beforeAll(async () => {
  [hub, postgres] = await Promise.all([startHub(), startPostgres()]);
  site = await startSite(hub);
  gateway = await connect({ servers: site.url });
  node = await startNodeProcess({ hub, postgresUrl: postgres.url(), stopLimitMs: 4_000 });
});

afterAll(async () => {
  await node.kill();
  await gateway.close();
  await site.end();
  await hub.end();
  await postgres.end();
});

test('gives up loudly, and the next one reads again what was not committed', async () => {
  const device = await RawDevice.start({ nats: gateway, device: 'cp-1' });
  await device.report();
  await until('its twin is committed', async () => {
    const { status } = await fetch(`${node.httpUrl}/v1/devices/cp-1`);
    return status === 200 ? { done: true } : { done: false, seen: String(status) };
  });
  await postgres.kill();
  await device.report();
  await until('the node has tried to commit it', async () =>
    node.said().includes('"line":"store-unavailable"')
      ? { done: true }
      : { done: false, seen: node.said().slice(-500) },
  );
  expect(await node.stop()).toBe(1);
  expect(node.said()).toMatch(/"line":"node-stop-waits".*"waitsFor":"store: does not answer/);
  expect(node.said()).toMatch(/"level":60.*"line":"node-stop-given-up","limitMs":4000/);
  await postgres.start();
  await node.start();
  await until('the report is committed', async () => {
    const twin = (await (await fetch(`${node.httpUrl}/v1/devices/cp-1`)).json()) as {
      sequence?: { seq: number };
    };
    return twin.sequence?.seq === device.seq ? { done: true } : { done: false, seen: JSON.stringify(twin) };
  });
});
