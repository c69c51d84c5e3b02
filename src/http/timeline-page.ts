/**
 * Reads a page of a device's timeline: streams reports from the archive through the fold, and stops when the page is full.
 */
import {
  cutToWindow,
  fallSilent,
  foldReport,
  type TimelineFold,
  type TimelineWindow,
  type WindowedInterval,
} from '../../actors/timeline.ts';
import type { ArchivedReport, ReportPage } from '../history/ports.ts';

/** Reports read from the archive at once. */
const READ_SIZE = 1_000;

/** The most reads for one page. A page that needs more ends early: it may hold fewer intervals than asked for, even none. */
const READS_MAX = 100;

/** How much farther each step looks back for the report that was the newest one when the window began. */
const LOOK_BACK_GROWTH = 8;

/** What to read. */
export interface TimelineRequest {
  /** Reads reports of the device from the archive. */
  readonly read: (page: ReportPage) => Promise<readonly ArchivedReport[]>;
  readonly window: TimelineWindow;
  /** The most intervals. */
  readonly limit: number;
  /** The fold as the page before left it; `null` for the first page. */
  readonly fold: TimelineFold | null;
  /** How long a device of this kind is silent at most while all is well, ms. */
  readonly silenceMs: number;
  /** Server time, ms epoch: up to here a silence is known that no report has ended. */
  readonly now: number;
}

/** A page. `fold` goes into the request for the next one; it is `null` on the last page. */
export interface TimelinePage {
  readonly intervals: readonly WindowedInterval[];
  readonly fold: TimelineFold | null;
}

/** Reads a page of the timeline. */
export async function readTimeline(request: TimelineRequest): Promise<TimelinePage> {
  const { read, window, limit, silenceMs, now } = request;
  const intervals: WindowedInterval[] = [];
  let { fold } = request;
  let from = fold === null ? await whereToBegin(request) : null;
  for (let reads = 0; reads < READS_MAX; reads += 1) {
    const reports = await read({
      from,
      to: null,
      after: fold?.last ?? null,
      isNewestFirst: false,
      limit: READ_SIZE,
    });
    if (reports.length === 0) return lastPage(intervals, fold, request);
    from = null;
    for (const report of reports) {
      for (let isTaken = false; !isTaken;) {
        const step = foldReport(fold, report, silenceMs);
        ({ fold, isTaken } = step);
        const interval = step.closed && cutToWindow(step.closed, window, now);
        if (interval !== null) intervals.push(interval);
        const isBeyond = isTaken && window.to !== null && fold.open.lastReportAt >= window.to;
        if (isBeyond) return lastPage(intervals, fold, request);
        // Where the report is not taken yet, the next page reads it again.
        if (intervals.length === limit) return { intervals, fold };
      }
    }
  }
  return { intervals, fold };
}

function lastPage(
  intervals: readonly WindowedInterval[],
  fold: TimelineFold | null,
  { window, now, silenceMs, limit }: TimelineRequest,
): TimelinePage {
  if (fold === null) return { intervals, fold: null };
  const silent = fallSilent(fold, { until: now, silenceMs });
  const heard = silent?.closed && cutToWindow(silent.closed, window, now);
  const before = heard ? [...intervals, heard] : intervals;
  const end = silent?.fold ?? fold;
  if (before.length === limit) return { intervals: before, fold: end };
  const open = cutToWindow(end.open, window, now);
  return { intervals: open === null ? before : [...before, open], fold: null };
}

/**
 * The measured time to read from, so that the report that was the newest one when the window began is among what is read.
 * Most devices were heard shortly before; for one that was silent, the look back grows until it finds something.
 */
export async function whereToBegin(
  request: Pick<TimelineRequest, 'read' | 'window' | 'silenceMs'>,
): Promise<number | null> {
  const { read, window, silenceMs } = request;
  if (window.from === null) return null;
  for (let lookBackMs = silenceMs; lookBackMs < window.from; lookBackMs *= LOOK_BACK_GROWTH) {
    const from = window.from - lookBackMs;
    const found = await read({ from, to: window.from, after: null, isNewestFirst: false, limit: 1 });
    if (found.length > 0) return from;
  }
  return null;
}
