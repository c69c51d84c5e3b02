/**
 * How a command stands, as backends see it.
 */
import type { CommandOutcome, Outcome } from '../contract/ledger-entry.ts';

/**
 * A command in the ledger, told apart by `outcome`:
 *
 * - `done`: the device said so;
 * - `rejected`: the device said no, for `reason`;
 * - `expired`: proved not executed, and it never will be: safe to try again with a new id;
 * - `unknown`: it can no longer start, and nothing proves yet whether it was executed: do not try again, ask the ledger
 *   later or watch for the outcome;
 * - `pending`: still under way.
 */
export type CommandResult = {
  readonly [Each in Outcome]: Omit<CommandOutcome, 'outcome'> & { readonly outcome: Each };
}[Outcome];
