/**
 * The timeline: what a device WAS, by measured time, late reports included.
 *
 * It is a fold over the device's reports in the order in which the device made them. When a report arrived, and whether it
 * was news or late then, does not enter: a late report changes the answer, the order of arrival never does. A time is the
 * report's measured time, which follows from its uptime, so that differences within a boot are the device's own.
 *
 * Invariants:
 * I1  reports are folded in ascending (incarnation, boot, seq), each once.
 * I2  intervals tile: each begins where the one before it ends, and no two neighbours have the same state.
 * I3  time never runs back. Between two boots measured times may overlap by their errors; the later one gives way.
 * I4  a fold is plain JSON data: it may be put aside after any report, and gives the same intervals when it goes on.
 */
import { countOf } from './sequence.ts';

/** What the timeline reads of a report in history. Times in ms epoch. */
export interface TimelineReport {
  readonly incarnation: number;
  readonly boot: number;
  readonly seq: number;
  /** What the device itself believed. */
  readonly state: string;
  readonly measuredAt: number;
  /** `measuredAt` is right within ± this, ms; `null` where no round trip bounds it. */
  readonly errorMs: number | null;
}

/** A time in which the device was in one state, as it said itself. Times in ms epoch. */
export interface TimelineInterval {
  readonly state: string;
  /** When its first report was measured. */
  readonly from: number;
  /** `from` is right within ± this, ms; `null` where no round trip bounds it. */
  readonly errorMs: number | null;
  /** When the first report of another state was measured; `null` while there is none. */
  readonly to: number | null;
  /** Position of its first report. */
  readonly incarnation: number;
  readonly boot: number;
  readonly seq: number;
  /** When its last report was measured. From here to `to` the state is inferred: the device reports every change. */
  readonly lastReportAt: number;
  readonly reports: number;
  /** Holes in the device's numbering that lie in it: in each, the device may have been in another state for a while. */
  readonly gaps: number;
  /** Reports in those holes, as far as they can be counted. */
  readonly missing: number;
  /** Restarts of the device in it, after which it was in the same state again. */
  readonly reboots: number;
}

/** The timeline so far: the interval that is not closed yet, and the position of the last report folded. */
export interface TimelineFold {
  readonly open: TimelineInterval & { readonly to: null };
  readonly last: Pick<TimelineReport, 'incarnation' | 'boot' | 'seq'>;
}

/** Takes the next report; `fold` is `null` before the first one. `closed` is the interval it ended. Throws against I1. */
export function foldReport(
  fold: TimelineFold | null,
  report: TimelineReport,
): { readonly fold: TimelineFold; readonly closed: TimelineInterval | null } {
  const { incarnation, boot, seq, state, errorMs } = report;
  const last = { incarnation, boot, seq };
  if (fold === null) {
    return { fold: { open: begin(report, report.measuredAt, errorMs), last }, closed: null };
  }
  const at = Math.max(report.measuredAt, fold.open.lastReportAt);
  const hole = holeBetween(fold.last, report);
  const before = hole.isHole
    ? { ...fold.open, gaps: fold.open.gaps + 1, missing: countOf(fold.open.missing + hole.missing) }
    : fold.open;
  if (state !== before.state) {
    return { fold: { open: begin(report, at, errorMs), last }, closed: { ...before, to: at } };
  }
  const reboots = before.reboots + (isSameBoot(fold.last, report) ? 0 : 1);
  return {
    fold: { open: { ...before, lastReportAt: at, reports: before.reports + 1, reboots }, last },
    closed: null,
  };
}

/** The whole timeline of these reports; the last interval is open. */
export function timelineOf(reports: Iterable<TimelineReport>): readonly TimelineInterval[] {
  const intervals: TimelineInterval[] = [];
  let fold: TimelineFold | null = null;
  for (const report of reports) {
    const step = foldReport(fold, report);
    if (step.closed !== null) intervals.push(step.closed);
    fold = step.fold;
  }
  return fold === null ? [] : [...intervals, fold.open];
}

/** A stretch of time, ms epoch: `from` is in it, `to` is not; `null` where it has no end on that side. */
export interface TimelineWindow {
  readonly from: number | null;
  readonly to: number | null;
}

/** An interval as far as it lies in a window. Its position and counts are those of the part that was folded. */
export interface WindowedInterval extends TimelineInterval {
  /** It began before the window: `from` is where the window begins, and exact. */
  readonly beganBefore: boolean;
  /** It is known to reach beyond the window: `to` is where the window ends. */
  readonly goesOn: boolean;
}

/**
 * Cuts an interval to a window; `null` when it lies outside. For a right cut at the end, the fold has to have seen the
 * first report measured at or after `window.to`, if there is one.
 */
export function cutToWindow(interval: TimelineInterval, window: TimelineWindow): WindowedInterval | null {
  const { from, to } = window;
  if (from !== null && interval.to !== null && interval.to <= from) return null;
  if (to !== null && interval.from >= to) return null;
  const beganBefore = from !== null && interval.from < from;
  const knownUntil = interval.to ?? interval.lastReportAt;
  const goesOn = to !== null && knownUntil > to;
  return {
    ...interval,
    ...(beganBefore ? { from, errorMs: 0 } : {}),
    to: goesOn ? to : interval.to,
    beganBefore,
    goesOn,
  };
}

function begin(report: TimelineReport, at: number, errorMs: number | null): TimelineFold['open'] {
  const { state, incarnation, boot, seq } = report;
  return {
    ...{ state, from: at, errorMs, to: null, incarnation, boot, seq, lastReportAt: at },
    ...{ reports: 1, gaps: 0, missing: 0, reboots: 0 },
  };
}

type Position = TimelineFold['last'];

function isSameBoot(a: Position, b: Position): boolean {
  return a.incarnation === b.incarnation && a.boot === b.boot;
}

/**
 * What is not there between two reports that follow each other in history. The end of a boot cannot be told, so that
 * after a restart only the reports before the first one heard are counted; a boot never heard of is a hole as well.
 */
function holeBetween(last: Position, next: Position): { readonly isHole: boolean; readonly missing: number } {
  const order = next.incarnation - last.incarnation || next.boot - last.boot || next.seq - last.seq;
  if (order <= 0) {
    throw new Error(`timeline: report ${positionText(next)} does not come after ${positionText(last)}`);
  }
  const missing = next.seq - 1 - (isSameBoot(last, next) ? last.seq : 0);
  const skipsBoot = next.incarnation === last.incarnation && next.boot - last.boot > 1;
  return { isHole: missing > 0 || skipsBoot, missing };
}

function positionText({ incarnation, boot, seq }: Position): string {
  return `${String(incarnation)}/${String(boot)}/${String(seq)}`;
}
