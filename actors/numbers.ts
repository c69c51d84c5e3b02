/**
 * Command numbers. A device executes no number twice and none below the highest that it has seen, and a report names a command by its
 * number alone: so a number is never given again, not even by a database that was set back and does not know what it gave since.
 *
 * They begin anew with every lease epoch, which grows with time (`src/runtime/epoch.ts`), and gaps between them mean nothing.
 */
import type { Draft } from './draft.ts';
import type { Twin } from './twin.ts';

/** Of so many epochs only one begins numbers: numbers have to stay below 2^40, and epochs below 2^44. */
const EPOCHS_PER_NUMBER = 10;

/** The number that the next command is going to have, under a lease epoch. */
export function nextNumber({ lastN }: Pick<Twin, 'lastN'>, epoch: number): number {
  return Math.max(lastN + 1, Math.floor(epoch / EPOCHS_PER_NUMBER));
}

/** Whether a number was given under this lease epoch, where no entry of the ledger says so; false where numbers do not tell. */
export function isOfEpoch(n: number, epoch: number): boolean {
  const first = Math.floor(epoch / EPOCHS_PER_NUMBER);
  return first > 0 && n >= first;
}

/** Gives a number, for good. */
export function giveNumber({ twin, context }: Draft): number {
  twin.lastN = nextNumber(twin, context.epoch);
  return twin.lastN;
}
