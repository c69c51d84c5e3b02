/**
 * `bench http`: how long HTTP takes to find the doubtful devices of a large fleet, and to say why one is as it is; over a connection, as
 * a browser asks. Floor: a question that asks the store nothing.
 */
import pg from 'pg';
import pino from 'pino';
import { Registry } from 'prom-client';
import { kinds } from '../../machines/kinds.ts';
import { buildHttp } from '../../src/http/server.ts';
import { MemoryChangeFeed } from '../../src/memory/change-feed.ts';
import { MemoryHub } from '../../src/memory/hub.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import { DEFAULT_LIMITS } from '../../src/runtime/limits.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import type { Progress } from '../cli/progress.ts';
import { startBenchServers } from './bench-servers.ts';
import type { FleetMix } from './fleet-mix.ts';
import { prepareFleet } from './ingest.ts';
import type { TargetLine } from './target-table.ts';

/** What is measured. */
export interface HttpOptions extends FleetMix {
  /** Of each kind. */
  readonly questions: number;
  readonly progress: Progress;
}

/** Times of one question, ms. */
export interface QuestionTimes {
  readonly question: string;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What was measured. */
export interface HttpResult {
  readonly devices: number;
  readonly suspects: number;
  readonly times: readonly QuestionTimes[];
}

const DATABASE = 'bench_http';

/** One device in so many is doubted. */
const SUSPECT_IN = 100;

/** Measured after so many of each question. */
const WARM_UP = 50;

const SUSPECT = '/v1/devices?state=suspect';
const EXPLAIN = '/v1/devices/:device/explain';

/** The questions; `:device` is another one each time. */
const QUESTIONS = [
  '/healthz',
  SUSPECT,
  EXPLAIN,
  '/v1/devices/:device',
  '/v1/devices?sort=-since&state=suspect',
  '/v1/devices?quality=suspect',
  '/v1/devices?quality=unknown&total=false',
  '/v1/devices?q=99',
  '/v1/devices',
] as const;

/** Measures. */
export async function measureHttp(options: HttpOptions): Promise<HttpResult> {
  const { progress, devices, questions } = options;
  progress.step('starting a hub and a Postgres');
  const servers = await startBenchServers();
  try {
    await prepareFleet(servers, DATABASE, options);
    const connectionString = servers.postgres.url(DATABASE);
    const client = new pg.Client({ connectionString });
    await client.connect();
    const { serverErrorMs } = DEFAULT_LIMITS;
    const store = new PostgresStore({ connectionString, kinds, clock: systemClock, serverErrorMs });
    const app = await buildHttp({
      fleetReader: store,
      kinds,
      clock: systemClock,
      serverErrorMs,
      metrics: new Registry(),
      health: { check: async () => [] },
      nodeView: {
        status: () => Promise.reject(new Error('nobody asks')),
        messagesAfter: () => Promise.reject(new Error('nobody asks')),
      },
      changes: new MemoryChangeFeed(new MemoryHub(systemClock)),
      commands: { command: async () => ({ type: 'hub-away' }) },
      forgetting: { forget: async () => ({ type: 'hub-away' }) },
      logger: pino({ level: 'silent' }),
      guards: {
        access: { readTokens: [], operateTokens: [], isReadOpen: true },
        rateMax: Number.MAX_SAFE_INTEGER,
        corsOrigins: [],
      },
    });
    try {
      const suspects = await doubt(client);
      const ids = await client.query<{ id: string }>('select id from device order by random() limit $1', [
        WARM_UP + questions,
      ]);
      const url = await app.listen({ host: '127.0.0.1', port: 0 });
      const times: QuestionTimes[] = [];
      for (const question of QUESTIONS) {
        progress.step(`asking ${question}`);
        const paths = ids.rows.map(({ id }) => `${url}${question.replace(':device', id)}`);
        times.push({ question, ...(await timesOf(paths)) });
      }
      return { devices, suspects, times };
    } finally {
      await app.close();
      await store.close();
      await client.end();
    }
  } finally {
    await servers.stop();
  }
}

/** Casts doubt on some devices, as if the ledger and they disagreed. */
async function doubt(client: pg.Client): Promise<number> {
  const suspicions = [{ reason: 'divergence', since: systemClock.now(), detail: 'as the bench has it' }];
  const { rowCount } = await client.query(
    `update twin set path = 'suspect.doubted', suspicions = $1 where device % $2 = 0`,
    [JSON.stringify(suspicions), SUSPECT_IN],
  );
  await client.query('vacuum analyze');
  return rowCount ?? 0;
}

async function timesOf(urls: readonly string[]): Promise<Omit<QuestionTimes, 'question'>> {
  const times: number[] = [];
  for (const url of urls) {
    const startedAt = performance.now();
    const response = await fetch(url);
    await response.text();
    times.push(performance.now() - startedAt);
    if (!response.ok) throw new Error(`${url} was answered with ${String(response.status)}`);
  }
  const sorted = times.slice(WARM_UP).sort((a, b) => a - b);
  const at = (share: number): number => {
    const index = Math.min(sorted.length - 1, Math.floor(share * sorted.length));
    return Math.round(100 * (sorted[index] ?? 0)) / 100;
  };
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** The lines of a result in the table of all targets. */
export function httpTargets({ devices, times }: HttpResult): readonly TargetLine[] {
  const size = devices.toLocaleString('en-GB');
  return times.flatMap(({ question, p50, p99 }) => {
    const isPromised = question === SUSPECT || question === EXPLAIN;
    const what = `http: ${question} at ${size} devices`;
    return [
      { what: `${what}, ms (p50)`, target: '', measured: p50, isMet: null },
      {
        what: `${what}, ms (p99)`,
        target: isPromised ? '<= 20' : '',
        measured: p99,
        isMet: isPromised ? p99 <= 20 : null,
      },
    ];
  });
}
