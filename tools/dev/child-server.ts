/**
 * A server that runs as a child process: started, watched, ended.
 *
 * I1. A server is in a process group of its own, so that Ctrl-C in a terminal reaches the program that started it and not
 *     the server: whoever started it stops it, in the right order.
 * I2. No server outlives this program unless this program is killed. One that did is recognised by its pid file at the
 *     next start with the same folder, and ended before a second server touches the data.
 * I3. Two running programs never have a server each on the same folder.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, fstatSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DevServerError } from './dev-server-error.ts';
import { runCommand } from './run-command.ts';

/** What to start, and where it leaves its traces. */
export interface ServerCommand {
  /** For messages: "the hub". */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** A program with its arguments that becomes the server (by `exec`, so with the same pid), or nothing. */
  readonly launcher?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  /** Standard output and standard error are appended to it. */
  readonly logFile: string;
  readonly pidFile: string;
}

/** How a server ended: one of the two is not null. */
export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running, or ended, server process. */
export interface ChildServer {
  readonly pid: number;
  /** Resolves when the process has ended; never rejects. */
  readonly exited: Promise<ServerExit>;
  /** The size of its log when it was started, bytes. */
  readonly logStart: number;
  /** Null while it runs. */
  readonly exit: () => ServerExit | null;
  /** Asks with `signal`, waits for the end, and kills when it takes longer than `stopTimeoutMs`. Idempotent. */
  readonly stop: (signal: NodeJS.Signals) => Promise<void>;
  /** `kill -9`, and waits for the end. Idempotent. */
  readonly kill: () => Promise<void>;
}

interface PidRecord {
  readonly pid: number;
  readonly startedBy: number;
  readonly program: string;
}

/** A server that was asked to stop is killed after this. */
const stopTimeoutMs = 15_000;

/** How often a state of another process is looked at. */
const pollIntervalMs = 20;

/** So many lines of a log are quoted in an error: those that say why, or else the last one. */
const logLinesQuoted = 2;
const sayingWhy = /\[FTL\]|\[ERR\]|FATAL:|could not|^nats-server: /;
/** What stands before the message in a line of nats-server, or of Postgres. */
const linePrefix = /^(\[\d+\] \S+ \S+ \[\w+\] |\S+ \S+ \w+ \[\d+\] \w+: +|nats-server: )/;

const running = new Set<ChildProcess>();

/**
 * Starts a server. It runs when this resolves; whether it answers yet is for the caller to find out
 * (`untilAnswering`).
 *
 * @throws DevServerError `data-in-use` when another program runs a server on this folder, `not-started` when the program
 *   cannot be executed.
 */
export async function launchServer(command: ServerCommand): Promise<ChildServer> {
  await endOrphan(command);
  const log = openSync(command.logFile, 'a');
  const logStart = fstatSync(log).size;
  const [program = command.program, ...args] = [
    ...(command.launcher ?? []),
    command.program,
    ...command.args,
  ];
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', log, log],
    env: command.env,
    ...(command.uid === undefined ? {} : { uid: command.uid }),
    ...(command.gid === undefined ? {} : { gid: command.gid }),
  });
  closeSync(log);
  let ended: ServerExit | null = null;
  const exited = new Promise<ServerExit>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = { code, signal };
      running.delete(child);
      rmSync(command.pidFile, { force: true });
      resolve(ended);
    });
  });
  const pid = await spawned(child, command);
  watchOverExit(child);
  const record: PidRecord = { pid, startedBy: process.pid, program: command.program };
  writeFileSync(command.pidFile, JSON.stringify(record));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (ended === null) child.kill(signal);
    await exited;
  };
  return {
    pid,
    exited,
    logStart,
    exit: () => ended,
    kill: () => end('SIGKILL'),
    stop: async (signal) => {
      const deadline = new AbortController();
      const killLate = sleep(stopTimeoutMs, undefined, { signal: deadline.signal, ref: false }).then(
        () => child.kill('SIGKILL'),
        () => false,
      );
      await end(signal);
      deadline.abort();
      await killLate;
    },
  };
}

/**
 * Waits until a server answers.
 *
 * @param isAnswering tells whether it does; an exception counts as "not yet".
 * @throws DevServerError `not-started`, with the end of the log, when the process ends or `timeoutMs` pass first.
 */
export async function untilAnswering(
  server: ChildServer,
  command: ServerCommand,
  isAnswering: () => Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    const exit = server.exit();
    if (exit !== null) {
      const how = exit.signal === null ? `with code ${String(exit.code)}` : `by ${exit.signal}`;
      throw new DevServerError(
        'not-started',
        `${command.name} ended ${how}: ${quoteLog(command.logFile, server.logStart)}`,
      );
    }
    if (await isAnswering().catch(() => false)) return;
    if (performance.now() > giveUpAt) {
      throw new DevServerError(
        'not-started',
        `${command.name} did not answer within ${timeoutMs} ms: ${quoteLog(command.logFile, server.logStart)}`,
      );
    }
    await sleep(pollIntervalMs);
  }
}

/**
 * What a log says about a failure, on one line, with the name of the file.
 *
 * @param from the size of the log when the server was started; what is older is left out.
 */
export function quoteLog(logFile: string, from = 0): string {
  const lines = existsSync(logFile)
    ? readFileSync(logFile).subarray(from).toString('utf8').split('\n').filter(Boolean)
    : [];
  const reasons = lines.filter((line) => sayingWhy.test(line)).slice(-logLinesQuoted);
  const quoted = reasons.length > 0 ? reasons : lines.slice(-1);
  return `${quoted.map((line) => line.replace(linePrefix, '')).join('; ')} (log: ${logFile})`;
}

function spawned(child: ChildProcess, { name, program }: ServerCommand): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(
        new DevServerError('not-started', `${name} did not start (${program}): ${error.message}.`, error),
      );
    });
    child.once('spawn', () => {
      if (child.pid === undefined) throw new Error('a spawned process has a pid');
      resolve(child.pid);
    });
  });
}

function watchOverExit(child: ChildProcess): void {
  if (running.size === 0 && !process.listeners('exit').includes(killRunning)) process.on('exit', killRunning);
  running.add(child);
}

/** `kill -9` for every server that this program has started, without waiting for the end. */
function killRunning(): void {
  for (const child of running) child.kill('SIGKILL');
}

/**
 * Ends a server that outlived the program which started it.
 *
 * @throws DevServerError `data-in-use` when that program still runs.
 */
export async function endOrphan({ name, pidFile }: Pick<ServerCommand, 'name' | 'pidFile'>): Promise<void> {
  const record = readPidRecord(pidFile);
  if (record === null || !(await runsProgram(record.pid, record.program))) return;
  if (isAlive(record.startedBy)) {
    throw new DevServerError(
      'data-in-use',
      `${name} already runs on this data folder as process ${record.pid}, started by process ${record.startedBy}: stop that one, or use another data folder.`,
    );
  }
  process.kill(record.pid, 'SIGINT');
  const giveUpAt = performance.now() + stopTimeoutMs;
  while (await runsProgram(record.pid, record.program)) {
    if (performance.now() > giveUpAt) process.kill(record.pid, 'SIGKILL');
    await sleep(pollIntervalMs);
  }
}

function readPidRecord(pidFile: string): PidRecord | null {
  if (!existsSync(pidFile)) return null;
  try {
    const { pid, startedBy, program } = JSON.parse(readFileSync(pidFile, 'utf8')) as Partial<PidRecord>;
    if (typeof pid !== 'number' || typeof startedBy !== 'number' || typeof program !== 'string') return null;
    return { pid, startedBy, program };
  } catch {
    // A record cut short by a crash names nobody.
    return null;
  }
}

/**
 * Whether a process with this id runs, and runs this program: process ids are used again, so a recorded id alone says
 * nothing.
 */
export async function runsProgram(pid: number, program: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const commandLine = existsSync('/proc/self/cmdline')
    ? readFile(`/proc/${pid}/cmdline`, 'utf8')
    : runCommand('ps', ['-o', 'args=', '-p', String(pid)], { timeoutMs: 5_000 });
  // Without a command line it has just ended, or is a zombie that nobody has collected yet.
  return (await commandLine.catch(() => '')).includes(basename(program));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
