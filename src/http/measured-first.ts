/** What was measured first of all that comes after a report in the order of its device: from then on it was something else. */
import type { HistoryReport, ReportPage } from '../history/ports.ts';

/**
 * So often is looked for something that was measured still earlier. Each time it is of another incarnation, boot or segment: where they
 * are in disorder more often than that, what was found last counts.
 */
const READS_MAX = 100;

/** Reads reports of a device from the archive. */
export type ReadReports = (page: ReportPage) => Promise<readonly HistoryReport[]>;

/** Of the reports that come after `after`, the one that was measured first; `null` where none was before `before`, ms epoch, if that is given. */
export async function measuredFirst(
  read: ReadReports,
  { after, before }: { readonly after: ReportPage['after']; readonly before: number | null },
): Promise<HistoryReport | null> {
  let first: HistoryReport | null = null;
  for (let reads = 0; reads < READS_MAX; reads += 1) {
    const to: number | null = first?.measuredAt ?? before;
    const [found] = await read({ from: null, to, after, isNewestFirst: false, limit: 1 });
    if (found === undefined) return first;
    first = found;
  }
  return first;
}
