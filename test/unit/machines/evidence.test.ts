import { describe, expect, test } from 'vitest';
import {
  binary,
  hasSettled,
  hasStayed,
  measured,
  sinceChangeMs,
  SETTLING_MS,
} from '../../../machines/evidence.ts';
import { reportOf } from './report-of.ts';

const plugged = { sensor: 'plugged', value: true } as const;

describe('what a report says', () => {
  const report = reportOf({
    sensors: { plugged: false, odometerKm: 7, broken: Number.NaN, text: 'on' },
    since: { plugged: 0 },
  });

  test('a value of another type than the sensor has is no value', () => {
    expect(binary(report, 'plugged')).toBe(false);
    expect(binary(report, 'text')).toBeNull();
    expect(binary(report, 'absent')).toBeNull();
    expect(measured(report, 'odometerKm')).toBe(7);
    expect(measured(report, 'broken')).toBeNull();
    expect(measured(report, 'plugged')).toBeNull();
  });

  test('a change that has just happened is told from one that nobody told of', () => {
    expect(sinceChangeMs(report, 'plugged')).toBe(0);
    expect(sinceChangeMs(report, 'locked')).toBeNull();
  });
});

describe('a sensor has settled', () => {
  test('when its last change is long enough ago', () => {
    const settled = reportOf({ sensors: { plugged: true }, since: { plugged: SETTLING_MS } });
    const moving = reportOf({ sensors: { plugged: true }, since: { plugged: SETTLING_MS - 1 } });
    expect(hasSettled(settled, null, plugged)).toBe(true);
    expect(hasSettled(moving, null, plugged)).toBe(false);
    expect(hasSettled(settled, null, { sensor: 'plugged', value: false })).toBe(false);
  });

  test('without `since`: when two reports of one boot say the same, far enough apart', () => {
    const report = reportOf({ sensors: { plugged: true } });
    const before = reportOf({ seq: 5, up: report.up - SETTLING_MS, sensors: { plugged: true } });
    expect(hasSettled(report, before, plugged)).toBe(true);
    expect(hasSettled(report, null, plugged)).toBe(false);
    expect(hasSettled(report, { ...before, up: before.up + 1 }, plugged)).toBe(false);
    expect(hasSettled(report, { ...before, boot: before.boot - 1 }, plugged)).toBe(false);
    expect(hasSettled(report, { ...before, sensors: { plugged: false } }, plugged)).toBe(false);
    expect(hasSettled(report, { ...before, up: report.up + 1 }, plugged)).toBe(false);
  });
});

describe('a sensor has stayed between two reports', () => {
  const before = reportOf({ seq: 5, up: 50_000, sensors: { plugged: true } });
  const after = (sinceMs: number) =>
    reportOf({ up: 60_000, sensors: { plugged: true }, since: { plugged: sinceMs } });

  test('only when its last change is proved to lie before the first', () => {
    expect(hasStayed(before, after(10_001), plugged)).toBe(true);
    expect(hasStayed(before, after(10_000), plugged)).toBe(false);
    expect(hasStayed(before, after(9_999), plugged)).toBe(false);
  });

  test('never because both say the same: it may have changed twice in between', () => {
    expect(hasStayed(before, reportOf({ up: 60_000, sensors: { plugged: true } }), plugged)).toBe(false);
  });

  test('never across a reboot, and never backwards', () => {
    expect(hasStayed({ ...before, boot: 2 }, after(50_000), plugged)).toBe(false);
    expect(hasStayed({ ...before, up: 60_001 }, after(50_000), plugged)).toBe(false);
  });
});
