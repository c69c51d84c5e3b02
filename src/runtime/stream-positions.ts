/**
 * How far a partition has got in each stream of reports: a position for each, by the stream's name. A stream that is not here was
 * never read: its position is 0.
 *
 * Invariants:
 * I1  a position only falls when its stream was made anew.
 * I2  `takeChanged` returns each change once: what it returned is committed, or all of this is discarded.
 */
import type { StreamPosition } from './ports.ts';

/** A position as it moves. */
interface Mark {
  position: number;
  made: string | null;
}

/** See the head of this file. */
export class StreamPositions {
  readonly #marks = new Map<string, Mark>();
  readonly #changed = new Set<string>();

  constructor(positions: readonly StreamPosition[]) {
    for (const { stream, position, made } of positions) this.#marks.set(stream, { position, made });
  }

  /** The streams of which something was ever read. */
  get streams(): Iterable<string> {
    return this.#marks.keys();
  }

  /** Sequence in a stream up to which everything is decided, or in the backlog. */
  of(stream: string): number {
    return this.#marks.get(stream)?.position ?? 0;
  }

  /** In which stream of this name its position counts; `null` before any was read. */
  madeOf(stream: string): string | null {
    return this.#marks.get(stream)?.made ?? null;
  }

  move(stream: string, position: number): void {
    this.#markOf(stream).position = position;
    this.#changed.add(stream);
  }

  /** From now on the position counts in the stream of this name that was `made`. */
  name(stream: string, made: string): void {
    this.#markOf(stream).made = made;
    this.#changed.add(stream);
  }

  /** What has changed since the last time. */
  takeChanged(): readonly StreamPosition[] {
    const changed = [...this.#changed].map((stream) => ({ stream, ...this.#markOf(stream) }));
    this.#changed.clear();
    return changed;
  }

  #markOf(stream: string): Mark {
    let mark = this.#marks.get(stream);
    if (mark === undefined) this.#marks.set(stream, (mark = { position: 0, made: null }));
    return mark;
  }
}
