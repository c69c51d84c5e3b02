/**
 * The timeline: what a device WAS, by measured time, late reports included.
 *
 * It is a fold over the device's reports in the order in which the device made them. When a report arrived, and whether it
 * was news or late then, does not enter: a late report changes the answer, the order of arrival never does. A time is the
 * report's measured time, which follows from its uptime, so that differences within a boot are the device's own.
 *
 * A silence that is longer than the kind allows is an interval of its own, and no part of the state before it: what the device was
 * meanwhile nobody knows, whatever it says afterwards.
 *
 * Invariants:
 * I1  reports are folded in ascending (incarnation, boot, seq), each once.
 * I2  intervals tile: each begins where the one before it ends, and no two neighbours have the same state.
 * I3  time never runs back: reports stand where `placed-reports.ts` puts them. One that was overtaken is counted in nobody's favour: what is
 *     missing up to it is, and the device was what it was.
 * I4  a fold is plain JSON data: it may be put aside after any report, and gives the same intervals when it goes on.
 */
import { type MeasuredReport, type PlacedReport, placeReports } from './placed-reports.ts';
import { countOf } from './sequence.ts';

/** What the timeline reads of a report in history. */
export interface TimelineReport extends MeasuredReport {
  readonly incarnation: number;
  readonly boot: number;
  readonly seq: number;
  /** What the device itself believed. */
  readonly state: string;
}

/** Measured times are rounded where they are kept: a heartbeat that is exactly as long as the kind allows is no silence, ms. */
const ROUNDING_MS = 1;

/** The state of an interval in which nothing was heard for longer than the kind allows. */
export const SILENT = 'silent';

/** A time in which the device was in one state, as it said itself, or was silent. Times in ms epoch. */
export interface TimelineInterval {
  /** {@link SILENT} where it was silent. */
  readonly state: string;
  /** Nothing was heard from `from` on, for longer than the kind allows. Such an interval holds no report. */
  readonly isSilent: boolean;
  /** When its first report counts as measured; for a silence, the whole millisecond after the last report before it. */
  readonly from: number;
  /** `from` is right within ± this, ms; `null` where no round trip bounds it. */
  readonly errorMs: number | null;
  /** When the first report of another state was measured, or the last one before a silence; `null` while there is none. */
  readonly to: number | null;
  /** Position of its first report; for a silence, of the last report before it. */
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

/** The timeline so far: the interval that is not closed yet, and the last report folded. */
export interface TimelineFold {
  readonly open: TimelineInterval & { readonly to: null };
  readonly last: Position & Pick<TimelineReport, 'errorMs'>;
}

type Position = Pick<TimelineReport, 'incarnation' | 'boot' | 'seq'>;

/** A step of the fold; `closed` is the interval that it ended. */
export interface TimelineStep {
  readonly fold: TimelineFold;
  readonly closed: TimelineInterval | null;
}

/**
 * Takes the next report; `fold` is `null` before the first one. Where a silence longer than `silenceMs` lies before the report, the first
 * step ends the state before it, and takes the report not yet: it is folded again, and then ends the silence. Throws against I1.
 */
export function foldReport(
  fold: TimelineFold | null,
  placed: PlacedReport<TimelineReport>,
  silenceMs: number,
): TimelineStep & { readonly isTaken: boolean } {
  const { report, isOvertaken } = placed;
  const { incarnation, boot, seq, state } = report;
  if (fold === null) {
    const { errorMs } = placed;
    const last = { incarnation, boot, seq, errorMs };
    return { fold: { open: begin(report, placed), last }, closed: null, isTaken: true };
  }
  const { open } = fold;
  const hole = holeBetween(fold.last, report);
  if (isOvertaken) {
    const last = { incarnation, boot, seq, errorMs: fold.last.errorMs };
    return { fold: { open: withHole(open, hole), last }, closed: null, isTaken: true };
  }
  const { at, errorMs } = notBefore(open.lastReportAt, placed);
  const last = { incarnation, boot, seq, errorMs };
  const begun = begin(report, { at, errorMs });
  if (open.isSilent) return { fold: { open: begun, last }, closed: { ...open, to: at }, isTaken: true };
  const silent = fallSilent(fold, { until: at, silenceMs, hole });
  if (silent !== null) return { ...silent, isTaken: false };
  const before = withHole(open, hole);
  if (state !== before.state)
    return { fold: { open: begun, last }, closed: { ...before, to: at }, isTaken: true };
  const reboots = before.reboots + (isSameBoot(fold.last, report) ? 0 : 1);
  const goesOn = { ...before, lastReportAt: at, reports: before.reports + 1, reboots };
  return { fold: { open: goesOn, last }, closed: null, isTaken: true };
}

/** Until when nothing more was heard, how long the kind may be silent, ms, and what is missing by the next report, if there is one. */
export interface TimelineEnd {
  readonly until: number;
  readonly silenceMs: number;
  readonly hole?: Hole;
}

/** Whether a time in which nothing was heard, ms, is longer than the kind allows. */
export function isSilence(unheardMs: number, silenceMs: number): boolean {
  return unheardMs > silenceMs + ROUNDING_MS;
}

/**
 * The step to a silence, if nothing was heard for too long; `null` otherwise. The state before ends with the millisecond of its last report:
 * then it is known, and not before or after.
 */
export function fallSilent(
  { open, last }: TimelineFold,
  { until, silenceMs, hole = NO_HOLE }: TimelineEnd,
): TimelineStep | null {
  const { lastReportAt } = open;
  if (open.isSilent || !isSilence(until - lastReportAt, silenceMs)) return null;
  const { incarnation, boot, seq, errorMs } = last;
  const from = Math.floor(lastReportAt) + 1;
  const silence: TimelineFold['open'] = {
    state: SILENT,
    isSilent: true,
    from,
    errorMs,
    to: null,
    incarnation,
    boot,
    seq,
    lastReportAt,
    reports: 0,
    reboots: 0,
    gaps: hole.isHole ? 1 : 0,
    missing: countOf(hole.missing),
  };
  return { fold: { open: silence, last }, closed: { ...open, to: from } };
}

/** The whole timeline of these reports; the last interval is open. */
export function timelineOf(
  reports: readonly TimelineReport[],
  end: Pick<TimelineEnd, 'until' | 'silenceMs'>,
): readonly TimelineInterval[] {
  const intervals: TimelineInterval[] = [];
  let fold: TimelineFold | null = null;
  for (const placed of placeReports(reports, null)) {
    for (let isTaken = false; !isTaken;) {
      const step = foldReport(fold, placed, end.silenceMs);
      ({ fold, isTaken } = step);
      if (step.closed !== null) intervals.push(step.closed);
    }
  }
  if (fold === null) return [];
  const silent = fallSilent(fold, end);
  if (silent?.closed) return [...intervals, silent.closed, silent.fold.open];
  return [...intervals, fold.open];
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
 * first report measured at or after `window.to`, if there is one. A silence that no report has ended lasts until `now`, and nothing is known
 * of a window that begins later.
 */
export function cutToWindow(
  interval: TimelineInterval,
  window: TimelineWindow,
  now: number,
): WindowedInterval | null {
  const { from, to } = window;
  if (from !== null && (interval.to === null ? now < from : interval.to <= from)) return null;
  if (to !== null && interval.from >= to) return null;
  const beganBefore = from !== null && interval.from < from;
  const knownUntil = interval.to ?? (interval.isSilent ? now : interval.lastReportAt);
  const goesOn = to !== null && knownUntil > to;
  return {
    ...interval,
    ...(beganBefore ? { from, errorMs: 0 } : {}),
    to: goesOn ? to : interval.to,
    beganBefore,
    goesOn,
  };
}

/** When, and within which error. */
type Moment = Pick<PlacedReport<TimelineReport>, 'at' | 'errorMs'>;

function begin(report: TimelineReport, { at, errorMs }: Moment): TimelineFold['open'] {
  const { state, incarnation, boot, seq } = report;
  return {
    state,
    isSilent: false,
    from: at,
    errorMs,
    to: null,
    incarnation,
    boot,
    seq,
    lastReportAt: at,
    reports: 1,
    gaps: 0,
    missing: 0,
    reboots: 0,
  };
}

/** Between two pages history may have grown: what was told on the one before stays as it was. */
function notBefore(lastReportAt: number, { at, errorMs }: Moment): Moment {
  if (at >= lastReportAt) return { at, errorMs };
  return { at: lastReportAt, errorMs: errorMs === null ? null : errorMs + lastReportAt - at };
}

function withHole(open: TimelineFold['open'], { isHole, missing }: Hole): TimelineFold['open'] {
  return isHole ? { ...open, gaps: open.gaps + 1, missing: countOf(open.missing + missing) } : open;
}

function isSameBoot(a: Position, b: Position): boolean {
  return a.incarnation === b.incarnation && a.boot === b.boot;
}

interface Hole {
  readonly isHole: boolean;
  readonly missing: number;
}

const NO_HOLE: Hole = { isHole: false, missing: 0 };

/**
 * What is not there between two reports that follow each other in history. The end of a boot cannot be told, so that
 * after a restart only the reports before the first one heard are counted; a boot never heard of is a hole as well.
 */
function holeBetween(last: Position, next: Position): Hole {
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
