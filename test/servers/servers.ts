/**
 * Real servers for tests: a database of one's own on the run's Postgres, and hubs and sites on free ports with data in
 * temporary folders. Whoever starts one ends it (`end`, in `afterAll` or `afterEach`).
 */
import { randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import { startHub as startHubIn, type Hub, type HubOptions } from '../../tools/dev/hub.ts';
import { projectFolder } from '../../tools/dev/project-folders.ts';
import { startPostgres as startPostgresIn, type PostgresServer } from '../../tools/dev/postgres-server.ts';
import { runCommand } from '../../tools/dev/run-command.ts';
import { startSite as startSiteIn, type Site, type SiteOptions } from '../../tools/dev/site.ts';
import type { Link } from './link.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the run's Postgres, with the right to create databases. */
    readonly postgresUrl: string;
  }
}

/** The database that `createDatabase` copies: all migrations are applied to it. */
export const templateDatabase = 'corral_template';

/**
 * No test pulls the plug of the machine, and nobody kills the run's Postgres. Where durability itself is measured, nothing of
 * this applies.
 */
export const testSettings: Readonly<Record<string, string>> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '200',
};

/** How long a copy of a small cluster may take, ms. */
const COPY_MS = 60_000;

/** A migrated database that nobody else uses. */
export interface TestDatabase {
  readonly url: string;
  /** Ends its connections and removes it. */
  readonly drop: () => Promise<void>;
}

/** Something that runs in a temporary folder. */
export interface Temporary {
  /** Stops it, when it still runs, and removes its folder. */
  readonly end: () => Promise<void>;
}

/** Copies the template on the run's Postgres: takes some 50 ms. Who runs without the test runner says where that is. */
export async function createDatabase(adminUrl = inject('postgresUrl')): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await query(adminUrl, `create database ${name} template ${templateDatabase}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => query(adminUrl, `drop database if exists ${name} with (force)`),
  };
}

/** A Postgres that can be set back. */
export interface BackedUpServer {
  /** Copies its data as a base backup does: while it runs, and whatever is written meanwhile. */
  readonly backUp: () => Promise<void>;
  /** Copies its data while it is stopped for it in good order. */
  readonly copyStopped: () => Promise<void>;
  /** Kills it, makes what was copied last all that it has, and starts it again at the same address. */
  readonly setBack: () => Promise<void>;
}

/**
 * A Postgres of one's own, empty, for tests that kill it. It answers a commit when that is with the operating system: what is
 * still in its own memory is gone when it is killed.
 */
export async function startPostgres(): Promise<PostgresServer & Temporary & BackedUpServer> {
  const { folder, remove } = temporaryFolder();
  const settings = { ...testSettings, synchronous_commit: 'on' };
  const server = await startPostgresIn({ dataDir: folder, settings });
  const [cluster, backup] = [join(folder, 'cluster'), join(folder, 'backup')];
  // With its owner: Postgres may run as another user.
  const copy = (from: string, to: string): Promise<string> =>
    runCommand('cp', ['--archive', from, to], { timeoutMs: COPY_MS });
  return {
    ...server,
    end: () => server.stop().then(remove),
    backUp: async () => {
      rmSync(backup, { recursive: true, force: true });
      await baseBackup(server.url('postgres'), backup, () => copy(cluster, backup));
    },
    copyStopped: async () => {
      await server.stop();
      rmSync(backup, { recursive: true, force: true });
      await copy(cluster, backup);
      await server.start();
    },
    setBack: async () => {
      await server.kill();
      rmSync(cluster, { recursive: true });
      await copy(backup, cluster);
      await server.start();
    },
  };
}

/** What Postgres asks of whoever copies its folder while it runs (PostgreSQL, 25.3.3): the label that it gives, and the log up to the end. */
async function baseBackup(url: string, backup: string, copy: () => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("select pg_backup_start('test', fast => true)");
    await copy();
    const { rows } = await client.query<{ label: string; folder: string }>(
      `select labelfile as label, current_setting('data_directory') as folder
        from pg_backup_stop(wait_for_archive => false)`,
    );
    const { label, folder } = rows[0]!;
    const { uid, gid } = statSync(backup);
    rmSync(join(backup, 'postmaster.pid'), { force: true });
    rmSync(join(backup, 'pg_wal'), { recursive: true });
    cpSync(join(folder, 'pg_wal'), join(backup, 'pg_wal'), { recursive: true });
    writeFileSync(join(backup, 'backup_label'), label, { mode: 0o600 });
    await runCommand('chown', ['-R', `${String(uid)}:${String(gid)}`, backup], { timeoutMs: COPY_MS });
  } finally {
    await client.end();
  }
}

/** What a test wants of its hub. */
export interface TestHubOptions extends Pick<HubOptions, 'configFile' | 'variables'> {
  /** Leafs are told to come through it, and it leads to this hub. */
  readonly link?: Link;
  /** What its configuration is, made of the text of `nats.conf`. */
  readonly configure?: (natsConf: string) => string;
}

/** A store that can be set back. */
export interface KeptStore {
  /** Copies what the hub has on its disk, stopped for it in good order. */
  readonly keepStore: () => Promise<void>;
  /** Kills the hub, makes what was copied last all that it has, and starts it again. */
  readonly setStoreBack: () => Promise<void>;
  /** Kills the hub, and starts it on an empty disk. */
  readonly loseStore: () => Promise<void>;
}

/** A hub on free ports. */
export async function startHub({ link, configure, ...options }: TestHubOptions = {}): Promise<
  Hub & Temporary & KeptStore
> {
  const { folder, remove } = temporaryFolder();
  const configFile = join(folder, 'nats.conf');
  if (configure !== undefined)
    writeFileSync(configFile, configure(readFileSync(join(projectFolder, 'nats.conf'), 'utf8')));
  const hub = await startHubIn({
    ...options,
    dataDir: folder,
    ...(link === undefined ? {} : { leafAdvertise: link.address }),
    ...(configure === undefined ? {} : { configFile }),
  });
  link?.leadTo(hub.leafAddress);
  const [store, kept] = [join(folder, 'store'), join(folder, 'kept store')];
  return {
    ...hub,
    end: () => hub.stop().then(remove),
    keepStore: async () => {
      await hub.stop();
      rmSync(kept, { recursive: true, force: true });
      cpSync(store, kept, { recursive: true });
      await hub.start();
    },
    setStoreBack: async () => {
      await hub.kill();
      rmSync(store, { recursive: true });
      cpSync(kept, store, { recursive: true });
      await hub.start();
    },
    loseStore: async () => {
      await hub.kill();
      rmSync(store, { recursive: true });
      await hub.start();
    },
  };
}

/** What a test wants of its site. */
export interface TestSiteOptions extends Omit<SiteOptions, 'dataDir' | 'hubLeafAddress' | 'port'> {
  readonly link?: Pick<Link, 'address'>;
  /** The link is waited for so long. */
  readonly linkTimeoutMs?: number;
}

/** A site whose leaf is linked to `hub`, through `link` if there is one. Resolves when the link stands. */
export async function startSite(
  hub: Hub,
  { link, linkTimeoutMs, ...options }: TestSiteOptions = {},
): Promise<Site & Temporary> {
  const { folder, remove } = temporaryFolder();
  const site = await startSiteIn({
    ...options,
    dataDir: folder,
    hubLeafAddress: link?.address ?? hub.leafAddress,
  });
  const end = (): Promise<void> => site.stop().then(remove);
  try {
    await site.awaitLink(linkTimeoutMs);
  } catch (error) {
    await end();
    throw error;
  }
  return { ...site, end };
}

/** A folder below the system's temporary folder, and how to remove it. */
export function temporaryFolder(): { readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'corral-test-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

async function query(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
