/** The backend's client against real servers: a node as a process of its own, and devices written by hand. */
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  connectCorral,
  type Corral,
  CorralRefusal,
  CorralUnreachable,
  type Watch,
  type WatchEvent,
} from '../../src/client/corral.ts';
import { startLink } from '../servers/link.ts';
import { until } from '../nodes/node.ts';
import { type NodeProcess, startNodeProcess } from '../nodes/node-process.ts';
import { RawDevice, type RawDeviceOptions } from '../devices/raw-device.ts';
import { createDatabase, startHub, startSite } from '../servers/servers.ts';

const world = {} as {
  hub: Awaited<ReturnType<typeof startHub>>;
  site: Awaited<ReturnType<typeof startSite>>;
  database: Awaited<ReturnType<typeof createDatabase>>;
  gateway: NatsConnection;
  node: NodeProcess;
};
let corral: Corral;
let devices = 0;

beforeAll(async () => {
  world.hub = await startHub();
  world.site = await startSite(world.hub);
  world.database = await createDatabase();
  world.gateway = await connect({
    servers: world.site.url,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
  });
  world.node = await startNodeProcess({ hub: world.hub, postgresUrl: world.database.url });
  corral = await connectCorral({ url: world.hub.url('backend') });
});
afterAll(async () => {
  await corral.close();
  await world.node.kill();
  await world.gateway.close();
  await world.site.end();
  await world.hub.end();
  await world.database.drop();
});

/** A device that has been heard, and whose age is bounded by a round trip. */
async function knownDevice(options: Partial<RawDeviceOptions> = {}): Promise<RawDevice> {
  devices += 1;
  const device = await RawDevice.start({ nats: world.gateway, device: `cp-${String(devices)}`, ...options });
  await device.report();
  await until('its clock is verified', async () => {
    // Right after its first report the twin may not be committed yet.
    const document = await corral.get(device.device).catch((error: unknown) => error);
    const isVerified = (document as { clock?: { verified?: boolean } }).clock?.verified;
    return isVerified === true ? { done: true } : { done: false, seen: JSON.stringify(document) };
  });
  return device;
}

/** Takes events until one is as wanted; fails with what it saw. */
async function eventsUntil(
  watch: Watch,
  what: string,
  wanted: (event: WatchEvent) => boolean,
): Promise<WatchEvent[]> {
  const seen: WatchEvent[] = [];
  const timer = setTimeout(() => void watch.stop(), 60_000);
  for await (const event of watch) {
    seen.push(event);
    if (!wanted(event)) continue;
    clearTimeout(timer);
    return seen;
  }
  throw new Error(`waited for ${what}; saw ${JSON.stringify(seen.slice(-3))}`);
}

const isOutcomeOf =
  (id: string) =>
  (event: WatchEvent): boolean =>
    event.type === 'outcome' && event.id === id && event.outcome !== 'pending';

describe.each(['json', 'msgpack'] as const)('the client, in %s,', (encoding) => {
  let client: Corral;

  beforeAll(async () => {
    client = await connectCorral({ url: world.hub.url('backend'), encoding });
  });
  afterAll(() => client.close());

  test('reads a twin, commands it and finds the command in the ledger', async () => {
    const { device } = await knownDevice();
    expect(await client.get(device)).toMatchObject({ device, kind: 'charge-point', state: 'available' });
    const reserved = await client.command(device, 'reserve', {}, { by: 'user 7' });
    expect(reserved).toMatchObject({ outcome: 'done', device, name: 'reserve', by: 'user 7' });
    expect(Number.isInteger(reserved.acceptedAt) && Number.isInteger(reserved.certainAt)).toBe(true);
    expect(await client.ledger(device, reserved.id)).toEqual(reserved);
    expect(await client.get(device)).toMatchObject({
      state: 'reserved',
      hold: { id: reserved.id, by: 'user 7' },
    });
  });

  test('commands once under one id, however often it asks', async () => {
    const device = await knownDevice();
    const id = randomUUID();
    const results = await Promise.all(
      Array.from({ length: 5 }, () => client.command(device.device, 'reserve', {}, { id })),
    );
    expect(new Set(results.map(({ outcome, n }) => `${outcome} ${String(n)}`)).size).toBe(1);
    expect(results[0]).toMatchObject({ outcome: 'done' });
    expect(device.told).toHaveLength(1);
  });

  test('is told why a command is refused, and what is allowed', async () => {
    const { device } = await knownDevice();
    const refusal: unknown = await client.command(device, 'stop').catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(CorralRefusal);
    expect(refusal).toMatchObject({
      code: 'illegal-state',
      state: 'available',
      allowed: expect.arrayContaining(['reserve']) as string[],
    });
    await expect(client.command(device, 'explode')).rejects.toMatchObject({ code: 'unknown-command' });
    await expect(client.command(device, 'reserve', { holdMs: 'long' })).rejects.toMatchObject({
      code: 'bad-arguments',
    });
    await expect(client.get(`nobody-${encoding}`)).rejects.toMatchObject({ code: 'unknown-device' });
    await expect(client.ledger(device, randomUUID())).rejects.toMatchObject({ code: 'unknown-id' });
  });

  test('changes the desired configuration', async () => {
    const { device } = await knownDevice();
    const { version } = await client.desired(device, { limitA: 16 });
    expect(await client.get(device)).toMatchObject({
      desired: { version, values: { limitA: 16 }, delta: { limitA: 16 } },
    });
  });

  test('finds devices page by page', async () => {
    const made = await Promise.all([knownDevice(), knownDevice(), knownDevice()]);
    const found: string[] = [];
    for await (const page of client.find({ kind: 'charge-point', limit: 2 })) {
      expect(page.length).toBeLessThanOrEqual(2);
      found.push(...page.map(({ device }) => device));
    }
    expect(found).toEqual(expect.arrayContaining(made.map(({ device }) => device)));
    expect(new Set(found).size).toBe(found.length);
  });
});

describe('watching', () => {
  test('tells what becomes known of a device, in order, with its document', async () => {
    const { device } = await knownDevice();
    const watch = await corral.watch({ devices: [device] });
    const { id } = await corral.command(device, 'reserve');
    const events = await eventsUntil(watch, 'the outcome', isOutcomeOf(id));
    expect(events.map((event) => (event.type === 'gone' ? 'gone' : event.device))).toEqual(
      events.map(() => device),
    );
    const changed = events.find((event) => event.type === 'changed');
    expect(changed).toMatchObject({
      from: expect.stringMatching(/^available/) as string,
      to: expect.stringMatching(/^reserved/) as string,
      twin: { device, state: 'reserved' },
    });
    expect(events.at(-1)).toMatchObject({ type: 'outcome', outcome: 'done', device });
  });

  test('goes on from a place kept earlier', async () => {
    const { device } = await knownDevice();
    const first = await corral.watch();
    const reserved = await corral.command(device, 'reserve');
    const [begin] = await eventsUntil(first, 'the outcome', isOutcomeOf(reserved.id));
    await corral.command(device, 'release');
    const again = await corral.watch({ after: (begin?.type === 'gone' ? 0 : (begin?.sequence ?? 1)) - 1 });
    const events = await eventsUntil(again, 'the outcome once more', isOutcomeOf(reserved.id));
    expect(events[0]).toEqual(begin);
  });

  test('loses nothing over kills of the hub', async () => {
    const { device } = await knownDevice();
    const watch = await corral.watch({ devices: [device] });
    const ids: string[] = [];
    for (const [round, name] of ['reserve', 'release', 'reserve', 'release'].entries()) {
      if (round > 0) {
        await world.hub.kill();
        await world.hub.start();
      }
      const { id, outcome } = await corral.command(device, name, {}, { deadlineMs: 60_000, waitMs: 30_000 });
      expect(outcome).toBe('done');
      ids.push(id);
    }
    const last = ids.at(-1) ?? '';
    const events = await eventsUntil(watch, 'the last outcome', isOutcomeOf(last));
    const outcomes = events.flatMap((event) =>
      event.type === 'outcome' && event.outcome === 'done' ? [event.id] : [],
    );
    expect(outcomes).toEqual(ids);
    expect(events.filter(({ type }) => type === 'gone')).toEqual([]);
    const numbers = events.flatMap((event) => (event.type === 'gone' ? [] : [event.no]));
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  test('ends when the client is closed', async () => {
    const other = await connectCorral({ url: world.hub.url('backend') });
    const watch = await other.watch();
    const loop = (async () => {
      for await (const event of watch) expect(event).toBeDefined();
      return 'over';
    })();
    await other.close();
    expect(await loop).toBe('over');
  });
});

describe('a client that is closed', () => {
  test('says of a command that is under way that it may have been accepted, by its id', async () => {
    const device = await knownDevice({ manner: 'probes' });
    const id = randomUUID();
    const other = await connectCorral({ url: world.hub.url('backend') });
    const commanding = other
      .command(device.device, 'reserve', {}, { id, waitMs: 60_000 })
      .catch((error: unknown) => error);
    await until('the command is in the ledger', async () => {
      const entry = await corral.ledger(device.device, id).catch((error: unknown) => error);
      const isThere = (entry as { readonly id?: string; readonly outcome?: string }).outcome === 'pending';
      return isThere ? { done: true } : { done: false, seen: String(entry) };
    });
    await other.close();
    expect(await commanding).toMatchObject({ name: 'CorralUnreachable', wasSent: 'maybe', id });
  });
});

describe('through an outage', () => {
  test('of the link to the hub a command is accepted and executed once', async () => {
    const link = await startLink();
    link.leadTo(`127.0.0.1:${String(world.hub.ports.client)}`);
    const client = await connectCorral({ url: `nats://backend:backend@${link.address}` });
    try {
      const device = await knownDevice();
      link.cut();
      const commanding = client.command(device.device, 'reserve', {}, { deadlineMs: 60_000 });
      link.heal();
      expect(await commanding).toMatchObject({ outcome: 'done' });
      link.cut();
      await expect(client.get(device.device, { deadlineMs: 300 })).rejects.toMatchObject({
        name: 'CorralUnreachable',
        wasSent: expect.any(String) as string,
      });
      expect(device.told).toHaveLength(1);
    } finally {
      await client.close();
      await link.close();
    }
  });

  test('of the node, killed while it waits for the device, a command ends as it really went', async () => {
    const device = await knownDevice({ manner: 'probes' });
    const id = randomUUID();
    const commanding = corral.command(
      device.device,
      'reserve',
      {},
      { id, waitMs: 60_000, deadlineMs: 120_000 },
    );
    const command = await device.command('reserve');
    await world.node.kill();
    await device.execute(command);
    await world.node.start();
    expect(await commanding).toMatchObject({ id, outcome: 'done', n: command.n });
    expect(device.told).toEqual([command.n]);
    expect(await corral.ledger(device.device, id)).toMatchObject({ outcome: 'done' });
  });

  test('without any node a command is known not to be accepted', async () => {
    const { device } = await knownDevice();
    await world.node.kill();
    await until('the hub has noticed that the node is gone', async () => {
      const seen: unknown = await corral.get(device, { deadlineMs: 0 }).catch((error: unknown) => error);
      return seen instanceof CorralUnreachable && seen.wasSent === 'no'
        ? { done: true }
        : { done: false, seen: String(seen) };
    });
    const commanding = corral.command(device, 'reserve', {}, { deadlineMs: 1_000 });
    await expect(commanding).rejects.toMatchObject({ name: 'CorralUnreachable', wasSent: 'no' });
    await world.node.start();
  });
});
