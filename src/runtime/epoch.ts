/**
 * Lease epochs, as stores give them out: a later one of a partition is higher, whatever became of the store. Devices refuse what comes
 * under a lower epoch than the highest that they have seen, and command numbers begin at the epoch (`actors/numbers.ts`): so epochs grow
 * with time, and a store that was set back, or was made anew, is ahead of all that was given before.
 *
 * With the time of who takes a partition, which two of three clocks tell (`clock-watch.ts`), and not with the store's own: that may be wrong
 * for as long as it likes, and a store that comes back from a backup may come back with another time.
 */
import { EPOCH_MAX } from '../../machines/command.ts';

/** The epoch with which a partition is taken after another one, by who asks for no lower one than `atLeast`. */
export function epochAfter(last: number, atLeast: number): number {
  return Math.max(last + 1, Math.floor(atLeast));
}

/** So many journal lines of a partition can be written in each millisecond of a lease, and none of their numbers is given again. */
export const LINES_PER_EPOCH = 64;

/**
 * The number that follows one in a partition's journal, under a lease epoch. Streams and whoever reads them tell by it what they have
 * already: so they begin anew with every epoch, and gaps between them mean nothing. They stay exact: below 2^50.
 */
export function journalNumberAfter(last: number, epoch: number): number {
  return Math.max(last + 1, LINES_PER_EPOCH * epoch);
}

/** How many lines of a partition's journal may be unpublished, with those of earlier epochs counted only where there are none of this one. */
export function linesUnpublished({
  epoch,
  journal,
  published,
}: {
  readonly epoch: number;
  readonly journal: number;
  readonly published: number;
}): number {
  const first = LINES_PER_EPOCH * epoch;
  return journal - (journal < first ? published : Math.max(published, first - 1));
}

/**
 * A fresh epoch, if devices take it. Throws a RangeError above EPOCH_MAX: commands under it would be ignored by every device. No store
 * comes there by counting, so its counter was set by hand or restored wrongly.
 */
export function usableEpoch(epoch: number): number {
  if (Number.isSafeInteger(epoch) && epoch > 0 && epoch <= EPOCH_MAX) return epoch;
  throw new RangeError(
    `the lease epoch ${String(epoch)} is none that devices take (1 to ${String(EPOCH_MAX)}): the store's clock is wrong, or the lease rows were changed by hand`,
  );
}
