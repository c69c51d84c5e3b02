/**
 * The ledger's entry: one command a twin accepted, from the decision to its outcome (design, section 3).
 */

/**
 * How a command stands. `pending` until something is known; `unknown` once it can no longer START and nothing proves
 * whether it was executed. `unknown` is final only with `closedAt` set: then nothing can prove it any more.
 */
export type Outcome = 'pending' | 'done' | 'rejected' | 'expired' | 'unknown';

/** One command in the ledger. Times are server time, ms epoch. */
export interface LedgerEntry {
  readonly device: string;
  /** The caller's idempotency key. */
  readonly id: string;
  readonly n: number;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly by: string | null;
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
  /** The device's reason for `rejected`, or why it is `expired` or `unknown`; `null` while pending or done. */
  readonly reason: string | null;
  /** What proved the outcome, in words an engineer can follow: `report 3/17 names it done`. */
  readonly proof: string | null;
  /** When the present outcome was decided; `null` while pending. */
  readonly decidedAt: number | null;
  /** When no other outcome can follow; `null` while pending or while `unknown` may still be decided. */
  readonly closedAt: number | null;
}
