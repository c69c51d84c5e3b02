/**
 * Where the reports of a device stand in time: in the order in which it made them, and none of them after one that comes later.
 *
 * Measured times of two boots may overlap by their errors. The one that comes later was measured no later than it says, as far as anybody
 * knows, and the one before it was over by then: so the earlier one gives way, and its error grows by as much. What was certainly measured
 * after something of a later boot is of no single device: another one spoke in its name, or its count went on beside the one that began
 * anew. From when on a later one was heard, that is what the device was. Within a boot the numbers tell what came first, whatever a clock
 * that does not keep pace makes of the times.
 */

/** What is read of a report to tell where it stands. Times in ms epoch. */
export interface MeasuredReport {
  readonly incarnation: number;
  readonly boot: number;
  readonly measuredAt: number;
  /** `measuredAt` is right within ± this, ms; `null` where no round trip bounds it: then it was measured no later than that. */
  readonly errorMs: number | null;
}

/** A report in its place. */
export interface PlacedReport<Report extends MeasuredReport> {
  /** As history has it. */
  readonly report: Report;
  /** When it counts as measured: not after anything that comes after it. */
  readonly at: number;
  /** `at` is right within ± this, ms; `null` where no round trip bounds it. */
  readonly errorMs: number | null;
  /** It was certainly measured after something of a later boot, and tells nothing of the device. */
  readonly isOvertaken: boolean;
}

/**
 * Places reports that follow each other in the order of the device; `first` is what was measured first of all that comes after them,
 * `null` where nothing of that was measured before the latest of them.
 */
export function placeReports<Report extends MeasuredReport>(
  reports: readonly Report[],
  first: MeasuredReport | null,
): readonly PlacedReport<Report>[] {
  const placed: PlacedReport<Report>[] = [];
  let next = first;
  for (const report of reports.toReversed()) {
    placed.push(placeBefore(report, next));
    if (next === null || report.measuredAt < next.measuredAt) next = report;
  }
  return placed.reverse();
}

function placeBefore<Report extends MeasuredReport>(
  report: Report,
  next: MeasuredReport | null,
): PlacedReport<Report> {
  const { measuredAt, errorMs } = report;
  if (next === null || measuredAt <= next.measuredAt)
    return { report, at: measuredAt, errorMs, isOvertaken: false };
  const at = next.measuredAt;
  return {
    report,
    at,
    errorMs: errorMs === null ? null : errorMs + measuredAt - at,
    isOvertaken:
      !isOfOneBoot(report, next) && errorMs !== null && measuredAt - errorMs > at + (next.errorMs ?? 0),
  };
}

function isOfOneBoot(one: MeasuredReport, other: MeasuredReport): boolean {
  return one.incarnation === other.incarnation && one.boot === other.boot;
}
