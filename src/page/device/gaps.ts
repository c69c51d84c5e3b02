/**
 * Where reports are missing: a device numbers them within a boot, so a hole in the numbers is a stretch of time in which nobody knows
 * what it said.
 */
import type { Report } from '../api/history.ts';
import type { Span } from './history-window.ts';

/** A stretch without its reports, ms epoch. */
export interface Gap extends Span {
  readonly missing: number;
}

/** The gaps between reports, which are in the device's order. */
export function gapsBetween(reports: readonly Report[]): readonly Gap[] {
  return reports.flatMap((report, index) => {
    const before = reports[index - 1];
    if (before === undefined) return [];
    const isSameBoot = before.incarnation === report.incarnation && before.boot === report.boot;
    const missing = report.seq - (isSameBoot ? before.seq : 0) - 1;
    if (missing <= 0) return [];
    return [{ from: Date.parse(before.measuredAt), to: Date.parse(report.measuredAt), missing }];
  });
}
