/**
 * Writes down what became of commands: proved by a report (`proof.ts`), or not to be known at `certainAt`.
 *
 * A closed `unknown` stays among the recent ones: a report that comes late from a buffer may still prove it.
 */
import { type Report, UNDECIDED } from '../machines/report.ts';
import { type Draft, writeEntry } from './draft.ts';
import { tellsUndecided } from './forgotten-command.ts';
import { hasAnswered } from './freshness.ts';
import { ABANDONED, isUndecided } from './ledger.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import { closableByOperator, commandNamed } from './legality.ts';
import { OPEN_MAX } from './prospect.ts';
import {
  isNamedDone,
  isNamedUndecided,
  type Knowledge,
  lastWordOn,
  mayTellOf,
  nameOf,
  proofText,
  type Verdict,
  verdictOf,
  wasHandled,
} from './proof.ts';
import { raiseConflict } from './suspicions.ts';

/** A report, and when the hub stored it. */
interface Stored {
  readonly report: Report;
  readonly receivedAt: number;
}

/** How many resolved entries a twin remembers; older ones are in the store. */
export const RECENT_MAX = 8;

/** Resolves what `report`, of the twin's present incarnation, proves about commands. */
export function resolveByReport(draft: Draft, stored: Stored): void {
  resolveOf(draft, stored, draft.twin.incarnation);
}

/**
 * Resolves what `report`, of this incarnation, proves about commands of it: open ones, and those that were closed without a proof. One of
 * another incarnation that is in flight beyond the device waits for its word, and for nothing else; one that was closed is done if it says so.
 */
export function resolveOf(draft: Draft, { report, receivedAt }: Stored, incarnation: number): void {
  const { twin, context } = draft;
  const undecided = numbersUndecided(draft);
  const judge = (entry: LedgerEntry): Verdict | null =>
    verdictOf(entry, report, knowledgeOf(draft, entry, undecided));
  for (const entry of twin.open) {
    const isOfIt = entry.incarnation === incarnation;
    if (!(isOfIt || isUndecided(entry)) || !mayTellOf(entry, receivedAt, context)) continue;
    const verdict = verdictAmongTwo(draft, entry, isOfIt ? judge(entry) : lastWordOn(entry, report));
    if (verdict === null) {
      if (isNamedUndecided(report, entry.n)) noteUndecided(draft, entry);
      continue;
    }
    closeEntry(draft, entry, verdict);
    if (verdict.reason === 'not-executed' && report.boot === entry.boot) twin.ignoredCommands += 1;
  }
  for (const entry of twin.recent) {
    if (entry.outcome === 'done' || !mayTellOf(entry, receivedAt, context)) continue;
    const mayBeOther = entry.outcome === 'unknown' && entry.incarnation === incarnation;
    if (!mayBeOther && !isNamedDone(report, entry.n)) continue;
    const verdict = verdictAmongTwo(draft, entry, judge(entry));
    if (verdict === null || verdict.outcome === 'unknown') continue;
    if (entry.outcome !== 'unknown') raiseConflict(draft, receivedAt, executedAfterAll(entry, report));
    const proved = closed(draft, entry, verdict);
    twin.recent = twin.recent.map((other) => (other.id === entry.id ? proved : other));
    writeEntry(draft, proved, { publish: true });
  }
}

/**
 * Resolves what `report`, of who counts anew, proves about commands of the incarnation that it ends: what it names `done` was executed, and
 * what it names undecided is in flight. That it has refused one says nothing: whoever was believed until now may have executed that.
 */
export function resolveByOther(draft: Draft, { report, receivedAt }: Stored): void {
  for (const entry of draft.twin.open) {
    if (!mayTellOf(entry, receivedAt, draft.context)) continue;
    const verdict = lastWordOn(entry, report);
    if (verdict?.outcome === 'done') closeEntry(draft, entry, verdict);
    else if (isNamedUndecided(report, entry.n)) noteUndecided(draft, entry);
  }
}

/** What proved that the command was not executed was said by a second device, before anybody knew of it. */
function executedAfterAll({ name, id, n, outcome }: LedgerEntry, report: Report): string {
  return `${nameOf(report)} names ${name} ${id} (n ${String(n)}) done, which was ${outcome}: there are two devices`;
}

/**
 * What is left of a verdict where two devices speak under one name, or did while the command could be executed: each of them was sent it.
 * That one has executed it is true whoever that was. That one has not, or cannot tell, says nothing of the other: nothing is proved while
 * both may be heard, and afterwards nothing can be.
 */
function verdictAmongTwo(
  { twin: { identity } }: Draft,
  { n }: LedgerEntry,
  verdict: Verdict | null,
): Verdict | null {
  if (identity === null || verdict === null || verdict.outcome === 'done') return verdict;
  if (identity.rivalAt !== null) return null;
  if (n > identity.contestedN || verdict.outcome === 'unknown') return verdict;
  const proof = proofText('identity-conflict', `another device may have executed it; ${verdict.proof}`);
  return { outcome: 'unknown', reason: 'unprovable', proof };
}

/** What the twin knows of a command besides the report that is judged. */
function knowledgeOf({ twin, kind }: Draft, entry: LedgerEntry, undecided: readonly number[]): Knowledge {
  const resolver = commandNamed(kind, entry.name)?.resolver ?? null;
  return { resolver, others: twin.recent, keepsRing: hasAnswered(twin), undecided };
}

function numbersUndecided({ twin }: Draft): readonly number[] {
  return twin.open.filter(isUndecided).map(({ n }) => n);
}

/**
 * The device says that the command is in flight beyond it. While it may still start it stays `pending`, and is not sent again; after its
 * `certainAt` it stays `unknown`, and in everybody's way. One without a deadline changes nothing, wherever it is.
 */
function noteUndecided(draft: Draft, entry: LedgerEntry): void {
  if (isUndecided(entry) || entry.notAfterUp === null) return;
  const undecided: LedgerEntry = { ...entry, reason: UNDECIDED };
  replaceOpen(draft, undecided);
  writeEntry(draft, undecided, { publish: entry.outcome === 'unknown' });
}

/**
 * A new incarnation has no memory of these: they cannot start any more, and nothing can prove what became of them. What is in flight
 * beyond the device is not in its memory: it may still take effect.
 */
export function closeAsUnprovable(draft: Draft, cause: string): void {
  const proof = proofText('new-incarnation', cause);
  for (const entry of draft.twin.open.filter((open) => !isUndecided(open)))
    closeEntry(draft, entry, { outcome: 'unknown', reason: 'unprovable', proof });
}

/** An operator gives up a command that is in flight beyond its device: nothing more is waited for, whatever it may still lead to. */
export function abandonCommand(draft: Draft, entry: LedgerEntry, word: string): void {
  closeEntry(draft, entry, { outcome: 'unknown', reason: ABANDONED, proof: proofText('engineer', word) });
}

/** An operator override closes what the device is past and nothing has proved: the state is certain, the fate is not. */
export function closeByOperator(draft: Draft, word: string): void {
  const proof = proofText('engineer', word);
  for (const entry of closableByOperator(draft.twin))
    closeEntry(draft, entry, { outcome: 'unknown', reason: 'unprovable', proof });
}

/** `certainAt` has passed: the command cannot start any more. Whether it did is unknown until a report proves it. */
export function declareUnknown(draft: Draft, entry: LedgerEntry): void {
  const unknown: LedgerEntry = {
    ...entry,
    outcome: 'unknown',
    reason: isUndecided(entry) ? UNDECIDED : 'no-answer',
    proof: null,
    decidedAt: draft.context.now,
  };
  replaceOpen(draft, unknown);
  writeEntry(draft, unknown, { publish: true });
}

function replaceOpen({ twin }: Draft, entry: LedgerEntry): void {
  twin.open = twin.open.map((other) => (other.id === entry.id ? entry : other));
}

/**
 * The oldest unanswered `report` makes room for another command: it changes nothing, so nobody needs to know whether it was
 * executed. A command that may have changed something is never given up for room.
 */
export function makeRoom(draft: Draft): void {
  const { open } = draft.twin;
  const oldest = open.find(({ notAfterUp, outcome }) => notAfterUp === null && outcome === 'unknown');
  if (open.length < OPEN_MAX || oldest === undefined) return;
  const proof = proofText('given-up', `${String(open.length)} commands are open`);
  closeEntry(draft, oldest, { outcome: 'unknown', reason: 'unprovable', proof });
}

function closeEntry(draft: Draft, entry: LedgerEntry, verdict: Verdict): void {
  const { twin } = draft;
  const done = closed(draft, entry, verdict);
  twin.open = twin.open.filter((other) => other.id !== entry.id);
  remember(draft, done);
  writeEntry(draft, done, { publish: true });
}

/**
 * Takes an entry that is closed among the recent ones. The last command that the device is known to have handled stays, however
 * many came to nothing since: by it a ring is recognised after a restart. So does what was given up and is still named undecided.
 */
export function remember({ twin }: Draft, entry: LedgerEntry): void {
  const recent = [entry, ...twin.recent];
  if (recent.length > RECENT_MAX) {
    const identifying = recent.findIndex(identifiesRing);
    const goes = recent.findLastIndex(
      (other, index) => index > 0 && index !== identifying && !tellsUndecided(other, twin),
    );
    recent.splice(goes === -1 ? recent.length - 1 : goes, 1);
  }
  twin.recent = recent;
}

/** It was bound to a boot, and the device has handled it there: a ring that names it is from before a restart. */
function identifiesRing(entry: LedgerEntry): boolean {
  return entry.boot !== null && wasHandled(entry);
}

function closed({ context }: Draft, entry: LedgerEntry, verdict: Verdict): LedgerEntry {
  return { ...entry, ...verdict, decidedAt: context.now, closedAt: context.now };
}
