/**
 * Commands that a device names `undecided` and the ledger does not know: the database was set back, the device was forgotten, or another
 * installation commanded it. They may take effect at any time, so they keep the doubt and the bay as any undecided command does; since
 * nobody knows what they are, they go by their numbers. One that was asked for again, under its id and a new number, is known by that: the
 * device names the old number beside it (`executedAs`).
 *
 * What an operator has given up is remembered for as long as the device names it: else it would be taken for forgotten.
 */
import { type Report, UNDECIDED } from '../machines/report.ts';
import { ABANDON } from '../machines/common-commands.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import { CLAIMED_N_MAX } from './ring.ts';
import type { Twin } from './twin.ts';

/** Their numbers, by the ring of a report. */
export function forgottenCommands(
  { open, recent }: Pick<Twin, 'open' | 'recent'>,
  report: Pick<Report, 'commands'>,
): readonly number[] {
  const known = new Set([...open, ...recent].map(numberAbout));
  for (const { n, executedAs } of report.commands ?? [])
    if (executedAs !== undefined && known.has(n)) known.add(executedAs);
  return namedUndecided(report).filter((n) => n <= CLAIMED_N_MAX && !known.has(n));
}

/** True for an entry by which the twin knows a number that the device still names `undecided`. */
export function tellsUndecided(entry: LedgerEntry, { newest }: Pick<Twin, 'newest'>): boolean {
  return newest !== null && namedUndecided(newest.report).includes(numberAbout(entry));
}

function namedUndecided({ commands = [] }: Pick<Report, 'commands'>): readonly number[] {
  return commands.filter(({ outcome }) => outcome === UNDECIDED).map(({ n }) => n);
}

/** The number of the command; of an operator's word that gave up a forgotten one, the number of that. */
function numberAbout({ n, name, args, outcome }: LedgerEntry): number {
  const given = name === ABANDON && outcome === 'done' ? Number(args.command) : NaN;
  return Number.isSafeInteger(given) ? given : n;
}
