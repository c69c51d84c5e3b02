/**
 * `bench start`: how fast the rows of a fleet become twins that live, and what memory they take. Floor: the same rows copied out
 * of the database and thrown away.
 */
import pg from 'pg';
import { copyRows } from '../../src/postgres/copied-row.ts';
import { twinSelection } from '../../src/postgres/twin-row.ts';
import type { Progress } from '../cli/progress.ts';
import { BenchProcess } from './bench-process.ts';
import { startBenchServers } from './bench-servers.ts';
import type { FleetMix } from './fleet-mix.ts';
import { prepareFleet } from './ingest.ts';
import type { NodeNews, NodeOrder } from './node-process.ts';
import type { TargetLine } from './target-table.ts';

/** What is measured. */
export interface StartOptions extends FleetMix {
  readonly rounds: number;
  readonly progress: Progress;
}

/** What was measured; medians of the rounds. */
export interface StartResult {
  readonly devices: number;
  /** From the start of the node until it hears, all twins loaded and their wake-ups set, ms. */
  readonly startMs: number;
  readonly twinsPerSecond: number;
  readonly floorTwinsPerSecond: number;
  /** On the heap and in buffers, after a collection of garbage. */
  readonly bytesPerTwin: number;
  /** As the system sees it; garbage of the start included. */
  readonly residentBytesPerTwin: number;
}

const DATABASE = 'bench_start';
const START_MS_MAX = 300_000;

/** Measures. */
export async function measureStart(options: StartOptions): Promise<StartResult> {
  const { progress, devices, rounds } = options;
  progress.step('starting a hub and a Postgres');
  const servers = await startBenchServers();
  try {
    const { hub, postgres, client } = servers;
    await prepareFleet(servers, DATABASE, options);
    await client.query('checkpoint');
    const order = { natsUrl: hub.url('runtime'), postgresUrl: postgres.url(DATABASE), reports: 0 };
    const heard: Extract<NodeNews, { type: 'hearing' }>[] = [];
    const floors: number[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      floors.push(await copyOut(order.postgresUrl));
      const hearing = await startOnce(order);
      heard.push(hearing);
      const seconds = (hearing.ms / 1_000).toFixed(2);
      progress.step(`${String(hearing.twins)} twins in ${seconds} s`);
    }
    const startMs = median(heard.map(({ ms }) => ms));
    return {
      devices,
      startMs: Math.round(startMs),
      twinsPerSecond: Math.round((devices * 1_000) / startMs),
      floorTwinsPerSecond: Math.round((devices * 1_000) / median(floors)),
      bytesPerTwin: Math.round(median(heard.map(({ bytes }) => bytes)) / devices),
      residentBytesPerTwin: Math.round(median(heard.map(({ residentBytes }) => residentBytes)) / devices),
    };
  } finally {
    await servers.stop();
  }
}

async function startOnce(order: NodeOrder): Promise<Extract<NodeNews, { type: 'hearing' }>> {
  const nodeOptions = ['--expose-gc'];
  const node = new BenchProcess<NodeNews>({ command: 'node', nodeOptions });
  try {
    node.tell(order);
    const hearing = await node.hear('hearing', START_MS_MAX);
    await node.end();
    return hearing;
  } finally {
    await node.kill();
  }
}

async function copyOut(connectionString: string): Promise<number> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const startedAt = performance.now();
    let rows = 0;
    const text = `select ${twinSelection} from twin t`;
    await copyRows(client, { text, timeoutMs: START_MS_MAX }, () => (rows += 1));
    return performance.now() - startedAt;
  } finally {
    await client.end();
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

/** The lines of a result in the table of all targets. */
export function startTargets(result: StartResult): readonly TargetLine[] {
  const { twinsPerSecond, floorTwinsPerSecond, bytesPerTwin, residentBytesPerTwin } = result;
  const which = `${result.devices.toLocaleString('en-GB')} twins`;
  return [
    {
      what: `start: rows to live twins, per second (${which})`,
      target: '>= 100,000',
      measured: twinsPerSecond,
      isMet: twinsPerSecond >= 100_000,
    },
    {
      what: `start: the same rows read and thrown away, per second (${which})`,
      target: '',
      measured: floorTwinsPerSecond,
      isMet: null,
    },
    {
      what: `memory: bytes per twin (${which})`,
      target: '<= 1,200',
      measured: bytesPerTwin,
      isMet: bytesPerTwin <= 1_200,
    },
    {
      what: `memory: resident bytes per twin, with the garbage of the start (${which})`,
      target: '',
      measured: residentBytesPerTwin,
      isMet: null,
    },
  ];
}
