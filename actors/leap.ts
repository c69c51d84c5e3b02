/**
 * A report whose number leaps: its boot, or its number within a boot, is so far above everything heard that no device counts there in
 * the meantime. A device that really does (its storage was swapped, its count begins with the date) says so again; a forged message
 * would otherwise make everything the device says from then on look old, for good.
 *
 * So it is held as a claim: it moves nothing and is no sign of life, and the twin asks for a report. Where its boot leaps it is filed in
 * history all the same: a blank storage may begin anywhere, and nothing of it is to be lost. It is believed
 * - when a report that leaps answers a probe that was sent after the newest report had been received;
 * - of a device that keeps no ring, and so cannot answer: when the next one agrees with it, in the same boot or in a later one, and nothing
 *   newer was heard between them;
 * - of any other, if what leaps is all that was heard for as long as the kind allows silence: who is deaf cannot answer either.
 *
 * Only the last claim is kept, and in bounded room what was filed so far, so that a copy is not filed again.
 */
import { comparePositions, type Report } from '../machines/report.ts';
import { observeNoLater, startClock } from './clock.ts';
import { addClock, type Draft } from './draft.ts';
import { fileReport } from './filing.ts';
import { mayAnswer } from './freshness.ts';
import {
  addPosition,
  adoptBoot,
  countOf,
  EMPTY_SEQUENCE,
  hasBoot,
  lastSeq,
  type SequenceSet,
} from './sequence.ts';
import type { Claim, NewestReport } from './twin.ts';

/** A number further than this above the last one known is not taken on one message's word. A boot may be further by one a second since. */
export const LEAP_MAX = 2 ** 20;

/** A report may come so much sooner after the one before than it was measured after it, ms: that one was longer on its way. */
export const ARRIVAL_JITTER_MS = 10_000;

/** A report that leaps, beside the newest that is known. */
interface Heard {
  readonly report: Report;
  readonly receivedAt: number;
  readonly newest: NewestReport;
}

/** What a number would leap above: an incarnation, as far as it was heard, and the highest boot that is known of the device. */
interface Known {
  /** The newest position of the incarnation. */
  readonly last: { readonly boot: number; readonly seq: number };
  readonly seen: SequenceSet;
  readonly highestBoot: number;
  /** The time since that was heard, ms. */
  readonly passedMs: number;
}

/** Whether the report's number leaps above what is known of the incarnation that the report would be of. */
export function isLeap(report: Report, { last, seen, highestBoot, passedMs }: Known): boolean {
  if (comparePositions(report, last) <= 0) return false;
  const { boot, seq } = report;
  if (isBootLeap(boot - highestBoot, passedMs)) return true;
  return seq > LEAP_MAX && seq - lastSeq(seen, boot) > LEAP_MAX;
}

/** Boots that are the seconds of a clock grow by one a second while the device is off. */
function isBootLeap(distance: number, passedMs: number): boolean {
  return distance > LEAP_MAX + Math.max(0, passedMs) / 1_000;
}

/** Holds a report that leaps, and files it if its boot alone does. A copy is counted as one, and proves nothing. */
export function holdClaim(draft: Draft, report: Report, receivedAt: number): void {
  const { twin, kind } = draft;
  const { boot, seq, up } = report;
  const known = twin.claim?.boot === boot ? twin.claim : null;
  const before = twin.claim?.seen ?? EMPTY_SEQUENCE;
  // What goes on with a boot that is held is filed as its beginning was, also when a boot close to it is believed by now.
  const { newest } = twin;
  const leapsByBoot =
    newest !== null &&
    (isBootLeap(boot - newest.boot, receivedAt - newest.receivedAt) || isHeldBoot(draft, report));
  const isFiled = leapsByBoot && (seq <= LEAP_MAX || seq - lastSeq(before, boot) <= LEAP_MAX);
  const seen = isFiled ? withHeld(before, boot, seq) : before;
  if (seen === null) {
    draft.disposition = 'duplicate';
    twin.sequence = { ...twin.sequence, duplicates: countOf(twin.sequence.duplicates + 1) };
    return;
  }
  draft.disposition = 'held';
  const clock =
    known === null
      ? startClock({ incarnation: twin.incarnation, boot, seq, up, receivedAt })
      : observeNoLater(known.clock, { up, at: receivedAt }, kind.limits.driftPpm);
  twin.claim = { boot, seq, up, receivedAt, since: known?.since ?? receivedAt, seen, clock };
  if (!isFiled) return;
  addClock(draft, clock);
  fileReport(draft, { report, receivedAt, clock, disposition: 'late' });
}

/** `seen` with the position in it, `null` for a copy. A boot that is closed there, as too many were held, begins anew. */
function withHeld(seen: SequenceSet, boot: number, seq: number): SequenceSet | null {
  const next = addPosition(seen, boot, seq);
  return next !== null || hasBoot(seen, boot) ? next : addPosition(EMPTY_SEQUENCE, boot, seq);
}

/** The report is believed: what was filed up to it is not filed again. What is still ahead of it stays held. */
export function adoptClaim({ twin }: Draft, { boot, seq }: Report): void {
  const { claim } = twin;
  if (claim === null) return;
  const { ranges } = claim.seen;
  const boots = new Set(ranges.filter((_, index) => index % 3 === 0));
  for (const held of boots) {
    if (held > boot || hasBoot(twin.sequence, held)) continue;
    twin.sequence = adoptBoot(twin.sequence, claim.seen, held, held === boot ? seq : Infinity);
  }
  const isAhead = Math.max(0, ...boots) > boot;
  twin.claim = isAhead ? claim : null;
}

/** Whether something of the report's boot was filed that is ahead of the newest report: it stays held until it is believed. */
export function isHeldBoot({ twin: { claim, newest } }: Draft, { boot }: Report): boolean {
  return claim !== null && newest !== null && boot > newest.boot && hasBoot(claim.seen, boot);
}

/** What is not after all that was held of its boot is a copy, or out of order. */
export function isHeld({ twin: { claim } }: Draft, { boot, seq }: Report): boolean {
  return claim !== null && seq <= lastSeq(claim.seen, boot);
}

/** The claim that the report goes on from as one device would, with nothing newer heard in between, is believed without an answer. */
export function isClaimRepeated({ twin, kind }: Draft, { report, receivedAt, newest }: Heard): boolean {
  const { claim } = twin;
  if (claim === null || newest.receivedAt > claim.receivedAt) return false;
  const { driftPpm, silenceMs } = kind.limits;
  const passedMs = (receivedAt - claim.receivedAt) * (1 + driftPpm * 1e-6) + ARRIVAL_JITTER_MS;
  if (!isNext(claim, report, passedMs)) return false;
  return !mayAnswer(twin) || receivedAt - newest.receivedAt >= silenceMs;
}

/** It is measured later in the same boot, or in one that began after the claim was received. */
function isNext(claim: Claim, { boot, seq, up }: Report, passedMs: number): boolean {
  if (boot !== claim.boot)
    return boot > claim.boot && boot - claim.boot <= LEAP_MAX && seq <= LEAP_MAX && up <= passedMs;
  const grownMs = up - claim.up;
  return seq > claim.seq && seq - claim.seq <= LEAP_MAX && grownMs > 0 && grownMs <= passedMs;
}
