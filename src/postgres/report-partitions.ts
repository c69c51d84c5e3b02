/**
 * Housekeeping of the history: a partition of `report` for each day (UTC), made before it is needed and dropped when its
 * retention has passed, and with it what only told of its reports (`retention.ts`). Whatever finds no partition lands in the
 * default one, and moves when its day is made: the next time, whatever the clocks said when it came.
 *
 * Any number of nodes may do this at once; one of them does it. A node whose clock has jumped ahead drops nothing early: a
 * day has passed when both its clock and that of Postgres say so.
 */
import pg, { type ClientBase } from 'pg';
import type { PostgresLimits } from './limits.ts';
import { sweep, type Swept } from './retention.ts';
import { asError, type SessionPool, type TimedQuery } from './sessions.ts';

/** What was done. */
export interface Maintenance {
  /** Names of tables. */
  readonly created: readonly string[];
  readonly dropped: readonly string[];
  /** What a lock of somebody else's prevented: it is tried again the next time. */
  readonly postponed: readonly string[];
  /** Rows of other tables that went with what was dropped; `null` where nothing was looked at. */
  readonly swept: Swept | null;
}

type Limits = Pick<
  PostgresLimits,
  | 'retentionDays'
  | 'journalRetentionDays'
  | 'inventoryChangesMax'
  | 'daysAhead'
  | 'daysBack'
  | 'maintenanceLockTimeoutMs'
  | 'maintenanceTimeoutMs'
>;

const DAY_MS = 86_400_000;

/** Any number that nobody else uses for an advisory lock in this database. */
const LOCK = 702_165_002;

/** SQLSTATE of a lock that was not given in time. */
const LOCK_NOT_AVAILABLE = '55P03';

const NOTHING: Maintenance = { created: [], dropped: [], postponed: [], swept: null };

/** Makes and drops partitions as they should be at server time `now`, ms epoch. Does nothing while another node is at it. */
export async function maintainReports(
  sessions: SessionPool,
  now: number,
  limits: Limits,
): Promise<Maintenance> {
  const { client, release } = await sessions.open();
  try {
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [LOCK]);
    const isMine = rows[0]?.mine === true;
    const done = isMine ? await maintain(client, now, limits) : NOTHING;
    if (isMine) await client.query('select pg_advisory_unlock($1)', [LOCK]);
    release();
    return done;
  } catch (error) {
    // Closing the connection gives the lock back.
    release(asError(error));
    throw error;
  }
}

async function maintain(client: ClientBase, now: number, limits: Limits): Promise<Maintenance> {
  const today = dayOf(now);
  const oldest = dayOf(Math.min(now, await databaseNow(client))) - limits.retentionDays;
  const present = await presentDays(client);
  const wanted = new Set([
    ...daysBetween(today - limits.daysBack, today + limits.daysAhead),
    ...(await strayDays(client, limits)).filter((day) => day <= today + limits.daysAhead),
  ]);
  const missing = [...wanted].filter((day) => day >= oldest && !present.includes(day)).sort((a, b) => a - b);
  const outdated = present.filter((day) => day < oldest);
  const done = { created: new Array<string>(), dropped: new Array<string>(), postponed: new Array<string>() };
  const attempt = async (list: string[], name: string, sql: readonly string[]): Promise<void> => {
    const isDone = await transact(client, sql, limits);
    (isDone ? list : done.postponed).push(name);
  };
  for (const day of missing) await attempt(done.created, tableOf(day), createDay(day));
  for (const day of outdated) await attempt(done.dropped, tableOf(day), [`drop table ${tableOf(day)}`]);
  await client.query(patient(`delete from report_default where received_at < ${literal(oldest)}`, limits));
  const swept = done.dropped.length === 0 ? null : await sweep(client, oldest * DAY_MS, limits);
  return { ...done, swept };
}

/** The time by the clock of Postgres, ms epoch. */
async function databaseNow(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ now: number }>('select ms_of(now()) as now');
  return rows[0]?.now ?? -Infinity;
}

/** Days of reports that found no partition. */
async function strayDays(client: ClientBase, limits: Limits): Promise<readonly number[]> {
  const days = 'select distinct floor(ms_of(received_at) / 86400000)::integer as day from report_default';
  const { rows } = await client.query<{ day: number }>(patient(days, limits));
  return rows.map(({ day }) => day);
}

async function presentDays(client: ClientBase): Promise<readonly number[]> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'report'::regclass and c.relname ~ '^report_\\d{4}_\\d{2}_\\d{2}$'`,
  );
  const dates = rows.map(({ name }) => name.slice('report_'.length).replaceAll('_', '-'));
  return dates.sort().map((date) => Date.parse(date) / DAY_MS);
}

/** Attaching locks the default partition alone; commits into other days go on meanwhile. */
function createDay(day: number): readonly string[] {
  const table = tableOf(day);
  const [from, to] = [literal(day), literal(day + 1)];
  return [
    `create table ${table} (like report including all)`,
    'lock table report_default in access exclusive mode',
    `with moved as (delete from report_default where received_at >= ${from} and received_at < ${to} returning *)
      insert into ${table} select * from moved`,
    `alter table report attach partition ${table} for values from (${from}) to (${to})`,
  ];
}

/** Runs statements in one transaction. False when somebody else's lock prevents it: then nothing of them is done. */
async function transact(client: ClientBase, statements: readonly string[], limits: Limits): Promise<boolean> {
  await client.query('begin');
  try {
    await client.query(`set local lock_timeout = ${String(limits.maintenanceLockTimeoutMs)}`);
    for (const statement of statements) await client.query(patient(statement, limits));
    await client.query('commit');
    return true;
  } catch (error) {
    await client.query('rollback');
    if (error instanceof pg.DatabaseError && error.code === LOCK_NOT_AVAILABLE) return false;
    throw error;
  }
}

/** A day that was forgotten for long moves for longer than others may wait for an answer. */
function patient(text: string, { maintenanceTimeoutMs }: Limits): TimedQuery {
  return { text, query_timeout: maintenanceTimeoutMs };
}

function daysBetween(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

const dayOf = (time: number): number => Math.floor(time / DAY_MS);

function isoDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

const tableOf = (day: number): string => `report_${isoDay(day).replaceAll('-', '_')}`;
const literal = (day: number): string => `'${isoDay(day)}T00:00:00Z'`;
