/**
 * What no single device can have sent. A copy has the content of what it is a copy of (protocol, "Delivery"): a number that comes back with
 * another uptime, state or sensor is of another report. Who was started without counting that says the same numbers anew, and so does a
 * second device that counts alike.
 *
 * Contents are not kept, but for two: that of the newest report, and that of the first one of its boot, with which every start begins
 * that is not counted. Of what looks older than the newest the last uptime is kept (`older-run.ts`).
 */
import { positionText, type Report } from '../machines/report.ts';
import type { Draft } from './draft.ts';
import { hasAnswered } from './freshness.ts';
import { isAnswerMissed } from './older-run.ts';
import { contentOf } from './replay.ts';
import { raiseConflict } from './suspicions.ts';
import type { FirstReport, NewestReport } from './twin.ts';

/** Within a boot the uptime of a later report is never lower than this below that of an earlier one, ms. */
export const UP_JITTER_MS = 10_000;

/** A report that is not newer than the newest. */
interface Heard {
  readonly report: Report;
  readonly receivedAt: number;
  readonly newest: NewestReport;
}

/** Raises the conflict where one position comes with two contents, or an earlier number with a later uptime. */
export function raiseIfImpossible(draft: Draft, heard: Heard): void {
  const { report, newest, receivedAt } = heard;
  const position = positionText(report);
  if (isNewestOtherwise(heard) || (isKnownOtherwise(draft, heard) && isAnswerInVain(draft, heard)))
    raiseConflict(draft, receivedAt, `position ${position} came with two contents`);
  else if (isLaterByUptime(draft, heard))
    raiseConflict(draft, receivedAt, `${position} is later by its uptime than ${positionText(newest)}`);
}

/**
 * Notes the first report of the newest boot that was heard, by which a copy of it is told from another start. Who names commands is asked
 * who is alive, and of whom a source speaks for the source answers: nothing is noted of these.
 */
export function noteFirst({ twin }: Draft, report: Report): void {
  const { newest, first } = twin;
  if (newest?.boot !== report.boot) return;
  const known = first?.boot === report.boot ? first : null;
  // Where none is known of the boot, the newest report is the first that can be.
  if (known === null ? newest.report !== report : known.seq < report.seq) return;
  twin.first = report.via === undefined && !hasAnswered(twin) ? firstOf(report) : null;
}

function firstOf(report: Report): FirstReport {
  const { boot, seq, up } = report;
  return { boot, seq, up, content: contentOf(report) };
}

function isNewestOtherwise({ report, newest }: Heard): boolean {
  if (report.boot !== newest.boot || report.seq !== newest.seq) return false;
  return report.up !== newest.up || contentOf(report) !== contentOf(newest.report);
}

/** It bears the number of what is known to have had another content. */
function isKnownOtherwise({ twin }: Draft, { report }: Heard): boolean {
  if (report.via !== undefined) return false;
  const { boot, seq, up } = report;
  const { first, identity } = twin;
  const run = identity?.run;
  if (run?.boot === boot && run.seq === seq && run.up !== up) return true;
  if (first?.boot !== boot || first.seq !== seq) return false;
  return first.up !== up || first.content !== contentOf(report);
}

/** Nobody could tell by an answer who is alive, or it was asked, and nobody did for as long as the kind allows silence. */
function isAnswerInVain({ twin, kind }: Draft, { report, newest, receivedAt }: Heard): boolean {
  if (report.commands === undefined && !hasAnswered(twin)) return true;
  return receivedAt - newest.receivedAt >= kind.limits.silenceMs && isAnswerMissed(twin, newest);
}

function isLaterByUptime({ twin: { clock } }: Draft, { report, newest }: Heard): boolean {
  if (report.boot !== newest.boot || report.seq >= newest.seq) return false;
  // Uptimes of two segments of a clock say nothing about each other.
  if (clock !== null && report.seq < clock.fromSeq) return false;
  return report.up > newest.up + UP_JITTER_MS;
}
