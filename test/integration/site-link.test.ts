/** The link between a site and the hub, with the faults that the outage tests are made of. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { connectToHub } from '../../src/nats/connect.ts';
import type { Hub } from '../../tools/dev/hub.ts';
import type { Site } from '../../tools/dev/site.ts';
import { startLink, type Link } from '../servers/link.ts';
import { startHub, startSite, type Temporary } from '../servers/servers.ts';

let link: Link;
let hub: Hub & Temporary;
let site: Site & Temporary;
let runtime: NatsConnection;
let device: NatsConnection;

beforeAll(async () => {
  link = await startLink();
  hub = await startHub({ link });
  site = await startSite(hub, { link });
  runtime = (await connectToHub({ url: hub.url('runtime'), name: 'runtime' })).nats;
  device = (await connectToHub({ url: site.url, name: 'device' })).nats;
  await (await jetstreamManager(runtime)).streams.add({ name: 'DEVICES', subjects: ['report.>'] });
});

beforeEach(async () => {
  link.heal();
  await site.awaitLink();
});

afterAll(async () => {
  await Promise.all([runtime.close(), device.close()]);
  await site.end();
  await hub.end();
  await link.close();
});

const report = (timeoutMs: number): Promise<unknown> =>
  jetstream(device).publish('device.car-1.report', '{}', { timeout: timeoutMs, retries: 1 });

async function stored(): Promise<number> {
  return (await (await jetstreamManager(runtime)).streams.info('DEVICES')).state.last_seq;
}

it('carries reports while it is whole', async () => {
  await expect(report(5_000)).resolves.toMatchObject({ stream: 'DEVICES' });
});

it('is not gone round by the leaf when it is cut', async () => {
  link.cut();
  await expect.poll(() => site.isLinked(), { timeout: 5_000 }).toBe(false);
  const before = await stored();
  await expect(report(500)).rejects.toThrow();
  expect(await stored()).toBe(before);
  link.heal();
  await site.awaitLink();
  await expect(report(5_000)).resolves.toMatchObject({ stream: 'DEVICES' });
});

it('holds back what is said while it is frozen, and delivers it when it thaws', async () => {
  const before = await stored();
  link.freeze();
  await expect(report(300)).rejects.toThrow();
  expect(await stored()).toBe(before);
  link.heal();
  await expect.poll(stored, { timeout: 5_000 }).toBe(before + 1);
});

it('lets a report be stored whose acknowledgement does not come back, when it is frozen downwards', async () => {
  const before = await stored();
  link.freeze('down');
  await expect(report(300)).rejects.toThrow();
  expect(await stored()).toBe(before + 1);
});

it('is found again by the leaf after the hub was killed and started', async () => {
  await hub.kill();
  await expect.poll(() => site.isLinked(), { timeout: 5_000 }).toBe(false);
  await hub.start();
  await site.awaitLink();
  await expect(report(5_000)).resolves.toMatchObject({ stream: 'DEVICES' });
});
