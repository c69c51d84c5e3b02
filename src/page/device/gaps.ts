/**
 * Where nobody knows what the device said or was: holes in the numbers that it gives to the reports of a boot, and stretches in which it was
 * silent for longer than its kind allows, which are the timeline's.
 */
import type { Interval, Report } from '../api/history.ts';
import { counted } from '../format.ts';
import type { Span } from './history-window.ts';

/** A stretch without its reports, ms epoch. */
export interface Gap extends Span {
  /** As far as they can be counted: of a boot that was never heard of, nobody knows how many there were. */
  readonly missing: number;
}

/** The gaps between reports, which are in the device's order. */
export function gapsBetween(reports: readonly Report[]): readonly Gap[] {
  return reports.flatMap((report, index) => {
    const before = reports[index - 1];
    if (before === undefined) return [];
    const isSameBoot = before.incarnation === report.incarnation && before.boot === report.boot;
    const missing = report.seq - (isSameBoot ? before.seq : 0) - 1;
    const skipsBoot = before.incarnation === report.incarnation && report.boot - before.boot > 1;
    if (missing <= 0 && !skipsBoot) return [];
    return [{ from: Date.parse(before.measuredAt), to: Date.parse(report.measuredAt), missing }];
  });
}

/** The silences of the timeline; one that no report has ended lasts until `until`, ms epoch. */
export function silencesOf(intervals: readonly Interval[], until: number): readonly Span[] {
  return intervals
    .filter(({ silent }) => silent)
    .map(({ from, to }) => ({ from: Date.parse(from), to: to === null ? until : Date.parse(to) }))
    .filter(({ from, to }) => to > from);
}

/** The gaps that lie in a span, or reach into it; one between two reports of the same moment has no length, and counts all the same. */
export function gapsIn(gaps: readonly Gap[], span: Span): readonly Gap[] {
  return gaps.filter(({ from, to }) => to >= span.from && from <= span.to);
}

/** What is missing in these gaps, in words; `null` where nothing is. */
export function missingText(gaps: readonly Gap[]): string | null {
  if (gaps.length === 0) return null;
  const missing = gaps.reduce((sum, gap) => sum + gap.missing, 0);
  const isCounted = gaps.every((gap) => gap.missing > 0);
  if (isCounted) return `${counted(missing, 'report')} missing`;
  return missing === 0
    ? 'reports missing, nobody knows how many'
    : `at least ${counted(missing, 'report')} missing`;
}

/**
 * Up to when something was read, ms epoch, where its parts end at these times: up to the last one where there is more, and otherwise without
 * an end. What comes after was not read: nothing that came before holds on there.
 */
export function readUntil({
  isWhole,
  ends,
}: {
  readonly isWhole: boolean;
  readonly ends: readonly string[];
}): number {
  const last = ends.at(-1);
  return isWhole || last === undefined ? Infinity : Date.parse(last);
}

/** The part of each silence that lies in a span. */
export function silencesIn(silences: readonly Span[], span: Span): readonly Span[] {
  return silences.flatMap((silence) => {
    const from = Math.max(silence.from, span.from);
    const to = Math.min(silence.to, span.to);
    return to > from ? [{ from, to }] : [];
  });
}
