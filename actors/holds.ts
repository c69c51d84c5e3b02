/**
 * Reservations as leases on both sides (design, section 4): the DEVICE ends a hold by itself `holdMs` after it began. The
 * server believes a hold that the newest report shows, and takes it for ended when a later report does not show it, or
 * when the device has certainly let go by its own clock.
 *
 * What the device shows is so, and the journal says how each hold ended. Where that disagrees with the ledger it is a
 * divergence (`divergence.ts`).
 */
import { isHoldUnreadable, type Report } from '../machines/report.ts';
import { worldState } from '../machines/statechart.ts';
import { latestAt, measuredAt } from './clock.ts';
import type { Draft } from './draft.ts';
import { isUndecided } from './ledger.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import { commandNamed, commandWithHold } from './legality.ts';
import type { Hold, Twin } from './twin.ts';
import { observationOf } from './observed.ts';

/**
 * How much earlier than it said a device may let go across a restart, ms: it counts a hold as spent ahead of time, so that
 * no restart prolongs it.
 */
export const HOLD_CHARGED_MS = 60_000;

/** How a hold ended. */
export type HoldEnd =
  | 'released'
  | 'not-granted'
  | 'used'
  | 'out-of-service'
  | 'ran-out'
  | 'replaced'
  | 'lost-by-restart'
  | 'unseen'
  | 'dropped';

/** A hold that the newest report does not show any more. */
export interface EndedHold {
  readonly hold: Hold;
  readonly how: HoldEnd;
  /** One sentence for the journal. */
  readonly detail: string;
}

/**
 * Takes over what the newest report says of a hold; returns the end of the one that was known before, or `null`. What cannot be read says
 * nothing: the hold that is known goes on, until its time is over or a command is known to have ended it.
 */
export function updateHold(draft: Draft, report: Report, previous: Report | null): EndedHold | null {
  const { twin } = draft;
  const known = twin.hold;
  if (isHoldUnreadable(report) && (known === null || commandThatEnded(draft, known)?.outcome !== 'done'))
    return null;
  const shown = report.hold ?? null;
  twin.hold = shown === null ? null : shownHold(draft, report, shown);
  if (known === null || known.id === shown?.id) return null;
  const ender = shown === null ? commandThatEnded(draft, known) : null;
  const how = shown === null ? howItEnded(draft, known, { report, previous, ender }) : 'replaced';
  const by = how === 'used' && ender !== null ? ` by ${ender.name} ${ender.id}` : '';
  return { hold: known, how, detail: `the hold ${known.id} is over: ${how}${by}` };
}

/**
 * When the device has certainly let go of its hold, whatever was lost; `null` where nothing tells: the command that begins it is in flight
 * beyond the device, and may begin it at any time. `Infinity` where nothing is held.
 */
export function holdCertainUntil(twin: Pick<Twin, 'hold' | 'open'>): number | null {
  const { hold, open } = twin;
  if (hold === null) return Infinity;
  return isBeyondDevice(open, hold.id) ? null : hold.certainUntil;
}

function isBeyondDevice(open: Twin['open'], id: string): boolean {
  return open.some((entry) => entry.id === id && isUndecided(entry));
}

/**
 * Ends a hold that the device has certainly let go by its own clock, though no report has said so yet. Returns whether nothing is held by
 * that: what the newest report says of a hold may be about another one, where it could not be read.
 */
export function expireHold(draft: Draft): boolean {
  const { twin, context } = draft;
  if (twin.hold === null || context.now < (holdCertainUntil(twin) ?? Infinity)) return false;
  twin.hold = null;
  return twin.newest === null || !isHoldUnreadable(twin.newest.report);
}

function shownHold(draft: Draft, report: Report, shown: NonNullable<Report['hold']>): Hold | null {
  const { twin, kind, context } = draft;
  if (twin.clock === null || twin.newest === null) return null;
  const { driftPpm } = kind.limits;
  const certainUntil = latestAt(twin.clock, report.up + shown.leftMs, driftPpm) + context.serverErrorMs;
  if (certainUntil <= context.now && !isBeyondDevice(twin.open, shown.id)) return null;
  const known = twin.hold?.id === shown.id ? twin.hold : null;
  const { at } = measuredAt(twin.clock, twin.newest, driftPpm);
  return {
    id: shown.id,
    by: known === null ? holderOf(draft, shown.id) : known.by,
    since: known?.since ?? at,
    until: at + shown.leftMs,
    certainUntil,
  };
}

/** On whose behalf it is held: one that the twin re-asserted is still for whoever had lost it. */
function holderOf({ twin }: Draft, id: string): string | null {
  const lost = twin.suspicions.find(({ divergence }) => divergence?.reassertedBy === id);
  return lost?.divergence?.by ?? commandWithHold(twin, id)?.by ?? null;
}

function howItEnded(
  draft: Draft,
  known: Hold,
  heard: { readonly report: Report; readonly previous: Report | null; readonly ender: LedgerEntry | null },
): HoldEnd {
  const { report, previous, ender } = heard;
  const begun = commandWithHold(draft.twin, known.id);
  // The device showed it while the command was undecided, and has said since that it was not executed.
  if (begun?.outcome === 'rejected' || begun?.outcome === 'expired') return 'not-granted';
  if (ender !== null) return isRelease(draft, ender) ? 'released' : 'used';
  const state = stateOf(draft, report);
  if (state === 'suspect') return 'out-of-service';
  if (state !== 'available') return 'used';
  // When it was shown last nobody knows: it may have ended in what could not be read.
  if (previous !== null && isHoldUnreadable(previous))
    return hadTimeLeft(draft, known, report) ? 'unseen' : 'ran-out';
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

/** The command that ended a hold: one that was done before one that may have been. */
function commandThatEnded(draft: Draft, { id, since }: Hold): LedgerEntry | null {
  const begun = commandWithHold(draft.twin, id);
  const enders = commandsThatMayHaveEnded(draft, begun?.n ?? 0, since);
  return enders.find(({ outcome }) => outcome === 'done') ?? enders[0] ?? null;
}

/** Some commands end a hold and do no more, so that a hold which goes on disproves them; the others use what was held. */
function isRelease({ kind }: Draft, { name }: LedgerEntry): boolean {
  return commandNamed(kind, name)?.resolver.notDone.includes('hold-goes-on') === true;
}

/** A command that ends holds was done, or may have been, since the hold began. */
export function wasEndedByCommand(draft: Draft, afterN: number, since: number): boolean {
  return commandsThatMayHaveEnded(draft, afterN, since).length > 0;
}

function commandsThatMayHaveEnded(
  { twin, kind }: Draft,
  afterN: number,
  since: number,
): readonly LedgerEntry[] {
  const may = ['done', 'pending', 'unknown'];
  return [...twin.open, ...twin.recent].filter(
    ({ n, name, outcome, decidedAt }) =>
      n > afterN &&
      (decidedAt === null || decidedAt >= since) &&
      may.includes(outcome) &&
      commandNamed(kind, name)?.endsHold === true,
  );
}

/** A state that nobody knows may be any; it is no use of the hold. */
function stateOf({ kind }: Draft, report: Report): string {
  const observation = observationOf(kind, report);
  return observation === null ? 'suspect' : worldState(observation);
}
