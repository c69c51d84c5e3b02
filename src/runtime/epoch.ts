/** Lease epochs, as stores give them out. */
import { EPOCH_MAX } from '../../machines/command.ts';

/**
 * A fresh epoch, if devices take it. Throws a RangeError above EPOCH_MAX: commands under it would be ignored by every device. No store
 * comes there by counting, so its counter was set by hand or restored wrongly.
 */
export function usableEpoch(epoch: number): number {
  if (Number.isSafeInteger(epoch) && epoch > 0 && epoch <= EPOCH_MAX) return epoch;
  throw new RangeError(
    `the lease epoch ${String(epoch)} is none that devices take (1 to ${String(EPOCH_MAX)}): set the store's counter of epochs below that`,
  );
}
