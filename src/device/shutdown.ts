/**
 * How an agent ends: once, by whatever comes first, after what is under way, and letting go of everything in reverse order.
 */

/** Lets go of something that was taken. */
export type Release = () => Promise<void> | void;

/** See the head of this file. */
export class Ending {
  /** Resolves when everything has been let go of: with the error that it began with, else the first one on the way, else `null`. */
  readonly ended: Promise<Error | null>;
  readonly #settle: () => Promise<void>;
  readonly #releases: Release[] = [];
  #hasBegun = false;
  #error: Error | null = null;
  #end!: (error: Error | null) => void;

  /** `settle` is called when the end begins, and resolves when nothing is under way any more. */
  constructor(settle: () => Promise<void>) {
    this.#settle = settle;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Something to let go of, before whatever was taken before it. */
  add(release: Release): void {
    this.#releases.push(release);
  }

  /** Ends in order, unless an end has begun already; `last` is called when everything has been let go of. */
  stop(last?: Release): void {
    this.#begin(last);
  }

  /** Ends because of an error. One that comes while the end is under way is what it ended with, if it is the first. */
  fail(error: unknown): void {
    this.#error ??= asError(error);
    this.#begin();
  }

  #begin(last?: Release): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    if (last !== undefined) this.#releases.unshift(last);
    void this.#letGo();
  }

  async #letGo(): Promise<void> {
    await this.#settle();
    for (const release of this.#releases.reverse()) {
      try {
        await release();
      } catch (failure) {
        // The first failure is the cause; what fails while letting go after it is its consequence.
        this.#error ??= asError(failure);
      }
    }
    this.#end(this.#error);
  }
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}
