import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import { hasBoot } from '../../../actors/sequence.ts';
import { RING_SIZE_MAX, UNDECIDED } from '../../../machines/report.ts';
import { ABANDON } from '../../../machines/common-commands.ts';
import type { Commit } from '../../../src/runtime/ports.ts';
import type { Committed, Execution } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';
import { type Checker, finalEntries, type Flaw, short, storeLives } from './checker.ts';

/** What the ledger says in the end is what happened. */
export const outcomes: Checker = {
  name: 'outcomes',
  sentence:
    'every accepted command ends, and keeps, the outcome that really happened, as soon as a filed report names it, and is unknown only where nothing could prove it',
  check: (evidence) => {
    const executions = new Map<string, Execution[]>();
    for (const execution of evidence.record.executions) {
      const { id } = execution.command;
      executions.set(id, [...(executions.get(id) ?? []), execution]);
    }
    const inTheEnd = finalEntries(evidence).flatMap((entry) => {
      const text = wrongAbout(entry, executions.get(entry.id) ?? [], evidence);
      if (text === null) return [];
      const what = `${entry.name} ${short(entry.id)} (n ${entry.n}) accepted at ${entry.acceptedAt}`;
      const proof = `${entry.outcome}, ${entry.reason ?? 'no reason'}, ${entry.proof ?? 'no proof'}`;
      const flaw: Flaw = {
        at: entry.closedAt ?? evidence.endedAt,
        device: entry.device,
        text: `${what} (${proof}): ${text}`,
      };
      return [flaw];
    });
    const inEachLife = storeLives(evidence).flatMap((life) => [
      ...changedAfterTheEnd(life),
      ...namedAndStillOpen(life),
    ]);
    return [...inEachLife, ...inTheEnd];
  },
};

const FINAL: readonly string[] = ['done', 'rejected', 'expired'];

function changedAfterTheEnd(commits: readonly Committed[]): Flaw[] {
  const ended = new Map<string, string>();
  return commits.flatMap(({ at, commit }) =>
    commit.ledger.flatMap(({ device, name, id, outcome }): Flaw[] => {
      const before = ended.get(id) ?? null;
      if (before === null && FINAL.includes(outcome)) ended.set(id, outcome);
      if (before === null || outcome === before) return [];
      return [{ at, device, text: `${name} ${short(id)} was ${before}, and becomes ${outcome}` }];
    }),
  );
}

/** Refusals that follow from the protocol say nothing by themselves about what was executed. */
const PROTOCOL_REFUSALS: readonly string[] = ['superseded', 'stale-epoch', 'other-boot', 'too-late'];

/** A report that says what became of a command is not filed without the command being closed by it. */
function namedAndStillOpen(commits: readonly Committed[]): Flaw[] {
  const entries = new Map<string, LedgerEntry>();
  /** The last number that was given to a device while it was doubted who speaks. */
  const contested = new Map<string, number>();
  const flaws: Flaw[] = [];
  for (const { at, commit } of commits) {
    for (const { device, identity, lastN } of commit.twins)
      if ((identity?.rivalAt ?? null) !== null) contested.set(device, lastN);
    for (const entry of commit.ledger) entries.set(`${entry.device} ${entry.n}`, entry);
    for (const { device, incarnation, report } of commit.reports) {
      if (isHeld(commit, device, report.boot)) continue;
      for (const { n, outcome, reason, fence } of report.commands ?? []) {
        // Neither is a last word (wire contract 2.1).
        if (outcome === UNDECIDED || (outcome === 'unknown' && (fence?.boot ?? Infinity) >= report.boot))
          continue;
        const entry = entries.get(`${device} ${n}`);
        const isOpen = entry?.closedAt === null && entry.incarnation === incarnation;
        // Of what was sent before it was beyond doubt who speaks, only `done` proves anything.
        if (outcome !== 'done' && n <= (contested.get(device) ?? 0)) continue;
        if (!isOpen || (outcome !== 'done' && PROTOCOL_REFUSALS.includes(reason ?? outcome))) continue;
        const position = `${report.boot}/${report.seq}`;
        const text = `${entry.name} ${short(entry.id)} is still ${entry.outcome}, and report ${position} names it ${outcome}`;
        flaws.push({ at, device, text });
      }
    }
  }
  return flaws;
}

function isDoubted({ twins }: Commit, device: string): boolean {
  return (twins.find((twin) => twin.device === device)?.identity?.rivalAt ?? null) !== null;
}

/** What leaps is filed, and not believed before it was said again (`actors/leap.ts`): that report closes what this one names. */
function isHeld({ twins }: Commit, device: string, boot: number): boolean {
  const claim = twins.find((twin) => twin.device === device)?.claim ?? null;
  return claim !== null && hasBoot(claim.seen, boot);
}

function wrongAbout(entry: LedgerEntry, executions: readonly Execution[], evidence: Evidence): string | null {
  const isDone = executions.some(({ effect }) => effect === 'done');
  // Accepted once more after the store had forgotten it, it has another number: what the first one came to says nothing of it.
  const isThisDone = executions.some(({ effect, command }) => effect === 'done' && command.n === entry.n);
  switch (entry.outcome) {
    case 'done':
      return isDone || entry.name === 'clear' || entry.name === ABANDON ? null : 'it never took effect';
    case 'rejected':
    case 'expired':
      return isThisDone ? 'it took effect' : null;
    case 'pending':
      return 'it is still pending';
    case 'unknown':
      if (entry.closedAt === null) return 'it is still open';
      return isProvable(entry, evidence) ? 'it could have been proved' : null;
  }
}

/** Nothing can prove a command whose device lost its memory, cannot tell, or has handled too many others since. */
function isProvable(entry: LedgerEntry, { record, store }: Evidence): boolean {
  const { device, acceptedAt, closedAt, n, id } = entry;
  // Too many reports were asked for at once: what changes nothing makes room.
  if (entry.notAfterUp === null && entry.reason === 'unprovable') return false;
  if (record.untellable.has(id)) return false;
  // An operator's word that nobody waits for it any more, whoever might have told.
  if (entry.reason === 'abandoned') return false;
  if (wasContested(entry, record)) return false;
  const isWiped = record.wipes.some((wipe) => wipe.device === device && wipe.at <= (closedAt ?? Infinity));
  const isNewIncarnation = (store.twins.get(device)?.incarnation ?? 1) > entry.incarnation;
  if (isWiped && (isNewIncarnation || acceptedAt !== closedAt)) return false;
  if (isRestarted(entry, record) && !isRecognised(entry, { record, store })) return false;
  const later = record.receptions.filter((other) => other.device === device && other.command.n > n);
  return new Set(later.map(({ command }) => command.n)).size < RING_SIZE_MAX - undecidedIn(device, record);
}

/** It had been sent when it was doubted who speaks: what a second device may have executed, nothing but `done` proves. */
function wasContested({ device, n, closedAt }: LedgerEntry, { commits }: Evidence['record']): boolean {
  return commits.some(
    ({ at, commit }) =>
      at <= (closedAt ?? Infinity) &&
      isDoubted(commit, device) &&
      commit.twins.some((twin) => twin.device === device && twin.lastN >= n),
  );
}

/** So many places of the device's ring were kept by what was undecided, at most. */
function undecidedIn(device: string, { made }: Evidence['record']): number {
  const counts = made
    .filter((other) => other.device === device)
    .map(({ report }) => (report.commands ?? []).filter(({ outcome }) => outcome === UNDECIDED).length);
  return Math.max(0, ...counts);
}

function isRestarted({ device, boot }: LedgerEntry, { made }: Evidence['record']): boolean {
  return made.some((other) => other.device === device && other.report.boot !== boot);
}

/**
 * After a restart a ring is known for that of before by a command in it that was bound to a boot. One that is full of `report`
 * tells nothing: a device that forgot everything executes copies of those again. Nor does one whose commands a store has forgotten that
 * was set back.
 */
function isRecognised(
  { device, n }: LedgerEntry,
  { record, store }: Pick<Evidence, 'record' | 'store'>,
): boolean {
  const { receptions, made } = record;
  const remembered = new Set(store.ledger.get(device)?.map((entry) => entry.n));
  const before = receptions.filter(({ device: other, command }) => other === device && command.n < n);
  const numbers = [...new Set(before.map(({ command }) => command.n))].sort((a, b) => b - a);
  const kept = new Set(numbers.slice(0, RING_SIZE_MAX - 1 - undecidedIn(device, record)));
  // As the ring named it: what was begun may not have been stored before the device died, or was too late by then.
  const named = made
    .filter((other) => other.device === device)
    .flatMap(({ report }) => report.commands ?? []);
  // What was undecided is kept out of turn, and tells nothing of what was there beside it.
  const undecided = new Set(named.filter(({ outcome }) => outcome === UNDECIDED).map((entry) => entry.n));
  const handled = named
    .filter((entry) => !undecided.has(entry.n))
    .filter(({ outcome, reason }) => outcome === 'done' || !PROTOCOL_REFUSALS.includes(reason ?? outcome))
    .map((entry) => entry.n);
  return before.some(
    ({ command: { n: number, boot } }) =>
      kept.has(number) && boot !== undefined && handled.includes(number) && remembered.has(number),
  );
}
