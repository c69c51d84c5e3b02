/** A program of the project as somebody types it: a process of its own, with what it wrote and how it ended. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectFolder } from '../../tools/dev/project-folders.ts';

/** How it ended. */
export interface CommandEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface RunningCommand {
  readonly pid: number;
  readonly ended: Promise<CommandEnd>;
  /** Resolves with the first line on stdout or stderr that matches; rejects when it ends before. */
  readonly says: (pattern: RegExp) => Promise<string>;
  readonly interrupt: () => void;
  /** `kill -9`. */
  readonly kill: () => void;
}

/** Where it is run, and with what in its environment. */
export interface CommandPlace {
  readonly env?: Readonly<Record<string, string>>;
  readonly folder?: string;
}

/** Starts `corral` with arguments. */
export function startCorralCommand(args: readonly string[], place: CommandPlace = {}): RunningCommand {
  return startCommand([join(projectFolder, 'tools/corral.js'), ...args], place);
}

/** Starts what `npm start` starts, with arguments. */
export function startEverything(args: readonly string[], place: CommandPlace = {}): RunningCommand {
  return startCommand(['--import', 'tsx', join(projectFolder, 'tools/start.ts'), ...args], place);
}

function startCommand(args: readonly string[], place: CommandPlace): RunningCommand {
  const child = spawn(process.execPath, args, {
    cwd: place.folder ?? projectFolder,
    env: { ...process.env, ...place.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    createInterface(child[name]).on('line', (line) => {
      said[name] += `${line}\n`;
      lines.push(line);
      for (const look of [...waiting]) look();
    });
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }));
  const says = async (pattern: RegExp): Promise<string> => {
    const found = new Promise<string>((resolve) => {
      const look = (): void => {
        const line = lines.find((one) => pattern.test(one));
        if (line === undefined) return;
        waiting.delete(look);
        resolve(line);
      };
      waiting.add(look);
      look();
    });
    const early = ended.then(({ code, stdout, stderr }) => {
      throw new Error(`it ended with ${String(code)} and never said ${String(pattern)}: ${stdout}${stderr}`);
    });
    return Promise.race([found, early]);
  };
  return {
    pid: child.pid!,
    ended,
    says,
    interrupt: () => void child.kill('SIGINT'),
    kill: () => void child.kill('SIGKILL'),
  };
}

/** Runs `corral` to its end. */
export function corralCommand(args: readonly string[], place: CommandPlace = {}): Promise<CommandEnd> {
  return startCorralCommand(args, place).ended;
}
