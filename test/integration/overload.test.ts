/**
 * More than a node can take, and servers that are there and do not do their work: slow, locked, full. On real servers.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, describe, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { siteStream } from '../../src/wire/subjects.ts';
import type { Health } from '../../src/http/health.ts';
import { type DatabaseEye, openEye } from '../contract/database-eye.ts';
import { startLink } from '../servers/link.ts';
import { until } from '../nodes/node.ts';
import { untilReady } from '../nodes/node-with-kinds.ts';
import { RawBackend } from '../callers/raw-backend.ts';
import { startPostgres } from '../servers/servers.ts';
import { mayMount, startSmallDisk } from '../servers/small-disk.ts';
import { World } from '../servers/world.ts';

const DEVICES = 20;
const MEGABYTE = 1024 * 1024;

let world: World;

afterEach(async () => {
  await world.end();
});

/** Waits until a part of the node is not whole and says why, and returns what it says. */
async function untilBroken(health: Health, part: string, why = ''): Promise<string> {
  const detail = await until(`${part} is not whole: ${why}`, async () => {
    const parts = await health.check();
    const broken = parts.find((found) => found.part === part && !found.ok && found.detail.includes(why));
    return broken === undefined
      ? { done: false, seen: JSON.stringify(parts) }
      : { done: true, value: broken.detail };
  });
  return detail!;
}

/** What an operator is told. */
async function readiness({ httpUrl }: App): Promise<{ readonly status: number; readonly detail: string }> {
  const response = await fetch(`${httpUrl}/readyz`);
  const { detail = '' } = (await response.json()) as { readonly detail?: string };
  return { status: response.status, detail };
}

describe('a database', () => {
  test('that is away leaves the node with so many bytes of messages and no more, whatever their size', async () => {
    const postgres = await startPostgres();
    world = await World.start({ postgres });
    // What is above its rate would not be held at all.
    const unlimited = { perSecond: 1_000_000, burst: 1_000_000 };
    const rates = { deviceRate: unlimited, siteRate: unlimited };
    const limits = { mailboxBytesMax: 8 * MEGABYTE, batchBytesMax: 4 * MEGABYTE, ...rates };
    const { health } = await world.hostNode(limits);
    const { nats } = await RawBackend.connect(world.hub, 'operator');
    world.add(() => nats.close());
    const manager = await jetstreamManager(nats, { checkAPI: false });
    const device = await world.newDevice({ manner: 'deaf', encoding: 'msgpack' });
    await device.report();
    await world.eye.untilRow('it is stored', 'select from report');
    await postgres.stop();
    await untilBroken(health, 'store');
    const note = 'x'.repeat(60_000);
    const frames = 130;
    for (let frame = 0; frame < frames; frame += 1) {
      await device.publish(Array.from({ length: 16 }, () => device.make({ note })));
    }
    const [consumer] = await manager.consumers.list(siteStream('depot')).next();
    // The mailbox, two batches, and what the reader holds and is about to hand over: 32 MB each, and two requests under way.
    const heldMax = limits.mailboxBytesMax + 2 * (limits.batchBytesMax + MEGABYTE) + 2 * (32 + 16) * MEGABYTE;
    expect(consumer!.delivered.stream_seq * 16 * 60_000).toBeLessThanOrEqual(heldMax);
    await postgres.start();
    await untilReady(health);
    const eye = await openEye(postgres.url());
    await eye.untilRow('every report is stored', 'select from report having count(*) >= $1', [device.seq]);
    expect(await eye.query('select count(*)::int as n, max(seq)::int as seq from report')).toEqual([
      { n: device.seq, seq: device.seq },
    ]);
    await eye.close();
  });

  test('that is far away delays what is stored, and loses and doubles nothing', async () => {
    world = await World.start();
    const link = await startLink();
    world.add(() => link.close());
    const direct = new URL(world.databaseUrl);
    link.leadTo(direct.host);
    link.delay(20);
    direct.host = link.address;
    const app = await world.hostNode({}, direct.href);
    const fleet = await world.startFleet(DEVICES);
    fleet.beginLoad();
    const device = await world.knownDevice();
    const answers = [];
    for (const name of ['reserve', 'release', 'reserve', 'release'])
      answers.push(await world.backend.command(device.device, name));
    expect(answers.map(({ outcome }) => outcome)).toEqual(['done', 'done', 'done', 'done']);
    await fleet.made(20 * DEVICES);
    expect(await readiness(app)).toMatchObject({ status: 200 });
    await fleet.endLoad();
    await fleet.expectStoredOnce(world.eye);
  });

  test('that answers nothing on an open connection is waited for, and goes on where it was', async () => {
    world = await World.start();
    const link = await startLink();
    world.add(() => link.close());
    const direct = new URL(world.databaseUrl);
    link.leadTo(direct.host);
    direct.host = link.address;
    const app = await world.hostNode({}, direct.href);
    const fleet = await world.startFleet(DEVICES);
    fleet.beginLoad();
    await fleet.made(5 * DEVICES);
    link.freeze();
    expect(await untilBroken(app.health, 'commits')).toContain('has been waiting for the store');
    expect((await readiness(app)).detail).toMatch(/store: does not answer.*commits: one has been waiting/);
    await fleet.made(5 * DEVICES);
    link.heal();
    await untilReady(app.health);
    await fleet.endLoad();
    await fleet.expectStoredOnce(world.eye);
  });

  test('in which a commit takes long does not let the ledger deny what is being committed', async () => {
    world = await World.start();
    await world.hostNode();
    const { device } = await world.knownDevice({ manner: 'probes' });
    const id = randomUUID();
    await world.eye.query('begin');
    await world.eye.query('select from lease for update');
    const accepted = world.backend.command(device, 'reserve', { id, waitMs: 0 });
    const told = world.backend.ledger(device, id);
    await world.backend.nats.flush();
    await world.eye.query('commit');
    expect(await told).toMatchObject({ id, outcome: 'pending' });
    expect(await accepted).toMatchObject({ id, outcome: 'pending' });
  });

  test('in which somebody holds a lock on a lease makes the node wait, and it says for what', async () => {
    world = await World.start();
    const app = await world.hostNode({ leaseTtlMs: 1_500 });
    const fleet = await world.startFleet(DEVICES);
    fleet.beginLoad();
    await fleet.made(5 * DEVICES);
    await world.eye.query('begin');
    await world.eye.query('select from lease for update');
    expect(await untilBroken(app.health, 'commits')).toContain('has been waiting for the store');
    expect(await untilBroken(app.health, 'leases')).toContain('not renewed in time');
    expect((await readiness(app)).detail).toContain('commits: one has been waiting');
    await fleet.made(5 * DEVICES);
    await world.eye.query('commit');
    await untilReady(app.health);
    await fleet.endLoad();
    await fleet.expectStoredOnce(world.eye);
  });
});

describe('a database whose disk is full', () => {
  /** A Postgres whose reports are on a disk that can be filled, and a node and a fleet at work on it. */
  async function startOnSmallDisk() {
    const postgres = await startPostgres();
    world = await World.start({ postgres });
    const app = await world.hostNode();
    const eye: DatabaseEye = await openEye(postgres.url());
    const dataFolder = join(postgres.logFile, '..', 'cluster');
    const disk = await startSmallDisk({ eye, dataFolder, megabytes: 24 });
    world.add(async () => {
      await eye.close();
      disk.end();
    });
    const fleet = await world.startFleet(DEVICES);
    fleet.beginLoad();
    await fleet.made(5 * DEVICES);
    return { app, eye, disk, fleet };
  }

  test.runIf(mayMount())(
    'makes the node wait and say so, and loses nothing once there is room again',
    async () => {
      const { app, eye, disk, fleet } = await startOnSmallDisk();
      await disk.fill();
      // A page that is not full yet takes some reports more.
      expect(await untilBroken(app.health, 'commits', 'No space left')).toContain('nothing is lost');
      expect((await readiness(app)).detail).toContain('No space left on device');
      expect((await fetch(`${app.httpUrl}/v1/devices/cp-0`)).status).toBe(200);
      await fleet.made(10 * DEVICES);
      await disk.free();
      await untilReady(app.health);
      await fleet.endLoad();
      await fleet.expectStoredOnce(eye);
    },
  );
});
