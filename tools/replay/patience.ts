/** Waiting for something that others do: as long as it goes on, and not for ever when it does not. */
import { setTimeout as pause } from 'node:timers/promises';
import { CommandLineError } from '../cli/command-line-error.ts';

/** Between two looks, ms. */
const LOOK_EVERY_MS = 250;

/** What is waited for. */
export interface Wait {
  /** How far it is, growing up to `goal`; a look that fails counts as no progress. */
  readonly look: () => Promise<number>;
  readonly goal: () => number;
  /** Called with each look that succeeds. */
  readonly seen: (done: number) => void;
  /** Give up after so long without progress, ms. */
  readonly patienceMs: number;
  /** What was waited for and what was seen: the sentence of the error. */
  readonly complaint: (done: number) => string;
}

/** Waits until `look` reaches `goal`. Throws {@link CommandLineError} when there is no progress for too long. */
export async function waitFor({ look, goal, seen, patienceMs, complaint }: Wait): Promise<void> {
  let best = -1;
  let movedAt = performance.now();
  let problem: unknown = null;
  for (;;) {
    try {
      const done = await look();
      problem = null;
      seen(done);
      if (done >= goal()) return;
      if (done > best) {
        best = done;
        movedAt = performance.now();
      }
    } catch (error) {
      problem = error;
    }
    if (performance.now() - movedAt > patienceMs) {
      const because = problem instanceof Error ? ` ${problem.message}` : '';
      const waited = `nothing moved for ${String(Math.round(patienceMs / 1_000))} s`;
      throw new CommandLineError(`${complaint(Math.max(0, best))}; ${waited}.${because}`, { cause: problem });
    }
    await pause(LOOK_EVERY_MS);
  }
}
