/**
 * A stream of the hub, in memory: a list of messages, numbered from 1, that drops what it has already stored under an id.
 *
 * Invariants:
 * I1  Sequences grow by 1 and are never given out twice, whatever is purged; but for those of a tail that was lost.
 * I2  What is stored is a copy: nobody who published or read it can change it.
 */

/** A message as it is stored. */
export interface StoredMessage {
  readonly sequence: number;
  /** By the hub's clock, ms epoch. */
  readonly storedAt: number;
  readonly subject: string;
  readonly payload: Uint8Array;
}

/** How a stream answers whoever publishes what it does not store: it is full; nobody listens, as without JetStream; not at all. */
export type Refusal = 'full' | 'away' | 'silent';

/** The stream has not stored a message. */
export class NotStored extends Error {
  override readonly name = 'NotStored';
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(`the stream is ${refusal}`);
    this.refusal = refusal;
  }
}

/** One stream. */
export class MessageStream {
  #messages: StoredMessage[] = [];
  #firstSequence = 1;
  #made = 1;
  #refusal: { readonly refusal: Refusal; readonly told: (id: string | null) => void } | null = null;
  readonly #storedIds = new Map<string, { readonly sequence: number; readonly storedAt: number }>();
  readonly #listeners = new Set<() => void>();
  readonly #duplicateWindowMs: number;

  /** `duplicateWindowMs`: for how long ids are remembered. */
  constructor({ duplicateWindowMs }: { readonly duplicateWindowMs: number }) {
    this.#duplicateWindowMs = duplicateWindowMs;
  }

  /** Tells it from the stream of the same name that it was before it was made anew. */
  get name(): string {
    return `made-${String(this.#made)}`;
  }

  get firstSequence(): number {
    return this.#firstSequence;
  }

  get lastSequence(): number {
    return this.#firstSequence + this.#messages.length - 1;
  }

  /** Everything it holds, in order. */
  get messages(): readonly StoredMessage[] {
    return this.#messages;
  }

  /** From now on it stores nothing, and answers so; `told` hears the id of each message that it refuses. */
  refuse(refusal: Refusal, told: (id: string | null) => void = () => undefined): void {
    this.#refusal = { refusal, told };
  }

  /** How it answers whoever publishes; `null` while it stores. */
  get refusal(): Refusal | null {
    return this.#refusal?.refusal ?? null;
  }

  /** It stores again. */
  refuseNoMore(): void {
    this.#refusal = null;
  }

  /**
   * Stores a message, unless one with this id is stored already; `id` is `null` for a message without one. Throws {@link NotStored} while
   * it refuses.
   */
  append(message: {
    readonly subject: string;
    readonly payload: Uint8Array;
    readonly id: string | null;
    readonly now: number;
  }): { readonly sequence: number; readonly isDuplicate: boolean } {
    const { subject, payload, id, now } = message;
    if (this.#refusal !== null) {
      this.#refusal.told(id);
      throw new NotStored(this.#refusal.refusal);
    }
    const known = id === null ? undefined : this.#storedIds.get(id);
    if (known !== undefined && now - known.storedAt <= this.#duplicateWindowMs) {
      return { sequence: known.sequence, isDuplicate: true };
    }
    const sequence = this.lastSequence + 1;
    this.#messages.push({ sequence, storedAt: now, subject, payload: payload.slice() });
    if (id !== null) this.#storedIds.set(id, { sequence, storedAt: now });
    for (const listener of [...this.#listeners]) listener();
    return { sequence, isDuplicate: false };
  }

  /** The first message at or after `sequence` for which `wants` is true. */
  next(sequence: number, wants: (subject: string) => boolean): StoredMessage | undefined {
    for (let index = Math.max(0, sequence - this.#firstSequence); index < this.#messages.length; index += 1) {
      const message = this.#messages[index];
      if (message !== undefined && wants(message.subject)) return message;
    }
    return undefined;
  }

  /** The message of a sequence. */
  at(sequence: number): StoredMessage | undefined {
    return this.#messages[sequence - this.#firstSequence];
  }

  /** Removes everything before `sequence`. */
  purgeBefore(sequence: number): void {
    const removed = Math.min(Math.max(0, sequence - this.#firstSequence), this.#messages.length);
    this.#messages = this.#messages.slice(removed);
    this.#firstSequence += removed;
  }

  /** Loses what follows a sequence, as a hub does whose disk is set back: what comes next is given the same sequences. */
  loseAfter(sequence: number): void {
    this.#messages = this.#messages.filter((message) => message.sequence <= sequence);
    for (const [id, stored] of this.#storedIds) if (stored.sequence > sequence) this.#storedIds.delete(id);
  }

  /** Makes it anew: empty, and counting from 1, as after the loss of the hub's disk. */
  wipe(): void {
    this.#messages = [];
    this.#firstSequence = 1;
    this.#made += 1;
    this.#storedIds.clear();
  }

  /** Calls `listener` after each message that is stored, until the returned function is called. */
  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
