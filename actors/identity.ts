/**
 * Who speaks under a device's name (design, section 4, "Incarnations"; case 31).
 *
 * One device goes up in (boot, seq). What goes down is an old report from a buffer, a device whose storage was wiped or set
 * back, or a second device. A probe tells them apart: an old report cannot name a command that was sent after the newer
 * boot, or the newer report, is known to have been there.
 *
 * - A report that looks old and names a fresh number begins a new incarnation: ordering from zero. Late reports of previous
 *   incarnations are told by their position, and filed there.
 * - If both answer, or that happens again while both are heard, there are two devices. Nobody is believed then:
 *   `identity-conflict`, until one of them has been silent for as long as the kind allows, and the other answers.
 * - Who keeps no ring answers nothing: that there are two shows where both go on beside each other (`second-device.ts`).
 * - Duplicates are not evidence of liveness. For a boot of uncertain incarnation, a report at or below the highest stored seq counts as a
 *   duplicate.
 */
import { comparePositions, positionText, type Report } from '../machines/report.ts';
import { withEnd } from './boot-order.ts';
import { begunBy, earliestAt, latestAt } from './clock.ts';
import { addClock, type Draft } from './draft.ts';
import { brokenBefore } from './filing.ts';
import { adoptClaim, ARRIVAL_JITTER_MS, isClaimRepeated, isHeld, isHeldBoot, isLeap } from './leap.ts';
import { endRun, followOlder } from './older-run.ts';
import { closeAsUnprovable, resolveByOther } from './resolve.ts';
import { isNamed, isNamedSince } from './ring.ts';
import { adoptBoot, beginSequence, hasBoot, lastSeq, type SequenceSet } from './sequence.ts';
import { followSecond } from './second-device.ts';
import { journal } from './settle.ts';
import { answersOf, answersSince } from './signs-of-life.ts';
import { clearConflict, raiseConflict } from './suspicions.ts';
import { type PreviousIncarnation, type NewestReport, type Twin, UNDOUBTED } from './twin.ts';
import { raiseIfImpossible, UP_JITTER_MS } from './two-contents.ts';

/** Boots of one incarnation are less far apart than this: a storage that begins to count elsewhere is another one. */
const INCARNATION_BOOTS_MAX = 100_000;

/** Previous incarnations kept. A late report of an older one is attributed to the current incarnation. */
export const PREVIOUS_INCARNATIONS_MAX = 4;

/** Boots of uncertain incarnation kept. A duplicate of an older one may be taken for a sign of life, and filed again. */
export const UNCERTAIN_BOOTS_MAX = 4;

/** A report beside the newest that is known. */
interface Heard {
  readonly report: Report;
  readonly receivedAt: number;
  readonly newest: NewestReport;
}

/**
 * Who made a report.
 * - `current`: the present incarnation, as far as anybody knows;
 * - `reset`: the device, which has begun to count anew;
 * - `previous`: a previous incarnation, from a buffer;
 * - `duplicate-device`: a previous incarnation again, though it cannot be: a second device;
 * - `unattributable`: its number cannot be, and nothing proves whose it is;
 * - `unproved`: its number leaps, and nothing proves it yet.
 */
export type ReportOrigin =
  'current' | 'reset' | 'previous' | 'duplicate-device' | 'unattributable' | 'unproved';

/** Tells who made the report. Raises the conflict where two devices show. */
export function originOf(draft: Draft, report: Report, receivedAt: number): ReportOrigin {
  const { newest } = draft.twin;
  if (newest === null) {
    if (isOfEnded(draft.twin, receivedAt)) return 'previous';
    goOnAfterEnd(draft, report, receivedAt);
    return 'current';
  }
  const heard = { report, receivedAt, newest };
  const found = previousIncarnationOf(draft, heard);
  const isLeaping = isHeldBoot(draft, report) || isLeapOf(draft, heard, found);
  if (isLeaping && !isLeapProved(draft, heard)) return unprovedOf(draft, heard);
  const beside = found === null ? null : originAmongPrevious(draft, heard, found);
  if (beside !== null) return beside;
  const runsBack = runsBackwards(report, newest) && brokenBefore(draft, report, receivedAt) === null;
  if (comparePositions(report, newest) > 0 && !runsBack) {
    // Only what becomes the newest takes over what was held up to it: else positions beyond the newest would count as seen.
    adoptClaim(draft, report);
    endRun(draft, receivedAt);
    return 'current';
  }
  if (!runsBack && !isAliveNow(draft, report, newest)) {
    raiseIfImpossible(draft, heard);
    return originOfRun(draft, heard);
  }
  if (!runsBack && isOfUncertainBoot(draft.twin, report) && isOldIn(draft.twin.sequence, report))
    return 'current';
  if (mayBeginAnew(draft, heard, runsBack)) return 'reset';
  raiseConflict(draft, receivedAt, `${positionText(report)} and ${positionText(newest)} are both alive`);
  return runsBack ? 'unattributable' : 'current';
}

/** An engineer has ended the incarnation that spoke when the hub stored this. */
function isOfEnded({ identity }: Twin, receivedAt: number): boolean {
  const [last] = identity?.previousIncarnations ?? [];
  return last !== undefined && receivedAt <= last.endedAt;
}

/**
 * Where the boot goes on after somebody's word has ended the incarnation, what was heard of it before is not missing, and is not filed again.
 * Another start that has the same number is told by its uptime.
 */
function goOnAfterEnd({ twin, kind }: Draft, report: Report, receivedAt: number): void {
  const { boot, seq, up } = report;
  const [last] = twin.identity?.previousIncarnations ?? [];
  if (last?.boot !== boot || last.clock.boot !== boot || seq <= last.seq) return;
  const { latest, endedUp } = last.clock;
  const passedMs = (receivedAt - latest.at) * (1 + kind.limits.driftPpm * 1e-6);
  const isLater = up + UP_JITTER_MS >= (endedUp ?? latest.up);
  if (!isLater || up - latest.up > passedMs + ARRIVAL_JITTER_MS) return;
  twin.sequence = adoptBoot(twin.sequence, last.sequence, boot, seq);
}

/** Whether the report's number leaps above the newest report; in a previous incarnation only `seq` can. */
function isLeapOf({ twin }: Draft, { report, receivedAt, newest }: Heard, found: Found | null): boolean {
  const passedMs = receivedAt - newest.receivedAt;
  if (found === null) {
    const known = { last: newest, seen: twin.sequence, highestBoot: newest.boot };
    return isLeap(report, { ...known, passedMs });
  }
  const { previous } = found;
  return isLeap(report, { last: previous, seen: previous.sequence, highestBoot: report.boot, passedMs });
}

/** Whether a report that leaps is to be believed. Raises the conflict where who leaps and who does not answered the same probe. */
function isLeapProved(draft: Draft, heard: Heard): boolean {
  const { report, receivedAt, newest } = heard;
  if (isHeld(draft, report)) return false;
  if (isAliveNow(draft, report, newest) || isClaimRepeated(draft, heard)) return true;
  const { claim } = draft.twin;
  if (claim?.boot !== report.boot) return false;
  if (answersSince(draft, report, claim.since).some(({ n }) => isNamed(newest.report, n)))
    raiseConflict(draft, receivedAt, `${positionText(report)} and ${positionText(newest)} are both alive`);
  return false;
}

/** What looks older than the newest report is the present incarnation's, unless it goes on by itself: then that begins anew. */
function originOfRun(draft: Draft, heard: Heard): 'current' | 'reset' {
  const finding = followOlder(draft, heard);
  if (finding === 'alive') return 'reset';
  if (finding === 'doubtful') raiseConflict(draft, heard.receivedAt, goesOnBeside(heard));
  else doubtIfSecond(draft, heard);
  return 'current';
}

/** What leaps and is not believed moves nothing; where it goes on beside the newest report, neither is believed. */
function unprovedOf(draft: Draft, heard: Heard): 'unproved' {
  doubtIfSecond(draft, heard);
  return 'unproved';
}

function doubtIfSecond(draft: Draft, heard: Heard): void {
  if (!followSecond(draft, heard)) return;
  const { report, newest, receivedAt } = heard;
  const detail =
    report.boot === newest.boot
      ? `boot ${String(report.boot)} goes on twice at once: there are two devices`
      : `boot ${String(report.boot)} and boot ${String(newest.boot)} go on beside each other: there are two devices`;
  raiseConflict(draft, receivedAt, detail);
}

function goesOnBeside({ report, newest }: Heard): string {
  return `${positionText(report)} goes on though it is older than ${positionText(newest)}: the device was started without counting, or there are two`;
}

/** Whether a previous incarnation made the report, as `found` says it may; `null` where it did not. */
function originAmongPrevious(draft: Draft, heard: Heard, found: Found): ReportOrigin | null {
  const { report, receivedAt, newest } = heard;
  const { previous, isByNumber } = found;
  const { twin } = draft;
  const isNamingProof = isNamedSince(report, previous.provedBy);
  const isOld = isOldIn(previous.sequence, report);
  const isWithin = isByNumber && !isOld && isBetween(draft, previous, heard);
  if (isWithin || (isNamingProof && isByNumber && !(isOld && isOfUncertainBoot(twin, report)))) {
    twin.sequence = adoptBoot(twin.sequence, previous.sequence, report.boot, report.seq);
    return null;
  }
  if (isOld) return originOfRun(draft, heard) === 'reset' ? 'reset' : 'previous';
  const isAfterEnd = isNamingProof || isMeasuredAfter(draft, previous, report, previous.endedAt);
  if (!isAfterEnd && originOfRun(draft, heard) !== 'reset') return 'previous';
  if (!isAfterEnd || receivedAt - newest.receivedAt >= draft.kind.limits.silenceMs) {
    twin.sequence = adoptBoot(twin.sequence, previous.sequence, report.boot, report.seq);
    return 'reset';
  }
  const detail = `boot ${String(report.boot)} goes on while boot ${String(newest.boot)} answers`;
  raiseConflict(draft, receivedAt, detail);
  return 'duplicate-device';
}

/** A previous incarnation, and how a report was told to be of it. */
interface Found {
  readonly previous: PreviousIncarnation;
  /** Told by the number of the boot, not by the time at which it began. */
  readonly isByNumber: boolean;
}

/**
 * The previous incarnation that a report belongs to, judged by boot number: the one that has seen the boot; otherwise the latest one, if
 * the boot is within INCARNATION_BOOTS_MAX below its last boot. `null` for none.
 */
export function previousIncarnationOf(draft: Draft, heard: Heard): Found | null {
  const { report, newest } = heard;
  const { identity, sequence } = draft.twin;
  const previousIncarnations = identity?.previousIncarnations ?? [];
  const [last] = previousIncarnations;
  if (last === undefined) return null;
  if (isOfFirstStart(draft, last, heard)) return { previous: last, isByNumber: true };
  if (hasBoot(sequence, report.boot)) return null;
  const known = previousIncarnations.find((previous) => hasBoot(previous.sequence, report.boot));
  if (known !== undefined) return { previous: known, isByNumber: true };
  if (comparePositions(report, newest) < 0) return null;
  const isByNumber = comparePositions(report, last) <= 0 && isNearBelow(report.boot, last.boot);
  return isByNumber || overlaps(draft, heard) ? { previous: last, isByNumber } : null;
}

/** Of a boot that was begun twice: its uptime is that of the first start, and cannot be that of the second yet. */
function isOfFirstStart(
  { kind }: Draft,
  last: PreviousIncarnation,
  { report, receivedAt, newest }: Heard,
): boolean {
  if (report.boot !== newest.boot || !hasBoot(last.sequence, report.boot)) return false;
  if (!isOldIn(last.sequence, report)) return false;
  const passedMs = (receivedAt - newest.receivedAt) * (1 + kind.limits.driftPpm * 1e-6);
  return report.up - newest.up > passedMs + ARRIVAL_JITTER_MS;
}

/** Begins a new incarnation: the report is the first of it. Its ordering starts from zero. */
export function beginIncarnation(draft: Draft, report: Report, receivedAt: number): void {
  const { twin } = draft;
  const { probe, sequence } = twin;
  const cause = provedBy(draft, report);
  resolveByOther(draft, { report, receivedAt });
  const isProof = probe !== null && probe.status !== 'answered' && isNamed(report, probe.n);
  endIncarnation(draft, { cause, provedBy: isProof ? probe.n : twin.lastN + 1, endedAt: receivedAt });
  twin.sequence = beginSequence(sequence, report);
  adoptUncertainBoots(draft, report, sequence);
  journal(draft, { type: 'report', detail: cause });
}

/** Ends the present incarnation. What is heard next is of another one; until then nothing is known. */
export function endIncarnation(
  draft: Draft,
  end: { readonly cause: string } & Pick<PreviousIncarnation, 'provedBy' | 'endedAt'>,
): void {
  const { twin } = draft;
  const { newest, clock, sequence } = twin;
  const { cause, provedBy, endedAt } = end;
  closeAsUnprovable(draft, cause);
  clearConflict(draft);
  if (newest !== null && clock !== null) {
    addClock(draft, clock);
    const { boot, seq } = newest;
    const previous: PreviousIncarnation = {
      incarnation: twin.incarnation,
      boot,
      seq,
      clock: withEnd(clock, newest),
      sequence,
      provedBy,
      endedAt,
    };
    const identity = twin.identity ?? UNDOUBTED;
    const previousIncarnations = [previous, ...identity.previousIncarnations].slice(
      0,
      PREVIOUS_INCARNATIONS_MAX,
    );
    twin.identity = { ...identity, rivalAt: null, previousIncarnations, run: null, second: null };
  }
  twin.incarnation += 1;
  twin.sequence = beginSequence(sequence, null);
  twin.newest = null;
  twin.first = null;
  twin.clock = null;
  twin.olderClocks = [];
  twin.hold = null;
  twin.via = null;
}

/**
 * Notes the boot of a report that was filed late under the present incarnation, and names the last probe or a later number, or a command
 * that was sent since: only a live device does, so the report may be of another incarnation. It was filed; what comes of it again is a duplicate.
 */
export function noteUncertainBoot(draft: Draft, report: Report): void {
  const { twin } = draft;
  const { probe, newest, identity } = twin;
  if (newest === null || report.boot === newest.boot) return;
  const isNamingProbe = probe !== null && isNamedSince(report, probe.n);
  if (!isNamingProbe && !isAliveNow(draft, report, newest)) return;
  const known = identity ?? UNDOUBTED;
  const others = known.uncertainBoots.filter((uncertain) => uncertain !== report.boot);
  twin.identity = { ...known, uncertainBoots: [report.boot, ...others].slice(0, UNCERTAIN_BOOTS_MAX) };
}

/**
 * A conflict ends when a probe is answered and no second device was heard for as long as the kind allows silence: it would
 * have reported by then. A device that answers nothing has only that silence to settle it, and its own next report.
 */
export function settleConflict(draft: Draft, receivedAt: number): void {
  const rivalAt = draft.twin.identity?.rivalAt ?? null;
  if (rivalAt !== null && receivedAt - rivalAt >= draft.kind.limits.silenceMs) clearConflict(draft);
}

/** For as long as the kind allows silence only boots before the newest were heard, and nobody answers: who is this? */
export function doubtIfNobodyAnswers(draft: Draft, report: Report, receivedAt: number): void {
  const { probe, newest } = draft.twin;
  if (probe === null || newest === null || probe.waitsUntil !== null || probe.status === 'answered') return;
  if (report.boot >= newest.boot || probe.sentAt <= newest.receivedAt) return;
  if (receivedAt - newest.receivedAt < draft.kind.limits.silenceMs) return;
  const detail = `boot ${String(report.boot)} is heard, boot ${String(newest.boot)} is not, and nobody answers`;
  raiseConflict(draft, receivedAt, detail);
}

/** A later number of the same boot with an earlier uptime: the boot was not counted, or there are two of it. */
function runsBackwards(report: Report, newest: NewestReport): boolean {
  return report.boot === newest.boot && report.seq > newest.seq && report.up + UP_JITTER_MS < newest.up;
}

/** It names what was sent after all that is known of the newest report: it is no old report. */
function isAliveNow(draft: Draft, report: Report, newest: NewestReport): boolean {
  return answersOf(draft, report, newest).length > 0;
}

/**
 * Not if the incarnation that is believed answered the same: then there are two. Nor while it is still heard, if it was put in doubt before.
 */
function mayBeginAnew(draft: Draft, { report, receivedAt, newest }: Heard, runsBack: boolean): boolean {
  const { identity } = draft.twin;
  const { silenceMs } = draft.kind.limits;
  if (receivedAt - newest.receivedAt >= silenceMs) return true;
  if (!runsBack && answersOf(draft, report, newest).some(({ n }) => isNamed(newest.report, n))) return false;
  if (identity === null) return true;
  const { rivalAt, previousIncarnations } = identity;
  const [last] = previousIncarnations;
  return rivalAt === null && (last === undefined || receivedAt - last.endedAt >= silenceMs);
}

/** Whether reports of its boot were filed though they may be of another incarnation. */
function isOfUncertainBoot({ identity }: Twin, { boot }: Report): boolean {
  return identity?.uncertainBoots.includes(boot) ?? false;
}

/** A duplicate or out-of-order report, by what was filed of its boot: it is not new evidence. */
function isOldIn(filed: SequenceSet, { boot, seq }: Report): boolean {
  return seq <= lastSeq(filed, boot);
}

/** Carries over seqs already stored under the old incarnation (`before`), so that they are not stored twice. */
function adoptUncertainBoots({ twin }: Draft, { boot }: Report, before: SequenceSet): void {
  const { identity } = twin;
  if (identity === null) return;
  const [previous] = identity.previousIncarnations;
  const isOwn = (uncertain: number): boolean => isNearBelow(uncertain, boot);
  for (const uncertain of identity.uncertainBoots)
    if (isOwn(uncertain) && uncertain !== boot)
      twin.sequence = adoptBoot(twin.sequence, before, uncertain, Infinity);
  const isLeft = (uncertain: number): boolean =>
    !isOwn(uncertain) && (previous === undefined || !isNearBelow(uncertain, previous.boot));
  twin.identity = { ...identity, uncertainBoots: identity.uncertainBoots.filter(isLeft) };
}

/** One incarnation may have counted from the one to the other. */
function isNearBelow(boot: number, other: number): boolean {
  return boot <= other && other - boot <= INCARNATION_BOOTS_MAX;
}

/**
 * The report was measured when the previous incarnation had ended, and before the present boot, a later one, had begun: an operator has begun a new
 * count while the device could not be heard, and it went on in its boot for a while.
 */
function isBetween(draft: Draft, previous: PreviousIncarnation, { report, newest }: Heard): boolean {
  const { clock, identity } = draft.twin;
  const [last] = identity?.previousIncarnations ?? [];
  if (clock === null || last === undefined || report.boot >= newest.boot) return false;
  if (!isMeasuredAfter(draft, previous, report, last.endedAt)) return false;
  const { driftPpm } = draft.kind.limits;
  return latestAt(previous.clock, report.up, driftPpm) <= begunBy(clock, driftPpm);
}

/** By the clock of its boot, as the incarnation of the report knows it. */
function isMeasuredAfter(
  { kind }: Draft,
  { clock }: PreviousIncarnation,
  report: Report,
  at: number,
): boolean {
  if (clock.boot !== report.boot) return false;
  return (earliestAt(clock, report.up, kind.limits.driftPpm) ?? -Infinity) > at;
}

/** The report's boot had begun before the newest report, of a lower boot, was measured: one device has one boot at a time. */
function overlaps({ twin, kind }: Draft, heard: Heard): boolean {
  if (twin.clock === null) return false;
  const { driftPpm } = kind.limits;
  const measured = earliestAt(twin.clock, heard.newest.up, driftPpm);
  const hadBegunBy = heard.receivedAt - heard.report.up * (1 - driftPpm * 1e-6);
  return measured !== null && hadBegunBy < measured;
}

function provedBy(draft: Draft, report: Report): string {
  const { newest, identity } = draft.twin;
  const position = `report ${positionText(report)}`;
  if (newest === null) return `${position} goes on, and who counted anew has fallen silent`;
  if (runsBackwards(report, newest))
    return `${position} has an earlier uptime than ${positionText(newest)}: the device counts anew`;
  const [answer] = answersOf(draft, report, newest);
  if (answer !== undefined)
    return `${position} answers ${answer.what} sent after the newest report: the device counts its boots anew`;
  return identity?.run?.boot === report.boot
    ? `${position} goes on, and ${positionText(newest)} has fallen silent: the device counts anew`
    : `${position} goes on, and who counted anew has fallen silent`;
}
