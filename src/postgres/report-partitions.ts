/**
 * Housekeeping of the history: a partition of `report` for each day (UTC), made before it is needed and dropped when its
 * retention has passed. Whatever finds no partition lands in the default one, and moves when its day is made.
 *
 * Any number of nodes may do this at once; one of them does it.
 */
import pg, { type ClientBase } from 'pg';
import type { PostgresLimits } from './limits.ts';
import { asError, type SessionPool } from './sessions.ts';

/** What was done. */
export interface Maintenance {
  /** Names of tables. */
  readonly created: readonly string[];
  readonly dropped: readonly string[];
  /** What a lock of somebody else's prevented: it is tried again the next time. */
  readonly postponed: readonly string[];
}

type Limits = Pick<PostgresLimits, 'retentionDays' | 'daysAhead' | 'daysBack' | 'maintenanceLockTimeoutMs'>;

const DAY_MS = 86_400_000;

/** Any number that nobody else uses for an advisory lock in this database. */
const LOCK = 702_165_002;

/** SQLSTATE of a lock that was not given in time. */
const LOCK_NOT_AVAILABLE = '55P03';

const NOTHING: Maintenance = { created: [], dropped: [], postponed: [] };

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
    const done = isMine ? await maintain(client, Math.floor(now / DAY_MS), limits) : NOTHING;
    if (isMine) await client.query('select pg_advisory_unlock($1)', [LOCK]);
    release();
    return done;
  } catch (error) {
    // Closing the connection gives the lock back.
    release(asError(error));
    throw error;
  }
}

async function maintain(client: ClientBase, today: number, limits: Limits): Promise<Maintenance> {
  const oldest = today - limits.retentionDays;
  const present = await presentDays(client);
  const wanted = daysBetween(Math.max(oldest, today - limits.daysBack), today + limits.daysAhead);
  const missing = wanted.filter((day) => !present.includes(day));
  const outdated = present.filter((day) => day < oldest);
  const done = { created: new Array<string>(), dropped: new Array<string>(), postponed: new Array<string>() };
  const attempt = async (list: string[], name: string, sql: readonly string[]): Promise<void> => {
    const isDone = await transact(client, sql, limits.maintenanceLockTimeoutMs);
    (isDone ? list : done.postponed).push(name);
  };
  for (const day of missing) await attempt(done.created, tableOf(day), createDay(day));
  for (const day of outdated) await attempt(done.dropped, tableOf(day), [`drop table ${tableOf(day)}`]);
  await client.query(`delete from report_default where received_at < ${literal(oldest)}`);
  return done;
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
async function transact(
  client: ClientBase,
  statements: readonly string[],
  lockTimeoutMs: number,
): Promise<boolean> {
  await client.query('begin');
  try {
    await client.query(`set local lock_timeout = ${String(lockTimeoutMs)}`);
    for (const statement of statements) await client.query(statement);
    await client.query('commit');
    return true;
  } catch (error) {
    await client.query('rollback');
    if (error instanceof pg.DatabaseError && error.code === LOCK_NOT_AVAILABLE) return false;
    throw error;
  }
}

function daysBetween(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function isoDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

const tableOf = (day: number): string => `report_${isoDay(day).replaceAll('-', '_')}`;
const literal = (day: number): string => `'${isoDay(day)}T00:00:00Z'`;
