/**
 * A node as a process of its own, as `npm run serve` runs it: for tests that kill one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { choosePort } from '../../tools/dev/free-port.ts';
import type { Hub } from '../../tools/dev/hub.ts';
import { projectFolder } from '../../tools/dev/project-folders.ts';
import { until } from './node.ts';

/** A node that runs, or ran. */
export interface NodeProcess {
  /** The same after every `start`. */
  readonly httpUrl: string;
  /** Starts it (again), and waits until it is ready; a standby, until it says that another node owns everything. */
  readonly start: () => Promise<void>;
  /** SIGSTOP: it stands still, and nobody is told. */
  readonly pause: () => void;
  /** SIGCONT: it goes on as if nothing had happened. */
  readonly resume: () => void;
  /** `kill -9`, and waits for the end. */
  readonly kill: () => Promise<void>;
  /** The last it wrote to its log since it was started. */
  readonly said: () => string;
  /** SIGTERM, and waits for the end; resolves with its exit code. Idempotent. */
  readonly stop: () => Promise<number | null>;
}

/** Where a node finds its servers, and what it is to others. */
export interface NodeProcessOptions {
  readonly hub: Hub;
  readonly postgresUrl: string;
  /** Another way to the hub, for a link that can be cut; the credentials are the runtime's. */
  readonly hubAddress?: string;
  /** Its name in leases; default: one of its own. */
  readonly node?: string;
  /** CORRAL_STOP_LIMIT_MS. */
  readonly stopLimitMs?: number;
  /** Another node owns everything when it starts. */
  readonly isStandby?: boolean;
  /** What else its environment holds; it comes before what the rest says. */
  readonly env?: Readonly<Record<string, string>>;
}

/** So much of what it said last is quoted when it does not become ready, and so much is kept. */
const QUOTED_CHARACTERS = 1_000;
const KEPT_CHARACTERS = 200_000;

/** Starts a node on a hub and a database, and waits until it is ready. */
export async function startNodeProcess(options: NodeProcessOptions): Promise<NodeProcess> {
  const { hub, hubAddress, postgresUrl, node, stopLimitMs, isStandby = false } = options;
  const port = await choosePort({ port: 0, flag: '' });
  const httpUrl = `http://127.0.0.1:${String(port)}`;
  const natsUrl = new URL(hub.url('runtime'));
  if (hubAddress !== undefined) natsUrl.host = hubAddress;
  const env = {
    ...process.env,
    CORRAL_NATS_URL: natsUrl.href,
    CORRAL_POSTGRES_URL: postgresUrl,
    CORRAL_HTTP_PORT: String(port),
    ...(node === undefined ? {} : { CORRAL_NODE: node }),
    ...(stopLimitMs === undefined ? {} : { CORRAL_STOP_LIMIT_MS: String(stopLimitMs) }),
    ...options.env,
  };
  /** A standby is one at its first start only. */
  let mayStandBy = isStandby;
  let child: ChildProcess | null = null;
  let said = '';

  const start = async (): Promise<void> => {
    const started = spawn(process.execPath, ['--import', 'tsx', 'src/app/main.ts'], {
      cwd: projectFolder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    said = '';
    const listen = (text: string): void => {
      said = (said + text).slice(-KEPT_CHARACTERS);
    };
    started.stdout.setEncoding('utf8').on('data', listen);
    started.stderr.setEncoding('utf8').on('data', listen);
    await until('the node is ready', async () => {
      if (hasEnded(started))
        throw new Error(`the node has ended; the last it said: ${said.slice(-QUOTED_CHARACTERS)}`);
      const status = await statusOf(httpUrl);
      const isUp = status === 'ready' || (mayStandBy && status === 'standby');
      return isUp ? { done: true } : { done: false, seen: said.slice(-QUOTED_CHARACTERS) };
    });
    mayStandBy = false;
  };

  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child === null) return null;
    if (!hasEnded(child)) {
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    }
    return child.exitCode;
  };

  await start();
  return {
    httpUrl,
    start,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    kill: () => end('SIGKILL').then(() => undefined),
    said: () => said,
    stop: () => end('SIGTERM'),
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** What `/readyz` says it is; `null` while it is not ready, or nobody listens yet. */
async function statusOf(httpUrl: string): Promise<string | null> {
  try {
    const response = await fetch(`${httpUrl}/readyz`);
    return response.ok ? ((await response.json()) as { readonly status: string }).status : null;
  } catch {
    return null;
  }
}
