/**
 * The timeline of states in the shown stretch of time.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Interval } from '../api/history.ts';
import { get } from '../api/request.ts';
import { type HistoryWindow, spanNow } from './history-window.ts';

/** The intervals that are shown. */
export interface KnownTimeline {
  readonly intervals: readonly Interval[];
  /** False: nothing was read yet, and no silence is known. */
  readonly isRead: boolean;
  /** False: there are more than were read. */
  readonly isWhole: boolean;
  readonly failure: unknown;
}

const NOTHING: KnownTimeline = { intervals: [], isRead: false, isWhole: true, failure: null };

interface TimelinePage {
  readonly intervals: readonly Interval[];
  readonly next: string | null;
}

/** Pages read at most; a stretch with more is shown as far as that. */
const PAGES_MAX = 5;

/**
 * Follows the timeline of a device. `late` is how many late reports it has had in all; `isOver` is true of a stretch after which it was heard.
 */
export function useTimeline(
  device: string,
  shown: HistoryWindow,
  { revision, late, isOver }: { readonly revision: number; readonly late: number; readonly isOver: boolean },
): KnownTimeline {
  const [known, setKnown] = useState<KnownTimeline>(NOTHING);
  const read = useRef('');
  const { lengthMs, until } = shown;
  const key = `${device} ${String(lengthMs)} ${String(until)} ${String(late)} ${String(isOver)}`;
  useEffect(() => {
    if (revision === 0) return undefined;
    // A stretch that is over changes only by late reports.
    if (isOver && read.current === key) return undefined;
    const ended = new AbortController();
    readIntervals(device, shown, ended.signal).then(
      ({ intervals, isWhole }) => {
        if (ended.signal.aborted) return;
        read.current = key;
        setKnown({ intervals, isRead: true, isWhole, failure: null });
      },
      (failure: unknown) => {
        if (ended.signal.aborted) return;
        read.current = '';
        setKnown({ ...NOTHING, failure });
      },
    );
    return () => ended.abort();
  }, [key, revision]);
  return known;
}

async function readIntervals(
  device: string,
  shown: HistoryWindow,
  signal: AbortSignal,
): Promise<Pick<KnownTimeline, 'intervals' | 'isWhole'>> {
  const { from, to } = spanNow(shown);
  const query = new URLSearchParams({ from: new Date(from).toISOString() });
  if (shown.until !== null) query.set('to', new Date(to).toISOString());
  const intervals: Interval[] = [];
  let path: string | null = `/v1/devices/${encodeURIComponent(device)}/timeline?${query.toString()}`;
  for (let pages = 0; path !== null && pages < PAGES_MAX; pages += 1) {
    const page: TimelinePage = await get<TimelinePage>(path, signal);
    intervals.push(...page.intervals);
    path = page.next;
  }
  return { intervals, isWhole: path === null };
}
