/**
 * Lease epochs, as stores give them out: a later one of a partition is higher, whatever became of the store. Devices refuse what comes
 * under a lower epoch than the highest that they have seen, and command numbers begin at the epoch (`actors/numbers.ts`): so epochs grow
 * with time, and a store that was set back, or was made anew, is ahead of all that was given before.
 */
import { EPOCH_MAX } from '../../machines/command.ts';

/** The epoch with which a partition is taken at `now`, by the store's clock in ms, after another one. */
export function epochAfter(last: number, now: number): number {
  return Math.max(last + 1, Math.floor(now));
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
