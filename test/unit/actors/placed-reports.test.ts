/** What comes first within a boot its numbers tell; between boots, what was certainly measured later is of somebody else. */
import { describe, expect, test } from 'vitest';
import { type MeasuredReport, placeReports } from '../../../actors/placed-reports.ts';

const T0 = Date.parse('2026-01-31T12:00:00Z');

/** `by`: how much after the report that comes next it is said to have been measured, ms, ± 10. */
function before(
  boot: number,
  by: number,
): Pick<ReturnType<typeof placeReports>[number], 'at' | 'isOvertaken'> {
  const next: MeasuredReport = { incarnation: 1, boot: 2, measuredAt: T0, errorMs: 10 };
  const [placed] = placeReports([{ incarnation: 1, boot, measuredAt: T0 + by, errorMs: 10 }], next);
  const { at, isOvertaken } = placed!;
  return { at, isOvertaken };
}

describe('a report that was measured after one that comes later', () => {
  test.each([1, 2])('gives way where errors explain it (boot %i before boot 2)', (boot) => {
    expect(before(boot, 20)).toEqual({ at: T0, isOvertaken: false });
  });

  test('is of somebody else where nothing explains it', () => {
    expect(before(1, 21)).toEqual({ at: T0, isOvertaken: true });
  });

  test('is in its place all the same where both are of one boot: its clock did not keep pace', () => {
    expect(before(2, 5_000)).toEqual({ at: T0, isOvertaken: false });
  });
});
