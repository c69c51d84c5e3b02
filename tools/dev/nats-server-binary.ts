/**
 * Finds a nats-server that is new enough to be a hub: on PATH, in the cache, else unpacked into the cache from the
 * system's package archive or from the project's release. Nothing is installed, and no root is needed.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { unpackFromDebianArchive } from './debian-archive.ts';
import { DevServerError } from './dev-server-error.ts';
import { unpackFromRelease } from './nats-server-release.ts';
import { cacheFolder } from './project-folders.ts';
import { runCommand } from './run-command.ts';

/**
 * The oldest nats-server that may be a hub. Before it, a leaf could publish what its credentials do not allow (fixed by
 * "Enforce subject permissions on inbound leaf messages" in 2.11.16, 2.12.7 and 2.14.0).
 */
export const natsServerVersionMin = '2.12.7';

/** Where to look; every field has a default. */
export interface NatsServerSources {
  /** Default: `process.env`. `PATH` and `CORRAL_CACHE_DIR` are read. */
  readonly env?: NodeJS.ProcessEnv;
  /** Tried in this order, each gets an empty folder and returns the binary's path in it. Default: archive, release. */
  readonly fetchers?: readonly NatsServerFetcher[];
}

/** One way to get a nats-server that is not on this machine yet. */
export interface NatsServerFetcher {
  /** As in "the system's package archive". */
  readonly name: string;
  readonly fetchInto: (folder: string) => Promise<string>;
}

const fetchersByDefault: readonly NatsServerFetcher[] = [
  {
    name: "the system's package archive",
    fetchInto: (folder) => unpackFromDebianArchive('nats-server', folder),
  },
  { name: 'the release of nats-server', fetchInto: (folder) => unpackFromRelease(folder) },
];

/**
 * The path of a nats-server of at least `natsServerVersionMin`. The first call on a fresh machine takes some seconds.
 * Two processes may call it at once: each fetches into a folder of its own and moves the result into place.
 *
 * @throws DevServerError `binary-missing`: what was tried, and what to do.
 */
export async function findNatsServer(sources: NatsServerSources = {}): Promise<string> {
  const { env = process.env, fetchers = fetchersByDefault } = sources;
  const cached = join(cacheFolder(env), 'nats-server', 'nats-server');
  const tried: string[] = [];
  for (const candidate of [...onPath(env), cached]) {
    if (!existsSync(candidate)) continue;
    const problem = await whyUnfit(candidate);
    if (problem === null) return candidate;
    tried.push(problem);
  }
  if (tried.length === 0) tried.push('none on PATH');
  for (const fetcher of fetchers) {
    const problem = await fetchIntoCache(fetcher, cached);
    if (problem === null) return cached;
    tried.push(`${fetcher.name}: ${problem}`);
  }
  throw new DevServerError(
    'binary-missing',
    `No nats-server ${natsServerVersionMin} or newer (${tried.join('; ')}): put one on PATH, or at ${cached}.`,
  );
}

function onPath(env: NodeJS.ProcessEnv): readonly string[] {
  return (env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'nats-server'));
}

/** Null when the program is a nats-server that is new enough. */
async function whyUnfit(program: string): Promise<string | null> {
  try {
    const said = await runCommand(program, ['--version'], { timeoutMs: 10_000 });
    const version = /v(\d+\.\d+\.\d+)/.exec(said)?.[1];
    if (version === undefined) return `${program} says no version`;
    return isAtLeast(version, natsServerVersionMin) ? null : `${program} is ${version}`;
  } catch (error) {
    return `${program} does not run: ${sentence(error)}`;
  }
}

function isAtLeast(version: string, floor: string): boolean {
  return version.localeCompare(floor, 'en', { numeric: true }) >= 0;
}

/** Null when the cache now holds a fit program. */
async function fetchIntoCache(fetcher: NatsServerFetcher, cached: string): Promise<string | null> {
  const cacheParent = join(cached, '..', '..');
  mkdirSync(join(cached, '..'), { recursive: true });
  const workFolder = mkdtempSync(join(cacheParent, 'fetching-nats-server-'));
  try {
    const program = await fetcher.fetchInto(workFolder);
    const problem = await whyUnfit(program);
    if (problem === null) renameSync(program, cached);
    return problem;
  } catch (error) {
    return sentence(error);
  } finally {
    rmSync(workFolder, { recursive: true, force: true });
  }
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
}
