/** The servers of a bench: a Postgres and a hub of its own, as durable as real ones, in a folder that goes afterwards. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type Hub, startHub } from '../dev/hub.ts';
import { type PostgresServer, startPostgres } from '../dev/postgres-server.ts';

/** See the head of this file. */
export interface BenchServers {
  readonly hub: Hub;
  readonly postgres: PostgresServer;
  /** With the right to make databases. */
  readonly client: pg.Client;
  stop(): Promise<void>;
}

/** What decides how durable, and how fast, a commit is. */
const TELLING_SETTINGS = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_sync_method',
  'shared_buffers',
  'max_wal_size',
] as const;
export type PostgresSettings = Readonly<Record<(typeof TELLING_SETTINGS)[number], string>>;

/** Starts them; `settings` are those of Postgres that differ from what the project ships. */
export async function startBenchServers(
  settings: Readonly<Record<string, string>> = {},
): Promise<BenchServers> {
  const folder = mkdtempSync(join(tmpdir(), 'corral-bench-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const stops: (() => Promise<void> | void)[] = [
    () => {
      process.off('exit', remove);
      remove();
    },
  ];
  const stop = async (): Promise<void> => {
    for (let last = stops.pop(); last !== undefined; last = stops.pop()) await last();
  };
  try {
    const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), settings });
    stops.push(() => postgres.stop());
    const hub = await startHub({ dataDir: join(folder, 'hub') });
    stops.push(() => hub.stop());
    const client = new pg.Client({ connectionString: postgres.url('postgres') });
    await client.connect();
    stops.push(() => client.end());
    return { hub, postgres, client, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The settings of Postgres that count. */
export async function settingsOf(client: pg.Client): Promise<PostgresSettings> {
  const { rows } = await client.query<{ name: string; value: string }>(
    'select name, current_setting(name) as value from unnest($1::text[]) name',
    [TELLING_SETTINGS],
  );
  return Object.fromEntries(rows.map(({ name, value }) => [name, value])) as PostgresSettings;
}

/** How far Postgres has written its log, bytes. */
export async function walBytes(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as bytes",
  );
  return Number(rows[0]?.bytes);
}
