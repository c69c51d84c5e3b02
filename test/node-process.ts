/**
 * A node as a process of its own, as `npm run serve` runs it: for tests that kill one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { choosePort } from '../tools/dev/free-port.ts';
import type { Hub } from '../tools/dev/hub.ts';
import { projectFolder } from '../tools/dev/project-folders.ts';
import { until } from './node.ts';

/** A node that runs, or ran. */
export interface NodeProcess {
  /** The same after every `start`. */
  readonly httpUrl: string;
  /** Starts it (again), and waits until it is ready. */
  readonly start: () => Promise<void>;
  /** `kill -9`, and waits for the end. */
  readonly kill: () => Promise<void>;
  /** SIGTERM, and waits for the end; resolves with its exit code. Idempotent. */
  readonly stop: () => Promise<number | null>;
}

/** So much of what it said last is quoted when it does not become ready. */
const QUOTED_CHARACTERS = 1_000;

/** Starts a node on a hub and a database, and waits until it is ready. */
export async function startNodeProcess(options: {
  readonly hub: Hub;
  readonly postgresUrl: string;
}): Promise<NodeProcess> {
  const port = await choosePort({ port: 0, flag: '' });
  const httpUrl = `http://127.0.0.1:${String(port)}`;
  const env = {
    ...process.env,
    CORRAL_NATS_URL: options.hub.url('runtime'),
    CORRAL_POSTGRES_URL: options.postgresUrl,
    CORRAL_HTTP_PORT: String(port),
  };
  let child: ChildProcess | null = null;

  const start = async (): Promise<void> => {
    const started = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
      cwd: projectFolder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    let said = '';
    const listen = (text: string): void => {
      said = (said + text).slice(-QUOTED_CHARACTERS);
    };
    started.stdout.setEncoding('utf8').on('data', listen);
    started.stderr.setEncoding('utf8').on('data', listen);
    await until('the node is ready', async () => {
      if (hasEnded(started)) throw new Error(`the node has ended; the last it said: ${said}`);
      return (await isReady(httpUrl)) ? { done: true } : { done: false, seen: said };
    });
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
    kill: () => end('SIGKILL').then(() => undefined),
    stop: () => end('SIGTERM'),
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function isReady(httpUrl: string): Promise<boolean> {
  try {
    const { ok } = await fetch(`${httpUrl}/readyz`);
    return ok;
  } catch {
    // Nobody listens yet.
    return false;
  }
}
