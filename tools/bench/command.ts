/**
 * `bench command`: how long a backend waits for a command, until the device has executed it and that is committed; idle, and
 * while devices report at half of what the machine takes. Floor: one bare NATS request and one Postgres commit.
 */
import pg from 'pg';
import { connectCorral, type Corral } from '../../src/client/corral.ts';
import { startAgent } from '../../src/device/agent.ts';
import { AGENT_LIMITS } from '../../src/device/limits.ts';
import { MemoryStorage, StorageMedium } from '../../src/device/memory-storage.ts';
import { deviceLinks } from '../../src/device/nats-link.ts';
import { uptimeClock } from '../../src/device/uptime-clock.ts';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import { answer, listen } from '../../src/nats/listen.ts';
import type { Progress } from '../cli/progress.ts';
import { BenchBody } from './bench-body.ts';
import type { FleetMix } from './fleet-mix.ts';
import { LiveLoad } from './live-load.ts';
import { type LiveWorld, startLiveWorld } from './live-world.ts';
import type { TargetLine } from './target-table.ts';

/** What is measured. */
export interface CommandBenchOptions extends FleetMix {
  /** Commands of each part. */
  readonly commands: number;
  readonly progress: Progress;
}

/** Times of one part, ms. */
export interface RoundTrips {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What was measured. */
export interface CommandBenchResult {
  readonly floor: RoundTrips;
  readonly idle: RoundTrips;
  /** Under half of the most reports a second that the machine takes. */
  readonly loaded: RoundTrips;
  readonly loadReportsPerSecond: number;
}

/** Nothing of the runtime listens on it, and its user may. */
const FLOOR_SUBJECT = 'owner.bench.floor';
const DEVICES = 20;
const MAX_SECONDS = 8;
const LOAD_SECONDS_MAX = 120;

/** Measures. */
export async function measureCommand(options: CommandBenchOptions): Promise<CommandBenchResult> {
  const { commands, progress } = options;
  const world = await startLiveWorld(options);
  const stops: (() => Promise<void>)[] = [];
  try {
    const devices = await startDevices(world.site, stops);
    const corral = await connectCorral({ url: world.servers.hub.url('backend') });
    stops.push(() => corral.close());
    progress.step('floor');
    const floor = await measureFloor(world, commands);
    await roundTrips(corral, devices, DEVICES * 4);
    progress.step('idle');
    const idle = await roundTrips(corral, devices, commands);
    const load = new LiveLoad(world.site, options);
    const { fared } = await world.watch(() => load.run('max', MAX_SECONDS));
    await world.drained();
    const loadReportsPerSecond = Math.round(fared.reports / MAX_SECONDS / 2);
    progress.step(`with ${loadReportsPerSecond.toLocaleString('en-GB')} reports/s`);
    const loaded = await underLoad(load, loadReportsPerSecond, () => roundTrips(corral, devices, commands));
    return { floor, idle, loaded, loadReportsPerSecond };
  } finally {
    for (const stop of stops.reverse()) await stop();
    await world.stop();
  }
}

async function startDevices(site: HubConnection, stops: (() => Promise<void>)[]): Promise<readonly string[]> {
  const links = deviceLinks({ connection: site });
  const devices = Array.from({ length: DEVICES }, (_, index) => `bench-${String(index + 1)}`);
  for (const device of devices) {
    const agent = await startAgent({
      device,
      kind: 'charge-point',
      encoding: 'msgpack',
      order: 'current-first',
      limits: AGENT_LIMITS,
      clock: uptimeClock(),
      storage: new MemoryStorage(new StorageMedium()),
      link: links.link(device),
      body: new BenchBody(),
    });
    stops.push(() => agent.stop());
    await agent.delivered();
  }
  return devices;
}

/** Runs `work` while devices report. */
async function underLoad<T>(load: LiveLoad, perSecond: number, work: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  const loading = (async () => {
    for (let second = 0; second < LOAD_SECONDS_MAX && !over.signal.aborted; second += 1)
      await load.run(perSecond, 1);
  })();
  try {
    return await work();
  } finally {
    over.abort();
    await loading;
  }
}

/** Reserves and releases one device after the other; rejects when one does not. */
async function roundTrips(corral: Corral, devices: readonly string[], commands: number): Promise<RoundTrips> {
  const times: number[] = [];
  for (let number = 0; number < commands; number += 1) {
    const device = devices[Math.floor(number / 2) % devices.length] ?? '';
    const name = number % 2 === 0 ? 'reserve' : 'release';
    const startedAt = performance.now();
    const { outcome } = await corral.command(device, name, name === 'reserve' ? { holdMs: 600_000 } : {});
    times.push(performance.now() - startedAt);
    if (outcome !== 'done') throw new Error(`${name} of ${device} ended ${outcome}`);
  }
  return summed(times);
}

async function measureFloor({ servers }: LiveWorld, requests: number): Promise<RoundTrips> {
  const url = servers.hub.url('runtime');
  const asking = await connectToHub({ url, name: 'corral bench' });
  const answering = await connectToHub({ url, name: 'corral bench' });
  const client = new pg.Client({ connectionString: servers.postgres.url('postgres') });
  await client.connect();
  listen(answering, {
    subject: FLOOR_SUBJECT,
    handle: ({ reply, payload }) => answer(answering, reply, { payload }),
  });
  try {
    await answering.nats.flush();
    await client.query('create table floor (no bigint primary key, said text not null)');
    const times: number[] = [];
    for (let no = 0; no < requests; no += 1) {
      const startedAt = performance.now();
      await asking.nats.request(FLOOR_SUBJECT, 'x'.repeat(100));
      const text = 'insert into floor values ($1, $2)';
      await client.query({ name: 'floor', text, values: [no, 'x'.repeat(100)] });
      times.push(performance.now() - startedAt);
    }
    return summed(times);
  } finally {
    await client.end();
    await asking.close();
    await answering.close();
  }
}

function summed(times: readonly number[]): RoundTrips {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(100 * (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0)) / 100;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** The lines of a result in the table of all targets. */
export function commandTargets(result: CommandBenchResult): readonly TargetLine[] {
  const { floor, idle, loaded, loadReportsPerSecond } = result;
  const ratio = Math.round((100 * idle.p50) / floor.p50) / 100;
  const load = `${loadReportsPerSecond.toLocaleString('en-GB')} reports/s`;
  return [
    { what: 'command: floor, ms (p50)', target: '', measured: floor.p50, isMet: null },
    { what: 'command: idle, ms (p50)', target: '', measured: idle.p50, isMet: null },
    { what: 'command: idle p50 against the floor', target: '<= 4', measured: ratio, isMet: ratio <= 4 },
    {
      what: 'command: idle p99 against its p50',
      target: '<= 4',
      measured: Math.round((100 * idle.p99) / idle.p50) / 100,
      isMet: idle.p99 <= 4 * idle.p50,
    },
    {
      what: `command: p99 with ${load}, ms`,
      target: '<= 50',
      measured: loaded.p99,
      isMet: loaded.p99 <= 50,
    },
  ];
}
