/**
 * What runs, in the order in which it was started, and how it ends: in reverse, each part in its time.
 *
 * I1. A stop ends within its limit. A part may take half of the time that is left, so that one which waits for something that is gone
 *     leaves the others theirs.
 * I2. Whoever waits is told for what.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Something that runs. */
export interface RunningPart {
  readonly name: string;
  readonly stop: () => Promise<void>;
  /** What its stop waits for, as a sentence; asked when it takes long. */
  readonly waitsFor: () => Promise<string>;
}

/** A stop that takes longer is explained, ms. */
const PATIENCE_MS = 1_000;

/** How long it may take to find out what a stop waits for, ms. */
const QUESTION_MS = 2_000;

/** See the head of this file. */
export class RunningParts {
  readonly #parts: RunningPart[] = [];
  readonly #say: (line: string) => void;
  #isStopping = false;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** Adds what has just been started. Where everything is being stopped already, it is stopped as well. */
  async add(part: RunningPart): Promise<void> {
    if (!this.#isStopping) {
      this.#parts.push(part);
      return;
    }
    await part.stop();
    throw new Error(`${part.name} was started while everything is being stopped`);
  }

  /** Stops everything, the last first. Resolves with whether every part ended in its time. */
  async stop(limitMs: number): Promise<boolean> {
    this.#isStopping = true;
    const endAt = performance.now() + limitMs;
    let isWhole = true;
    for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) {
      const hasEnded = await this.#stopPart(part, (endAt - performance.now()) / 2);
      isWhole &&= hasEnded;
    }
    return isWhole;
  }

  async #stopPart(part: RunningPart, limitMs: number): Promise<boolean> {
    const startedAt = performance.now();
    const over = new AbortController();
    const ended = part.stop().then(
      () => 'stopped',
      (error: unknown) => `failed while it was being stopped: ${String(error)}`,
    );
    const patience = wait(Math.min(PATIENCE_MS, limitMs), over.signal);
    if ((await Promise.race([ended, patience])) === null) {
      const leftMs = Math.max(0, limitMs - (performance.now() - startedAt));
      this.#tell(part, `is being stopped, for ${seconds(leftMs)} more; ${await waitsFor(part, leftMs)}`);
    }
    const rest = wait(Math.max(0, limitMs - (performance.now() - startedAt)), over.signal);
    const end = await Promise.race([ended, rest]);
    over.abort();
    this.#tell(part, end ?? `did not stop within ${seconds(limitMs)}, and is ended`);
    return end === 'stopped';
  }

  #tell({ name }: RunningPart, what: string): void {
    this.#say(`${name.padEnd(9)} ${what}`);
  }
}

/** Resolves with null after a time. */
async function wait(durationMs: number, signal: AbortSignal): Promise<null> {
  return sleep(durationMs, null, { signal }).catch(() => null);
}

async function waitsFor(part: RunningPart, limitMs: number): Promise<string> {
  const otherwise = 'what it waits for is not known';
  const over = new AbortController();
  const said = part.waitsFor().catch((error: unknown) => String(error));
  const answer = await Promise.race([said, wait(Math.min(limitMs, QUESTION_MS), over.signal)]);
  over.abort();
  return answer ?? otherwise;
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1_000).toFixed(1)} s`;
}
