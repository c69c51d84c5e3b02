/**
 * Readings as a chart takes them: times, steps, what was measured, and the marks of what came late. A sensor has the value of a reading
 * until the next one, which is a step; no ramp leads from one to the other, since nobody measured one.
 */
import type { AlignedData } from 'uplot';
import type { Span } from './history-window.ts';
import type { Reading } from './sensor-series.ts';

/**
 * The data of a chart; times are ms epoch. A value is held until the next reading, or until `until`; in a stretch in which nothing is
 * known it is not. The stretches are in order.
 */
export function chartData(
  readings: readonly Reading<number>[],
  unknown: readonly Span[],
  until: number,
): AlignedData {
  const times: number[] = [];
  const steps: (number | null)[] = [];
  const measured: (number | null)[] = [];
  const late: (number | null)[] = [];
  const push = (at: number, step: number | null, reading: Reading<number> | null): void => {
    times.push(at);
    steps.push(step);
    measured.push(reading?.value ?? null);
    late.push(reading?.isLate === true ? reading.value : null);
  };
  let next = 0;
  for (const [index, reading] of readings.entries()) {
    const { at, value } = reading;
    const end = readings[index + 1]?.at ?? Math.max(at, until);
    push(at, value, reading);
    while (next < unknown.length && (unknown[next]?.to ?? Infinity) <= at) next += 1;
    const stop = unknown[next]?.from ?? Infinity;
    if (stop < end) {
      if (stop > at) push(stop, value, null);
      push(Math.max(stop, at), null, null);
    } else if (index === readings.length - 1 && end > at) push(end, value, null);
  }
  return [times, steps, measured, late];
}
