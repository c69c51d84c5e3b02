/**
 * `bench ingest`: how many reports a second become durable, with their history, against the floor.
 *
 * Both sides read the same messages of one stream and begin with copies of one database, in which every device is known. Each
 * round is a process of its own; rounds alternate, and medians count.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { migrate } from '../../src/postgres/migrate.ts';
import { connectToHub } from '../../src/nats/connect.ts';
import { prepareHub } from '../../src/nats/hub.ts';
import { CommandLineError } from '../cli/command-line-error.ts';
import type { Progress } from '../cli/progress.ts';
import {
  type BenchServers,
  type PostgresSettings,
  settingsOf,
  startBenchServers,
  walBytes,
} from './bench-servers.ts';
import type { Encoding } from '../../src/wire/codec.ts';
import type { Mix } from '../fleet/report-mix.ts';
import { cpuMicrosOf } from './process-cpu.ts';
import type { RoundNews, RoundOrder, Rows, Side } from './round.ts';
import { fillStream } from './stream-fill.ts';

/** What is measured. */
export interface IngestOptions {
  readonly devices: number;
  /** Reports in all, each a message of its own. */
  readonly reports: number;
  readonly rounds: number;
  readonly mix: Mix;
  readonly encoding: Encoding;
  /** A folder for CPU profiles of the runtime's rounds, or `null`. */
  readonly profileDir: string | null;
  readonly progress: Progress;
}

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

/** What was measured. */
export interface IngestMeasurement {
  readonly devices: number;
  readonly reports: number;
  /** Of all payloads in the stream. */
  readonly payloadBytes: number;
  readonly settings: PostgresSettings;
  readonly rounds: readonly Round[];
}

const TEMPLATE = 'bench_template';
const ROUND_MS_MAX = 600_000;

/** Measures. */
export async function measureIngest(options: IngestOptions): Promise<IngestMeasurement> {
  const { progress, devices } = options;
  progress.step('starting a hub and a Postgres');
  const servers = await startBenchServers();
  try {
    await prepare(servers, options);
    const perDevice = Math.ceil(options.reports / devices);
    const reports = perDevice * devices;
    const { bytes } = await fill(servers, options, { fromStep: 1, toStep: perDevice });
    const rounds: Round[] = [];
    let batches: readonly number[] = [];
    for (const side of sidesOf(options.rounds)) {
      const round = await runRound(servers, options, { side, reports, batches, database: 'bench_round' });
      if (side === 'runtime') batches = round.batches;
      rounds.push(round);
      progress.step(
        `${side.padEnd(8)} ${Math.round(round.reportsPerSecond).toLocaleString('en-GB')} reports/s`,
      );
    }
    const settings = await settingsOf(servers.client);
    return { devices, reports, payloadBytes: bytes, settings, rounds };
  } finally {
    await servers.stop();
  }
}

/** Neither side is always first: what the machine does meanwhile should hit both. */
function sidesOf(rounds: number): Side[] {
  return Array.from({ length: rounds }, (_, index): Side[] =>
    index % 2 === 0 ? ['runtime', 'floor'] : ['floor', 'runtime'],
  ).flat();
}

/** Makes the streams, and a database in which every device has been heard once. */
async function prepare(servers: BenchServers, options: IngestOptions): Promise<void> {
  const { hub, postgres, client } = servers;
  const connection = await connectToHub({ url: hub.url('runtime'), name: 'corral bench' });
  await prepareHub(connection);
  await connection.close();
  await client.query(`create database ${TEMPLATE}`);
  await migrate(postgres.url(TEMPLATE));
  await fill(servers, options, { fromStep: 0, toStep: 0 });
  const first = { reports: options.devices, batches: [], database: TEMPLATE } as const;
  await runRound(servers, { ...options, profileDir: null }, { ...first, side: 'runtime' });
}

async function fill(
  { hub }: BenchServers,
  options: IngestOptions,
  range: { readonly fromStep: number; readonly toStep: number },
): Promise<{ readonly bytes: number }> {
  const { devices, mix, encoding, progress } = options;
  const total = (devices * (range.toStep - range.fromStep + 1)).toLocaleString('en-GB');
  return fillStream({
    url: hub.url('depot'),
    devices,
    mix,
    encoding,
    ...range,
    filled: (messages) => progress.at(`filling  ${messages.toLocaleString('en-GB')} of ${total} messages`),
  });
}

/** A round in a database: the template itself, or a copy of it that goes afterwards. */
async function runRound(
  servers: BenchServers,
  { profileDir }: IngestOptions,
  round: Pick<RoundOrder, 'side' | 'reports' | 'batches'> & { readonly database: string },
): Promise<Round> {
  const { hub, postgres, client } = servers;
  const { database, ...ordered } = round;
  const isCopy = database !== TEMPLATE;
  if (isCopy) await client.query(`create database ${database} template ${TEMPLATE}`);
  await client.query('checkpoint');
  const { side, reports } = ordered;
  const order = { ...ordered, natsUrl: hub.url('runtime'), postgresUrl: postgres.url(database) };
  const isProfiled = profileDir !== null && side === 'runtime';
  const meters = async (): Promise<Meters> => ({
    wal: await walBytes(client),
    postgres: cpuMicrosOf(postgres.pid()),
    nats: cpuMicrosOf(hub.pid()),
  });
  const { began, ended, news } = await inProcess(order, isProfiled ? profileDir : null, meters);
  if (isCopy) await client.query(`drop database ${database}`);
  const perReport = (before: number | null, after: number | null): number | null =>
    before === null || after === null ? null : (after - before) / reports;
  return {
    side,
    ms: news.ms,
    rows: news.rows,
    batches: news.batches,
    reportsPerSecond: (reports * 1_000) / news.ms,
    walBytes: ended.wal - began.wal,
    cpuMicrosPerReport: {
      process: news.cpuMicros / reports,
      postgres: perReport(began.postgres, ended.postgres),
      nats: perReport(began.nats, ended.nats),
    },
  };
}

/** What is read off the servers at the beginning and at the end of a round. */
interface Meters {
  readonly wal: number;
  readonly postgres: number | null;
  readonly nats: number | null;
}

async function inProcess(
  order: RoundOrder,
  profileDir: string | null,
  meters: () => Promise<Meters>,
): Promise<{
  readonly began: Meters;
  readonly ended: Meters;
  readonly news: Extract<RoundNews, { type: 'ended' }>;
}> {
  const profiling = profileDir === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
  const child = fork(fileURLToPath(new URL('../bench.ts', import.meta.url)), ['round'], {
    execArgv: ['--import', 'tsx', ...profiling],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    const measured = await new Promise<{
      began: Promise<Meters>;
      ended: Promise<Meters>;
      news: Extract<RoundNews, { type: 'ended' }>;
    }>((resolve, reject) => {
      let began: Promise<Meters> | null = null;
      child.on('message', (message) => {
        const news = message as RoundNews;
        if (news.type === 'began') began = meters();
        else if (began !== null) resolve({ began, ended: meters(), news });
      });
      const fail = (why: string): void => reject(new CommandLineError(`A round of ${order.side} ${why}.`));
      child.once('exit', (code) => fail(`ended with code ${String(code)} before it was done`));
      setTimeout(() => fail(`was not done within ${String(ROUND_MS_MAX / 1_000)} s`), ROUND_MS_MAX).unref();
      child.send(order);
    });
    child.send('stop');
    const [began, ended] = await Promise.all([measured.began, measured.ended]);
    await exited;
    return { began, ended, news: measured.news };
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}
