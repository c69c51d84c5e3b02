/**
 * Messages that the store refused for good, each alone in its commit: they become dead letters when they are read again.
 */
import type { MessagePlace } from './batch.ts';

/** Remembers them, and what the store said. */
export class RefusedMessages {
  readonly #because = new Map<string, string>();

  add(place: MessagePlace, because: string): void {
    this.#because.set(keyOf(place), because);
  }

  /** What the store said of a message, if it refused it. */
  get(place: MessagePlace): string | undefined {
    return this.#because.size === 0 ? undefined : this.#because.get(keyOf(place));
  }
}

/** The name of a stream holds no blank. */
function keyOf({ stream, sequence }: MessagePlace): string {
  return `${stream} ${String(sequence)}`;
}
