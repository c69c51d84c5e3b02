/** What stands in a device's history, as the world knows it. */
import { AGENT_LIMITS } from '../../../src/device/limits.ts';
import type { HistoryReport } from '../../../src/history/ports.ts';
import { sampleKey } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';

/** Uptimes and what is kept of measured times are whole ms. */
export const WHOLE_MS = 2;
/** A device that executes a command looks at itself again when that has an end, or is given up, and its disk takes a moment, ms. */
export const LOOKS_AGAIN_MS = AGENT_LIMITS.actMs + 2_000;

/** A filed report that somebody else made in the device's name. */
export function isForged({ record }: Evidence, device: string, { body }: HistoryReport): boolean {
  return record.forged.has(sampleKey(device, body as { sensors: Record<string, unknown> }));
}

/** When a filed report was really measured, true time; `null` where the device never made it. */
export function trulyMeasuredAt(
  { record }: Evidence,
  device: string,
  { body }: HistoryReport,
): number | null {
  const key = sampleKey(device, body as { sensors: Record<string, unknown> });
  return record.madeBySample.get(key)?.measuredAt ?? null;
}

/**
 * A history in which reports stand in the order in which the device made them. What others said in its name, and what it said after its
 * storage was wiped and before anybody knew of that, stands where its number belongs.
 */
export function isInOrder(evidence: Evidence, device: string, filed: readonly HistoryReport[]): boolean {
  if (filed.some((report) => isForged(evidence, device, report))) return false;
  if (evidence.record.wipes.every((wipe) => wipe.device !== device)) return true;
  const times = filed.map((report) => trulyMeasuredAt(evidence, device, report) ?? NaN);
  return times.every((time, index) => time >= (times[index - 1] ?? 0));
}
