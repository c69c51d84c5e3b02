/**
 * Reservations as leases on both sides (design, section 4): the DEVICE ends a hold by itself `holdMs` after it began. The
 * server believes a hold that the newest report shows, and takes it for ended when a later report does not show it, or
 * when the device has certainly let go by its own clock.
 *
 * The device is trusted: what it shows is so. Where that disagrees with the ledger it is said, as a `divergence` with both
 * views, for as long as the newest report shows it; and the journal says how each hold ended.
 */
import type { Report } from '../machines/report.ts';
import { worldState } from '../machines/statechart.ts';
import { latestAt, measuredAt } from './clock.ts';
import type { Draft } from './draft.ts';
import type { LedgerEntry } from './ledger.ts';
import { commandNamed } from './legality.ts';
import type { Hold } from './twin.ts';

/**
 * How much earlier than it said a device may let go across a restart, ms: it counts a hold as spent ahead of time, so that
 * no restart prolongs it.
 */
export const HOLD_CHARGED_MS = 60_000;

/** How a hold ended. */
export type HoldEnd =
  'released' | 'used' | 'out-of-service' | 'ran-out' | 'replaced' | 'lost-by-restart' | 'unseen' | 'dropped';

/** A hold that the newest report does not show any more. */
export interface EndedHold {
  readonly how: HoldEnd;
  /** One sentence for the journal. */
  readonly detail: string;
}

/** Takes over what the newest report says of a hold; returns the end of the one that was known before, or `null`. */
export function updateHold(draft: Draft, report: Report, previous: Report | null): EndedHold | null {
  const { twin } = draft;
  const known = twin.hold;
  const shown = report.hold ?? null;
  twin.hold = shown === null ? null : shownHold(draft, report, shown);
  if (known === null || known.id === shown?.id) return null;
  const how = shown === null ? howItEnded(draft, known, { report, previous }) : 'replaced';
  return { how, detail: `the hold ${known.id} is over: ${how}` };
}

/** What the device shows of holds and what the ledger says, where they disagree; `null` where they agree. */
export function holdDivergence(
  draft: Draft,
  report: Report,
  since: { readonly previous: Report | null; readonly ended: EndedHold | null },
): string | null {
  const { twin } = draft;
  const shown = report.hold ?? null;
  const isEarly = since.ended?.how === 'dropped' || since.ended?.how === 'lost-by-restart';
  if (since.ended !== null && isEarly && !wasDivergent(draft))
    return `${since.ended.detail}, before its time, and no command ended it`;
  if (shown === null) return forgottenHold(draft, report, since.previous);
  if (twin.hold === null) return null;
  const state = stateOf(draft, report);
  if (state !== 'reserved' && state !== 'suspect')
    return `the device holds itself for ${shown.id}, and says ${report.state}`;
  return divergentHold(draft, shown.id);
}

/** Ends a hold that the device has certainly let go by its own clock, though no report has said so yet. */
export function expireHold(draft: Draft): boolean {
  const { twin, context } = draft;
  if (twin.hold === null || context.now < twin.hold.certainUntil) return false;
  twin.hold = null;
  return true;
}

function shownHold(draft: Draft, report: Report, shown: NonNullable<Report['hold']>): Hold | null {
  const { twin, kind, context } = draft;
  if (twin.clock === null) return null;
  const { driftPpm } = kind.limits;
  const certainUntil = latestAt(twin.clock, report.up + shown.leftMs, driftPpm) + context.serverErrorMs;
  if (certainUntil <= context.now) return null;
  const known = twin.hold?.id === shown.id ? twin.hold : null;
  const { at } = measuredAt(twin.clock, report.up, driftPpm);
  return {
    id: shown.id,
    by: known === null ? (commandWithId(draft, shown.id)?.by ?? null) : known.by,
    since: known?.since ?? at,
    until: at + shown.leftMs,
    certainUntil,
  };
}

function howItEnded(
  draft: Draft,
  known: Hold,
  heard: { readonly report: Report; readonly previous: Report | null },
): HoldEnd {
  const { report, previous } = heard;
  const begun = commandWithId(draft, known.id);
  if (wasEndedByCommand(draft, begun?.n ?? 0, known.since)) return 'released';
  const state = stateOf(draft, report);
  if (state === 'suspect') return 'out-of-service';
  if (state !== 'available') return 'used';
  if (previous?.boot !== report.boot)
    return hadTimeLeft(draft, known, report) ? 'lost-by-restart' : 'ran-out';
  if (report.up >= previous.up + (previous.hold?.leftMs ?? 0)) return 'ran-out';
  return report.seq === previous.seq + 1 ? 'dropped' : 'unseen';
}

/** Across a restart only server time tells, and the device may have charged some of the hold ahead. */
function hadTimeLeft({ twin, kind }: Draft, known: Hold, report: Report): boolean {
  if (twin.clock === null) return false;
  return latestAt(twin.clock, report.up, kind.limits.driftPpm) + HOLD_CHARGED_MS < known.until;
}

/** A command that ends holds was done, or may have been, since the hold began. */
function wasEndedByCommand({ twin, kind }: Draft, afterN: number, since: number): boolean {
  const may = ['done', 'pending', 'unknown'];
  return [...twin.open, ...twin.recent].some(
    ({ n, name, outcome, decidedAt }) =>
      n > afterN &&
      (decidedAt === null || decidedAt >= since) &&
      may.includes(outcome) &&
      commandNamed(kind, name)?.endsHold === true,
  );
}

/**
 * The ring of this report is the first to name a command that begins a hold as done, and no hold is there, nor anybody who
 * used it: a ghost. Only where no report is missing in between, which might have shown what became of it.
 */
function forgottenHold(draft: Draft, report: Report, previous: Report | null): string | null {
  if (draft.ledger === null || previous?.boot !== report.boot || report.seq !== previous.seq + 1) return null;
  if (stateOf(draft, report) !== 'available') return null;
  for (const { id, n, holdMs, outcome } of draft.ledger.values()) {
    if (outcome !== 'done' || holdMs === null || report.up - previous.up >= holdMs) continue;
    if (!wasEndedByCommand(draft, n, -Infinity))
      return `the device says it began the hold ${id}, and shows none`;
  }
  return null;
}

/** A ghost, or a hold that had ended and came back. */
function divergentHold(draft: Draft, id: string): string | null {
  const { before, twin, kind } = draft;
  const begun = commandWithId(draft, id);
  if (begun === null) {
    const isContinued = before.hold?.id === id && !wasDivergent(draft);
    return isContinued ? null : `the device holds itself for ${id}, which the ledger never reserved it for`;
  }
  if (begun.outcome === 'rejected' || begun.outcome === 'expired')
    return `the device holds itself for ${id}, which it has not executed: ${begun.outcome}`;
  const end = twin.recent.find(
    ({ n, name, outcome }) =>
      n > begun.n && outcome === 'done' && commandNamed(kind, name)?.endsHold === true,
  );
  return end === undefined ? null : `the device holds itself for ${id}, which ${end.name} ${end.id} ended`;
}

/** A hold that was none by the ledger may go as it came. */
function wasDivergent({ before }: Draft): boolean {
  return before.suspicions.some(({ reason }) => reason === 'divergence');
}

function stateOf({ kind }: Draft, report: Report): string {
  return worldState(kind.observe(report));
}

/** The command that begins the hold of this id, if the twin remembers it. */
function commandWithId({ twin }: Draft, id: string): LedgerEntry | null {
  const isIt = (entry: LedgerEntry): boolean => entry.id === id && entry.holdMs !== null;
  return twin.open.find(isIt) ?? twin.recent.find(isIt) ?? null;
}
