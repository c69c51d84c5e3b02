/**
 * `bench ingest`: how many reports a second become durable, with their history, against the floor, and against the web
 * application that people would write instead.
 *
 * All begin with copies of one database in which every device is known, and take the same messages: runtime and floor those
 * of one stream. Each round is a process of its own; rounds alternate, and medians count.
 */
import { migrate } from '../../src/postgres/migrate.ts';
import { connectToHub } from '../../src/nats/connect.ts';
import { prepareHub } from '../../src/nats/hub.ts';
import { SiteStreams } from '../../src/nats/site-streams.ts';
import type { Progress } from '../cli/progress.ts';
import { type BenchServers, type PostgresSettings, settingsOf, startBenchServers } from './bench-servers.ts';
import { type FleetMix, fleetMessages } from './fleet-mix.ts';
import { populate } from './populate.ts';
import type { Side } from './round.ts';
import { type Round, runRound } from './run-round.ts';
import { fillStream } from './stream-fill.ts';

/** What is measured. */
export interface IngestOptions extends FleetMix {
  /** Reports in all, each a message of its own. */
  readonly reports: number;
  /** Reports that the web application is sent; 0 leaves it out. */
  readonly webReports: number;
  readonly rounds: number;
  /** A folder for CPU profiles of the runtime's rounds, or `null`. */
  readonly profileDir: string | null;
  readonly progress: Progress;
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

/** Measures. */
export async function measureIngest(options: IngestOptions): Promise<IngestMeasurement> {
  const { progress, devices, reports, webReports } = options;
  progress.step('starting a hub and a Postgres');
  const servers = await startBenchServers();
  try {
    await prepareFleet(servers, TEMPLATE, options);
    const bytes = await fill(servers, options, reports);
    const rounds: Round[] = [];
    let batches: readonly number[] = [];
    for (const side of sidesOf(options.rounds)) {
      const round = await runRound(servers, { ...options, ...roundOf(side, options), batches });
      if (side === 'runtime') batches = round.batches;
      rounds.push(round);
    }
    if (webReports > 0) {
      rounds.push(await runRound(servers, { ...options, ...roundOf('web', options), batches: [] }));
    }
    const settings = await settingsOf(servers.client);
    return { devices, reports, payloadBytes: bytes, settings, rounds };
  } finally {
    await servers.stop();
  }
}

function roundOf(side: Side, options: IngestOptions) {
  const reports = side === 'web' ? options.webReports : options.reports;
  const profileDir = side === 'runtime' ? options.profileDir : null;
  return { side, reports, profileDir, template: TEMPLATE, messages: fleetMessages(options, reports) };
}

/** Neither side is always first: what the machine does meanwhile should hit both. */
function sidesOf(rounds: number): Side[] {
  return Array.from({ length: rounds }, (_, index): Side[] =>
    index % 2 === 0 ? ['runtime', 'floor'] : ['floor', 'runtime'],
  ).flat();
}

/** Makes the streams, and a database in which every device has been heard once. */
export async function prepareFleet(
  { hub, postgres, client }: BenchServers,
  database: string,
  fleet: FleetMix & { readonly progress: Progress },
): Promise<void> {
  const connection = await connectToHub({ url: hub.url('runtime'), name: 'corral bench' });
  await prepareHub(connection);
  await new SiteStreams({ hub: connection }).look();
  await connection.close();
  await client.query(`create database ${database}`);
  await migrate(postgres.url(database));
  const { progress, devices } = fleet;
  const total = devices.toLocaleString('en-GB');
  await populate({
    ...fleet,
    postgresUrl: postgres.url(database),
    written: (done) => progress.at(`devices  ${done.toLocaleString('en-GB')} of ${total}`),
  });
}

/** Fills the stream with so many reports; resolves with their bytes. */
export async function fill(
  { hub }: BenchServers,
  fleet: FleetMix & { readonly progress: Progress },
  messages: number,
): Promise<number> {
  const total = messages.toLocaleString('en-GB');
  const { bytes } = await fillStream({
    url: hub.url('depot'),
    fleet,
    messages,
    filled: (done) => fleet.progress.at(`filling  ${done.toLocaleString('en-GB')} of ${total} messages`),
  });
  return bytes;
}
