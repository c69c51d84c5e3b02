/**
 * What reports say about each sensor over time.
 */
import type { Report } from '../api/history.ts';
import type { Span } from './history-window.ts';

/** One reading, ms epoch. */
export interface Reading<T> {
  readonly at: number;
  readonly value: T;
  readonly isLate: boolean;
}

/** A sensor that is on or off. */
export interface BinarySeries {
  readonly type: 'binary';
  readonly name: string;
  readonly readings: readonly (Reading<boolean> & {
    /** Since when it has had this value, by the device; `null` when it does not tell. */
    readonly since: number | null;
  })[];
}

/** A sensor with a number. */
export interface NumericSeries {
  readonly type: 'numeric';
  readonly name: string;
  readonly readings: readonly Reading<number>[];
}

/** The series of all sensors that reports name, in the order in which they first appear: on or off first, then numbers. */
export function seriesOf(reports: readonly Report[]): readonly (BinarySeries | NumericSeries)[] {
  const binary = new Map<string, BinarySeries['readings'][number][]>();
  const numeric = new Map<string, Reading<number>[]>();
  for (const report of reports) {
    const at = Date.parse(report.measuredAt);
    const isLate = report.disposition === 'late';
    const since = sinceOf(report);
    for (const [name, value] of Object.entries(report.body.sensors ?? {})) {
      if (typeof value === 'boolean') {
        const heldMs = since[name];
        const series = listAt(binary, name);
        series.push({ at, value, isLate, since: typeof heldMs === 'number' ? at - heldMs : null });
      } else if (typeof value === 'number') listAt(numeric, name).push({ at, value, isLate });
    }
  }
  return [
    ...[...binary].map(([name, readings]) => ({ type: 'binary' as const, name, readings: sorted(readings) })),
    ...[...numeric].map(([name, readings]) => ({
      type: 'numeric' as const,
      name,
      readings: sorted(readings),
    })),
  ];
}

/** A stretch in which a binary sensor had one value; ms epoch. */
export interface Level {
  readonly from: number;
  readonly to: number;
  readonly value: boolean;
}

/**
 * The levels of a binary sensor up to `until`. A device tells since when a sensor has its value, so a change is drawn where it was, not
 * where it was reported; that also fills holes in which nothing else is known.
 */
export function levelsOf({ readings }: BinarySeries, until: number): readonly Level[] {
  const levels: Level[] = [];
  for (const { at, value, since } of readings) {
    const last = levels.at(-1);
    if (last?.value === value) continue;
    const from = Math.max(since ?? at, last?.from ?? since ?? at);
    if (last !== undefined) levels[levels.length - 1] = { ...last, to: from };
    levels.push({ from, to: until, value });
  }
  return levels;
}

/** The gaps, or silences, as far as this sensor is not known in them: from the hole on, up to where its present value began. */
export function unknownParts<T extends Span>({ readings }: BinarySeries, gaps: readonly T[]): readonly T[] {
  return gaps.flatMap((gap) => {
    const after = readings.find(({ at }) => at >= gap.to);
    const to = Math.min(gap.to, after?.since ?? gap.to);
    return to > gap.from ? [{ ...gap, to }] : [];
  });
}

function listAt<T>(lists: Map<string, T[]>, name: string): T[] {
  const known = lists.get(name) ?? [];
  lists.set(name, known);
  return known;
}

function sinceOf({ body }: Report): Readonly<Record<string, unknown>> {
  return body.since ?? {};
}

function sorted<T extends Reading<unknown>>(readings: readonly T[]): readonly T[] {
  return readings.toSorted((a, b) => a.at - b.at);
}
