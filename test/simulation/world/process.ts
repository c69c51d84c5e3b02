/**
 * A process on some machine: it may stand still for any time and go on as if nothing had happened, and it may die between any
 * two steps it takes. All that reaches it comes through `enter`, all that leaves it asks `leave`.
 *
 * Invariants:
 * I1  of a dead process nothing is heard, and nothing it waits for ever comes.
 * I2  what reaches a process that stands still reaches it when it goes on, in the same order.
 */
import type { Schedule } from './schedule.ts';

export class Process {
  readonly #schedule: Schedule;
  #state: 'running' | 'paused' | 'dead' = 'running';
  #stepsLeft = Infinity;
  #held: (() => void)[] = [];
  readonly #onDeath: () => void;
  #hasDiedInStep = false;

  constructor(schedule: Schedule, onDeath: () => void) {
    this.#schedule = schedule;
    this.#onDeath = onDeath;
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  /** It did not die from outside, but between two of its own steps. */
  get hasDiedInStep(): boolean {
    return this.#hasDiedInStep;
  }

  get isPaused(): boolean {
    return this.#state === 'paused';
  }

  /** Something from outside reaches it. */
  enter(work: () => void): void {
    if (this.#state === 'dead') return;
    if (this.#state === 'paused' || this.#held.length > 0) this.#held.push(work);
    else work();
  }

  /** It is about to do something that others can notice: false when it does not come to that. */
  leave(): boolean {
    if (this.#state === 'dead') return false;
    this.#stepsLeft -= 1;
    this.#hasDiedInStep = this.#stepsLeft < 0;
    if (this.#hasDiedInStep) this.kill();
    return this.#stepsLeft >= 0;
  }

  /** A call of something outside that answers: it may die before the call and after it. */
  call<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.leave()) return;
      const back = (use: () => void): void => {
        this.enter(() => {
          if (this.leave()) use();
        });
      };
      work().then(
        (value) => back(() => resolve(value)),
        (error: unknown) => back(() => reject(asError(error))),
      );
    });
  }

  /** Dies, now. */
  kill(): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    this.#held = [];
    this.#onDeath();
  }

  /** Dies after so many steps. */
  killAfter(steps: number): void {
    this.#stepsLeft = steps;
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    this.#releaseNext();
  }

  /** One thing at a time, each an event of its own, so that everything that follows from one is done before the next. */
  #releaseNext(): void {
    this.#schedule.after(0, () => {
      if (this.#state !== 'running') return;
      const [work] = this.#held;
      if (work === undefined) return;
      work();
      this.#held.shift();
      this.#releaseNext();
    });
  }
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}
