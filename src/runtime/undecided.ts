/**
 * What of the streams of reports an owner has not decided on yet, as its leases tell it: an estimate for people, on which nothing is decided.
 * The position of a partition without messages of its own is written only when it is `idlePositionLagMax` behind what its owner has read, so
 * a smaller distance from the farthest partition is taken for idleness. After a take-over that may be wrong: the new owner may have to
 * read so much. What lies beyond the farthest partition may be for partitions of other owners, so it is counted by partition.
 */
import type { StreamPosition } from './ports.ts';

/** Messages of a stream after a sequence, for some partitions. */
export interface Undecided {
  readonly stream: string;
  readonly after: number;
  readonly partitions: readonly number[];
}

/** A partition, and how far it has got. */
interface Held {
  readonly partition: number;
  readonly positions: readonly StreamPosition[];
}

/**
 * What one owner may not have decided of a stream whose last message is `last`. A partition that lags by no more than `idleLagMax` counts
 * as far as the farthest: one that was taken just now, and has that little to read, is not told from an idle one.
 */
export function undecidedIn(
  held: readonly Held[],
  {
    stream,
    last,
    idleLagMax,
  }: { readonly stream: string; readonly last: number; readonly idleLagMax: number },
): readonly Undecided[] {
  const places = held.map(({ partition, positions }) => ({
    partition,
    position: positions.find((one) => one.stream === stream)?.position ?? 0,
  }));
  const reached = Math.max(0, ...places.map(({ position }) => position));
  const far = places.filter(({ position }) => reached - position > idleLagMax);
  const near = places.filter((place) => !far.includes(place));
  const afterFar = Math.min(reached, ...far.map(({ position }) => position));
  return [
    { stream, after: reached, partitions: near.map(({ partition }) => partition) },
    { stream, after: afterFar, partitions: far.map(({ partition }) => partition) },
  ].filter(({ after, partitions }) => partitions.length > 0 && after < last);
}
