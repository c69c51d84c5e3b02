/**
 * Postgres for development and tests: a real server on this machine's loopback, with its data in a folder of ours. It is
 * as durable as a real one (fsync is on) unless a test asks for speed.
 */
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import {
  launchServer,
  runsProgram,
  untilAnswering,
  type ChildServer,
  type ServerCommand,
} from './child-server.ts';
import { DevServerError } from './dev-server-error.ts';
import { choosePort } from './free-port.ts';
import { chooseAccount, type PostgresAccount } from './postgres-account.ts';
import { findPostgres, type PostgresBinaries } from './postgres-binaries.ts';
import { runCommand } from './run-command.ts';

/** Where Postgres runs, and how. */
export interface PostgresOptions {
  /** Data, log and pid file; made when missing. */
  readonly dataDir: string;
  /** 0 is any free one, and the default. */
  readonly port?: number;
  /** Settings of postgresql.conf that replace `developmentSettings`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A Postgres that can be ended and started again at the same address, with the same data. */
export interface PostgresServer {
  readonly port: number;
  readonly logFile: string;
  /** With credentials: `postgres://corral:corral@127.0.0.1:5432/corral`. */
  readonly url: (database?: string) => string;
  /** Of the process that runs now, or ran last. */
  readonly pid: () => number;
  /** Starts it again; resolves when it answers. Does nothing while it runs. */
  readonly start: () => Promise<void>;
  /** Ends it in order ("fast": open transactions are rolled back). Does nothing when it has ended. */
  readonly stop: () => Promise<void>;
  /** `kill -9`. Does nothing when it has ended. */
  readonly kill: () => Promise<void>;
}

/** Postgres's defaults are for a machine of the last century; the rest of these keep it to itself. */
export const developmentSettings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'on',
  synchronous_commit: 'on',
  max_connections: '100',
  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  wal_buffers: '16MB',
  // Checkpoints by time rather than in the middle of a replay.
  max_wal_size: '8GB',
  checkpoint_timeout: '15min',
  random_page_cost: '1.1',
  // Our statements are short; compiling them costs more than it gains.
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** The user, its password and the database: known to all, for the server listens on loopback only. */
const user = 'corral';

const initdbTimeoutMs = 120_000;

/** Includes the recovery after a crash. */
const startTimeoutMs = 60_000;

/** How long the processes of a killed server may take to notice that it is gone. */
const leftoverTimeoutMs = 15_000;
const leftoverIntervalMs = 100;

const portAttemptsMax = 5;

/**
 * Starts Postgres, on new data or on what the folder holds, and waits until it answers.
 *
 * @throws DevServerError `port-in-use`, `binary-missing`, `data-in-use`, `data-unusable`, `not-started`.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { dataDir, port = 0, settings = {} } = options;
  const request = { port, flag: '--postgres-port' };
  // Said at once, before the seconds that new data take.
  await choosePort(request);
  const binaries = findPostgres();
  mkdirSync(dataDir, { recursive: true });
  const cluster = join(dataDir, 'cluster');
  const account = await chooseAccount(cluster, [binaries.initdb, dataDir]);
  if (!existsSync(cluster)) await createCluster(cluster, binaries, account);
  await checkVersion(cluster, binaries);
  for (let attempt = 1; ; attempt += 1) {
    const chosen = await choosePort(request);
    const command = commandOf({ dataDir, cluster, port: chosen, settings, binaries, account });
    try {
      return serverOf(await launch(command, cluster, chosen), command, cluster, chosen);
    } catch (error) {
      const isRace = error instanceof DevServerError && error.message.includes('Address already in use');
      if (!isRace || attempt === portAttemptsMax) throw error;
    }
  }
}

/** initdb works beside the final folder, so that one that was interrupted is not taken for a database. */
async function createCluster(
  cluster: string,
  { initdb }: PostgresBinaries,
  { uid, gid, spawnAs, launcher }: PostgresAccount,
): Promise<void> {
  const unfinished = `${cluster}.new`;
  const passwordFile = `${cluster}.password`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  writeFileSync(passwordFile, `${user}\n`, { mode: 0o600 });
  if (uid !== undefined && gid !== undefined) {
    chownSync(unfinished, uid, gid);
    chownSync(passwordFile, uid, gid);
  }
  const [program, ...args] = [
    ...launcher,
    initdb,
    `--pgdata=${unfinished}`,
    `--username=${user}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Device ids are ordered byte by byte, on every machine alike.
    '--locale=C',
  ];
  try {
    await runCommand(program, args, { ...spawnAs, timeoutMs: initdbTimeoutMs });
  } catch (error) {
    throw new DevServerError(
      'data-unusable',
      `Postgres could not make its data folder ${cluster}: ${String(error)}.`,
      error,
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(unfinished, cluster);
}

async function checkVersion(cluster: string, { postgres }: PostgresBinaries): Promise<void> {
  const ofData = readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim();
  const said = await runCommand(postgres, ['--version'], { timeoutMs: 10_000 });
  const ofProgram = /(\d+)\./.exec(said)?.[1];
  if (ofData !== ofProgram) {
    throw new DevServerError(
      'data-unusable',
      `The data in ${cluster} was made by Postgres ${ofData} and this is Postgres ${String(ofProgram)}: use another data folder, or start afresh with --fresh.`,
    );
  }
}

function commandOf(parts: {
  readonly dataDir: string;
  readonly cluster: string;
  readonly port: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly binaries: PostgresBinaries;
  readonly account: PostgresAccount;
}): ServerCommand {
  const { dataDir, cluster, port, settings, binaries, account } = parts;
  const all = Object.entries({ ...developmentSettings, ...settings, port: String(port) });
  return {
    name: 'Postgres',
    program: binaries.postgres,
    launcher: account.launcher,
    args: ['-D', cluster, ...all.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    env: { ...process.env, LC_MESSAGES: 'C' },
    ...account.spawnAs,
    logFile: join(dataDir, 'postgres.log'),
    pidFile: join(dataDir, 'postgres.pid'),
  };
}

async function launch(command: ServerCommand, cluster: string, port: number): Promise<ChildServer> {
  const giveUpAt = performance.now() + leftoverTimeoutMs;
  await forgetForeignLock(cluster);
  for (;;) {
    const child = await launchServer(command);
    try {
      await untilAnswering(child, command, () => answers(port), startTimeoutMs);
      await createDatabase(port);
      return child;
    } catch (error) {
      await child.kill();
      // The processes of a server that was killed hold its memory until they notice.
      const isLeftover = error instanceof DevServerError && error.message.includes('shared memory block');
      if (!isLeftover || performance.now() > giveUpAt) throw error;
      await sleep(leftoverIntervalMs);
    }
  }
}

/**
 * Postgres removes a lock file by itself when the process named in it is gone. After a restart of the machine another
 * process may have that id; then Postgres would refuse.
 */
async function forgetForeignLock(cluster: string): Promise<void> {
  const lockFile = join(cluster, 'postmaster.pid');
  if (!existsSync(lockFile)) return;
  const pid = Number(readFileSync(lockFile, 'utf8').split('\n')[0]);
  if (!(await runsProgram(pid, 'postgres')) && isTaken(pid)) rmSync(lockFile);
}

function isTaken(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function urlOf(port: number, database: string): string {
  return `postgres://${user}:${user}@127.0.0.1:${port}/${database}`;
}

async function answers(port: number): Promise<boolean> {
  await withClient(port, (client) => client.query('select 1'));
  return true;
}

async function createDatabase(port: number): Promise<void> {
  await withClient(port, async (client) => {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [user]);
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(user)}`);
  });
}

async function withClient<Result>(
  port: number,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: urlOf(port, 'postgres') });
  // A connection that breaks fails the query that is under way; there is nothing else to tell.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function serverOf(first: ChildServer, command: ServerCommand, cluster: string, port: number): PostgresServer {
  let child = first;
  return {
    port,
    logFile: command.logFile,
    url: (database = user) => urlOf(port, database),
    pid: () => child.pid,
    start: async () => {
      if (child.exit() !== null) child = await launch(command, cluster, port);
    },
    stop: () => child.stop('SIGINT'),
    kill: () => child.kill(),
  };
}
