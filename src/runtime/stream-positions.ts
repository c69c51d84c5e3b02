/**
 * How far a partition has got in each stream of reports: a position for each, by the stream's name. A stream that is not here was
 * never read: its position is 0.
 *
 * Invariants:
 * I1  a position only falls when its stream was made anew, or lost its tail.
 * I2  `takeMoved` and `takeChanged` return each change once: what they returned is committed, or all of this is discarded.
 * I3  a position beyond messages that were only set aside is never returned without `takeChanged`, with which the backlog is written.
 */
import type { ReadMark } from './lost-tail.ts';
import type { StreamPosition, StreamStart } from './ports.ts';

/**
 * A position beyond messages that were only set aside is written at the latest with the first commit this long after them, in the time of
 * their stream, ms. A flood would otherwise have each commit of everybody else write the backlog of every partition.
 */
const SET_ASIDE_WRITTEN_MS = 500;

/** A position as it moves. */
interface Mark {
  position: number;
  made: string | null;
  storedAt: number | undefined;
  isDatedWrong: true | undefined;
}

/** See the head of this file. */
export class StreamPositions {
  readonly #marks = new Map<string, Mark>();
  readonly #changed = new Set<string>();
  /** Streams that have moved beyond messages that were set aside, with when the hub stored the first of those, ms epoch. */
  readonly #passed = new Map<string, number>();
  #isDue = false;

  constructor(positions: readonly StreamPosition[]) {
    for (const { stream, position, made, storedAt, isDatedWrong } of positions)
      this.#marks.set(stream, { position, made, storedAt, isDatedWrong });
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

  /** The message in which a position stands, where one is known to. */
  markOf(stream: string): ReadMark | undefined {
    const { position, storedAt, isDatedWrong } = this.#marks.get(stream) ?? {};
    if (position === undefined || storedAt === undefined) return undefined;
    return { sequence: position, storedAt, isDatedWrong };
  }

  /** `storedAt`: when the hub stored the message of that sequence, as it says; not given where none is known to stand there. */
  move(stream: string, position: number, storedAt?: number, isDatedWrong?: true): void {
    // This runs for every message.
    this.#set(stream, position, storedAt, isDatedWrong);
    this.#changed.add(stream);
    if (this.#passed.size > 0 && this.#passed.has(stream)) this.#isDue = true;
  }

  /** Moves beyond messages that are set aside, the last of which stands there: that need not be written at once. */
  pass(stream: string, position: number, storedAt: number, isDatedWrong?: true): void {
    this.#set(stream, position, storedAt, isDatedWrong);
    const since = this.#passed.get(stream);
    if (since === undefined) this.#passed.set(stream, storedAt);
    const isLong = since !== undefined && Math.abs(storedAt - since) >= SET_ASIDE_WRITTEN_MS;
    if (isLong || this.#changed.has(stream)) this.#isDue = true;
  }

  /** Whether the next commit has to write how far it got everywhere, and the backlog. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** The next commit writes everything. */
  hasten(): void {
    this.#isDue = true;
  }

  /** From now on the position counts in the stream of this name that was `made`. */
  name(stream: string, made: string): void {
    this.#markOf(stream).made = made;
    this.#changed.add(stream);
    if (this.#passed.has(stream)) this.#isDue = true;
  }

  /** What has changed since the last time; of streams that moved beyond what was set aside, nothing. */
  takeMoved(): readonly StreamPosition[] {
    const moved = [...this.#changed].map((stream) => this.#positionIn(stream));
    this.#changed.clear();
    return moved;
  }

  /** What has changed since the last time: the backlog has to be written with it. */
  takeChanged(): readonly StreamPosition[] {
    const changed = new Set([...this.#changed, ...this.#passed.keys()]);
    this.#changed.clear();
    this.#passed.clear();
    this.#isDue = false;
    return [...changed].map((stream) => this.#positionIn(stream));
  }

  #positionIn(stream: string): StreamPosition {
    return { stream, ...this.#markOf(stream) };
  }

  #set(stream: string, position: number, storedAt: number | undefined, isDatedWrong: true | undefined): void {
    const mark = this.#markOf(stream);
    mark.position = position;
    mark.storedAt = storedAt;
    mark.isDatedWrong = isDatedWrong;
  }

  #markOf(stream: string): Mark {
    let mark = this.#marks.get(stream);
    if (mark === undefined)
      this.#marks.set(
        stream,
        (mark = { position: 0, made: null, storedAt: undefined, isDatedWrong: undefined }),
      );
    return mark;
  }
}

/** A partition by how far it has got. */
interface Reader {
  readonly positions: StreamPositions;
}

/** The message in which the farthest of some partitions stand, as far as one of them knows. */
export function markAt(
  readers: Iterable<Reader>,
  { stream, reached }: { readonly stream: string; readonly reached: number },
): ReadMark | undefined {
  for (const { positions } of readers) {
    const mark = positions.markOf(stream);
    if (mark?.sequence === reached) return mark;
  }
  return undefined;
}

/** The messages in which partitions stand in a stream, by sequence. */
function marksIn(readers: Iterable<Reader>, stream: string): readonly ReadMark[] {
  const marks = new Map<number, ReadMark>();
  for (const { positions } of readers) {
    const mark = positions.markOf(stream);
    if (mark !== undefined) marks.set(mark.sequence, mark);
  }
  return [...marks.values()].sort((a, b) => a.sequence - b.sequence);
}

/** From where each stream has to be read, for all of these partitions. */
export function startsOf(states: readonly Reader[]): readonly StreamStart[] {
  const streams = new Set(states.flatMap(({ positions }) => [...positions.streams]));
  return [...streams].map((stream) => {
    const places = states.map(({ positions }) => positions.of(stream));
    const made = new Set(states.flatMap(({ positions }) => positions.madeOf(stream) ?? []));
    const marks = marksIn(states, stream);
    return { stream, after: Math.min(...places), reached: Math.max(...places), made: [...made], marks };
  });
}
