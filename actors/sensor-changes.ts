/**
 * What the binary sensors of a device WERE, by measured time: every change that a report was received for, and those that no
 * report came for and that `since` of a later one restores, marked as inferred (wire contract 2.1; docs/protocol.md, `since`).
 *
 * It is a fold over the device's reports in the order in which the device made them, as the timeline is: the order of arrival
 * never changes the answer, and a late report turns what was inferred into what was said. A time is the report's measured time less the
 * uptime that has passed since, so that differences within a boot are the device's own; its wall clock does not enter. The longer
 * ago that is, the more may the device's clock have drifted meanwhile: the error grows by it.
 *
 * Invariants:
 * I1  reports are folded in ascending (incarnation, boot, seq), each once.
 * I2  the changes of a sensor alternate between true and false.
 * I3  of a sensor, `notBefore` and `at` never run back, and `notBefore` is at most `at`. A time that gives way to an earlier report's has
 *     an error that is larger by as much, and what lies between two reports has the larger error of both.
 * I4  at most two changes of a sensor come from one report, away and back: what else happened between two is not known.
 * I5  lanes are plain JSON data: they may be put aside after any report, and give the same changes when it goes on.
 */
import { binary, sinceChangeMs } from '../machines/evidence.ts';
import { comparePositions, type Report } from '../machines/report.ts';

/** What the fold reads of a report in history. Times in ms epoch, `up` in ms of uptime. */
export interface SensorReport {
  readonly incarnation: number;
  readonly boot: number;
  readonly seq: number;
  readonly up: number;
  readonly measuredAt: number;
  /** `measuredAt` is right within ± this, ms; `null` where no round trip bounds it. */
  readonly errorMs: number | null;
  readonly body: Pick<Report, 'sensors' | 'since'>;
}

/** A change of a binary sensor. Times in ms epoch. */
export interface SensorChange {
  readonly sensor: string;
  /** What it said from then on. */
  readonly value: boolean;
  /** When it changed: in this millisecond, or between `notBefore` and it where these differ. */
  readonly at: number;
  readonly notBefore: number;
  /** Both are right within ± this besides, ms; `null` where no round trip bounds it. */
  readonly errorMs: number | null;
  /** No report was received for it: a later one proves that it happened. */
  readonly isInferred: boolean;
  /** Position of the report that tells it. */
  readonly incarnation: number;
  readonly boot: number;
  readonly seq: number;
}

/**
 * A device that reports a change at once has counted at most so long since it, ms; and what is counted from a change that the report
 * before told of is off by no more. Two sensors of a device are read at most this far apart.
 */
export const PROMPT_MS = 1_000;

/** What is known of a sensor after the reports folded so far, with the last one that told its value. */
export interface SensorLane {
  readonly value: boolean;
  readonly incarnation: number;
  readonly boot: number;
  readonly seq: number;
  readonly up: number;
  /** When that was measured, ms epoch, or the latest before it: measured times of two boots may overlap by their errors. */
  readonly at: number;
  /** `at` is right within ± this, ms; `null` where no round trip bounds it. */
  readonly errorMs: number | null;
}

/** The fold so far, by sensor; empty before the first report. */
export type SensorLanes = Readonly<Record<string, SensorLane>>;

/** What the fold has to know of the kind of device. */
export interface SensorKind {
  /** The binary sensors to look at. */
  readonly sensors: readonly string[];
  /** How far the device's clock may drift, parts per million. */
  readonly driftPpm: number;
}

/**
 * Takes the next report of a device of this kind. Returns the changes that it tells, those of a sensor in the order in which they
 * happened. Throws against I1.
 */
export function foldSensors(
  lanes: SensorLanes,
  report: SensorReport,
  { sensors, driftPpm }: SensorKind,
): { readonly lanes: SensorLanes; readonly changes: readonly SensorChange[] } {
  const next: Record<string, SensorLane> = { ...lanes };
  const changes: SensorChange[] = [];
  for (const sensor of sensors) {
    const value = binary(report.body, sensor);
    if (value === null) continue;
    const before = lanes[sensor];
    const { incarnation, boot, seq, up } = report;
    const at = Math.max(report.measuredAt, before?.at ?? -Infinity);
    const errorMs = widened(report.errorMs, at - report.measuredAt);
    next[sensor] = { value, incarnation, boot, seq, up, at, errorMs };
    if (before !== undefined)
      changes.push(...changesBetween({ sensor, value, before, report, at, driftPpm }));
  }
  return { lanes: next, changes };
}

interface Step {
  readonly sensor: string;
  readonly value: boolean;
  readonly before: SensorLane;
  readonly report: SensorReport;
  /** When the report was measured, and not before the one before. */
  readonly at: number;
  readonly driftPpm: number;
}

function changesBetween(step: Step): readonly SensorChange[] {
  const { sensor, value, before, report, at } = step;
  const order = report.incarnation - before.incarnation || comparePositions(report, before);
  if (order <= 0)
    throw new Error(`sensor changes: report ${positionOf(report)} does not come after ${positionOf(before)}`);
  const { isExact, changedAt, errorMs } = lastChange(step);
  const isSame = value === before.value;
  if (isSame && !isExact) return [];
  const { incarnation, boot, seq } = report;
  const between = larger(before.errorMs, errorMs);
  const told = { sensor, errorMs: isExact ? errorMs : between, incarnation, boot, seq };
  // Where `since` tells the moment, this report may have been made for it, whatever else was lost.
  const isInferred = at - changedAt > PROMPT_MS || (!isExact && !isNext(before, report));
  const change = { ...told, value, at: changedAt, notBefore: isExact ? changedAt : before.at, isInferred };
  if (!isSame) return [change];
  const away = { ...told, value: !value, at: changedAt, notBefore: before.at, isInferred: true };
  return [{ ...away, errorMs: between }, change];
}

/**
 * When the sensor changed last. Exact where `since` says that this was after the report before. Otherwise, if it changed at all, it was
 * before the report. A `since` that is counted from the start of a boot says no more than that: nobody saw a change in that boot, and
 * nobody looked before the device first did, some time after its start.
 */
function lastChange({ sensor, value, before, report, at, driftPpm }: Step): {
  readonly isExact: boolean;
  readonly changedAt: number;
  readonly errorMs: number | null;
} {
  const sinceMs = sinceChangeMs(report.body, sensor);
  const { measuredAt, errorMs } = report;
  const byReport = { isExact: false, changedAt: at, errorMs: widened(errorMs, at - measuredAt) };
  if (sinceMs === null) return byReport;
  const changedUp = report.up - sinceMs;
  const changedAt = Math.min(at, Math.max(before.at, measuredAt - sinceMs));
  const driftMs = sinceMs * driftPpm * 1e-6;
  const bySince = { changedAt, errorMs: widened(errorMs, changedAt - (measuredAt - sinceMs), driftMs) };
  if (!isSameBoot(before, report)) return changedUp > PROMPT_MS ? { isExact: true, ...bySince } : byReport;
  // What changed about when the report before was made is what that report told, unless it told another value.
  if (changedUp > before.up + (value === before.value ? PROMPT_MS : 0)) return { isExact: true, ...bySince };
  return byReport;
}

/** The error of a time that was moved by so much, and between which and the one it was counted from a clock may have drifted by so much. */
function widened(errorMs: number | null, movedMs: number, driftMs = 0): number | null {
  return errorMs === null ? null : errorMs + Math.abs(movedMs) + driftMs;
}

function larger(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : Math.max(one, other);
}

type Position = Pick<SensorReport, 'incarnation' | 'boot' | 'seq'>;

function isSameBoot(a: Position, b: Position): boolean {
  return a.boot === b.boot && a.incarnation === b.incarnation;
}

/** No report is missing between the two. */
function isNext(before: Position, report: Position): boolean {
  return report.seq === (isSameBoot(before, report) ? before.seq + 1 : 1);
}

function positionOf({ incarnation, boot, seq }: Position): string {
  return `${String(incarnation)}/${String(boot)}/${String(seq)}`;
}
