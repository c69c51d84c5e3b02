/**
 * Numbers that outlive the database: of commands, and versions. A device executes no number twice and none below the highest that it has
 * seen, and a report names a command by its number alone: so a number is never given again, not even by a database that was set back and
 * does not know what it gave since.
 *
 * They begin anew with every lease epoch, which grows with time (`src/runtime/epoch.ts`), and gaps between them mean nothing. Within one a
 * device that is forgotten and registered again goes on from where it was.
 */
import type { GivenNumbers, Twin } from './twin.ts';

/**
 * Of so many epochs only one begins numbers: numbers have to stay below 2^40, and epochs below 2^44. So a hundred are given in a second of a
 * lease before one could be given again, and each of them waits for its device.
 */
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

/**
 * The version that follows one, of a twin or of its desired configuration, under a lease epoch. Who gives one back (`ifVersion`) means what
 * he saw, and a device that names one has applied what it was: so none is that of two states, also in a database that was set back. Epochs
 * grow by a thousand in a second: no more than that change in each second of a lease, and versions stay exact, below 2^53.
 */
export function versionAfter(version: number, epoch: number): number {
  return Math.max(version + 1, epoch);
}

/** What a twin has given. */
export function givenBy({
  lastN,
  version,
  desired,
}: Pick<Twin, 'lastN' | 'version' | 'desired'>): GivenNumbers {
  return { lastN, version: Math.max(version, desired.version) };
}

/** What a twin that cannot be read may have given by now, ms epoch, under a lease epoch: as much as numbers allow (see above). */
export function mayBeGiven(now: number, epoch: number): GivenNumbers {
  const version = Math.ceil(Math.max(now, epoch)) + 1_000;
  return { lastN: Math.ceil(version / EPOCHS_PER_NUMBER), version };
}

/** A decision in the making, as far as numbers go. */
interface Giving {
  readonly twin: { lastN: number };
  readonly context: { readonly epoch: number };
}

/** Gives a number, for good. */
export function giveNumber({ twin, context }: Giving): number {
  twin.lastN = nextNumber(twin, context.epoch);
  return twin.lastN;
}
