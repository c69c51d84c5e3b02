/**
 * Reads a page of a device's timeline: streams reports from the archive through the fold, and stops when the page is full.
 */
import { placeReports } from '../../actors/placed-reports.ts';
import {
  cutToWindow,
  fallSilent,
  foldReport,
  type TimelineFold,
  type TimelineWindow,
  type WindowedInterval,
} from '../../actors/timeline.ts';
import type { ReportPage } from '../history/ports.ts';
import { measuredFirst, type ReadReports } from './measured-first.ts';

/** Reports read from the archive at once. */
const READ_SIZE = 1_000;

/** The most reads for one page. A page that needs more ends early: it may hold fewer intervals than asked for, even none. */
const READS_MAX = 100;

/** What to read. */
export interface TimelineRequest {
  /** Reads reports of the device from the archive. */
  readonly read: ReadReports;
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
  let after = fold?.last ?? (await beforeWindow(request));
  for (let reads = 0; reads < READS_MAX; reads += 1) {
    const reports = await read({ from: null, to: null, after, isNewestFirst: false, limit: READ_SIZE });
    const last = reports.at(-1);
    if (last === undefined) return lastPage(intervals, fold, request);
    after = last;
    const latest = Math.max(...reports.map(({ measuredAt }) => measuredAt));
    for (const placed of placeReports(reports, await measuredFirst(read, { after, before: latest }))) {
      for (let isTaken = false; !isTaken;) {
        const step = foldReport(fold, placed, silenceMs);
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
 * Right before the report that tells what the device was when the window began: the last one, in its order, that was measured before. What
 * comes before that in its order tells nothing of the window.
 */
async function beforeWindow({
  read,
  window: { from },
}: Pick<TimelineRequest, 'read' | 'window'>): Promise<ReportPage['after']> {
  if (from === null) return null;
  const [known] = await read({ from: null, to: from, after: null, isNewestFirst: true, limit: 1 });
  if (known === undefined) return null;
  const { incarnation, boot, seq } = known;
  return { incarnation, boot, seq: seq - 1 };
}
