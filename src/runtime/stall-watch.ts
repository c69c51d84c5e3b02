/**
 * Notices that this process stood still: stopped by somebody, frozen with its virtual machine, asleep with a laptop. What the
 * stream brought meanwhile has not been heard when the process goes on, but the timers of that time fire at once: silence
 * measured over such a time is not silence.
 */
import { startElapsed } from './elapsed.ts';
import type { Cancel, Clock } from './ports.ts';

/** How often it is looked at, ms. */
const TICK_MS = 1_000;
/** What comes later than this means that the node stood still, ms: as long as a feed may lag and still hear. */
export const LATE_MAX_MS = 2_000;

/** Notices afterwards that the process stood still. */
export class StallWatch {
  readonly #clock: Clock;
  readonly #onStall: () => void;
  #cancel: Cancel | null = null;

  /** `onStall` is called before any timer that was due after the stall began and a tick later. */
  constructor(clock: Clock, onStall: () => void) {
    this.#clock = clock;
    this.#onStall = onStall;
  }

  start(): void {
    const elapsed = startElapsed(this.#clock);
    this.#cancel = this.#clock.after(TICK_MS, () => {
      const tookMs = elapsed();
      this.start();
      if (tookMs > TICK_MS + LATE_MAX_MS) this.#onStall();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
