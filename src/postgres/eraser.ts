/**
 * Erases the history of forgotten devices while the node does other things. What a node that ended has left is taken up by the next one
 * that keeps house.
 */
import { eraseForgotten } from './forgotten-rows.ts';
import { asError, type SessionPool } from './sessions.ts';

/** Erases for one node. */
export class Eraser {
  readonly #sessions: SessionPool;
  #running: Promise<void> | null = null;
  #isAskedAgain = false;
  #isStopping = false;

  constructor(sessions: SessionPool) {
    this.#sessions = sessions;
  }

  /** Begins, unless it is at it: then it looks once more when it is through. */
  begin(): void {
    if (this.#running !== null) {
      this.#isAskedAgain = true;
      return;
    }
    this.#running = this.#erase().finally(() => {
      this.#running = null;
      if (!this.#isAskedAgain || this.#isStopping) return;
      this.#isAskedAgain = false;
      this.begin();
    });
  }

  /** Leaves what is not erased to whoever keeps house next; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    while (this.#running !== null) await this.#running;
  }

  async #erase(): Promise<void> {
    try {
      const session = await this.#sessions.open();
      try {
        await eraseForgotten(session.client, () => this.#isStopping);
        session.release();
      } catch (error) {
        session.release(asError(error));
      }
    } catch {
      // The store is away. What is not erased says so, and is looked for again with the next housekeeping.
    }
  }
}
