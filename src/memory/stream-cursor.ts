/**
 * How far a reader has got in one stream of the hub in memory, and whether that is still the stream it began with.
 */
import type { FeedSink, StreamStart } from '../runtime/ports.ts';
import type { MessageStream, StoredMessage } from './message-stream.ts';

/** What a cursor is made of. */
export interface StreamCursorOptions {
  readonly name: string;
  readonly stream: MessageStream;
  readonly start: StreamStart | undefined;
  readonly wants: (subject: string) => boolean;
}

/** A place in a stream that moves on. */
export class StreamCursor {
  readonly name: string;
  readonly #stream: MessageStream;
  readonly #wants: (subject: string) => boolean;
  #next: number;
  /** The stream held a message of this sequence when it was read. */
  #reached: number;
  /** The streams in which the position may count; after the first look, the one that is read. */
  #made: readonly string[];
  #isNamed = false;
  /** Messages that were read: by these the stream is known again. */
  #marks: NonNullable<StreamStart['marks']>;

  constructor({ name, stream, start, wants }: StreamCursorOptions) {
    this.name = name;
    this.#stream = stream;
    this.#wants = wants;
    this.#next = (start?.after ?? 0) + 1;
    this.#reached = start?.reached ?? 0;
    this.#made = start?.made ?? [];
    this.#marks = start?.marks ?? [];
  }

  /** Finds out whether the stream still holds what comes next, has lost its tail, or is another stream of the same name. */
  findPosition(sink: FeedSink): void {
    const { name: made, firstSequence, lastSequence } = this.#stream;
    const stream = this.name;
    const reached = Math.max(this.#reached, this.#next - 1);
    const isUnknown = this.#made.length === 0 && lastSequence < reached;
    const isAnew = isUnknown || this.#made.some((known) => known !== made);
    if (!isAnew) this.#goBack(sink, reached);
    const from = isAnew ? reached + 1 : this.#next;
    if (firstSequence > this.#next || (isAnew && firstSequence !== from)) {
      this.#reached = firstSequence - 1;
      this.#next = firstSequence;
      this.#marks = [];
      sink.gone({ stream, from, to: firstSequence - 1 });
    }
    if (this.#isNamed && !isAnew) return;
    this.#isNamed = true;
    this.#made = [made];
    sink.reads({ stream, made });
  }

  /** Where the stream has lost its tail, goes on with what was stored since: that is later than all that was read. */
  #goBack(sink: FeedSink, reached: number): void {
    const { firstSequence, lastSequence, messages } = this.#stream;
    const lost = this.#marks.filter(({ sequence, storedAt }) => {
      const found = this.#stream.at(sequence);
      return sequence >= firstSequence && found?.storedAt !== storedAt;
    });
    if (lost.length === 0 && reached <= lastSequence) return;
    const since = Math.min(...lost.map(({ storedAt }) => storedAt));
    const to = (messages.find(({ storedAt }) => storedAt > since)?.sequence ?? lastSequence + 1) - 1;
    this.#reached = to;
    this.#next = Math.min(this.#next, to + 1);
    this.#marks = [];
    sink.gone({ stream: this.name, from: reached + 1, to, isTail: true });
  }

  /** The next message, where there is one. */
  peek(): StoredMessage | undefined {
    return this.#stream.next(this.#next, this.#wants);
  }

  /** Whether everything up to a sequence was read, as far as there is anything. */
  isThrough(sequence: number): boolean {
    return this.#next > sequence || this.peek() === undefined;
  }

  /** It was read. */
  pass({ sequence, storedAt }: StoredMessage): void {
    this.#next = sequence + 1;
    if (sequence >= (this.#marks.at(-1)?.sequence ?? 0)) this.#marks = [{ sequence, storedAt }];
  }
}
