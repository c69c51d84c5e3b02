/** A command that is run to its end, with what it said when it fails: the tools that unpack and set up the servers. */
import { execFile } from 'node:child_process';

/** How a command is run. */
export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  /** The command is killed after this. */
  readonly timeoutMs: number;
}

/** The output of one command is kept up to this size; more makes it fail. */
const outputSizeMax = 16 * 1024 * 1024;

/**
 * Runs a program without a shell and returns what it wrote to standard output.
 *
 * @throws Error with the last lines of standard error when it cannot be started, fails, or takes too long.
 */
export function runCommand(
  program: string,
  args: readonly string[],
  { timeoutMs, ...options }: CommandOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      program,
      [...args],
      { ...options, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: outputSizeMax, encoding: 'utf8' },
      (error, stdout, stderr) => {
        if (error === null) {
          resolve(stdout);
          return;
        }
        const said = stderr.trim().split('\n').slice(-3).join(' ');
        const why = error.killed === true ? `took longer than ${timeoutMs} ms` : said || error.message;
        reject(new Error(`${program} ${args[0] ?? ''}: ${why}`, { cause: error }));
      },
    );
  });
}
