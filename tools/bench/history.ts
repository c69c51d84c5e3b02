/**
 * `bench history`: how long the question for the last minutes of a device takes, in a table of many million reports. Floor: one
 * row of each such device by its key.
 */
import pg from 'pg';
import { kinds } from '../../machines/kinds.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import { DEFAULT_LIMITS } from '../../src/runtime/limits.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import type { Progress } from '../cli/progress.ts';
import { startBenchServers } from './bench-servers.ts';
import type { FleetMix } from './fleet-mix.ts';
import { prepareFleet } from './ingest.ts';
import type { TargetLine } from './target-table.ts';

/** What is measured. */
export interface HistoryOptions extends FleetMix {
  /** In the table, about: as many of each device. */
  readonly rows: number;
  readonly questions: number;
  readonly progress: Progress;
}

/** What was measured; times in ms. */
export interface HistoryResult {
  readonly devices: number;
  readonly rows: number;
  /** Of the table and its indexes. */
  readonly bytes: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Reports that a question found, on average. */
  readonly found: number;
  readonly floorP50: number;
}

const DATABASE = 'bench_history';
/** A device reports once a minute. */
const STEP_MS = 60_000;
const WINDOW_MS = 5 * STEP_MS;
const ROWS_AT_ONCE = 500_000;
const { serverErrorMs } = DEFAULT_LIMITS;

/** Measures. */
export async function measureHistory(options: HistoryOptions): Promise<HistoryResult> {
  const { progress, devices, questions } = options;
  progress.step('starting a hub and a Postgres');
  // Then what is written into a table that was emptied in the same transaction is not logged as well.
  const servers = await startBenchServers({ wal_level: 'minimal', max_wal_senders: '0' });
  try {
    await prepareFleet(servers, DATABASE, options);
    const connectionString = servers.postgres.url(DATABASE);
    const client = new pg.Client({ connectionString });
    await client.connect();
    const store = new PostgresStore({ connectionString, kinds, clock: systemClock, serverErrorMs });
    try {
      const now = systemClock.now();
      await writeHistory(client, { ...options, now });
      const { rows: sizes } = await client.query<{ rows: string; bytes: string }>(
        `select (select count(*) from report) as rows, sum(pg_total_relation_size(inhrelid)) as bytes
          from pg_inherits where inhparent = 'report'::regclass`,
      );
      const ids = await client.query<{ id: string; key: number }>(
        'select id, key from device order by random() limit $1',
        [questions],
      );
      const floor = await timesOf(ids.rows, async ({ key }) => {
        const text = 'select version from twin where device = $1';
        await client.query({ name: 'floor', text, values: [key] });
      });
      let found = 0;
      const asked = await timesOf(ids.rows, async ({ id }) => {
        const page = { from: now - WINDOW_MS, to: now, after: null, isNewestFirst: false, limit: 1_000 };
        found += (await store.reports(id, page)).length;
      });
      const size = sizes[0];
      return {
        devices,
        rows: Number(size?.rows),
        bytes: Number(size?.bytes),
        p50: at(asked, 0.5),
        p99: at(asked, 0.99),
        max: at(asked, 1),
        found: Math.round((100 * found) / asked.length) / 100,
        floorP50: at(floor, 0.5),
      };
    } finally {
      await store.close();
      await client.end();
    }
  } finally {
    await servers.stop();
  }
}

/**
 * Gives every device a boot before its present one, in the shape of its one report: one a minute up to `now`, in the order in which
 * they would have come. In one transaction, and indexed in the end, which writes the table once instead of three times.
 */
async function writeHistory(
  client: pg.Client,
  { rows, devices, progress, now }: HistoryOptions & { readonly now: number },
): Promise<void> {
  const steps = Math.ceil(rows / devices);
  const beganAt = now - steps * STEP_MS;
  await client.query("begin; set local maintenance_work_mem = '1GB'");
  await client.query('create temp table sample as select device, state, body from report');
  const { rows: indexes } = await client.query<{ definition: string }>(
    "select pg_get_indexdef('report_position'::regclass) as definition",
  );
  await client.query('drop index report_position; truncate report');
  const stepsAtOnce = Math.max(1, Math.floor(ROWS_AT_ONCE / devices));
  for (let from = 1; from <= steps; from += stepsAtOnce) {
    const to = Math.min(steps, from + stepsAtOnce - 1);
    await client.query(
      `insert into report (device, incarnation, boot, seq, up, received_at, is_late, state, body)
        select device, 1, 0, step, step * $3::bigint, time_of($4::float8 + step * $3::float8), false, state, body
        from generate_series($1::bigint, $2::bigint) step, sample`,
      [from, to, STEP_MS, beganAt],
    );
    const [done, total] = [to, steps].map((step) => (step * devices).toLocaleString('en-GB'));
    progress.at(`history  ${String(done)} of ${String(total)} reports`);
  }
  progress.step('indexing');
  for (const { definition } of indexes) await client.query(definition.replace(' ON ONLY ', ' ON '));
  await client.query(
    `insert into boot_clock (device, incarnation, boot, latest_up, latest_at)
      select device, 1, 0, $1::bigint * $2::bigint, $3::float8 from twin`,
    [steps, STEP_MS, now],
  );
  await client.query('commit');
  await client.query('vacuum analyze report');
}

async function timesOf<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<readonly number[]> {
  const times: number[] = [];
  for (const item of items) {
    const startedAt = performance.now();
    await work(item);
    times.push(performance.now() - startedAt);
  }
  return times.sort((a, b) => a - b);
}

function at(times: readonly number[], share: number): number {
  const index = Math.min(times.length - 1, Math.floor(share * times.length));
  return Math.round(100 * (times[index] ?? 0)) / 100;
}

/** The lines of a result in the table of all targets. */
export function historyTargets(result: HistoryResult): readonly TargetLine[] {
  const { rows, p50, p99, floorP50 } = result;
  const which = `the last five minutes of a device among ${rows.toLocaleString('en-GB')} reports`;
  return [
    { what: `history: ${which}, ms (p50)`, target: 'milliseconds', measured: p50, isMet: p50 < 10 },
    { what: `history: ${which}, ms (p99)`, target: 'milliseconds', measured: p99, isMet: p99 < 10 },
    { what: 'history: floor, one row by its key, ms (p50)', target: '', measured: floorP50, isMet: null },
  ];
}
