/**
 * Some of the messages that were read of a stream: the last ones, and ever fewer of those before, so that of a tail that is lost (`lost-tail.ts`)
 * the place is known to the message, or to about its own length.
 *
 * Invariants:
 * I1  the last CLOSE_MAX messages are kept, if so many were read.
 * I2  of each length, 1, 2, 4 and so on, at most two messages are kept: the first that was read of the last two stretches of that length.
 */
import type { LostTailQuestion, ReadMark } from './lost-tail.ts';

/** A length doubles so often: no stream has more messages. */
const LENGTHS_MAX = 50;

/** Of a tail of no more messages the place is known exactly; of a longer one, about as many are read again as are lost. */
const CLOSE_MAX = 200;

interface Stretch {
  readonly number: number;
  readonly first: ReadMark;
  readonly before: ReadMark | null;
}

/** Of one stream. */
export class ReadMarks {
  readonly #stretches: Stretch[] = [];
  /** The last ones that were read, as in a ring: the next one is put at `#close[#count % CLOSE_MAX]`. */
  readonly #close: ReadMark[] = [];
  #count = 0;
  /** What was known from before: between these more may have been read. */
  #given: readonly ReadMark[];
  #last: number;

  /** `marks`: by sequence. */
  constructor(marks: readonly ReadMark[]) {
    this.#given = marks;
    this.#last = marks.at(-1)?.sequence ?? 0;
  }

  /** It was read. What is read again before the last of them does not make the stream known. This runs for every message. */
  pass(mark: ReadMark): void {
    if (mark.sequence < this.#last) return;
    this.#close[this.#count % CLOSE_MAX] = mark;
    this.#count += 1;
    this.#last = mark.sequence;
    for (let length = 0, number = mark.sequence; length < LENGTHS_MAX; length += 1) {
      const known = this.#stretches[length];
      // So it is with all that are longer.
      if (known?.number === number) break;
      this.#stretches[length] = { number, first: mark, before: known?.first ?? null };
      number = Math.floor(number / 2);
    }
  }

  /** Nothing behind a sequence is known any more. */
  cut(to: number): void {
    const left = this.all.filter(({ sequence }) => sequence <= to);
    const { allFrom } = this;
    this.clear();
    this.#given = left.filter(({ sequence }) => sequence < allFrom);
    for (const mark of left) if (mark.sequence >= allFrom) this.pass(mark);
    this.#last = left.at(-1)?.sequence ?? 0;
  }

  /** Nothing is known any more. */
  clear(): void {
    this.#given = [];
    this.#stretches.length = 0;
    this.#close.length = 0;
    this.#count = 0;
    this.#last = 0;
  }

  /** The one read last; `null` before any was. */
  get newest(): ReadMark | null {
    return this.#stretches[0]?.first ?? this.#given.at(-1) ?? null;
  }

  /** From this sequence on all that were read are kept; `Infinity` where none was. */
  get allFrom(): number {
    return (
      (this.#close.length < CLOSE_MAX ? this.#close[0] : this.#close[this.#count % CLOSE_MAX])?.sequence ??
      Infinity
    );
  }

  /** What is known of the stream, for `findLostTail`. */
  get known(): Pick<LostTailQuestion, 'marks' | 'allFrom'> {
    return { marks: this.all, allFrom: this.allFrom };
  }

  /** By sequence. */
  get all(): readonly ReadMark[] {
    const marks = new Map([...this.#given, ...this.#close].map((mark) => [mark.sequence, mark]));
    for (const { first, before } of this.#stretches) {
      marks.set(first.sequence, first);
      if (before !== null) marks.set(before.sequence, before);
    }
    return [...marks.values()].sort((a, b) => a.sequence - b.sequence);
  }
}
