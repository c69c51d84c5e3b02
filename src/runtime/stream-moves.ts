/**
 * What happens to a stream rather than to a device: messages that are gone, another stream under the same name, and partitions without
 * messages of their own, which follow. Positions move, and nothing is decided.
 *
 * Invariant: I1  a partition follows only through what this host has taken of the stream, every message in its order, whosever it is. Another
 * partition may have been left far ahead of that by the owner before: a position beyond messages that were set aside is written for each
 * partition at its own time.
 */
import type { Batch } from './batch.ts';
import type { Work } from './mailbox.ts';
import type { PartitionState } from './partition-state.ts';
import type { GoneRange } from './ports.ts';
import { markAt } from './stream-positions.ts';
import type { Telemetry } from './telemetry.ts';

/** What moving takes. */
export interface StreamMovesOptions {
  readonly partitions: ReadonlyMap<number, PartitionState>;
  readonly telemetry: Pick<Telemetry, 'streamGone'>;
}

/** Moves the partitions of one host. */
export class StreamMoves {
  readonly #options: StreamMovesOptions;
  /** By stream, the sequence up to which this host has taken all messages. */
  readonly #taken = new Map<string, number>();
  /** Streams of which something was taken since partitions followed. */
  readonly #lately = new Set<string>();

  constructor(options: StreamMovesOptions) {
    this.#options = options;
  }

  /** The next message of its stream was taken, or one that was taken before. This runs for every message. */
  take(stream: string, sequence: number): void {
    if (sequence <= (this.#taken.get(stream) ?? 0)) return;
    this.#taken.set(stream, sequence);
    this.#lately.add(stream);
  }

  /** Reading goes on behind what is gone; before it, where the stream was made anew or lost its tail, and counts from there again. */
  skip(range: GoneRange, batch: Batch): void {
    this.#options.telemetry.streamGone(range);
    const isAnew = range.to < range.from - 1;
    if (isAnew) this.#taken.set(range.stream, range.to);
    for (const partition of this.#options.partitions.values()) {
      if (range.isTail) this.#loseTail(partition, range);
      const position = partition.positions.of(range.stream);
      if (isAnew ? position <= range.to : position >= range.to) continue;
      partition.positions.move(range.stream, range.to);
      batch.touch(partition);
    }
  }

  /** What was set aside there and is gone with the tail will never be decided. */
  #loseTail(partition: PartitionState, { stream, to }: GoneRange): void {
    for (const range of partition.backlog.cut(stream, to)) this.#options.telemetry.streamGone(range);
  }

  /** Partitions that are more than `lagMax` messages behind what was taken follow: a restart would read all of that again. */
  follow(batch: Batch, lagMax: number): void {
    for (const stream of this.#lately) this.#moveTo(stream, lagMax, batch);
    this.#lately.clear();
  }

  /** All partitions follow in a stream as far as was taken of it. */
  settle(stream: string, batch: Batch): void {
    this.#moveTo(stream, 0, batch);
  }

  /** All partitions follow in all streams. */
  settleAll(batch: Batch): void {
    for (const stream of this.#taken.keys()) this.settle(stream, batch);
  }

  #moveTo(stream: string, lagMax: number, batch: Batch): void {
    const reached = this.#taken.get(stream) ?? 0;
    const { partitions } = this.#options;
    const mark = markAt(partitions.values(), { stream, reached });
    for (const partition of partitions.values()) {
      if (reached - partition.positions.of(stream) <= lagMax) continue;
      partition.positions.move(stream, reached, mark?.storedAt, mark?.isDatedWrong);
      batch.touch(partition);
    }
  }

  /** Positions belong to one stream. If the stream was recreated, the deferred backlog is dropped: those sequences do not exist in the new stream. */
  read({ stream, made }: Extract<Work, { type: 'stream-identified' }>, batch: Batch): void {
    for (const partition of this.#options.partitions.values()) {
      const { positions, backlog } = partition;
      if (positions.madeOf(stream) === made) continue;
      for (const range of backlog.clear(stream)) this.#options.telemetry.streamGone(range);
      positions.name(stream, made);
      batch.touch(partition);
    }
  }
}
