/**
 * Reservations as leases on both sides (design, section 4): the DEVICE ends a hold by itself `holdMs` after it began. The
 * server believes a hold that the newest report shows, and takes it for ended when a later report does not show it, or
 * when the device has certainly let go by its own clock.
 */
import type { Report } from '../machines/report.ts';
import { latestAt, measuredAt } from './clock.ts';
import type { Draft } from './draft.ts';
import type { LedgerEntry } from './ledger.ts';
import type { Hold, Suspicion } from './twin.ts';

const PPM = 1e-6;

/** Takes over what the newest report says of a hold. */
export function updateHold(draft: Draft, report: Report): void {
  const { twin, kind } = draft;
  const shown = report.hold ?? null;
  if (shown === null || twin.clock === null) {
    twin.hold = null;
    return;
  }
  const { driftPpm } = kind.limits;
  const known = twin.hold?.id === shown.id ? twin.hold : null;
  const { at } = measuredAt(twin.clock, report.up, driftPpm);
  const certainUntil =
    latestAt(twin.clock, report.up, driftPpm) +
    shown.leftMs * (1 + driftPpm * PPM) +
    draft.context.serverErrorMs;
  const hold: Hold = {
    id: shown.id,
    by: known === null ? (reserveWithId(draft, shown.id)?.by ?? null) : known.by,
    since: known?.since ?? at,
    until: at + shown.leftMs,
    certainUntil,
  };
  twin.hold = certainUntil <= draft.context.now ? null : hold;
}

/** The device holds itself for somebody the server never reserved it for: a ghost, or a cancelled hold come back. */
export function holdDivergence(draft: Draft, report: Report): Omit<Suspicion, 'since'> | null {
  const shown = report.hold ?? null;
  if (shown === null || draft.twin.hold === null) return null;
  if (draft.before.hold?.id === shown.id && !isDoubted(draft)) return null;
  if (reserveWithId(draft, shown.id) !== null) return null;
  return {
    reason: 'divergence',
    detail: `the device holds itself for ${shown.id}, which the ledger never reserved it for`,
  };
}

/** Ends a hold that the device has certainly let go by its own clock, though no report has said so yet. */
export function expireHold(draft: Draft): boolean {
  const { twin, context } = draft;
  if (twin.hold === null || context.now < twin.hold.certainUntil) return false;
  twin.hold = null;
  return true;
}

function isDoubted(draft: Draft): boolean {
  return draft.before.suspicions.some(({ reason }) => reason === 'divergence');
}

function reserveWithId({ twin }: Draft, id: string): LedgerEntry | null {
  const isIt = (entry: LedgerEntry): boolean => entry.id === id && entry.holdMs !== null;
  return twin.open.find(isIt) ?? twin.recent.find(isIt) ?? null;
}
