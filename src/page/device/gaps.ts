/**
 * Where nobody knows what the device said or was: holes in the numbers that it gives to the reports of a boot, and stretches in which it was
 * silent for longer than its kind allows.
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

/** The stretches between two reports, or after the last one, in which the device was silent for too long; ms epoch. */
export function silencesIn(
  reports: readonly Report[],
  { silenceMs, now }: { readonly silenceMs: number; readonly now: number },
): readonly Span[] {
  const times = reports.map(({ measuredAt }) => Date.parse(measuredAt)).toSorted((a, b) => a - b);
  return times.flatMap((from, index) => {
    const to = times[index + 1] ?? now;
    return to - from > silenceMs ? [{ from, to }] : [];
  });
}
