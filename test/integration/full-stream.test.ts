/** A site that says far too much fills its own stream, and nobody else's; what is committed is taken from it again. */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kinds } from '../../machines/kinds.ts';
import { connectToHub } from '../../src/nats/connect.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import { StreamWatch } from '../../src/app/stream-watch.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { siteStream } from '../../src/wire/subjects.ts';
import { until } from '../nodes/node.ts';
import { RawDevice } from '../devices/raw-device.ts';
import { World } from '../servers/world.ts';

const MIB = 1024 ** 2;
const NOTE = 'x'.repeat(60_000);
/** As many as fill the stream three times over. */
const REPORTS_MAX = 400;

let world: World;
let manager: JetStreamManager;
let harbour: NatsConnection;

beforeEach(async () => {
  world = await World.start();
  const operator = await connectToHub({ url: world.hub.url('operator'), name: 'operator' });
  world.add(() => operator.close());
  manager = await jetstreamManager(operator.nats, { checkAPI: false });
  const connection = await connectToHub({ url: world.hub.url('harbour'), name: 'harbour' });
  world.add(() => connection.close());
  harbour = connection.nats;
});
afterEach(() => world.end());

/** Makes the depot's stream small; a node has made it. */
async function shrink(): Promise<void> {
  await manager.streams.update(siteStream('depot'), { max_bytes: 8 * MIB });
}

/** Reports until the hub refuses one; resolves with how many it has acknowledged. */
async function fill(device: RawDevice): Promise<number> {
  for (let acknowledged = 0; acknowledged < REPORTS_MAX; acknowledged += 1) {
    const ack = await device.report({ note: NOTE });
    if (isRefused(ack)) return acknowledged;
  }
  throw new Error('the stream was never full');
}

const isRefused = (ack: object): boolean =>
  (ack as { readonly error?: { readonly err_code: number } }).error?.err_code === 10_077;

async function stored(device: RawDevice, count: number): Promise<void> {
  await world.eye.untilRow(
    `${String(count)} reports of ${device.device} are stored`,
    `select from report r join device d on d.key = r.device where d.id = $1 having count(*) >= $2`,
    [device.device, count],
  );
}

/** Sends the report that was refused again, as devices do, until it is taken. */
async function untilTaken(device: RawDevice): Promise<void> {
  await until('the site is taken again', async () => {
    device.seq -= 1;
    const ack = await device.report();
    return isRefused(ack) ? { done: false, seen: JSON.stringify(ack) } : { done: true, value: ack };
  });
}

test('while no node reads, a full site is refused, the other is taken, and what was acknowledged is committed later', async () => {
  const first = await world.hostNode();
  await first.stop();
  await shrink();
  const device = await world.newDevice({ manner: 'deaf' });
  const neighbour = await RawDevice.start({ nats: harbour, device: 'neighbour', manner: 'deaf' });
  const acknowledged = await fill(device);
  expect(acknowledged).toBeGreaterThan(100);
  expect(await neighbour.report({ note: NOTE })).toMatchObject({ stream: siteStream('harbour'), seq: 1 });
  await world.hostNode();
  await stored(neighbour, 1);
  await stored(device, acknowledged);
  await untilTaken(device);
  await stored(device, acknowledged + 1);
  const { state } = await manager.streams.info(siteStream('depot'));
  expect(state.first_seq).toBeGreaterThan(1);
  expect(state.bytes).toBeLessThan(0.7 * 8 * MIB);
});

test('while a node reads, a flood beyond the bound is taken as fast as it is committed, and nothing of it is lost', async () => {
  const app = await world.hostNode();
  await shrink();
  const device = await world.knownDevice({ manner: 'probes' });
  const neighbour = await RawDevice.start({ nats: harbour, device: 'neighbour', manner: 'deaf' });
  for (let sent = 0; sent < REPORTS_MAX; sent += 1) {
    if (isRefused(await device.report({ note: NOTE }))) await untilTaken(device);
    if (sent % 100 === 0) expect(isRefused(await neighbour.report())).toBe(false);
  }
  await stored(device, device.seq);
  await stored(neighbour, 4);
  await until('the twin has heard all of them', async () => {
    const document = await world.backend.get(device.device);
    const sequence = document.sequence as { readonly missing: number; readonly seq: number };
    const isHeard = sequence.missing === 0 && sequence.seq === device.seq;
    return isHeard ? { done: true } : { done: false, seen: JSON.stringify(sequence) };
  });
  const [streams] = (await app.health.check()).filter(({ part }) => part === 'streams');
  expect(streams).toMatchObject({ ok: true });
});

test('what is not committed is never taken, however full the stream is; who owns nothing sees it, too', async () => {
  const first = await world.hostNode();
  await shrink();
  const device = await world.knownDevice({ manner: 'probes' });
  await first.stop();
  await fill(device);
  const { state: full } = await manager.streams.info(siteStream('depot'));
  const hub = await connectToHub({ url: world.hub.url('runtime'), name: 'standby' });
  world.add(() => hub.close());
  const store = new PostgresStore({
    connectionString: world.databaseUrl,
    kinds,
    clock: systemClock,
    serverErrorMs: 50,
  });
  world.add(() => store.close());
  const standby = { settle: () => undefined };
  const watch = new StreamWatch({ hub, store, node: standby, log: pino({ level: 'silent' }) });
  await watch.look();
  const [depot] = watch.shares.filter(({ stream }) => stream === siteStream('depot'));
  expect(depot!.share).toBeGreaterThan(0.9);
  const { state } = await manager.streams.info(siteStream('depot'));
  const [committed] = await world.eye.query<{ through: number }>(
    `select min((positions -> '${siteStream('depot')}' ->> 'position')::int) as through from lease`,
  );
  expect(committed!.through).toBeGreaterThan(0);
  expect(state).toMatchObject({ first_seq: committed!.through + 1, last_seq: full.last_seq });
});
