/**
 * Divergences: where the device and the ledger disagree about who may use the device (design, section 4; cases 9, 13, 14).
 * Each is a suspicion with both views, what the twin expected and what the device says, and since when. What is done about it is
 * the kind's policy (`machines/divergence.ts`).
 *
 * A lost hold shows in one report, and every other sort for as long as it lasts. What is to be re-asserted, or asks for a person,
 * stands beyond that, until the views agree again or the time of the hold is over.
 */
import type { DivergencePolicy } from '../machines/divergence.ts';
import { isHoldUnreadable, isRingWhole, type Report } from '../machines/report.ts';
import { worldState } from '../machines/statechart.ts';
import { measuredAt } from './clock.ts';
import type { Draft } from './draft.ts';
import { type EndedHold, wasEndedByCommand } from './holds.ts';
import { isReassertion, isUndecided } from './ledger.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import type { Divergence, Suspicion } from '../src/contract/twin-document.ts';
import { commandNamed, commandWithHold } from './legality.ts';
import { observationOf } from './observed.ts';
import { mayBeExecutedBefore } from './ring.ts';

/** Every divergence is a suspicion of this reason. */
export const DIVERGENCE = 'divergence';

/** Less than this is left of a lost hold: it is not worth asking for again, ms. */
export const REASSERT_LEAST_MS = 30_000;

/** A divergence as a report shows it. */
interface Shown extends Pick<Divergence, 'sort' | 'hold' | 'by' | 'expected' | 'reported' | 'until'> {
  /** One sentence. */
  readonly detail: string;
}

/** A suspicion that has yet to be dated. */
export type NewDivergence = Pick<Suspicion, 'reason' | 'detail'> & { readonly divergence: Divergence };

/** The divergences that stand after this report, which is the newest: what it shows, and what has not been settled. */
export function standingDivergences(
  draft: Draft,
  report: Report,
  since: { readonly previous: Report | null; readonly ended: EndedHold | null },
): readonly NewDivergence[] {
  const known = knownDivergences(draft);
  // Nobody can tell whether the views agree now: what was in doubt is, until its time is over.
  if (isHoldUnreadable(report))
    return known.filter(({ divergence }) => divergence.until === null || !isOver(draft, divergence));
  const shown = shownDivergence(draft, report, since);
  const standing = known.filter(
    ({ divergence }) => !isSame(divergence, shown) && stands(draft, divergence, { report, shown }),
  );
  if (shown === null) return standing;
  const { detail, ...views } = shown;
  const before = known.find(({ divergence }) => isSame(divergence, shown));
  const divergence: Divergence = {
    ...views,
    policy: policyOf(draft, shown),
    reassertedBy: before?.divergence.reassertedBy ?? null,
  };
  return [{ reason: DIVERGENCE, detail, divergence }, ...standing];
}

/** What began and what ended with this decision, as sentences for the journal: with both views, and how long it lasted. */
export function divergenceNews({ before, twin, context }: Draft): readonly string[] {
  if (before.suspicions === twin.suspicions) return [];
  const [then, now] = [before.suspicions.filter(isDivergence), twin.suspicions.filter(isDivergence)];
  const ended = then.filter((old) => !now.some(({ divergence }) => isSame(divergence, old.divergence)));
  const begun = now.filter((fresh) => !then.some(({ divergence }) => isSame(divergence, fresh.divergence)));
  return [
    ...ended.map(
      ({ divergence: { sort, hold }, since }) =>
        `the divergence ${sort} of ${hold} is over after ${String(Math.round(context.now - since))} ms`,
    ),
    ...begun.map(
      ({ divergence: { sort, expected, reported } }) =>
        `divergence ${sort}: expected ${expected}, reported ${reported}`,
    ),
  ];
}

/** True for a suspicion that is a divergence with its views. */
export function isDivergence(suspicion: Suspicion): suspicion is Suspicion & NewDivergence {
  return suspicion.divergence !== undefined;
}

function knownDivergences({ twin }: Draft): readonly (Suspicion & NewDivergence)[] {
  return twin.suspicions.filter(isDivergence);
}

function isSame(a: Pick<Divergence, 'sort' | 'hold'>, b: Pick<Divergence, 'sort' | 'hold'> | null): boolean {
  return b !== null && a.sort === b.sort && a.hold === b.hold;
}

/**
 * What cannot safely be re-asserted is left to the device: what the twin knows nothing of, what it re-asserted itself, and a hold that may
 * have been released since by a word that the store has forgotten.
 */
function policyOf(draft: Draft, { sort, hold }: Pick<Divergence, 'sort' | 'hold'>): DivergencePolicy {
  const policy = draft.kind.divergence[sort];
  if (policy !== 're-assert') return policy;
  const begun = commandWithHold(draft.twin, hold);
  if (isReassertion(hold) || begun === null) return 'trust-device';
  return sort === 'lost-hold' && !wasHeldSinceTaken(draft, begun) ? 'trust-device' : policy;
}

/**
 * The hold was begun, or shown, since this owner took the partition: whatever ended it by command is known then. What is older may have
 * been ended by a release that a store which was set back does not know of.
 */
function wasHeldSinceTaken({ before, context }: Draft, begun: LedgerEntry): boolean {
  const { readThroughAt, serverErrorMs, epoch } = context;
  if (begun.epoch === epoch) return true;
  const shown = before.newest;
  if (readThroughAt === null || shown?.report.hold?.id !== begun.id) return false;
  return shown.receivedAt > readThroughAt + serverErrorMs;
}

/** Whether a divergence that this report does not show goes on all the same. */
function stands(
  draft: Draft,
  divergence: Divergence,
  now: { readonly report: Report; readonly shown: Shown | null },
): boolean {
  const { sort, policy, hold, reassertedBy } = divergence;
  const { report, shown } = now;
  if (policy === 'trust-device' || sort === 'ghost-hold' || sort === 'resurrected-hold') return false;
  const held = report.hold?.id ?? null;
  const isAgreed = shown === null && held !== null && (held === hold || held === reassertedBy);
  if (isAgreed || isOver(draft, divergence)) return false;
  return policy === 'ask-person' || mayBeReasserted(draft, divergence, report);
}

/** The device would have let go of the hold by now. */
function isOver({ twin, kind }: Draft, { until }: Divergence): boolean {
  const { clock, newest } = twin;
  if (until === null || clock === null || newest === null) return true;
  return measuredAt(clock, newest, kind.limits.driftPpm).at >= until;
}

/** While the command that re-asserts it is under way, or can still be sent. */
function mayBeReasserted({ twin, kind, context }: Draft, divergence: Divergence, report: Report): boolean {
  const { reassertedBy, until, hold } = divergence;
  if (reassertedBy !== null) return twin.open.some(({ id }) => id === reassertedBy);
  if (until === null || until - context.now < REASSERT_LEAST_MS) return false;
  if (commandWithHold(twin, hold) === null) return false;
  const observation = observationOf(kind, report);
  return observation !== null && kind.chart.accepts(observation, 'command.reserve');
}

/** What the device shows of holds and what the ledger says, where they disagree; `null` where they agree. */
function shownDivergence(
  draft: Draft,
  report: Report,
  since: { readonly previous: Report | null; readonly ended: EndedHold | null },
): Shown | null {
  const { twin } = draft;
  const { ended, previous } = since;
  const shown = report.hold ?? null;
  if (ended !== null && isEarly(ended) && !wasDivergent(draft, ended.hold.id)) {
    const { id, by, until } = ended.hold;
    const detail = `${ended.detail}, before its time, and no command ended it`;
    return { sort: 'lost-hold', hold: id, by, until, detail, ...lostViews(id, report) };
  }
  if (shown === null) return forgottenHold(draft, report, previous);
  if (twin.hold === null) return null;
  const state = worldState(observationOf(draft.kind, report) ?? 'suspect');
  if (state !== 'reserved' && state !== 'suspect') {
    const { id, by, until } = twin.hold;
    const detail = `the device holds itself for ${id}, and says ${report.state}`;
    const views = { expected: `kept for ${id}`, reported: report.state };
    return { sort: 'foreign-use', hold: id, by, until, detail, ...views };
  }
  return divergentHold(draft, shown.id);
}

function isEarly({ how }: EndedHold): boolean {
  return how === 'dropped' || how === 'lost-by-restart';
}

function lostViews(id: string, report: Report): Pick<Divergence, 'expected' | 'reported'> {
  return { expected: `held for ${id}`, reported: `${report.state}, no hold` };
}

/**
 * The ring of this report is the first to name a command that begins a hold as done, and no hold is there, nor anybody who
 * used it: lost before it was ever seen. Only where no report is missing in between, which might have shown what became of it.
 */
function forgottenHold(draft: Draft, report: Report, previous: Report | null): Shown | null {
  if (draft.ledger === null || previous?.boot !== report.boot || report.seq !== previous.seq + 1) return null;
  // The report before may have shown the hold, or named its command, in what could not be read of it.
  if (isHoldUnreadable(previous) || !isRingWhole(previous)) return null;
  if (worldState(observationOf(draft.kind, report) ?? 'suspect') !== 'available') return null;
  for (const { id, n, by, holdMs, outcome, acceptedAt } of draft.ledger.values()) {
    if (outcome !== 'done' || holdMs === null || report.up - previous.up >= holdMs) continue;
    // What was undecided until now may have begun, and ended, long before.
    if (draft.before.open.some((entry) => entry.id === id && isUndecided(entry))) continue;
    // So may what was executed under another number, which the store has forgotten.
    if (mayBeExecutedBefore(report, n)) continue;
    if (wasEndedByCommand(draft, n, -Infinity)) continue;
    const detail = `the device says it began the hold ${id}, and shows none`;
    return { sort: 'lost-hold', hold: id, by, until: acceptedAt + holdMs, detail, ...lostViews(id, report) };
  }
  return null;
}

/** A ghost, or a hold that had ended and came back. */
function divergentHold(draft: Draft, id: string): Shown | null {
  const { before, twin } = draft;
  const begun = commandWithHold(twin, id);
  const views = {
    by: null,
    hold: id,
    until: null,
    expected: `no hold for ${id}`,
    reported: `held for ${id}`,
  };
  if (begun === null) {
    if (before.hold?.id === id && !wasDivergent(draft, id)) return null;
    const detail = `the device holds itself for ${id}, which the ledger never reserved it for`;
    return { sort: 'ghost-hold', ...views, detail };
  }
  if (begun.outcome === 'rejected' || begun.outcome === 'expired') {
    const detail = `the device holds itself for ${id}, which it has not executed: ${begun.outcome}`;
    return { sort: 'ghost-hold', ...views, detail };
  }
  const end = endOf(draft, begun);
  if (end === null) return null;
  const detail = `the device holds itself for ${id}, which ${end.name} ${end.id} ended`;
  return { sort: 'resurrected-hold', ...views, detail };
}

/** The command that ended the hold which `begun` began, if the twin remembers one. */
function endOf({ twin, kind }: Draft, begun: LedgerEntry): LedgerEntry | null {
  const ends = ({ n, name, outcome }: LedgerEntry): boolean =>
    n > begun.n && outcome === 'done' && commandNamed(kind, name)?.endsHold === true;
  return twin.recent.find(ends) ?? null;
}

/** A hold that was in question may go as it came. */
function wasDivergent({ before }: Draft, id: string): boolean {
  return before.suspicions.some(
    ({ reason, divergence }) => reason === DIVERGENCE && (divergence === undefined || divergence.hold === id),
  );
}
