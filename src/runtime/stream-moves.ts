/**
 * What happens to a stream rather than to a device: messages that are gone, another stream under the same name, and partitions that follow
 * the one which is farthest. Positions move, and nothing is decided.
 */
import type { Batch } from './batch.ts';
import type { Work } from './mailbox.ts';
import type { PartitionState } from './partition-state.ts';
import type { GoneRange } from './ports.ts';
import { storedAtOf } from './stream-positions.ts';
import type { Telemetry } from './telemetry.ts';

/** What moving takes. */
export interface StreamMovesOptions {
  readonly partitions: ReadonlyMap<number, PartitionState>;
  readonly telemetry: Pick<Telemetry, 'streamGone'>;
}

/** Moves the partitions of one host. */
export class StreamMoves {
  readonly #options: StreamMovesOptions;

  constructor(options: StreamMovesOptions) {
    this.#options = options;
  }

  /** Reading goes on behind what is gone; before it, where the stream was made anew or lost its tail, and counts from there again. */
  skip(range: GoneRange, batch: Batch): void {
    this.#options.telemetry.streamGone(range);
    const isAnew = range.to < range.from - 1;
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

  /** What one partition has passed in a stream, all have: its messages are taken in their order, whosever they are. */
  settle(stream: string, batch: Batch): void {
    const states = [...this.#options.partitions.values()];
    const reached = Math.max(...states.map(({ positions }) => positions.of(stream)));
    const storedAt = storedAtOf(states, { stream, reached });
    for (const partition of states) {
      if (partition.positions.of(stream) === reached) continue;
      partition.positions.move(stream, reached, storedAt);
      batch.touch(partition);
    }
  }

  /** After `gone`: a position never counts in a stream in which it was not reached, and nothing that was set aside there is in it. */
  read({ stream, made }: Extract<Work, { type: 'reads' }>, batch: Batch): void {
    for (const partition of this.#options.partitions.values()) {
      const { positions, backlog } = partition;
      if (positions.madeOf(stream) === made) continue;
      for (const range of backlog.clear(stream)) this.#options.telemetry.streamGone(range);
      positions.name(stream, made);
      batch.touch(partition);
    }
  }
}
