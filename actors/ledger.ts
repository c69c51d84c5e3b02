/**
 * The ledger's entry: one command a twin accepted, from the decision to its outcome (design, section 3).
 */
import { UNDECIDED } from '../machines/report.ts';

/**
 * How a command stands. `pending` until something is known; `unknown` once it can no longer START and nothing proves
 * whether it was executed. With `closedAt` set nothing is waited for any more: of an `unknown` command only a report that
 * still comes late from a buffer can tell more.
 */
export type Outcome = 'pending' | 'done' | 'rejected' | 'expired' | 'unknown';

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

/** One command in the ledger. Times are server time, ms epoch. */
export interface LedgerEntry {
  readonly device: string;
  /** The caller's idempotency key. */
  readonly id: string;
  readonly n: number;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** On whose behalf, as the caller wrote it: a claim. */
  readonly by: string | null;
  /**
   * Who asked, proved: `nats:<account>` by the hub, `http:<token name>` by the node that was asked. `null` for what the twin
   * commands by itself, and for entries from before this was kept.
   */
  readonly asker: string | null;
  /** Lease epoch under which it was accepted. */
  readonly epoch: number;
  readonly incarnation: number;
  /** The boot it may be executed in, and until which uptime; `null` for a command without a deadline. */
  readonly boot: number | null;
  readonly notAfterUp: number | null;
  readonly holdMs: number | null;
  readonly acceptedAt: number;
  /** When it was sent last; it is sent again, with the same `n`, until it may no longer start. */
  readonly sentAt: number;
  /** After this it cannot start any more, whatever is still in a buffer. */
  readonly certainAt: number;
  readonly outcome: Outcome;
  /**
   * The device's reason for `rejected`, or why it is `expired` or `unknown`; `null` while pending or done, but for a pending command
   * that its device has named `undecided`.
   */
  readonly reason: string | null;
  /** What proved the outcome, by its name and in words: `ring-entry: report 3/17 names it done` (`machines/resolver.ts`). */
  readonly proof: string | null;
  /** When the present outcome was decided; `null` while pending. */
  readonly decidedAt: number | null;
  /** When it was closed; `null` while pending, or while `unknown` and every next report may decide it. */
  readonly closedAt: number | null;
  /** The command that undoes it, as its kind had it when it was accepted, or `null`. */
  readonly compensatedBy: string | null;
  /** What executing it ends besides, in the state in which it was accepted, as half a sentence; absent where nothing. */
  readonly ends?: string;
}

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
