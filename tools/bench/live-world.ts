/** A hub, a site, a Postgres and a node in a process of its own, with a fleet that has been heard once: for benches of live traffic. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import { lastSequences } from '../../src/nats/stream-state.ts';
import { siteStream } from '../../src/wire/subjects.ts';
import type { Progress } from '../cli/progress.ts';
import { startSite } from '../dev/site.ts';
import { BenchProcess } from './bench-process.ts';
import { type BenchServers, startBenchServers } from './bench-servers.ts';
import type { FleetMix } from './fleet-mix.ts';
import { prepareFleet } from './ingest.ts';
import type { NodeFared, NodeNews } from './node-process.ts';

/** See the head of this file. */
export interface LiveWorld {
  readonly servers: BenchServers;
  readonly database: string;
  /** To the site's leaf, as devices and gateways connect. */
  readonly site: HubConnection;
  /** Runs `work`, and tells how the node fared meanwhile. */
  watch<T>(work: () => Promise<T>): Promise<{ readonly done: T; readonly fared: NodeFared }>;
  /** Resolves when the node has committed nothing for a while: nobody reports, and nothing waits. */
  drained(): Promise<void>;
  /** Resolves when nothing that is stored in the stream now waits for its turn, or was set aside. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

const QUIET_MS = 700;
const POLL_MS = 100;
const DATABASE = 'bench_live';
const NEWS_MS_MAX = 120_000;

/** Brings it up; resolves when the node hears. */
export async function startLiveWorld(fleet: FleetMix & { readonly progress: Progress }): Promise<LiveWorld> {
  const stops: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (let last = stops.pop(); last !== undefined; last = stops.pop()) await last();
  };
  try {
    fleet.progress.step('starting a hub, a site and a Postgres');
    const servers = await startBenchServers();
    stops.push(() => servers.stop());
    const { hub, postgres } = servers;
    const dataDir = mkdtempSync(join(tmpdir(), 'corral-bench-site-'));
    stops.push(() => rmSync(dataDir, { recursive: true, force: true }));
    const leaf = await startSite({ dataDir, hubLeafAddress: hub.leafAddress });
    stops.push(() => leaf.stop());
    await prepareFleet(servers, DATABASE, fleet);
    await leaf.awaitLink();
    const site = await connectToHub({ url: leaf.url, name: 'corral bench' });
    stops.push(() => site.close());
    const node = new BenchProcess<NodeNews>({ command: 'node' });
    stops.push(() => node.kill());
    node.tell({ natsUrl: hub.url('runtime'), postgresUrl: postgres.url(DATABASE), reports: 0 });
    await node.hear('hearing', NEWS_MS_MAX);
    const watch: LiveWorld['watch'] = async (work) => {
      node.tell('reset');
      const done = await work();
      node.tell('read');
      return { done, fared: await node.hear('fared', NEWS_MS_MAX) };
    };
    const drained: LiveWorld['drained'] = async () => {
      const isQuiet = async (): Promise<boolean> => (await watch(() => sleep(QUIET_MS))).fared.reports === 0;
      while (!(await isQuiet()));
    };
    const caughtUp: LiveWorld['caughtUp'] = () => untilCaughtUp(servers);
    return { servers, site, watch, drained, caughtUp, stop, database: DATABASE };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** By the lease rows: all partitions have reports, so each position follows the stream. */
async function untilCaughtUp({ hub, postgres }: BenchServers): Promise<void> {
  const runtime = await connectToHub({ url: hub.url('runtime'), name: 'corral bench' });
  const client = new pg.Client({ connectionString: postgres.url(DATABASE) });
  await client.connect();
  try {
    const name = siteStream('depot');
    const last = (await lastSequences(runtime))?.get(name) ?? Infinity;
    const text = `select min((positions -> '${name}' ->> 'position')::float8) as position,
      sum(jsonb_array_length(backlog))::float8 as backlog from lease`;
    for (;;) {
      const { rows } = await client.query<{ readonly position: number; readonly backlog: number }>(text);
      const [lease] = rows;
      if (lease !== undefined && lease.position >= last && lease.backlog === 0) return;
      await sleep(POLL_MS);
    }
  } finally {
    await client.end();
    await runtime.close();
  }
}
