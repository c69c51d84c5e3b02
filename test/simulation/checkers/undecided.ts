import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import { UNDECIDED } from '../../../machines/report.ts';
import type { Committed } from '../record.ts';
import { type Checker, type Flaw, short, storeLives } from './checker.ts';

/** What is in flight beyond a device is waited for, however long. */
export const undecided: Checker = {
  name: 'undecided',
  sentence:
    'a command that its device has named undecided is open until the device names it otherwise or an operator gives it up, and meanwhile the device is commanded nothing else',
  check: (evidence) => storeLives(evidence).flatMap(inOneLife),
};

function inOneLife(commits: readonly Committed[]): Flaw[] {
  const waiting = new Map<string, LedgerEntry>();
  return commits.flatMap(({ at, commit }): Flaw[] => {
    // In what order things were decided within one transaction nobody sees: what was undecided before it and after it counts.
    const flaws = commit.ledger.flatMap((entry): Flaw[] => {
      const before = waiting.get(entry.device) ?? null;
      const now = commit.ledger.find(({ id }) => id === before?.id);
      const text = before === null ? null : wrongAbout(before, now ?? before, entry);
      return text === null ? [] : [{ at, device: entry.device, text }];
    });
    for (const entry of commit.ledger) {
      if (isWaitedFor(entry)) waiting.set(entry.device, entry);
      else if (waiting.get(entry.device)?.id === entry.id) waiting.delete(entry.device);
    }
    return [...flaws, ...namedAndClosed(commit, at)];
  });
}

function isWaitedFor({ reason, closedAt }: LedgerEntry): boolean {
  return reason === UNDECIDED && closedAt === null;
}

function wrongAbout(before: LedgerEntry, now: LedgerEntry, entry: LedgerEntry): string | null {
  const what = `${before.name} ${short(before.id)} (n ${before.n})`;
  if (entry.id !== before.id) {
    const isNew = entry.outcome === 'pending' && entry.acceptedAt === entry.sentAt && entry.n > before.n;
    return isNew && isWaitedFor(now) && entry.notAfterUp !== null
      ? `${entry.name} ${short(entry.id)} is accepted while ${what} is undecided`
      : null;
  }
  // Where two devices speak under one name, what their ring says of it ends it as well, though not as the ring says.
  const byDevice = /^(identity-conflict: .*; )?ring-entry: /.test(entry.proof ?? '');
  if (isWaitedFor(entry) || byDevice || entry.reason === 'abandoned') return null;
  return `${what} was undecided, and becomes ${entry.outcome}: ${entry.proof ?? 'no proof'}`;
}

/** The word itself closes nothing. */
function namedAndClosed({ reports, ledger }: Committed['commit'], at: number): Flaw[] {
  return ledger.flatMap(({ device, n, name, id, closedAt, outcome, proof }): Flaw[] => {
    if (closedAt === null || proof === null) return [];
    const by = reports.find(
      (filed) =>
        filed.device === device &&
        proof.includes(`report ${filed.report.boot}/${filed.report.seq} `) &&
        filed.report.commands?.some((named) => named.n === n && named.outcome === UNDECIDED) === true,
    );
    const text = `${name} ${short(id)} is ${outcome} by a report that names it undecided`;
    return by === undefined ? [] : [{ at, device, text }];
  });
}
