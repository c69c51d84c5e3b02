/** Runs one round in a process of its own, on a copy of the database, and reads the meters of the servers meanwhile. */
import type { Progress } from '../cli/progress.ts';
import { type BenchServers, walBytes } from './bench-servers.ts';
import { BenchProcess } from './bench-process.ts';
import type { FleetMessage } from './fleet-mix.ts';
import { cpuMicrosOf } from './process-cpu.ts';
import type { RoundNews, RoundOrder, Rows, Side } from './round.ts';
import { postAll } from './web-load.ts';

/** How one round went. */
export interface Round {
  readonly side: Side;
  readonly ms: number;
  readonly reportsPerSecond: number;
  readonly rows: Rows;
  readonly batches: readonly number[];
  /** What Postgres wrote into its log, bytes. */
  readonly walBytes: number;
  /** CPU time per report, µs; `null` where it cannot be told. */
  readonly cpuMicrosPerReport: {
    readonly process: number;
    readonly postgres: number | null;
    readonly nats: number | null;
  };
}

/** Which round. */
export interface RunRoundOptions extends Pick<RoundOrder, 'side' | 'reports' | 'batches'> {
  /** The database that is copied for it. */
  readonly template: string;
  /** What is posted to the web application. */
  readonly messages: Iterator<FleetMessage>;
  /** A folder for a CPU profile, or `null`. */
  readonly profileDir: string | null;
  readonly progress: Progress;
}

const DATABASE = 'bench_round';
const ROUND_MS_MAX = 600_000;

interface Meters {
  readonly wal: number;
  readonly postgres: number | null;
  readonly nats: number | null;
}

/** Runs it. Rejects when it is not done within ten minutes. */
export async function runRound(servers: BenchServers, options: RunRoundOptions): Promise<Round> {
  const { hub, postgres, client } = servers;
  const { side, reports, batches, template } = options;
  await client.query(`create database ${DATABASE} template ${template}`);
  await client.query('checkpoint');
  const order = { side, reports, batches, natsUrl: hub.url('runtime'), postgresUrl: postgres.url(DATABASE) };
  const { began, ended, news } = await inProcess(servers, order, options);
  await client.query(`drop database ${DATABASE}`);
  const perReport = (before: number | null, after: number | null): number | null =>
    before === null || after === null ? null : (after - before) / reports;
  const reportsPerSecond = (reports * 1_000) / news.ms;
  options.progress.step(
    `${side.padEnd(8)} ${Math.round(reportsPerSecond).toLocaleString('en-GB')} reports/s`,
  );
  return {
    side,
    reportsPerSecond,
    ms: news.ms,
    rows: news.rows,
    batches: news.batches,
    walBytes: ended.wal - began.wal,
    cpuMicrosPerReport: {
      process: news.cpuMicros / reports,
      postgres: perReport(began.postgres, ended.postgres),
      nats: perReport(began.nats, ended.nats),
    },
  };
}

async function inProcess(
  servers: BenchServers,
  order: RoundOrder,
  { profileDir, messages }: RunRoundOptions,
): Promise<{
  readonly began: Meters;
  readonly ended: Meters;
  readonly news: Extract<RoundNews, { type: 'ended' }>;
}> {
  const nodeOptions = profileDir === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
  const child = new BenchProcess<RoundNews>({ command: 'round', nodeOptions });
  try {
    child.tell(order);
    const posted = order.side === 'web' ? post(child, messages) : Promise.resolve();
    // Awaited in the end; until then a failure must not count as unhandled.
    posted.catch(() => undefined);
    await child.hear('began', ROUND_MS_MAX);
    const began = await metersOf(servers);
    const news = await child.hear('ended', ROUND_MS_MAX);
    await posted;
    const ended = await metersOf(servers);
    await child.end();
    return { began, ended, news };
  } finally {
    await child.kill();
  }
}

async function post(child: BenchProcess<RoundNews>, messages: Iterator<FleetMessage>): Promise<void> {
  const { port } = await child.hear('listening', ROUND_MS_MAX);
  await postAll(port, messages);
}

async function metersOf({ client, hub, postgres }: BenchServers): Promise<Meters> {
  return {
    wal: await walBytes(client),
    postgres: cpuMicrosOf(postgres.pid()),
    nats: cpuMicrosOf(hub.pid()),
  };
}
