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

  constructor({ name, stream, start, wants }: StreamCursorOptions) {
    this.name = name;
    this.#stream = stream;
    this.#wants = wants;
    this.#next = (start?.after ?? 0) + 1;
    this.#reached = start?.reached ?? 0;
    this.#made = start?.made ?? [];
  }

  /** Finds out whether the stream still holds what comes next, or is another stream of the same name. */
  findPosition(sink: FeedSink): void {
    const { name: made, firstSequence, lastSequence } = this.#stream;
    const stream = this.name;
    const reached = Math.max(this.#reached, this.#next - 1);
    const isAnew = lastSequence < reached || this.#made.some((known) => known !== made);
    const from = isAnew ? reached + 1 : this.#next;
    if (firstSequence > this.#next || (isAnew && firstSequence !== from)) {
      this.#reached = firstSequence - 1;
      this.#next = firstSequence;
      sink.gone({ stream, from, to: firstSequence - 1 });
    }
    if (this.#isNamed && !isAnew) return;
    this.#isNamed = true;
    this.#made = [made];
    sink.reads({ stream, made });
  }

  /** The next message, where there is one. */
  peek(): StoredMessage | undefined {
    return this.#stream.next(this.#next, this.#wants);
  }

  /** It was read. */
  pass({ sequence }: StoredMessage): void {
    this.#next = sequence + 1;
  }
}
