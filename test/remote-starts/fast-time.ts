/**
 * Real time for a life that passes many times as fast: what takes a minute in it has happened after a second or less of everybody's time.
 * Who lives it sees its time only; everybody else compares by `realOf`.
 */
import type { StationTime } from '../simulation/gateway/station.ts';

/** See the head of this file. */
export class FastTime implements StationTime {
  readonly #speed: number;
  readonly #begunAt = Date.now();
  readonly #begun = performance.now();

  /** So many times as fast. */
  constructor(speed: number) {
    this.#speed = speed;
  }

  get now(): number {
    return this.#begunAt + (performance.now() - this.#begun) * this.#speed;
  }

  after(delayMs: number, work: () => void): void {
    setTimeout(work, delayMs / this.#speed);
  }

  /** A time of the life as ms epoch of everybody's. */
  realOf(at: number): number {
    return this.#begunAt + (at - this.#begunAt) / this.#speed;
  }
}
