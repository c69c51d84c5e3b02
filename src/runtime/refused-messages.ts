/**
 * Which messages the store refuses for good. Of a batch that it refuses each message is suspected, and decided alone when it is read again;
 * the one that is refused alone becomes a dead letter the next time.
 *
 * A suspicion ends with a commit of the message. Of those that another node reads instead it stays until others push it out: it costs
 * nothing but its place.
 */
import type { MessageIdentity } from './batch.ts';
import type { Work } from './mailbox.ts';

/** So many messages are suspected at most, the last ones: one that was pushed out is suspected again when its next batch is refused. */
const SUSPECTS_MAX = 10_000;

/** Remembers them, and what the store said. */
export class RefusedMessages {
  readonly #because = new Map<string, string>();
  readonly #suspects = new Set<string>();

  /** The store refused a batch in which these messages were, and more than one thing was decided. */
  suspect(places: readonly MessageIdentity[]): void {
    for (const place of places) this.#suspects.add(keyOf(place));
    for (const key of this.#suspects) {
      if (this.#suspects.size <= SUSPECTS_MAX) return;
      this.#suspects.delete(key);
    }
  }

  /** Whether a message has to be decided alone. */
  isSuspect(place: MessageIdentity): boolean {
    return this.#suspects.size > 0 && this.#suspects.has(keyOf(place));
  }

  /** The store has taken these messages. */
  clear(places: readonly MessageIdentity[]): void {
    if (this.#suspects.size > 0) for (const place of places) this.#suspects.delete(keyOf(place));
  }

  /** The store refused a message that was decided alone. */
  add(place: MessageIdentity, because: string): void {
    this.#suspects.delete(keyOf(place));
    this.#because.set(keyOf(place), because);
  }

  /** What the store said of a message, if it refused it. */
  get(place: MessageIdentity): string | undefined {
    return this.#because.size === 0 ? undefined : this.#because.get(keyOf(place));
  }
}

/** Whether a thing is committed by itself. */
export function isDecidedAlone(work: Work, refused: RefusedMessages): boolean {
  if (work.type === 'forget') return true;
  if (work.type !== 'delivery' && work.type !== 'set-aside') return false;
  return work.delivery !== null && refused.isSuspect(work.delivery);
}

/** The name of a stream holds no blank. */
function keyOf({ stream, sequence, receivedAt, storedAt = receivedAt }: MessageIdentity): string {
  return `${stream} ${String(sequence)} ${String(storedAt)}`;
}
