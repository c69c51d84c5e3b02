/**
 * Hears a report: tells who speaks, orders it by (boot, seq), drops it if it was heard before, files it, and lets only a
 * newer one than all others move the known state (design, section 4).
 */
import { comparePositions, positionText, type Report } from '../machines/report.ts';
import { worldState } from '../machines/statechart.ts';
import type { BootClock } from './clock.ts';
import type { Input } from './decision.ts';
import { DIVERGENCE, divergenceNews } from './divergence.ts';
import type { Draft } from './draft.ts';
import { clockOfPrevious, clockOfLate, clockOfLatest, fileReport } from './filing.ts';
import { mayAnswer } from './freshness.ts';
import { decideWaiting, refuseOverdue } from './guard.ts';
import { type EndedHold, updateHold } from './holds.ts';
import {
  beginIncarnation,
  doubtIfNobodyAnswers,
  previousIncarnationOf,
  noteUncertainBoot,
  settleConflict,
  originOf,
} from './identity.ts';
import { holdClaim } from './leap.ts';
import { hearAnswers, probeIfOpen, probeSoon, takeNumbers } from './probe.ts';
import { reassertIfDue } from './reassert.ts';
import { resolveByReport, resolveOf } from './resolve.ts';
import { echoOfCopy } from './replay.ts';
import { addPosition, countOf, missing } from './sequence.ts';
import { journal, settleHeard } from './settle.ts';
import { hearThrough } from './source.ts';
import { reviewCommands, reviewReport } from './suspicions.ts';
import type { PreviousIncarnation } from './twin.ts';
import { noteFirst } from './two-contents.ts';

/** A report as it came. */
type Heard = Extract<Input, { type: 'report' }>;

/** Decides on a report that the hub's stream stored at `receivedAt`. */
export function hearReport(draft: Draft, came: Heard): void {
  const { twin } = draft;
  const heard = notInFuture(draft, came);
  const { report, receivedAt } = heard;
  const origin = originOf(draft, report, receivedAt);
  if (origin === 'unproved') {
    hearLeap(draft, report, receivedAt);
    return;
  }
  // What a source says for the second time is no sign of life of the device.
  if (report.via === undefined || origin !== 'current' || !isCopy(draft, report))
    twin.lastContactAt = Math.min(Math.max(twin.lastContactAt ?? receivedAt, receivedAt), draft.context.now);
  switch (origin) {
    case 'current':
      hearSelf(draft, heard);
      return;
    case 'reset':
      // By what was known until now: of the incarnation that begins nothing is.
      refuseOverdue(draft);
      beginIncarnation(draft, report, receivedAt);
      hearLatest(draft, heard);
      return;
    case 'previous':
      hearPrevious(draft, report, receivedAt);
      break;
    case 'duplicate-device':
      hearPrevious(draft, report, receivedAt);
      hearOfCommands(draft, report, receivedAt);
      break;
    case 'unattributable':
      countAgain(draft);
      hearOfCommands(draft, report, receivedAt);
      break;
  }
  probeSoon(draft);
  settleContact(draft, report, receivedAt);
}

/**
 * Nothing was received in the future, whatever the clock of the stream says: it would hide a silence for as long, also once it tells the
 * time again, and what was measured would lie in the future as well.
 */
function notInFuture({ context }: Draft, heard: Heard): Heard {
  // A clock tells whole ms: it may be that much later already.
  const latest = context.now + 1 + context.serverErrorMs + Math.ceil(context.uncertainMs ?? 0);
  return heard.receivedAt <= latest ? heard : { ...heard, receivedAt: latest };
}

/** A report whose number leaps: the twin asks first. It is no sign of life, unless it shows that there are two devices. */
function hearLeap(draft: Draft, report: Report, receivedAt: number): void {
  holdClaim(draft, report, receivedAt);
  probeSoon(draft);
  if (draft.twin.suspicions !== draft.before.suspicions) settleContact(draft, report, receivedAt);
}

function hearSelf(draft: Draft, heard: Heard): void {
  const { twin } = draft;
  const { newest } = twin;
  const { report, receivedAt } = heard;
  const sequence = addPosition(twin.sequence, report.boot, report.seq);
  if (sequence === null) {
    hearAgain(draft, report, receivedAt);
    return;
  }
  twin.sequence = sequence;
  if (newest === null || comparePositions(report, newest) > 0) hearLatest(draft, heard);
  else hearLate(draft, report, receivedAt);
}

/**
 * The newest report: the known state follows it. In this order, because each step rests on those before it:
 *
 * 1. what has waited too long is refused, by what was known until now: this report came after its time;
 * 2. the report takes its place in order and time, and is filed: a round trip that it ends makes its own time, and all that is concluded from
 *    that, more certain;
 * 3. conclusions are drawn: what became of commands first, since holds and doubts depend on that;
 * 4. the state follows, and the journal says why;
 * 5. what waited for proof is decided in that state, and only then is anything asked of the device by the twin itself.
 */
function hearLatest(draft: Draft, heard: Heard): void {
  const { twin } = draft;
  const { report, receivedAt } = heard;
  const previous = twin.newest?.report ?? null;
  draft.disposition = 'latest';
  refuseOverdue(draft);
  const isProbeAnswered = takePlace(draft, heard);
  if (twin.via?.doubt === 'replay') {
    // It is not of now, whenever it was measured: no state, hold or outcome follows from it.
    if (isProbeAnswered) decideWaiting(draft);
    settleContact(draft, report, receivedAt);
    return;
  }
  const ended = conclude(draft, heard, { previous, isProbeAnswered });
  followState(draft, report, ended);
  if (isProbeAnswered) decideWaiting(draft);
  reassertIfDue(draft, report);
  probeIfOpen(draft);
}

/** Step 2. True when it answers what the twin has asked. */
function takePlace(draft: Draft, { report, receivedAt, encoding }: Heard): boolean {
  const { twin } = draft;
  const { boot, seq, up } = report;
  takeNumbers(draft, report);
  twin.clock = clockOfLatest(draft, report, receivedAt);
  twin.newest = { boot, seq, up, receivedAt, at: report.at ?? null, report };
  twin.encoding = encoding;
  noteFirst(draft, report);
  const isProbeAnswered = hearAnswers(draft, report, receivedAt);
  fileReport(draft, { report, receivedAt, clock: twin.clock, disposition: 'latest' });
  if (report.via !== undefined || twin.via !== null) hearThrough(draft, report, receivedAt);
  return isProbeAnswered;
}

/** Step 3. Tells how the hold of before has ended, where it has. */
function conclude(
  draft: Draft,
  { report, receivedAt }: Heard,
  known: { readonly previous: Report | null; readonly isProbeAnswered: boolean },
): EndedHold | null {
  const { previous, isProbeAnswered } = known;
  resolveByReport(draft, { report, receivedAt });
  const ended = updateHold(draft, report, previous);
  if (isProbeAnswered || !mayAnswer(draft.twin)) settleConflict(draft, receivedAt);
  reviewReport(draft, report, { previous, ended });
  return ended;
}

/** Step 4. What is worth telling, and moves no state, gets an entry of its own. */
function followState(draft: Draft, report: Report, ended: EndedHold | null): void {
  const detail = `report ${positionText(report)} says ${report.state}`;
  const news = [...divergenceNews(draft), ...clockNews(draft)];
  const isAll = ended === null && news.length === 0 && draft.twin.suspicions === draft.before.suspicions;
  const told = isAll
    ? detail
    : [detail, ...(ended === null ? [] : [ended.detail]), ...news, ...newDoubts(draft)].join('; ');
  const cause = { type: 'report', detail: told } as const;
  const entries = draft.transitions?.length ?? 0;
  settleHeard(draft, cause);
  if (news.length > 0 && (draft.transitions?.length ?? 0) === entries) journal(draft, cause);
}

/** That the bounds of a clock have crossed: the 1st time in a boot, the 2nd, the 4th, and so on; metrics count each. */
function clockNews({ crossed }: Draft): readonly string[] {
  if (crossed === null) return [];
  const { crossings, boot } = crossed;
  if (!Number.isInteger(Math.log2(crossings))) return [];
  const often = crossings === 1 ? '' : `, ${String(crossings)} times in boot ${String(boot)}`;
  return [
    `clock-out-of-bounds${often}: its uptime did not keep pace with the time that passed, or did not begin with its boot, or a server's clock was set; when the reports before this one were measured is less certain`,
  ];
}

/** What is in doubt since now: otherwise the journal would give what the report says for the cause of a doubt about it. */
function newDoubts({ twin, before }: Draft): readonly string[] {
  return twin.suspicions
    .filter(
      ({ reason }) => reason !== DIVERGENCE && !before.suspicions.some((known) => known.reason === reason),
    )
    .map(({ detail }) => `in doubt: ${detail}`);
}

/** An older report that was not heard before: it fills history, and may still prove what became of a command. */
function hearLate(draft: Draft, report: Report, receivedAt: number): void {
  const { twin } = draft;
  draft.disposition = 'late';
  twin.sequence = { ...twin.sequence, late: countOf(twin.sequence.late + 1) };
  takeNumbers(draft, report);
  const clock = clockOfLate(draft, report, receivedAt);
  fileReport(draft, { report, receivedAt, clock, disposition: 'late' });
  noteUncertainBoot(draft, report);
  noteFirst(draft, report);
  hearOfCommands(draft, report, receivedAt);
  hearOlderBoot(draft, report, receivedAt);
  settleContact(draft, report, receivedAt);
  journalCrossing(draft, report);
}

/**
 * What a report that does not become the newest proves about commands of the present incarnation: who is not believed about anything else
 * has executed what it names `done` all the same.
 */
function hearOfCommands(draft: Draft, report: Report, receivedAt: number): void {
  const { twin } = draft;
  const openBefore = twin.open;
  resolveByReport(draft, { report, receivedAt });
  if (twin.open !== openBefore) reviewCommands(draft);
}

/** What came late may show that a clock was out of its bounds long ago. */
function journalCrossing(draft: Draft, report: Report): void {
  const [news] = clockNews(draft);
  if (news === undefined) return;
  const detail = `report ${positionText(report)}, which came late; ${news}`;
  journal(draft, { type: 'report', detail });
}

function isCopy({ twin }: Draft, { boot, seq }: Report): boolean {
  return addPosition(twin.sequence, boot, seq) === null;
}

/** A report heard before: counted, and otherwise only a sign of life; where a source says it, of the source alone. */
function hearAgain(draft: Draft, report: Report, receivedAt: number): void {
  countAgain(draft);
  const { twin } = draft;
  if (report.via !== undefined) {
    draft.echo = echoOfCopy(twin.newest, report, { receivedAt, longAgoMs: draft.kind.limits.silenceMs });
    return;
  }
  hearOlderBoot(draft, report, receivedAt);
  settleContact(draft, report, receivedAt);
}

function countAgain(draft: Draft): void {
  const { twin } = draft;
  draft.disposition = 'duplicate';
  twin.sequence = { ...twin.sequence, duplicates: countOf(twin.sequence.duplicates + 1) };
}

/** What looks older than the newest may be from a buffer, or from a device that counts anew: a probe tells. */
function hearOlderBoot(draft: Draft, report: Report, receivedAt: number): void {
  const { newest, identity } = draft.twin;
  if (newest === null) return;
  doubtIfNobodyAnswers(draft, report, receivedAt);
  const isExpected =
    report.boot === newest.boot && (draft.disposition === 'late' || report.seq === newest.seq);
  if (!isExpected || (identity !== null && identity.rivalAt !== null)) probeSoon(draft);
}

/** A report of a previous incarnation: filed there, under its own order and time. */
function hearPrevious(draft: Draft, report: Report, receivedAt: number): void {
  const { twin } = draft;
  const { newest, identity } = twin;
  const previous =
    newest === null
      ? (identity?.previousIncarnations[0] ?? null)
      : (previousIncarnationOf(draft, { report, receivedAt, newest })?.previous ?? null);
  if (identity === null || previous === null) return;
  const sequence = addPosition(previous.sequence, report.boot, report.seq);
  if (sequence === null) {
    countAgain(draft);
    return;
  }
  draft.disposition = 'late';
  const filled = missing(previous.sequence) - missing(sequence);
  const { late, closedMissing } = twin.sequence;
  twin.sequence = {
    ...twin.sequence,
    late: countOf(late + 1),
    closedMissing: countOf(closedMissing - filled),
  };
  const clock = clockOfPrevious(draft, previous.clock, { report, receivedAt });
  fileReport(draft, { report, receivedAt, clock, disposition: 'late' });
  const told = {
    ...previous,
    ...lastOf(previous, report),
    sequence,
    clock: laterClock(previous.clock, clock),
  };
  const previousIncarnations = identity.previousIncarnations.map((line) => (line === previous ? told : line));
  twin.identity = { ...identity, previousIncarnations };
  const openBefore = twin.open;
  resolveOf(draft, { report, receivedAt }, previous.incarnation);
  if (twin.open !== openBefore) reviewCommands(draft);
  journalCrossing(draft, report);
}

function lastOf(previous: PreviousIncarnation, report: Report): Pick<PreviousIncarnation, 'boot' | 'seq'> {
  const { boot, seq } = comparePositions(report, previous) > 0 ? report : previous;
  return { boot, seq };
}

function laterClock(known: BootClock, other: BootClock): BootClock {
  return other.boot >= known.boot ? other : known;
}

/** A sign of life ends `offline`, and what was proved may end a suspicion; the state is still the newest report's. */
function settleContact(draft: Draft, report: Report, receivedAt: number): void {
  const { twin, before } = draft;
  if (worldState(before.path) !== 'offline' && twin.suspicions === before.suspicions) return;
  const detail = `report ${positionText(report)} is a sign of life; the newest report still counts`;
  settleHeard(draft, { type: 'report', detail }, { at: receivedAt, errorMs: 0 });
}
