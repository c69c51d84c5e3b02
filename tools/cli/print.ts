/**
 * The one place of the tools that writes for people and programs: results to stdout, no faster than they are read, and progress and
 * complaints to stderr. Most of what is shown was written by strangers (devices, backends, servers), so whatever is written here is made
 * visible first: no text moves the cursor, changes the terminal, or breaks a line. Lint lets nothing else in.
 */
import { once } from 'node:events';
import { visibleText } from '../../src/telemetry/visible-text.ts';

/** Text is one line, whatever is in it; a list is a line each. */
export type Lines = string | readonly string[];

/** Writes lines to stdout. */
export async function print(lines: Lines): Promise<void> {
  if (!process.stdout.write(shown(lines))) await once(process.stdout, 'drain');
}

/** Writes one line of JSON to stdout. */
export async function printJson(value: unknown): Promise<void> {
  await print(JSON.stringify(value));
}

/** Writes lines to stdout without waiting for whoever reads them: for programs that say little. */
export function say(lines: Lines): void {
  process.stdout.write(shown(lines));
}

/** Writes lines to stderr: what went wrong, and what is being done. */
export function complain(lines: Lines): void {
  process.stderr.write(shown(lines));
}

/** A mistake of ours goes to stderr with its stack, in as many lines as it has. */
export function complainOf(error: unknown): void {
  complain(error instanceof Error ? (error.stack ?? error.message).split('\n') : String(error));
}

/** A line on stderr that is written over by the next one: how far something is. */
export interface ChangingLine {
  /** False where what was written stays: each text is a line there. */
  readonly canChange: boolean;
  /** Writes over the line. */
  show(text: string): void;
  /** Writes over the line, and leaves it. */
  keep(text: string): void;
}

/** Begins such a line on a stream; only `process.stderr` is ever given, but in tests. */
export function changingLine(stream: NodeJS.WriteStream = process.stderr): ChangingLine {
  let isOpen = false;
  const write = (text: string, end: string): void => {
    const overwrites = isOpen ? '\r\u001b[K' : '';
    stream.write(`${overwrites}${visibleText(text)}${end}`);
  };
  return {
    canChange: stream.isTTY,
    show: (text) => {
      write(text, stream.isTTY ? '' : '\n');
      isOpen = stream.isTTY;
    },
    keep: (text) => {
      write(text, '\n');
      isOpen = false;
    },
  };
}

/** Lets a reader who has seen enough (`| head`) end the program quietly. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
}

function shown(lines: Lines): string {
  return (typeof lines === 'string' ? [lines] : lines).map((line) => `${visibleText(line)}\n`).join('');
}
