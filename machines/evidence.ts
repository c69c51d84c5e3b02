/**
 * What reports prove about a sensor, for the rules by which a kind finds contradictions. Reports are snapshots: what
 * happened between two of them is known only where `since` tells it, and a rule that assumes more accuses honest devices.
 */
import type { Report } from './report.ts';

/**
 * How long the parts of a device may disagree before it means anything, ms: a firmware that samples its sensors one
 * after the other, and debounces them, needs a moment to follow them.
 */
export const SETTLING_MS = 5_000;

/** The value of a binary sensor, or `null` where the report does not say. */
export function binary(report: Pick<Report, 'sensors'>, sensor: string): boolean | null {
  const value = report.sensors[sensor];
  return typeof value === 'boolean' ? value : null;
}

/** The value of a measuring sensor in its own unit, or `null` where the report does not say. */
export function measured(report: Report, sensor: string): number | null {
  const value = report.sensors[sensor];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** How long ago the binary sensor last changed, ms, or `null` where the report does not say. */
export function sinceChangeMs(report: Pick<Report, 'since'>, sensor: string): number | null {
  return report.since?.[sensor] ?? null;
}

/**
 * True when the binary sensor says `value` and has settled on it. A device that sends no `since` is taken to have
 * settled when two reports in a row say the same.
 */
export function hasSettled(
  report: Report,
  previous: Report | null,
  reading: { readonly sensor: string; readonly value: boolean },
): boolean {
  if (binary(report, reading.sensor) !== reading.value) return false;
  const sinceMs = sinceChangeMs(report, reading.sensor);
  if (sinceMs !== null) return sinceMs >= SETTLING_MS;
  const elapsedMs = elapsedBetween(previous, report);
  if (previous === null || elapsedMs === null) return false;
  return binary(previous, reading.sensor) === reading.value && elapsedMs >= SETTLING_MS;
}

/**
 * True when `since` proves that the binary sensor said `value` all the time between the two reports. A change in the
 * very millisecond of the first one may have come after it, and proves nothing.
 */
export function hasStayed(
  previous: Report,
  report: Report,
  reading: { readonly sensor: string; readonly value: boolean },
): boolean {
  const elapsedMs = elapsedBetween(previous, report);
  const sinceMs = sinceChangeMs(report, reading.sensor);
  if (elapsedMs === null || sinceMs === null) return false;
  return binary(report, reading.sensor) === reading.value && sinceMs > elapsedMs;
}

/** Time between two reports by the device's own uptime, ms; `null` across a reboot or when they are not in order. */
function elapsedBetween(previous: Report | null, report: Report): number | null {
  if (previous?.boot !== report.boot || previous.up > report.up) return null;
  return report.up - previous.up;
}
