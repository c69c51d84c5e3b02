/** A hub, two sites, a Postgres and a whole node with HTTP, each a process of its own: the good fleet is behind one of the sites. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { connectToHub, type HubConnection } from '../../../src/nats/connect.ts';
import type { Progress } from '../../cli/progress.ts';
import type { SiteName } from '../../dev/hub.ts';
import { type Site, startSite } from '../../dev/site.ts';
import { BenchProcess } from '../bench-process.ts';
import { type BenchServers, startBenchServers } from '../bench-servers.ts';
import type { FleetMix } from '../fleet-mix.ts';
import { prepareFleet } from '../ingest.ts';
import { cpuMicrosOf } from '../process-cpu.ts';
import type { AppNews } from './order.ts';

/** See the head of this file. */
export interface AbuseWorld {
  readonly servers: BenchServers;
  /** Of the node. */
  readonly databaseUrl: string;
  /** To the leaf of the good site, as devices connect. */
  readonly goodSite: HubConnection;
  /** Of the site whose devices abuse. */
  readonly abusedSiteUrl: string;
  readonly httpUrl: string;
  /** CPU time of all servers and the node so far, µs; `null` where it cannot be told. */
  cpuMicros(): number | null;
  stop(): Promise<void>;
}

const DATABASE = 'bench_abuse';
const UP_MS_MAX = 120_000;

/** Brings it up; resolves when the node is ready. */
export async function startAbuseWorld(
  fleet: FleetMix & { readonly progress: Progress; readonly profileDir: string | null },
): Promise<AbuseWorld> {
  const stops: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (let last = stops.pop(); last !== undefined; last = stops.pop()) await last();
  };
  try {
    fleet.progress.step('starting a hub, two sites, a Postgres and a node');
    const servers = await startBenchServers();
    stops.push(() => servers.stop());
    const good = await startLeaf(servers, 'depot', stops);
    const abused = await startLeaf(servers, 'harbour', stops);
    await prepareFleet(servers, DATABASE, fleet);
    const databaseUrl = servers.postgres.url(DATABASE);
    await register(databaseUrl);
    await good.awaitLink();
    await abused.awaitLink();
    const goodSite = await connectToHub({ url: good.url, name: 'corral bench' });
    stops.push(() => goodSite.close());
    const { profileDir } = fleet;
    if (profileDir !== null) mkdirSync(profileDir, { recursive: true });
    const nodeOptions = profileDir === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
    const app = new BenchProcess<AppNews>({ command: 'app', nodeOptions });
    // A profile is written by a process that ends in order.
    stops.push(() => (profileDir === null ? app.kill() : app.end()));
    const { hub, postgres } = servers;
    const env = {
      CORRAL_NATS_URL: hub.url('runtime'),
      CORRAL_POSTGRES_URL: databaseUrl,
      CORRAL_HTTP_PORT: '0',
    };
    app.tell({ env, logFile: profileDir === null ? null : join(profileDir, 'node.log') });
    const { httpUrl } = await app.hear('up', UP_MS_MAX);
    const pids = (): readonly number[] => [hub, good, abused].map(({ pid }) => pid());
    const cpuMicros = (): number | null => {
      const times = [...pids(), postgres.pid(), app.pid].map(cpuMicrosOf);
      return times.reduce((sum, micros) => (sum === null || micros === null ? null : sum + micros), 0);
    };
    return { servers, goodSite, abusedSiteUrl: abused.url, httpUrl, cpuMicros, stop, databaseUrl };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The good devices are in the inventory, as those of an operator are. */
async function register(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('update device set registered = true');
  } finally {
    await client.end();
  }
}

async function startLeaf(
  { hub }: BenchServers,
  name: SiteName,
  stops: (() => Promise<void> | void)[],
): Promise<Site> {
  const dataDir = mkdtempSync(join(tmpdir(), 'corral-bench-site-'));
  stops.push(() => rmSync(dataDir, { recursive: true, force: true }));
  const leaf = await startSite({ dataDir, hubLeafAddress: hub.leafAddress, name });
  stops.push(() => leaf.stop());
  return leaf;
}
