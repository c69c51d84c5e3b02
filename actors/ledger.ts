/**
 * What follows from a ledger's entry: one command a twin accepted, from the decision to its outcome (design, section 3).
 */
import { UNDECIDED } from '../machines/report.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';

/**
 * True for a command that its device has named `undecided`, which is then the reason of one that is `pending` or `unknown`: it is in flight
 * beyond the device, and may take effect however long ago its `certainAt` was. It stays in everybody's way until the device names another
 * word for it, or an operator gives it up.
 */
export function isUndecided({ outcome, reason, closedAt }: LedgerEntry): boolean {
  return reason === UNDECIDED && closedAt === null && (outcome === 'pending' || outcome === 'unknown');
}

/** The reason for a command that an operator gave up: what became of it beyond the device nobody can tell. */
export const ABANDONED = 'abandoned';

/** On whose behalf a twin commands its device by itself. */
export const CORRAL = 'corral';

/**
 * The id of a command that a twin gives of itself: a UUID like every caller's, so that it can be asked for like any other, made
 * of the command's number (RFC 9562, version 8: custom), because a decision draws nothing at random. Unique per device.
 */
export function reassertionId(n: number): string {
  return `${REASSERTION_PREFIX}${n.toString(16).padStart(12, '0')}`;
}

/** True for an id that {@link reassertionId} made. */
export function isReassertion(id: string): boolean {
  return id.startsWith(REASSERTION_PREFIX);
}

const REASSERTION_PREFIX = 'c0aa1000-0000-8000-8000-';
