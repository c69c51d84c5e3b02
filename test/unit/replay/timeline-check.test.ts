import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareTimes, foundTimes } from '../../../tools/replay/timeline-check.ts';

const MINUTE = 60_000;

function times(...minutes: readonly (readonly [number, number])[]) {
  return minutes.map(([from, to]) => ({ fromUp: from * MINUTE, toUp: to * MINUTE }));
}

describe('the check of a replay', () => {
  it('finds each session once', () => {
    const sessions = times([10, 20], [20, 30], [45, 46]);
    expect(compareTimes(sessions, sessions)).toEqual({
      matched: 3,
      missing: [],
      surplus: [],
      deviationMs: 0,
    });
  });

  it('takes ends less than a second apart for the same, and says how far apart they are', () => {
    const found = [{ fromUp: 10 * MINUTE + 1, toUp: 20 * MINUTE - 999 }];
    expect(compareTimes(times([10, 20]), found)).toMatchObject({ matched: 1, deviationMs: 999 });
    const late = [{ fromUp: 10 * MINUTE, toUp: 20 * MINUTE + 1_000 }];
    expect(compareTimes(times([10, 20]), late)).toMatchObject({
      matched: 0,
      missing: times([10, 20]),
      surplus: late,
    });
  });

  it('says that two sessions which have become one are missing, and the one is surplus', () => {
    expect(compareTimes(times([10, 20], [20, 30], [40, 50]), times([10, 30], [40, 50]))).toMatchObject({
      matched: 1,
      missing: times([10, 20], [20, 30]),
      surplus: times([10, 30]),
    });
  });

  it('says that a session which has become two is missing, and both are surplus', () => {
    expect(compareTimes(times([10, 30], [40, 50]), times([10, 20], [20, 30], [40, 50]))).toMatchObject({
      matched: 1,
      missing: times([10, 30]),
      surplus: times([10, 20], [20, 30]),
    });
  });

  it('takes charging that has not ended for no session', () => {
    const found = [{ fromUp: 10 * MINUTE, toUp: Infinity }];
    expect(compareTimes(times([10, 30]), found)).toMatchObject({ matched: 0, surplus: found });
  });

  it('matches exactly what both have, whatever else either has', () => {
    const minute = fc.integer({ min: 0, max: 200 });
    const list = fc.uniqueArray(minute, { maxLength: 40 });
    fc.assert(
      fc.property(list, list, (a, b) => {
        const of = (starts: readonly number[]) =>
          times(...[...starts].sort((x, y) => x - y).map((start): [number, number] => [start, start + 1]));
        const both = a.filter((start) => b.includes(start));
        expect(compareTimes(of(a), of(b))).toEqual({
          matched: both.length,
          missing: of(a.filter((start) => !b.includes(start))),
          surplus: of(b.filter((start) => !a.includes(start))),
          deviationMs: 0,
        });
      }),
    );
  });

  it('tells times by the distance from the last report, whose uptime the device knows, over silences', () => {
    const at = (minutes: number): number => Date.parse('2031-05-05T12:00:00Z') + minutes * MINUTE;
    const heard = { isSilent: false, reports: 1 };
    const timeline = [
      { ...heard, state: 'available', from: at(0), to: at(10), lastReportAt: at(9) },
      { ...heard, state: 'charging', from: at(10), to: at(20), lastReportAt: at(20) },
      { ...heard, state: 'silent', isSilent: true, from: at(20), to: at(28), lastReportAt: at(20) },
      { ...heard, state: 'charging', from: at(28), to: at(30), lastReportAt: at(30) },
      { ...heard, state: 'available', from: at(30), to: null, lastReportAt: at(50) },
    ];
    const last = { boot: 1, seq: 10, up: 60 * MINUTE };
    expect(foundTimes(timeline, last)).toEqual(times([20, 40]));
    expect(foundTimes([], last)).toEqual([]);
  });
});
