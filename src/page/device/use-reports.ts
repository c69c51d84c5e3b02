/**
 * The reports that were measured in the shown stretch of time. News are read on from the last one; a late report belongs somewhere in
 * between, so when one has come all is read again.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Report } from '../api/history.ts';
import { get } from '../api/request.ts';
import { type HistoryWindow, spanNow } from './history-window.ts';

/** Reports asked for at once, and read at most; a stretch with more is shown as far as that. */
const PAGE_SIZE = 1_000;
const PAGES_MAX = 10;

/** The reports, in the order in which the device made them. */
export interface KnownReports {
  /** Those of the stretch, and the last one before it, where there is one: what that said holds on when the stretch begins. */
  readonly reports: readonly Report[];
  /** False: nothing was read yet, and nothing is known. */
  readonly isRead: boolean;
  /** False: there are more than were read. */
  readonly isWhole: boolean;
  readonly failure: unknown;
}

interface ReportPage {
  readonly reports: readonly Report[];
  readonly after: string | null;
  readonly next: string | null;
}

const NOTHING: KnownReports = { reports: [], isRead: false, isWhole: true, failure: null };

/**
 * Follows the reports of a device. `late` is how many late ones it has had in all; `isOver` is true of a stretch after which it was heard.
 */
export function useReports(
  device: string,
  shown: HistoryWindow,
  { revision, late, isOver }: { readonly revision: number; readonly late: number; readonly isOver: boolean },
): KnownReports {
  const [known, setKnown] = useState<KnownReports>(NOTHING);
  const whole = useRef('');
  const { lengthMs, until } = shown;
  const all = `${device} ${String(lengthMs)} ${String(until)} ${String(late)} ${String(isOver)}`;

  useEffect(() => {
    if (revision === 0) return undefined;
    const ended = new AbortController();
    const isSame = whole.current === all;
    // A stretch that is over changes only by late reports.
    if (isSame && isOver) return undefined;
    const last = isSame ? known.reports.at(-1) : undefined;
    readPages(device, shown, { last, signal: ended.signal }).then(
      ({ reports, isWhole }) => {
        if (ended.signal.aborted) return;
        whole.current = all;
        const { from } = spanNow(shown);
        const kept = last === undefined ? [] : fromLastBefore(known.reports, from);
        setKnown({ reports: [...kept, ...reports], isRead: true, isWhole, failure: null });
      },
      (failure: unknown) => {
        if (ended.signal.aborted) return;
        whole.current = '';
        setKnown({ ...NOTHING, failure });
      },
    );
    return () => ended.abort();
  }, [all, revision]);
  return known;
}

async function readPages(
  device: string,
  shown: HistoryWindow,
  { last, signal }: { readonly last: Report | undefined; readonly signal: AbortSignal },
): Promise<{ readonly reports: readonly Report[]; readonly isWhole: boolean }> {
  const { from, to } = spanNow(shown);
  const base = `/v1/devices/${encodeURIComponent(device)}/reports`;
  const query = new URLSearchParams({ from: new Date(from).toISOString(), limit: String(PAGE_SIZE) });
  if (shown.until !== null) query.set('to', new Date(to).toISOString());
  if (last !== undefined) {
    query.set('after', [last.incarnation, last.boot, last.seq].map(String).join('.'));
  }
  const reports: Report[] = last === undefined ? await lastBefore(base, from, signal) : [];
  let path: string | null = `${base}?${query.toString()}`;
  for (let pages = 0; path !== null && pages < PAGES_MAX; pages += 1) {
    const page: ReportPage = await get<ReportPage>(path, signal);
    reports.push(...page.reports);
    path = page.reports.length < PAGE_SIZE ? null : page.next;
  }
  return { reports, isWhole: path === null };
}

async function lastBefore(base: string, moment: number, signal: AbortSignal): Promise<Report[]> {
  const query = new URLSearchParams({ to: new Date(moment).toISOString(), order: 'newest', limit: '1' });
  return [...(await get<ReportPage>(`${base}?${query.toString()}`, signal)).reports];
}

/** The reports since a moment, and the last one before it. */
function fromLastBefore(reports: readonly Report[], moment: number): readonly Report[] {
  const first = reports.findIndex(({ measuredAt }) => Date.parse(measuredAt) >= moment);
  return reports.slice(Math.max(0, (first === -1 ? reports.length : first) - 1));
}
