/**
 * Links that are cut, hubs and databases that go away and come back, and streams that somebody takes away: under the load of
 * a fleet of reference agents, on real servers.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import type { Health } from '../../src/http/health.ts';
import { decode } from '../../src/wire/codec.ts';
import { siteStream } from '../../src/wire/subjects.ts';
import { CommandLoad } from '../callers/command-load.ts';
import { openEye } from '../contract/database-eye.ts';
import { expectJournalTold } from '../nodes/journal.ts';
import type { FleetDevice, LoadedFleet } from '../devices/loaded-fleet.ts';
import { until } from '../nodes/node.ts';
import { impatientChargePoint, startNodeWithKinds, untilReady } from '../nodes/node-with-kinds.ts';
import { RawBackend } from '../callers/raw-backend.ts';
import type { RawDevice } from '../devices/raw-device.ts';
import { startPostgres } from '../servers/servers.ts';
import { World } from '../servers/world.ts';

/** For how long the link of the site is cut, ms. What half a minute shows, three seconds do as well. */
const CUT_MS = 3_000;
const DEVICES = 40;
const COMMANDED = 4;
/** More than a node may hold, and how many are published at a time. */
const MESSAGES = 10_000;
const BURST = 500;

let world: World;

afterEach(async () => {
  await world.end();
});

/** Waits until a part of the node is not whole, and returns what it says. */
async function untilBroken(health: Health, part: string): Promise<string> {
  const detail = await until(`${part} is not whole`, async () => {
    const parts = await health.check();
    const broken = parts.find((found) => found.part === part && !found.ok);
    return broken === undefined
      ? { done: false, seen: JSON.stringify(parts) }
      : { done: true, value: broken.detail };
  });
  return detail!;
}

/** Starts a fleet that reports, some devices of which are commanded again and again. */
async function beginCommandedLoad(): Promise<{ readonly fleet: LoadedFleet; endLoad(): Promise<void> }> {
  const fleet = await world.startFleet(DEVICES);
  const commands = fleet.devices.slice(0, COMMANDED).map((device) => new CommandLoad(world.backend, device));
  fleet.beginLoad();
  return {
    fleet,
    endLoad: async () => {
      await fleet.endLoad();
      await Promise.all(commands.map((load) => load.end()));
    },
  };
}

/** A connection that may do anything to streams. */
async function connectOperator(): Promise<{
  readonly nats: NatsConnection;
  readonly manager: JetStreamManager;
}> {
  const { nats } = await RawBackend.connect(world.hub, 'operator');
  world.add(() => nats.close());
  return { nats, manager: await jetstreamManager(nats, { checkAPI: false }) };
}

/** What the stream DEVICES holds of a device, as `boot/seq`, in the order in which it was stored. */
async function storedOf(nats: NatsConnection, { device }: FleetDevice): Promise<readonly string[]> {
  const consumer = await jetstream(nats, { checkAPI: false }).consumers.get(siteStream('depot'), {
    filter_subjects: `report.*.*.${device}`,
  });
  const { num_pending: pending } = await consumer.info();
  const positions: string[] = [];
  for await (const { data } of await consumer.fetch({ max_messages: pending, expires: 10_000 })) {
    const read = decode(data);
    if (!read.ok) throw new Error(read.detail);
    const reports = [read.value].flat() as { readonly boot: number; readonly seq: number }[];
    positions.push(...reports.map(({ boot, seq }) => `${String(boot)}/${String(seq)}`));
  }
  return positions;
}

describe('an outage under load', () => {
  beforeEach(async () => {
    world = await World.start();
  });

  test('of the link of a site: not one report is lost or stored twice, and the current one comes first', async () => {
    await world.hostNode();
    const fleet = await world.startFleet(DEVICES);
    fleet.beginLoad();
    await world.untilStored(20 * DEVICES);
    world.link.cut();
    const madeAtCut = fleet.devices.map(({ made }) => made.length);
    // The outage is what is tried here, not what is waited for.
    await sleep(CUT_MS);
    const madeAtHeal = fleet.devices.map(({ made }) => made.length);
    world.link.heal();
    await world.untilStored(fleet.reports + DEVICES);
    await fleet.endLoad();
    await fleet.expectStoredOnce(world.eye);

    const { nats } = await connectOperator();
    for (const [index, device] of fleet.devices.entries()) {
      const order = (await storedOf(nats, device)).map((position) => device.made.indexOf(position));
      const first = order.find((made) => made >= madeAtCut[index]!);
      expect(madeAtHeal[index]! - madeAtCut[index]!).toBeGreaterThan(10);
      expect(first, `${device.device}: ${order.join()}`).toBeGreaterThanOrEqual(madeAtHeal[index]! - 1);
      const { sequence } = await world.backend.get(device.device);
      expect(sequence).toMatchObject({ boot: 1, seq: device.made.length, missing: 0 });
    }
  });

  test('of a hub that is killed: nothing is lost or stored twice, and what was told of commands is what was done', async () => {
    const { health } = await world.hostNode();
    const { fleet, endLoad } = await beginCommandedLoad();
    for (let kill = 1; kill <= 2; kill += 1) {
      await world.untilStored(fleet.reports + 10 * DEVICES);
      await world.hub.kill();
      // A node has two connections, and one of them breaks first.
      expect(await untilBroken(health, 'hub')).toMatch(/not connected|not the connection/);
      await fleet.made(10 * DEVICES);
      await world.hub.start();
      await untilReady(health);
    }
    await endLoad();
    await fleet.expectStoredOnce(world.eye);
    await expectJournalTold(world.hub, world.eye);
  });

  test('of a hub that stands still and closes nothing: the node notices that it hears nothing, and goes on afterwards', async () => {
    const { health } = await world.hostNode();
    const fleet = await world.startFleet(DEVICES);
    fleet.beginLoad();
    await world.untilStored(10 * DEVICES);
    process.kill(world.hub.pid(), 'SIGSTOP');
    try {
      expect(await untilBroken(health, 'feed')).toContain('cut off');
      await fleet.made(10 * DEVICES);
    } finally {
      process.kill(world.hub.pid(), 'SIGCONT');
    }
    await untilReady(health);
    await fleet.endLoad();
    await fleet.expectStoredOnce(world.eye);
  });
});

describe('a database that goes away under load', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;

  beforeEach(async () => {
    postgres = await startPostgres();
    world = await World.start({ postgres });
  });

  test('ends in nothing worse than waiting: health says what is wrong, and nothing is lost or doubled', async () => {
    const { health } = await world.hostNode();
    const { fleet, endLoad } = await beginCommandedLoad();
    for (const end of [postgres.stop, postgres.kill]) {
      await fleet.made(5 * DEVICES);
      await end();
      expect(await untilBroken(health, 'store')).toContain('does not answer');
      expect(await untilBroken(health, 'leases')).toContain('could not be renewed');
      const answer = await world.backend.ask('twin.cp-9.ledger', { id: randomUUID() });
      expect(answer).toMatchObject({ errorCode: 503, body: { outcome: 'failed', code: 'unavailable' } });
      await fleet.made(5 * DEVICES);
      await postgres.start();
      await untilReady(health);
    }
    await endLoad();
    const eye = await openEye(postgres.url());
    await fleet.expectStoredOnce(eye);
    await expectJournalTold(world.hub, eye);
    await eye.close();
  });

  test('stops the feed: the node holds so many messages and no more, and the stream keeps the rest', async () => {
    // What is above its rate would not be held at all.
    const unlimited = { perSecond: 1_000_000, burst: 1_000_000 };
    const rates = { deviceRate: unlimited, siteRate: unlimited };
    const { health } = await world.hostNode({ mailboxMessagesMax: 500, batchReportsMax: 200, ...rates });
    const { manager } = await connectOperator();
    const device = await world.newDevice({ manner: 'deaf' });
    await device.report();
    await world.untilStored(1);
    await postgres.stop();
    await untilBroken(health, 'store');
    for (let report = 1; report < MESSAGES; report += BURST) {
      await Promise.all(Array.from({ length: BURST }, () => device.report()));
    }
    const { last_seq: lastSeq } = (await manager.streams.info(siteStream('depot'))).state;
    // What it was sent and has not committed: what its reader prefetches, its mailbox, and the batches under way.
    const heldMax = 4_000 + 500 + 2 * 200;
    const [consumer] = await manager.consumers.list(siteStream('depot')).next();
    expect(consumer!.delivered.stream_seq - 1).toBeLessThanOrEqual(heldMax);
    expect(lastSeq - consumer!.delivered.stream_seq).toBeGreaterThanOrEqual(MESSAGES - heldMax);
    await postgres.start();
    await untilReady(health);
    const eye = await openEye(postgres.url());
    const counts = 'select count(*)::int as reports, max(seq)::int as last from report';
    await eye.untilRow('every report is stored', `${counts} having count(*) >= $1`, [device.seq]);
    expect(await eye.query(counts)).toEqual([{ reports: device.seq, last: device.seq }]);
    await eye.close();
  });
});

describe('silence', () => {
  const silenceMs = 1_500;

  /** Transitions to offline so far, with when they were recorded, ms epoch. */
  const wentOffline = (): Promise<readonly { readonly device: string; readonly at: number }[]> =>
    world.eye.query(
      `select device, (extract(epoch from recorded_at) * 1000)::float8 as at from journal where to_path = 'offline'`,
    );

  test('of a feed that is down sends nobody offline; it counts from when the node hears again', async () => {
    world = await World.start();
    const node = await startNodeWithKinds(world, [impatientChargePoint({ silenceMs })]);
    const devices = await Promise.all([world.knownDevice(), world.knownDevice()]);
    await world.hub.kill();
    await untilBroken(node.health, 'feed');
    // The outage is what is tried here, not what is waited for.
    await sleep(2 * silenceMs);
    expect(await wentOffline()).toEqual([]);
    const backAt = Date.now();
    await world.hub.start();
    await untilReady(node.health);
    for (const { device } of devices) {
      await world.backend.untilDocument(device, 'it is offline', ({ state }) => state === 'offline');
    }
    const offline = await wentOffline();
    expect(offline.map(({ device }) => device).sort()).toEqual(devices.map(({ device }) => device));
    for (const { at } of offline) expect(at).toBeGreaterThanOrEqual(backAt + silenceMs);
    await devices[1].report();
    await world.backend.untilDocument(devices[1].device, 'it is back', ({ state }) => state === 'available');
  });

  test('of a device whose line is dead and was never closed ends in offline', async () => {
    world = await World.start();
    await startNodeWithKinds(world, [impatientChargePoint({ silenceMs })]);
    const device = await world.knownDevice();
    world.link.freeze();
    const document = await world.backend.untilDocument(
      device.device,
      'it is offline',
      ({ state }) => state === 'offline',
    );
    expect(document).toMatchObject({
      connected: false,
      quality: 'fresh',
      allowed: ['report', 'renew-identity'],
    });
    world.link.heal();
    await device.report();
    await world.backend.untilDocument(device.device, 'it is back', ({ state }) => state === 'available');
  });
});

describe('a stream that somebody takes away', () => {
  /** Reports so many times, and waits for the acks only. */
  async function unheard(device: RawDevice, reports: number): Promise<void> {
    for (let report = 0; report < reports; report += 1) await device.report();
  }

  const counted = async ({ httpUrl }: App, metric: string): Promise<number> => {
    const metrics = await (await fetch(`${httpUrl}/metrics`)).text();
    return Number(new RegExp(`^${metric} (\\d+)$`, 'm').exec(metrics)?.[1]);
  };
  const gone = (app: App): Promise<number> => counted(app, 'corral_stream_gone_total');

  test('beyond our position: what is gone is counted, and reading goes on', async () => {
    world = await World.start();
    const { manager } = await connectOperator();
    const before = await world.hostNode();
    const device = await world.knownDevice({ manner: 'probes' });
    await before.stop();
    await unheard(device, 20);
    await manager.streams.purge(siteStream('depot'));
    await device.report({ state: 'charging' });
    const after = await world.hostNode();
    const document = await world.backend.untilDocument(
      device.device,
      'it charges',
      ({ state }) => state === 'charging',
    );
    expect(document.sequence).toMatchObject({ seq: device.seq, missing: 20 });
    expect(await gone(after)).toBe(20);
    expect(await counted(after, 'corral_reports_missing_total')).toBe(20);
  });

  test('while it is read: what is gone is counted, and reading goes on', async () => {
    world = await World.start();
    const { manager } = await connectOperator();
    const app = await world.hostNode();
    const device = await world.knownDevice();
    for (const state of ['charging', 'available']) {
      await manager.streams.purge(siteStream('depot'));
      await device.report({ state });
      await world.backend.untilDocument(device.device, `it is ${state}`, (seen) => seen.state === state);
    }
    expect(await gone(app)).toBe(0);
  });

  test('and makes anew: it is read from its beginning, by a node that runs and by one that did not', async () => {
    world = await World.start();
    const { manager } = await connectOperator();
    let app = await world.hostNode();
    const device = await world.knownDevice();
    const state = async (wanted: string): Promise<void> => {
      await device.report({ state: wanted });
      await world.backend.untilDocument(device.device, `it is ${wanted}`, (seen) => seen.state === wanted);
    };
    const makeAnew = async (): Promise<void> => {
      const { config } = await manager.streams.info(siteStream('depot'));
      await manager.streams.delete(siteStream('depot'));
      await manager.streams.add(config);
    };
    await unheard(device, 30);
    await makeAnew();
    await state('charging');
    await state('available');
    await unheard(device, 30);
    await app.stop();
    await makeAnew();
    app = await world.hostNode();
    await state('charging');
    expect(await gone(app)).toBe(1);
  });

  test('and makes anew, so that it has grown past our position by the time a node starts: it is read from its beginning', async () => {
    world = await World.start();
    const { manager } = await connectOperator();
    const before = await world.hostNode();
    const device = await world.knownDevice({ manner: 'probes' });
    await before.stop();
    const { config, state } = await manager.streams.info(siteStream('depot'));
    await manager.streams.delete(siteStream('depot'));
    await manager.streams.add(config);
    await unheard(device, state.last_seq + 20);
    const { seq } = device;
    const app = await world.hostNode();
    await world.untilStored(seq);
    expect((await world.backend.get(device.device)).sequence).toMatchObject({ missing: 0 });
    expect(await gone(app)).toBe(1);
  });
});
