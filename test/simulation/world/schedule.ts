/**
 * The only clock and the only queue of a simulated world. Everything that happens is an event on it: a timer, a message that
 * arrives, a fault. Between two events every promise that can go on does.
 *
 * Invariants:
 * I1  time never runs back; events of one moment happen in the order in which they were put on.
 * I2  an event begins when nothing is left of the one before but waiting for other events.
 */
import TinyQueue from 'tinyqueue';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly work: () => void;
  isCancelled: boolean;
}

/** Takes an event off again. */
export type Cancel = () => void;

export class Schedule {
  readonly #queue = new TinyQueue<Event>([], (a, b) => a.at - b.at || a.order - b.order);
  #now: number;
  #order = 0;
  #happened = 0;

  /** `start` is the true time at which the world begins, ms epoch. */
  constructor(start: number) {
    this.#now = start;
  }

  /** The true time, ms epoch with fractions. Nobody in the world can read it; checkers do. */
  get now(): number {
    return this.#now;
  }

  /** How many events have happened. */
  get happened(): number {
    return this.#happened;
  }

  /** Puts an event on; one in the past happens now. */
  at(at: number, work: () => void): Cancel {
    this.#order += 1;
    const event: Event = { at: Math.max(at, this.#now), order: this.#order, work, isCancelled: false };
    this.#queue.push(event);
    return () => {
      event.isCancelled = true;
    };
  }

  after(delayMs: number, work: () => void): Cancel {
    return this.at(this.#now + delayMs, work);
  }

  /** Lets everything happen until `end`. */
  async runUntil(end: number): Promise<void> {
    await quiet();
    for (let next = this.#queue.peek(); next !== undefined && next.at <= end; next = this.#queue.peek()) {
      this.#queue.pop();
      if (next.isCancelled) continue;
      this.#now = next.at;
      this.#happened += 1;
      next.work();
      await quiet();
    }
    this.#now = Math.max(this.#now, end);
  }
}

/**
 * Resolves when no promise can go on by itself. Nothing in the world waits for anything but its own events, so one turn of
 * the process's event loop is enough.
 */
function quiet(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
