/**
 * How far a partition has got in each stream of reports: a position for each, by the stream's name. A stream that is not here was
 * never read: its position is 0.
 *
 * Invariants:
 * I1  a position only falls when its stream was made anew, or lost its tail.
 * I2  `takeChanged` returns each change once: what it returned is committed, or all of this is discarded.
 */
import type { StreamPosition } from './ports.ts';

/** A position as it moves. */
interface Mark {
  position: number;
  made: string | null;
  storedAt: number | undefined;
}

/** See the head of this file. */
export class StreamPositions {
  readonly #marks = new Map<string, Mark>();
  readonly #changed = new Set<string>();

  constructor(positions: readonly StreamPosition[]) {
    for (const { stream, position, made, storedAt } of positions)
      this.#marks.set(stream, { position, made, storedAt });
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

  /** When the hub stored the message in which a position stands, ms epoch; `undefined` where that is not known. */
  storedAtOf(stream: string): number | undefined {
    return this.#marks.get(stream)?.storedAt;
  }

  /** `storedAt`: when the hub stored the message of that sequence; not given where none is known to stand there. */
  move(stream: string, position: number, storedAt?: number): void {
    // This runs for every message.
    const mark = this.#markOf(stream);
    mark.position = position;
    mark.storedAt = storedAt;
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
    if (mark === undefined)
      this.#marks.set(stream, (mark = { position: 0, made: null, storedAt: undefined }));
    return mark;
  }
}

/** A partition by how far it has got. */
interface Reader {
  readonly positions: StreamPositions;
}

/** When the message was stored in which the farthest of some partitions stand, as far as one of them knows. */
export function storedAtOf(
  readers: Iterable<Reader>,
  { stream, reached }: { readonly stream: string; readonly reached: number },
): number | undefined {
  for (const { positions } of readers) {
    const storedAt = positions.of(stream) === reached ? positions.storedAtOf(stream) : undefined;
    if (storedAt !== undefined) return storedAt;
  }
  return undefined;
}

/** The messages in which partitions stand in a stream, by sequence. */
export function marksIn(
  readers: Iterable<Reader>,
  stream: string,
): readonly { readonly sequence: number; readonly storedAt: number }[] {
  const marks = new Map<number, number>();
  for (const { positions } of readers) {
    const storedAt = positions.storedAtOf(stream);
    if (storedAt !== undefined) marks.set(positions.of(stream), storedAt);
  }
  return [...marks].sort(([a], [b]) => a - b).map(([sequence, storedAt]) => ({ sequence, storedAt }));
}
