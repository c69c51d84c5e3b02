/**
 * A node whose clock is not the hub's, on real servers: what it says of itself, of devices, and to whoever commands; and a standby.
 */
import { connect, type NatsConnection } from '@nats-io/transport-node';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type App, startCorral } from '../../src/app/app.ts';
import { connectCorral, type Corral, CorralUnreachable } from '../../src/client/corral.ts';
import { readConfig } from '../../src/app/config.ts';
import { DEFAULT_LIMITS } from '../../src/runtime/limits.ts';
import type { Clock } from '../../src/runtime/ports.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { until } from '../nodes/node.ts';
import { RawDevice } from '../devices/raw-device.ts';
import { createDatabase, startHub, startSite } from '../servers/servers.ts';

const TEN_MINUTES_MS = 600_000;

let hub: Awaited<ReturnType<typeof startHub>>;
let site: Awaited<ReturnType<typeof startSite>>;
let database: Awaited<ReturnType<typeof createDatabase>>;
let gateway: NatsConnection;
let client: Corral;
/** How far the clock of the machine that nodes run on is ahead, ms. */
let aheadMs = 0;
const log: string[] = [];
const apps: App[] = [];
let devices = 0;

const machineClock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };

beforeAll(async () => {
  hub = await startHub();
  site = await startSite(hub);
  database = await createDatabase();
  gateway = await connect({ servers: site.url });
  client = await connectCorral({ url: hub.url('backend') });
});

afterEach(async () => {
  for (const app of apps.splice(0)) await app.stop();
  aheadMs = 0;
  log.length = 0;
});

afterAll(async () => {
  await client.close();
  await gateway.close();
  await site.end();
  await hub.end();
  await database.drop();
});

async function startNode(node: string): Promise<App> {
  const config = readConfig({
    CORRAL_NATS_URL: hub.url('runtime'),
    CORRAL_POSTGRES_URL: database.url,
    CORRAL_HTTP_PORT: '0',
    CORRAL_NODE: node,
  });
  const logger = pino({ level: 'info' }, { write: (line: string) => void log.push(line) });
  const limits = { ...DEFAULT_LIMITS, clockCheckMs: 100 };
  const app = await startCorral(config, logger, limits, machineClock);
  apps.push(app);
  return app;
}

/** Waits until a part of a node is as it says. */
async function partSays({ health }: App, part: string, pattern: RegExp): Promise<void> {
  await until(`${part} says ${String(pattern)}`, async () => {
    const parts = await health.check();
    const isSaid = parts.some((one) => one.part === part && pattern.test(one.detail));
    return { done: isSaid, seen: JSON.stringify(parts) };
  });
}

async function readiness({ httpUrl }: App): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${httpUrl}/readyz`);
  return { status: response.status, text: await response.text() };
}

interface Prospect {
  readonly name: string;
  readonly accepted: boolean;
  readonly code: string | null;
  readonly sentence: string;
}

/** What a node says would become of each command. */
async function explained({ httpUrl }: App, device: string): Promise<readonly Prospect[]> {
  const response = await fetch(`${httpUrl}/v1/devices/${device}/explain`);
  return ((await response.json()) as { readonly commands: readonly Prospect[] }).commands;
}

async function heard(): Promise<string> {
  devices += 1;
  const device = `cp-${String(devices)}`;
  await (await RawDevice.start({ nats: gateway, device })).report();
  await until('it has a twin', async () => {
    const found = await client.get(device).catch((error: unknown) => String(error));
    return typeof found === 'string' ? { done: false, seen: found } : { done: true };
  });
  return device;
}

describe.each([
  ['ahead of', TEN_MINUTES_MS],
  ['behind', -TEN_MINUTES_MS],
])('a node whose clock is ten minutes %s the hub’s', (where, offsetMs) => {
  const sentence = new RegExp(
    `the clock of this node is \\d+\\.\\d\\d s ${where} the hub's \\(set this machine's\\)`,
  );

  test('is not ready, and says why', async () => {
    aheadMs = offsetMs;
    const app = await startNode('wrong');
    await partSays(app, 'leases', /owns 32/);
    const { status, text } = await readiness(app);
    expect(status).toBe(503);
    expect((JSON.parse(text) as { detail: string }).detail).toMatch(sentence);
    const metrics = await (await fetch(`${app.httpUrl}/metrics`)).text();
    const [, seconds] = /^corral_clock_offset_seconds\{server="hub"\} (\S+)$/m.exec(metrics) ?? [];
    expect(Math.round(Number(seconds))).toBe(-offsetMs / 1_000);
    const told = log
      .filter((line) => line.includes('clock-differs'))
      .map((line) => JSON.parse(line) as { readonly server: string; readonly wrong: string | null });
    expect(new Set(told.map(({ server }) => server))).toEqual(new Set(['hub', 'store']));
    // Told again once the third clock has been asked: that says whose is wrong.
    expect(told.at(-1)?.wrong).toBe('node');
  });

  test('refuses commands for the true reason, and takes them once its clock is set', async () => {
    aheadMs = offsetMs;
    const app = await startNode('wrong');
    await partSays(app, 'feed', /hears all/);
    const device = await heard();
    const refused = await client
      .command(device, 'reserve', {}, { deadlineMs: 1 })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(CorralUnreachable);
    expect(refused).toMatchObject({ wasSent: 'no' });
    expect((refused as Error).message).toMatch(sentence);
    expect(await client.get(device)).toMatchObject({ allowed: [] });
    const other = await startNode('other');
    await until('a node that does not decide for it says the same', async () => {
      const seen = await explained(other, device);
      const saysSo = ({ accepted, code, sentence: said }: Prospect): boolean =>
        !accepted && code === 'unavailable' && said.includes('wrong, accepts none') && sentence.test(said);
      return { done: seen.length > 0 && seen.every(saysSo), seen: JSON.stringify(seen) };
    });
    aheadMs = 0;
    await partSays(app, 'clock', /^that of the hub/);
    await until('it says that reserve would be accepted', async () => {
      const seen = await explained(other, device);
      return {
        done: seen.some(({ name, accepted }) => name === 'reserve' && accepted),
        seen: JSON.stringify(seen),
      };
    });
    expect(await client.command(device, 'reserve', {}, { waitMs: 20_000 })).toMatchObject({
      outcome: 'done',
    });
  });

  test('calls no state old that was just measured, and none younger than it is', async () => {
    aheadMs = offsetMs;
    await partSays(await startNode('wrong'), 'feed', /hears all/);
    const device = await heard();
    const twin = await client.get(device);
    expect(twin).toMatchObject({ device, state: 'available', connected: true });
    expect(twin.ageMs).toBeLessThan(TEN_MINUTES_MS / 2);
    expect(Math.abs((twin.lastContact ?? 0) - systemClock.now())).toBeLessThan(TEN_MINUTES_MS / 2);
  });

  test('answers what became of a command that was accepted before', async () => {
    const app = await startNode('right');
    await partSays(app, 'feed', /hears all/);
    const device = await heard();
    const { id } = await client.command(device, 'reserve', {}, { waitMs: 20_000 });
    aheadMs = offsetMs;
    await partSays(app, 'clock', sentence);
    expect(await client.command(device, 'reserve', {}, { id })).toMatchObject({ id, outcome: 'done' });
  });
});

describe('a standby', () => {
  test('is ready, says that it stands by, and owns everything once the owner has stopped', async () => {
    const owner = await startNode('owner');
    await partSays(owner, 'leases', /owns 32/);
    const standby = await startNode('standby');
    await partSays(standby, 'leases', /other nodes hold all/);
    const { status, text } = await readiness(standby);
    expect([status, JSON.parse(text)]).toMatchObject([200, { status: 'standby' }]);
    await owner.stop();
    await partSays(standby, 'leases', /owns 32/);
    await partSays(standby, 'feed', /hears all/);
    expect(JSON.parse((await readiness(standby)).text)).toMatchObject({ status: 'ready' });
  });
});
