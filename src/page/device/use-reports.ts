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
  readonly reports: readonly Report[];
  /** False: there are more than were read. */
  readonly isWhole: boolean;
  readonly failure: unknown;
}

interface ReportPage {
  readonly reports: readonly Report[];
  readonly after: string | null;
  readonly next: string | null;
}

const NOTHING: KnownReports = { reports: [], isWhole: true, failure: null };

/** Follows the reports of a device. `late` is how many late ones it has had in all. */
export function useReports(
  device: string,
  shown: HistoryWindow,
  { revision, late }: { readonly revision: number; readonly late: number },
): KnownReports {
  const [known, setKnown] = useState<KnownReports>(NOTHING);
  const whole = useRef('');
  const { lengthMs, until } = shown;
  const all = `${device} ${String(lengthMs)} ${String(until)} ${String(late)}`;

  useEffect(() => {
    if (revision === 0) return undefined;
    const ended = new AbortController();
    const isSame = whole.current === all;
    // A stretch that ended in the past changes only by late reports.
    if (isSame && until !== null) return undefined;
    const last = isSame ? known.reports.at(-1) : undefined;
    readPages(device, shown, { last, signal: ended.signal }).then(
      ({ reports, isWhole }) => {
        if (ended.signal.aborted) return;
        whole.current = all;
        const { from } = spanNow(shown);
        const kept = last === undefined ? [] : known.reports.filter((report) => isSince(report, from));
        setKnown({ reports: [...kept, ...reports], isWhole, failure: null });
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
  const query = new URLSearchParams({ from: new Date(from).toISOString(), limit: String(PAGE_SIZE) });
  if (shown.until !== null) query.set('to', new Date(to).toISOString());
  if (last !== undefined) {
    query.set('after', [last.incarnation, last.boot, last.seq].map(String).join('.'));
  }
  const reports: Report[] = [];
  let path: string | null = `/v1/devices/${encodeURIComponent(device)}/reports?${query.toString()}`;
  for (let pages = 0; path !== null && pages < PAGES_MAX; pages += 1) {
    const page: ReportPage = await get<ReportPage>(path, signal);
    reports.push(...page.reports);
    path = page.reports.length < PAGE_SIZE ? null : page.next;
  }
  return { reports, isWhole: path === null };
}

function isSince({ measuredAt }: Report, from: number): boolean {
  return Date.parse(measuredAt) >= from;
}
