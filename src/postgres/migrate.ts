/**
 * Brings a database to the schema this version needs: the plain SQL files of `migrations/`, in the order of their
 * numbers, each once and in its own transaction. Nodes that start together wait for each other under a lock.
 *
 * Forward only: a file is never edited once it has landed (its checksum is kept and compared), and a database that is
 * ahead of this version is refused, because nobody knows here what the newer files changed.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import pg from 'pg';
import { DEFAULT_POSTGRES_LIMITS, type PostgresLimits } from './limits.ts';

/** A database this version cannot work with, and why; nothing was changed. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/** Any number that nobody else uses for an advisory lock in this database. */
const LOCK = 702_165_001;

const folder = fileURLToPath(new URL('migrations', import.meta.url));

type AppliedMigration = Pick<Migration, 'name' | 'checksum'>;

interface Migration {
  /** `0001_inventory.sql`. */
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/**
 * Applies what is missing. Safe to call at every start and by many nodes at once. Throws a {@link MigrationError} when the
 * database is not one of ours or is ahead of this version, and the error of Postgres when a file fails: then that file
 * changed nothing. So it rejects when the server says nothing for longer than its limits; the next start goes on from there.
 */
export async function migrate(
  connectionString: string,
  limits: Pick<PostgresLimits, 'connectTimeoutMs' | 'migrateTimeoutMs'> = DEFAULT_POSTGRES_LIMITS,
): Promise<void> {
  const migrations = await readMigrations();
  const client = new pg.Client({
    connectionString,
    keepAlive: true,
    application_name: 'corral migrate',
    connectionTimeoutMillis: limits.connectTimeoutMs,
    query_timeout: limits.migrateTimeoutMs,
  });
  // A connection that breaks fails the query under way; without a listener it would end the process as well.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    await client.query(`create table if not exists migration (
      name text primary key,
      checksum text not null,
      applied_at timestamptz not null default now()
    )`);
    await client.query(
      "comment on table migration is 'What made this schema: applied once each, never edited.'",
    );
    const applied = await readApplied(client);
    checkApplied(migrations, applied);
    for (const migration of migrations.slice(applied.length)) await apply(client, migration);
  } finally {
    // Ending the session gives the lock back.
    await client.end();
  }
}

/** How a database stands to this version's schema. */
export interface MigrationState {
  /** Names of the files that are applied, and of those that the next start of a node applies. */
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

/**
 * Looks at a database without changing it. Throws a {@link MigrationError} when it is ahead of this version or not one of
 * ours, and the error of Postgres when it cannot be asked.
 */
export async function migrationState(client: pg.ClientBase): Promise<MigrationState> {
  const migrations = await readMigrations();
  const { rows: tables } = await client.query<{ exists: boolean }>(
    "select to_regclass('migration') is not null as exists",
  );
  const rows = tables[0]?.exists === true ? await readApplied(client) : [];
  checkApplied(migrations, rows);
  const names = migrations.map(({ name }) => name);
  return { applied: names.slice(0, rows.length), pending: names.slice(rows.length) };
}

async function readApplied(client: pg.ClientBase): Promise<readonly AppliedMigration[]> {
  const { rows } = await client.query<AppliedMigration>('select name, checksum from migration order by name');
  return rows;
}

async function readMigrations(): Promise<readonly Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(join(folder, name), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/** The applied ones must be the first of ours, unchanged. */
function checkApplied(migrations: readonly Migration[], applied: readonly AppliedMigration[]): void {
  applied.forEach(({ name, checksum }, index) => {
    const own = migrations[index];
    if (own === undefined) {
      throw new MigrationError(
        `the database has migration ${name}, which this version of Corral does not know`,
      );
    }
    if (own.name !== name || own.checksum !== checksum) {
      throw new MigrationError(
        `migration ${name} of the database is not ${own.name} of this version of Corral`,
      );
    }
  });
}

async function apply(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(sql);
    await client.query('insert into migration (name, checksum) values ($1, $2)', [name, checksum]);
    await client.query('commit');
  } catch (cause) {
    await client.query('rollback');
    throw new Error(`migration ${name} failed: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}
