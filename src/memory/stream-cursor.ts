/**
 * How far a reader has got in one stream of the hub in memory, and whether that is still the stream it began with.
 */
import { findLostTail, type ReadMark } from '../runtime/lost-tail.ts';
import type { FeedSink, StreamStart } from '../runtime/ports.ts';
import { ReadMarks } from '../runtime/read-marks.ts';
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
  readonly #marks: ReadMarks;

  constructor({ name, stream, start, wants }: StreamCursorOptions) {
    this.name = name;
    this.#stream = stream;
    this.#wants = wants;
    this.#next = (start?.after ?? 0) + 1;
    this.#reached = start?.reached ?? 0;
    this.#made = start?.made ?? [];
    this.#marks = new ReadMarks(start?.marks ?? []);
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
      if (isAnew) this.#marks.clear();
      sink.gap({ stream, from, to: firstSequence - 1 });
    }
    if (this.#isNamed && !isAnew) return;
    this.#isNamed = true;
    this.#made = [made];
    sink.streamIdentified({ stream, made });
  }

  /** Where the stream has lost its tail, goes on with what was stored since: that is later than all that was read. */
  #goBack(sink: FeedSink, reached: number): void {
    const { newest } = this.#marks;
    const isThere = newest !== null && this.#stream.at(newest.sequence)?.storedAt === newest.storedAt;
    if (this.#isNamed && isThere && reached <= this.#stream.lastSequence) return;
    const to = this.#lostTail(reached);
    if (to === null) return;
    this.#reached = to;
    this.#next = Math.min(this.#next, to + 1);
    this.#marks.cut(to);
    sink.gap({ stream: this.name, from: reached + 1, to, isTail: true });
  }

  #lostTail(reached: number): number | null {
    const { firstSequence: first, lastSequence: last } = this.#stream;
    const search = findLostTail({ ...this.#marks.known, reached, first, last });
    let step = search.next();
    while (step.done !== true) step = search.next(this.#first(step.value));
    return step.value;
  }

  #first(sequence: number): ReadMark | null {
    return this.#stream.next(sequence, () => true) ?? null;
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
    this.#marks.pass({ sequence, storedAt });
  }
}
