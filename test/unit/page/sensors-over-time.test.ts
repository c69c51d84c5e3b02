/**
 * What the page draws of reports: gaps, lanes and lines.
 */
import { describe, expect, test } from 'vitest';
import type { Interval, Report } from '../../../src/page/api/history.ts';
import { chartData } from '../../../src/page/device/chart-data.ts';
import {
  gapsBetween,
  gapsIn,
  missingText,
  readUntil,
  silencesIn,
  silencesOf,
} from '../../../src/page/device/gaps.ts';
import {
  type BinarySeries,
  levelsOf,
  type NumericSeries,
  seriesOf,
  unknownParts,
} from '../../../src/page/device/sensor-series.ts';

/** A report at a second of the test, from the boot of its hundreds. */
function reportAt(second: number, changes: Partial<Report> & { readonly seq: number }): Report {
  const at = new Date(second * 1_000).toISOString();
  return {
    incarnation: 1,
    boot: 1,
    state: 'available',
    measuredAt: at,
    errorMs: 0,
    receivedAt: at,
    disposition: 'latest',
    body: {},
    ...changes,
  };
}

const cable = (cableConnected: boolean, heldS: number): Report['body'] => ({
  sensors: { cableConnected, powerW: cableConnected ? 7_400 : 0 },
  since: { cableConnected: heldS * 1_000 },
});

function laneOf(reports: readonly Report[]): BinarySeries {
  const lane = seriesOf(reports).find(({ type }) => type === 'binary');
  if (lane?.type !== 'binary') throw new Error('the reports name no binary sensor');
  return lane;
}

function lineOf(reports: readonly Report[]): NumericSeries {
  const line = seriesOf(reports).find(({ type }) => type === 'numeric');
  if (line?.type !== 'numeric') throw new Error('the reports name no numeric sensor');
  return line;
}

describe('a gap', () => {
  test('is where numbers of a boot are left out', () => {
    const reports = [reportAt(10, { seq: 1 }), reportAt(20, { seq: 2 }), reportAt(50, { seq: 5 })];
    expect(gapsBetween(reports)).toEqual([{ from: 20_000, to: 50_000, missing: 2 }]);
  });

  test('between two reports of the same moment counts as well', () => {
    const gaps = gapsBetween([reportAt(10, { seq: 1 }), reportAt(10, { seq: 3 })]);
    expect(gapsIn(gaps, { from: 0, to: 20_000 })).toEqual([{ from: 10_000, to: 10_000, missing: 1 }]);
    expect(gapsIn(gaps, { from: 11_000, to: 20_000 })).toEqual([]);
  });

  test('is not where a device has restarted and begins to count anew', () => {
    expect(gapsBetween([reportAt(10, { seq: 9 }), reportAt(20, { boot: 2, seq: 1 })])).toEqual([]);
  });

  test('is where the first reports of a boot are missing', () => {
    const reports = [reportAt(10, { seq: 9 }), reportAt(20, { boot: 2, seq: 3 })];
    expect(gapsBetween(reports)).toEqual([{ from: 10_000, to: 20_000, missing: 2 }]);
  });

  test('is where a boot was never heard of, and nobody knows how many reports it had', () => {
    const [before, after] = [reportAt(10, { seq: 9 }), reportAt(20, { boot: 3, seq: 1 })];
    const gaps = gapsBetween([before, after]);
    expect(gaps).toEqual([{ from: 10_000, to: 20_000, missing: 0 }]);
    expect(missingText(gaps)).toBe('reports missing, nobody knows how many');
    const others = gapsBetween([before, after, reportAt(30, { boot: 3, seq: 4 })]);
    expect(missingText(others)).toBe('at least 2 reports missing');
    expect(missingText(gapsBetween([before, reportAt(20, { incarnation: 2, boot: 1, seq: 1 })]))).toBe(null);
  });

  test('that reaches into a span from either side counts in it', () => {
    const [gap] = gapsBetween([reportAt(10, { seq: 1 }), reportAt(20, { seq: 3 })]);
    expect(gapsIn([gap!], { from: 20_000, to: 30_000 })).toEqual([gap]);
    expect(gapsIn([gap!], { from: 0, to: 10_000 })).toEqual([gap]);
    expect(missingText([gap!])).toBe('1 report missing');
  });
});

test('what was not read up to its end is known up to the last that was read, and no longer', () => {
  const ends = [reportAt(10, { seq: 1 }), reportAt(20, { seq: 2 })].map(({ measuredAt }) => measuredAt);
  expect(readUntil({ isWhole: false, ends })).toBe(20_000);
  expect(readUntil({ isWhole: true, ends })).toBe(Infinity);
});

test('silences are the timeline’s, and one that no report has ended lasts until now', () => {
  const time = (second: number): string => new Date(second * 1_000).toISOString();
  const stretch = (from: number, to: number | null, silent: boolean): Interval => ({
    state: silent ? 'silent' : 'available',
    silent,
    from: time(from),
    errorMs: 0,
    to: to === null ? null : time(to),
    lastReportAt: time(from),
    reports: 1,
    gaps: 0,
    missing: 0,
    reboots: 0,
    beganBefore: false,
    goesOn: false,
  });
  const intervals = [
    stretch(10, 20, false),
    stretch(20, 120, true),
    stretch(120, 120, false),
    stretch(120, null, true),
  ];
  const silences = silencesOf(intervals, 200_000);
  expect(silences).toEqual([
    { from: 20_000, to: 120_000 },
    { from: 120_000, to: 200_000 },
  ]);
  expect(silencesIn(silences, { from: 50_000, to: 100_000 })).toEqual([{ from: 50_000, to: 100_000 }]);
});

describe('a lane', () => {
  const reports = [
    reportAt(10, { seq: 1, body: cable(false, 10) }),
    reportAt(60, { seq: 4, body: cable(true, 20) }),
  ];

  test('changes when the sensor changed, not when that was reported', () => {
    expect(levelsOf(laneOf(reports), 90_000)).toEqual([
      { from: 0, to: 40_000, value: false },
      { from: 40_000, to: 90_000, value: true },
    ]);
  });

  test('is not known in a gap up to where its value began', () => {
    expect(unknownParts(laneOf(reports), gapsBetween(reports))).toEqual([
      { from: 10_000, to: 40_000, missing: 2 },
    ]);
  });

  test('is not known in a whole gap where the device does not tell since when', () => {
    const [before, { body, ...rest }] = [reports[0]!, reports[1]!];
    const untold = [before, { ...rest, body: { ...body, since: {} } }];
    expect(unknownParts(laneOf(untold), gapsBetween(untold))).toEqual([
      { from: 10_000, to: 60_000, missing: 2 },
    ]);
  });

  test('is known all through a gap in which the sensor never changed', () => {
    const held = [
      reportAt(10, { seq: 1, body: cable(true, 5) }),
      reportAt(60, { seq: 4, body: cable(true, 55) }),
    ];
    expect(unknownParts(laneOf(held), gapsBetween(held))).toEqual([]);
    expect(levelsOf(laneOf(held), 90_000)).toEqual([{ from: 5_000, to: 90_000, value: true }]);
  });
});

describe('a line', () => {
  const reading = (second: number, value: number, isLate = false) => ({ at: second * 1_000, value, isLate });

  test('holds each value until the next reading, and the last one until now: no ramp leads from one to the other', () => {
    expect(chartData([reading(10, 0), reading(61, 11_000)], [], 90_000)).toEqual([
      [10_000, 61_000, 90_000],
      [0, 11_000, 11_000],
      [0, 11_000, null],
      [null, null, null],
    ]);
  });

  test('is broken in a gap, and what came late is marked', () => {
    const reports = [
      reportAt(10, { seq: 1, body: cable(false, 10) }),
      reportAt(20, { seq: 2, body: cable(false, 20), disposition: 'late' }),
      reportAt(60, { seq: 4, body: cable(true, 20) }),
    ];
    expect(chartData(lineOf(reports).readings, gapsBetween(reports), 60_000)).toEqual([
      [10_000, 20_000, 20_000, 60_000],
      [0, 0, null, 7_400],
      [0, 0, null, 7_400],
      [null, 0, null, null],
    ]);
  });

  test('ends with the last reading before a silence', () => {
    const silences = [{ from: 20_000, to: 400_000 }];
    const [times, steps] = chartData([reading(10, 5), reading(15, 6)], silences, 400_000);
    expect([times, steps]).toEqual([
      [10_000, 15_000, 20_000, 20_000],
      [5, 6, 6, null],
    ]);
  });

  test('has its times in order however they were corrected', () => {
    const reports = [
      reportAt(20, { seq: 1, body: cable(false, 1) }),
      reportAt(10, { boot: 2, seq: 1, body: cable(false, 1) }),
    ];
    expect(chartData(lineOf(reports).readings, [], 20_000)[0]).toEqual([10_000, 20_000]);
  });
});
