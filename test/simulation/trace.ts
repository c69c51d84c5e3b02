/**
 * What happens in a world, line by line, for whoever replays a seed; and its hash, by which two runs of a seed are the same.
 */
import { createHash, type Hash } from 'node:crypto';
import type { Schedule } from './world/schedule.ts';

/** A line of a trace. */
export interface TraceLine {
  /** True time, ms epoch. */
  readonly at: number;
  readonly who: string;
  readonly text: string;
}

/** Takes lines; `text` is called only where somebody wants to read it. */
export interface Trace {
  line(who: string, text: () => string): void;
}

/** A trace that nobody reads: most runs. */
export const NO_TRACE: Trace = { line: () => undefined };

/** A trace that keeps all of it. */
export class KeptTrace implements Trace {
  readonly lines: TraceLine[] = [];
  readonly #hash: Hash = createHash('sha256');
  #schedule: Schedule | null = null;

  /** The clock of the lines. */
  attach(schedule: Schedule): void {
    this.#schedule = schedule;
  }

  line(who: string, text: () => string): void {
    const line = { at: this.#schedule?.now ?? 0, who, text: text() };
    this.lines.push(line);
    this.#hash.update(`${line.at} ${line.who} ${line.text}\n`);
  }

  /** Of everything so far. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}
