/**
 * Readings as a chart takes them: times, the line, and the marks of what came late.
 */
import type { AlignedData } from 'uplot';
import type { Gap } from './gaps.ts';
import type { Reading } from './sensor-series.ts';

/** The data of a chart; times are ms epoch. The line is broken in every gap. */
export function chartData(readings: readonly Reading<number>[], gaps: readonly Gap[]): AlignedData {
  const times: number[] = [];
  const line: (number | null)[] = [];
  const late: (number | null)[] = [];
  let gap = 0;
  for (const { at, value, isLate } of readings) {
    while (gap < gaps.length && (gaps[gap]?.to ?? Infinity) <= at) {
      const { from, to } = gaps[gap] ?? { from: at, to: at };
      gap += 1;
      if (times.length === 0) continue;
      times.push(Math.min(at, Math.max(times.at(-1) ?? from, (from + to) / 2)));
      line.push(null);
      late.push(null);
    }
    times.push(at);
    line.push(value);
    late.push(isLate ? value : null);
  }
  return [times, line, late];
}
