/**
 * The restore drill, on real servers: a base backup under load, more traffic, and the database is what it was when the backup was made.
 * Devices, streams and backends are not. Then everything comes right by itself: nothing is called done that was not, devices take
 * commands, watchers see all that is committed, and no device becomes another one.
 */
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { connectCorral, type Corral, type Watch } from '../../src/client/corral.ts';
import { CommandLoad } from '../callers/command-load.ts';
import { type DatabaseEye, openEye } from '../contract/database-eye.ts';
import { LoadedFleet } from '../devices/loaded-fleet.ts';
import { until } from '../nodes/node.ts';
import type { NodeProcess } from '../nodes/node-process.ts';
import type { RawBody } from '../callers/raw-backend.ts';
import type { RawDevice } from '../devices/raw-device.ts';
import { type BackedUpServer, startPostgres } from '../servers/servers.ts';
import { World } from '../servers/world.ts';

const DEVICES = 8;
const COMMANDED = 3;
/** Of the fleet, after those that are commanded again and again. */
const [CHARGING, CONFIGURED] = ['cp-4', 'cp-5'];
const PATIENT = { deadlineMs: 120_000, waitMs: 60_000 };

let world: World;

afterEach(async () => {
  await world.end();
});

/** How the database is copied, and who is there when it is lost. */
interface Drill {
  readonly copy: (postgres: BackedUpServer) => Promise<void>;
  readonly isNodeRunning: boolean;
}

const DRILLS: readonly (readonly [string, Drill])[] = [
  ['from a base backup, while no node runs', { copy: (server) => server.backUp(), isNodeRunning: false }],
  ['from a base backup, under a running node', { copy: (server) => server.backUp(), isNodeRunning: true }],
  [
    'as a copy of its folder, under a running node',
    { copy: (server) => server.copyStopped(), isNodeRunning: true },
  ],
];

/** Follows all that becomes known, and keeps which lines of the journal it was told. */
class Follower {
  readonly told = new Set<string>();
  readonly outcomes = new Map<string, string>();
  gone = 0;
  readonly ended: Promise<void>;

  constructor(watch: Watch) {
    this.ended = this.#follow(watch);
  }

  async #follow(watch: Watch): Promise<void> {
    for await (const event of watch) {
      if (event.type === 'gone') this.gone += 1;
      else this.told.add(`${String(event.partition)}-${String(event.no)}`);
      if (event.type === 'outcome') this.outcomes.set(event.id, event.outcome);
    }
  }
}

/** The world before the restore. */
interface Before {
  readonly postgres: BackedUpServer;
  readonly node: NodeProcess;
  readonly fleet: LoadedFleet;
  readonly corral: Corral;
  readonly follower: Follower;
}

async function begin(): Promise<Before> {
  const postgres = await startPostgres();
  world = await World.start({ postgres });
  const node = await world.startNode();
  const fleet = await world.startFleet(DEVICES);
  const corral = await connectCorral({ url: world.hub.url('backend') });
  world.add(() => corral.close());
  const follower = new Follower(await corral.watch());
  return { postgres, node, fleet, corral, follower };
}

async function newcomers(prefix: string): Promise<LoadedFleet> {
  const fleet = await LoadedFleet.start({ site: world.site, count: 2, prefix });
  world.add(() => fleet.stop());
  return fleet;
}

/** Commands go on until each device has done some; what was told is then compared with what was done. */
async function commandFor(fleet: LoadedFleet): Promise<void> {
  const loads = fleet.devices.slice(0, COMMANDED).map((device) => new CommandLoad(world.backend, device));
  await until('commands are executed', async () => ({
    done: loads.every(({ done }) => done >= 4),
    seen: JSON.stringify(loads.map(({ done, count }) => `${String(done)} of ${String(count)}`)),
  }));
  await Promise.all(loads.map((load) => load.end()));
  for (const { device } of fleet.devices.slice(0, COMMANDED))
    await world.backend.command(device, 'release', { waitMs: 60_000 });
}

/** A command that nobody may call done without the device. */
async function commandTruly({ corral, fleet }: Before, device: string, name: string): Promise<void> {
  const id = randomUUID();
  const result = await corral.command(device, name, {}, { ...PATIENT, id });
  expect(result, `${device} ${name}`).toMatchObject({ outcome: 'done' });
  const { executed } = fleet.devices.find((one) => one.device === device)!;
  expect(
    executed.map((one) => one.id),
    `${device} has executed what is called done`,
  ).toContain(id);
}

/** Waits until the twin knows what it says, and nothing is on its way. */
async function untilDoubtless(device: string): Promise<RawBody> {
  return world.backend.untilDocument(device, 'nothing is doubted', ({ suspicions, pending, connected }) => {
    const isQuiet = [suspicions, pending].every((list) => (list as readonly unknown[]).length === 0);
    return isQuiet && connected === true;
  });
}

/** Every line that the journal holds now was told to whoever followed all the time. */
async function expectAllTold(eye: DatabaseEye, { follower }: Before): Promise<void> {
  await until('every line of the journal was told', async () => {
    const lines = await eye.query<{ line: string }>(
      "select partition || '-' || no as line from transition union all select partition || '-' || no from outcome",
    );
    const missing = lines.filter(({ line }) => !follower.told.has(line));
    return missing.length === 0 && lines.length > 0
      ? { done: true }
      : { done: false, seen: `${String(missing.length)} of ${String(lines.length)} were not` };
  });
  expect(follower.gone, 'the stream is the one it was').toBe(0);
}

/** The history holds what devices made, each report once. A device that answers a probe meanwhile has made one more. */
async function expectHistory(fleet: LoadedFleet, eye: DatabaseEye): Promise<void> {
  await until('the history is what the devices made', () =>
    fleet.expectStoredOnce(eye).then(
      () => ({ done: true }),
      (error: unknown) => ({ done: false, seen: error instanceof Error ? error.message : String(error) }),
    ),
  );
}

async function openNewEye(): Promise<DatabaseEye> {
  const eye = await openEye(world.databaseUrl);
  world.add(() => eye.close());
  return eye;
}

/** A device that was told to start by a node that has forgotten it, and does so now. */
async function expectForgottenStart(device: RawDevice, { corral }: Before): Promise<void> {
  const started = await device.command('start');
  await device.execute(started);
  const isCharging = ({ state }: RawBody): boolean => state === 'charging';
  await world.backend.untilDocument(device.device, 'it is known to charge', isCharging);
  await expect(corral.ledger(device.device, started.id)).rejects.toMatchObject({ code: 'unknown-id' });
  device.manner = 'obeys';
  expect(await corral.command(device.device, 'stop', {}, PATIENT)).toMatchObject({ outcome: 'done' });
  expect(device.told).toHaveLength(2);
}

/** A device that is held for somebody whom the ledger has forgotten: nobody else is given it, until it lets go by itself. */
async function expectForgottenHold(device: RawDevice, { corral }: Before): Promise<void> {
  await device.report();
  const isDoubted = ({ suspicions }: RawBody): boolean =>
    (suspicions as readonly { readonly divergence?: { readonly sort: string } }[]).some(
      ({ divergence }) => divergence?.sort === 'ghost-hold',
    );
  await world.backend.untilDocument(device.device, 'it is held for a stranger', isDoubted);
  await expect(corral.command(device.device, 'reserve')).rejects.toMatchObject({ code: 'suspect' });
  await device.report({ state: 'available', hold: null });
  await untilDoubtless(device.device);
  expect(await corral.command(device.device, 'reserve', {}, PATIENT)).toMatchObject({ outcome: 'done' });
}

/** A device that loses its storage, as the database did: it counts from 1 again. */
async function expectNewLife(device: RawDevice): Promise<void> {
  device.restart({ wipes: true });
  device.manner = 'obeys';
  await device.report({ firmware: '2.0' });
  // Whether this is an old report or a new life only an answer tells.
  const result = await until('it is known who speaks', async () => {
    const reply = await world.backend.command(device.device, 'start');
    return reply.outcome === 'done'
      ? { done: true, value: reply }
      : { done: false, seen: JSON.stringify(reply) };
  });
  expect(device.told.at(-1)).toBe(result!.n);
  const { sequence } = await untilDoubtless(device.device);
  expect(sequence).toMatchObject({ incarnation: 2, boot: 1 });
}

describe('a database that was restored', () => {
  test.each(DRILLS)('%s, comes right by itself', async (_how, { copy, isNodeRunning }) => {
    const before = await begin();
    const { postgres, node, fleet, corral } = before;
    fleet.beginLoad();
    const lost = await world.newDevice({ manner: 'deaf' });
    lost.boot = 7;
    await lost.report();
    const late = await world.knownDevice({ manner: 'probes' });
    const held = await world.knownDevice();
    await commandFor(fleet);
    await copy(postgres);

    await commandFor(fleet);
    const x = await newcomers('x');
    await commandTruly(before, CHARGING, 'start');
    expect(await corral.command(held.device, 'reserve', {}, PATIENT)).toMatchObject({ outcome: 'done' });
    const desired = await corral.desired(CONFIGURED, { volume: 3 });
    await world.backend.command(late.device, 'start', { waitMs: 0 });
    await late.command('start');
    if (!isNodeRunning) await node.stop();
    await postgres.setBack();
    const y = await newcomers('y');
    if (!isNodeRunning) await node.start();

    await expectForgottenStart(late, before);
    await expectForgottenHold(held, before);
    await expectNewLife(lost);
    // What the device does shows what the forgotten command did, and the next one is executed, not taken for that.
    expect(await untilDoubtless(CHARGING)).toMatchObject({ state: 'charging' });
    await commandTruly(before, CHARGING, 'stop');
    const again = await corral.desired(CONFIGURED, { volume: 4 }, { deadlineMs: 60_000 });
    expect(again.version).toBeGreaterThan(desired.version);
    await commandFor(fleet);

    await fleet.endLoad();
    const eye = await openNewEye();
    for (const devices of [fleet, x, y]) {
      await devices.reportOnce();
      await devices.endLoad();
      await expectHistory(devices, eye);
      for (const { device } of devices.devices)
        expect(await untilDoubtless(device)).toMatchObject({ device });
    }
    await expectAllTold(eye, before);
    if (isNodeRunning) expect(node.said()).toContain('"line":"store-set-back"');
    const metrics = await (await fetch(`${node.httpUrl}/metrics`)).text();
    expect(metrics).not.toMatch(/^corral_quarantined_total [1-9]/m);
  });
});
