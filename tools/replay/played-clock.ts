/**
 * The clock of a device that is played: it stands until it is moved, from one thing to the next, so that everything happens
 * at exactly its time, however busy the machine is.
 *
 * Invariant:
 * I1  uptime never falls, and never passes something that is due without stopping there.
 */
import TinyQueue from 'tinyqueue';
import type { DeviceClock } from '../../src/device/ports.ts';

interface Alarm {
  readonly dueUp: number;
  readonly work: () => void;
  isCancelled: boolean;
}

/** See the head of this file. */
export class PlayedClock implements DeviceClock {
  readonly #bornAt: number;
  readonly #alarms = new TinyQueue<Alarm>([], (a, b) => a.dueUp - b.dueUp);
  #up = 0;

  /** `bornAt` is what the wall clock shows at uptime 0, ms epoch. */
  constructor(bornAt: number) {
    this.#bornAt = bornAt;
  }

  uptime(): number {
    return this.#up;
  }

  wall(): number {
    return this.#bornAt + this.#up;
  }

  after(delayMs: number, work: () => void): () => void {
    const alarm: Alarm = { dueUp: this.#up + Math.max(0, Math.ceil(delayMs)), work, isCancelled: false };
    this.#alarms.push(alarm);
    return () => {
      alarm.isCancelled = true;
    };
  }

  /** The uptime at which the next alarm is due; Infinity when none is set. */
  get nextDueUp(): number {
    let next = this.#alarms.peek();
    while (next?.isCancelled === true) {
      this.#alarms.pop();
      next = this.#alarms.peek();
    }
    return next?.dueUp ?? Infinity;
  }

  /** Moves on to `up`. Throws when that is in the past, or when something is due before it (I1). */
  moveTo(up: number): void {
    if (up < this.#up || up > this.nextDueUp) {
      throw new Error(`the clock stands at ${String(this.#up)} and cannot be moved to ${String(up)} (I1)`);
    }
    this.#up = up;
  }

  /** Calls the next alarm if it is due now; false when none is. */
  ring(): boolean {
    if (this.nextDueUp > this.#up) return false;
    this.#alarms.pop()?.work();
    return true;
  }
}
