/**
 * Bounds on when, in server time, a device's uptime was what: rules, and a simulated device clock that they must hold.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type BootClock,
  earliestAt,
  endSegment,
  LAG_LEAST_MS,
  latestAt,
  measuredAt,
  observeAnswer,
  observeReceived,
  startClock,
} from '../../../actors/clock.ts';

const DRIFT_PPM = 200;

const begun = (up: number, receivedAt: number): BootClock =>
  startClock({ incarnation: 1, boot: 1, seq: 1, up, receivedAt });

describe('latest', () => {
  test('is when the report was received, and moves with uptime', () => {
    const clock = begun(1_000, 50_000);
    expect(latestAt(clock, 1_000, 0)).toBe(50_000);
    expect(latestAt(clock, 6_000, 0)).toBe(55_000);
    expect(latestAt(clock, 0, 0)).toBe(49_000);
  });

  test('is stretched by the drift to the later side, in both directions of time', () => {
    const clock = begun(10_000_000, 50_000_000);
    expect(latestAt(clock, 20_000_000, DRIFT_PPM)).toBeGreaterThanOrEqual(60_002_000);
    expect(latestAt(clock, 0, DRIFT_PPM)).toBeGreaterThan(40_000_000);
  });

  test('allows for a clock that loses all that it may: it shows less time than has passed', () => {
    const trueMs = 43_200_000;
    const shownMs = trueMs * (1 - DRIFT_PPM * 1e-6);
    expect(latestAt(begun(0, 0), shownMs, DRIFT_PPM)).toBeGreaterThanOrEqual(trueMs);
  });

  test('is tightened by a report that came faster, and by no other', () => {
    const clock = begun(1_000, 50_000);
    expect(observeReceived(clock, { seq: 2, up: 2_000, receivedAt: 51_500 }, 0)).toBe(clock);
    expect(latestAt(observeReceived(clock, { seq: 2, up: 2_000, receivedAt: 50_400 }, 0), 2_000, 0)).toBe(
      50_400,
    );
  });

  test('is not tightened by a report that sat in a buffer', () => {
    const clock = begun(1_000, 50_000);
    const { latest } = observeReceived(clock, { seq: 2, up: 2_000, receivedAt: 18_050_000 }, DRIFT_PPM);
    expect(latest).toBe(clock.latest);
  });
});

describe('earliest', () => {
  test('is not known before the first round trip', () => {
    expect(earliestAt(begun(1_000, 50_000), 1_000, DRIFT_PPM)).toBeNull();
    expect(measuredAt(begun(1_000, 50_000), { up: 3_000, receivedAt: 60_000 }, DRIFT_PPM)).toEqual({
      at: 52_000,
      errorMs: null,
    });
  });

  test('is when the answered command was sent, and moves with uptime to the earlier side', () => {
    const clock = observeAnswer(
      begun(1_000, 50_000),
      { seq: 2, up: 1_000, sentAt: 49_900, receivedAt: 50_000 },
      0,
    );
    expect(earliestAt(clock, 1_000, 0)).toBe(49_900);
    expect(earliestAt(clock, 2_000, 0)).toBe(50_900);
    expect(earliestAt(clock, 10_001_000, DRIFT_PPM)).toBeLessThanOrEqual(49_900 + 10_000_000 - 2_000);
  });

  test('is not loosened by an answer that took longer', () => {
    const clock = observeAnswer(
      begun(1_000, 50_000),
      { seq: 2, up: 1_000, sentAt: 49_900, receivedAt: 50_000 },
      0,
    );
    const { earliest, agreed } = observeAnswer(
      clock,
      { seq: 2, up: 9_000, sentAt: 50_000, receivedAt: 58_000 },
      0,
    );
    expect(earliest).toBe(clock.earliest);
    expect(agreed).toEqual({ fromUp: 1_000, toUp: 9_000, slowestMs: 8_000 });
  });

  test('with latest gives the middle, and half the distance as the error', () => {
    const clock = observeAnswer(
      begun(1_000, 50_000),
      { seq: 2, up: 1_000, sentAt: 49_900, receivedAt: 50_000 },
      0,
    );
    expect(measuredAt(clock, { up: 1_000, receivedAt: 50_000 }, 0)).toEqual({ at: 49_950, errorMs: 50 });
  });
});

describe('bounds that cross', () => {
  const bounded = observeAnswer(
    begun(1_000, 50_000),
    { seq: 1, up: 1_000, sentAt: 49_990, receivedAt: 50_000 },
    DRIFT_PPM,
  );

  test('by an answer: the device slept with its clock, and a segment begins with that round trip', () => {
    const answer = { seq: 9, up: 2_000, sentAt: 3_650_900, receivedAt: 3_651_000 };
    const woken = observeAnswer(bounded, answer, DRIFT_PPM);
    expect(latestAt(woken, 2_000, DRIFT_PPM)).toBe(3_651_000);
    expect(earliestAt(woken, 2_000, DRIFT_PPM)).toBe(3_650_900);
    expect(woken).toMatchObject({ fromSeq: 9, untilSeq: null, crossings: 1 });
  });

  test('by a report that came before it can have been measured: a segment begins without a round trip', () => {
    const fast = observeReceived(bounded, { seq: 9, up: 100_000, receivedAt: 60_000 }, DRIFT_PPM);
    expect(latestAt(fast, 100_000, DRIFT_PPM)).toBe(60_000);
    expect(earliestAt(fast, 100_000, DRIFT_PPM)).toBeNull();
    expect(fast).toMatchObject({ fromSeq: 9, crossings: 1 });
  });

  test('by no more than whole milliseconds come to, agree', () => {
    const close = observeReceived(bounded, { seq: 9, up: 2_000, receivedAt: 50_989 }, 0);
    expect(close).toMatchObject({ fromSeq: 0, crossings: 0, earliest: bounded.earliest });
    expect(measuredAt(close, { up: 2_000, receivedAt: 50_989 }, 0).errorMs).not.toBeNull();
  });

  test('by a server clock: an answer that was sent after it was received bounds nothing', () => {
    const answer = { seq: 9, up: 2_000, sentAt: 60_000, receivedAt: 51_000 };
    expect(observeAnswer(bounded, answer, DRIFT_PPM)).toBe(bounded);
  });

  describe('leave a segment that', () => {
    const agreeing = observeAnswer(
      bounded,
      { seq: 5, up: 61_000, sentAt: 109_980, receivedAt: 110_010 },
      DRIFT_PPM,
    );
    const broken = endSegment(agreeing, { seq: 9, receivedAt: 3_651_000 });

    test('times what lies between its round trips as before, within what they took', () => {
      const { at, errorMs } = measuredAt(broken, { up: 31_000, receivedAt: 80_020 }, DRIFT_PPM);
      expect(at).toBeCloseTo(measuredAt(agreeing, { up: 31_000, receivedAt: 80_020 }, DRIFT_PPM).at, 6);
      expect(errorMs).toBeGreaterThanOrEqual(30);
      expect(errorMs).toBeLessThan(100);
    });

    test('says of what came after them only that: after the last one, and before it arrived', () => {
      const receivedAt = 3_640_000;
      const { at, errorMs } = measuredAt(broken, { up: 62_000, receivedAt }, DRIFT_PPM);
      expect(at).toBeLessThanOrEqual(receivedAt);
      expect(at + errorMs!).toBeGreaterThanOrEqual(receivedAt);
      expect(at - errorMs!).toBeLessThanOrEqual(110_000);
    });

    test('says nothing certain of what came before them', () => {
      expect(measuredAt(broken, { up: 500, receivedAt: 49_600 }, DRIFT_PPM).errorMs).toBeNull();
    });

    test('puts nothing after the moment in which it was found broken', () => {
      const { at } = measuredAt(broken, { up: 90_000_000, receivedAt: 9e12 }, DRIFT_PPM);
      expect(at).toBe(3_651_000);
    });
  });
});

test('nothing is measured after it was received, also where the clock has drifted since', () => {
  const slow = observeReceived(
    begun(0, 50_000),
    { seq: 9, up: 86_400_000, receivedAt: 86_465_000 },
    DRIFT_PPM,
  );
  expect(slow.latest.up).toBe(86_400_000);
  expect(measuredAt(slow, { up: 0, receivedAt: 50_000 }, DRIFT_PPM).at).toBe(50_000);
});

describe('a boot without a round trip', () => {
  test('is not moved to 1969 by an uptime in ms since 1970', () => {
    const clock = observeReceived(
      begun(1_000, 50_000),
      { seq: 2, up: 1.7e12, receivedAt: 60_000 },
      DRIFT_PPM,
    );
    expect(clock).toMatchObject({ fromSeq: 2, crossings: 1 });
  });

  test('begins a segment when for an hour every report came late: the clock stood still, or the stream was behind', () => {
    let clock = begun(1_000, 50_000);
    const lateMs = 2 * LAG_LEAST_MS;
    const hear = (afterMs: number, seq: number): void => {
      const observed = { seq, up: 1_000 + afterMs, receivedAt: 50_000 + afterMs + lateMs };
      clock = observeReceived(clock, observed, DRIFT_PPM);
    };
    for (let minute = 1; minute <= 60; minute += 1) hear(minute * 60_000, minute + 1);
    expect(clock.crossings).toBe(0);
    hear(61 * 60_000, 62);
    expect(clock).toMatchObject({ fromSeq: 62, crossings: 1 });
    expect(latestAt(clock, 1_000, 0)).toBe(50_000 + lateMs);
  });

  test('waits again for an hour once a report came in time', () => {
    let clock = begun(1_000, 50_000);
    for (let hour = 0; hour < 5; hour += 1) {
      const up = 1_000 + hour * 3_000_000;
      clock = observeReceived(clock, { seq: 2 * hour + 2, up, receivedAt: up + 49_000 }, DRIFT_PPM);
      clock = observeReceived(
        clock,
        { seq: 2 * hour + 3, up: up + 1_000, receivedAt: up + 2_000_000 },
        DRIFT_PPM,
      );
    }
    expect(clock.crossings).toBe(0);
  });
});

/** A report of the simulated device: measured after `afterMs`, received `delayMs` later; perhaps an answer. */
const happening = fc.record({
  afterMs: fc.oneof(fc.nat(100), fc.nat(60_000), fc.nat(50_000_000)),
  delayMs: fc.oneof(fc.nat(100), fc.nat(5_000), fc.nat(20_000_000)),
  /** How long before it was measured the command that it answers was sent; `null`: it answers none. */
  askedMs: fc.option(fc.oneof(fc.nat(100), fc.nat(5_000), fc.nat(20_000_000)), { nil: null }),
  isLost: fc.boolean(),
});

test('the truth lies within the bounds, and the estimate within its error, for any clock within its drift and whatever is delayed or lost', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1, max: 1, noNaN: true }),
      fc.array(happening, { minLength: 1, maxLength: 40 }),
      fc.array(fc.integer({ min: 0, max: 100_000_000 }), { minLength: 1, maxLength: 8 }),
      (drift, happenings, asked) => {
        const pace = 1 + drift * DRIFT_PPM * 1e-6;
        const truth = (up: number): number => 1_000_000 + up / pace;
        let clock: BootClock | null = null;
        let up = 0;
        const heard: { readonly up: number; readonly receivedAt: number; readonly sentAt: number | null }[] =
          [];
        for (const { afterMs, delayMs, askedMs, isLost } of happenings) {
          up += afterMs;
          const sentAt = askedMs === null ? null : truth(up) - askedMs;
          if (!isLost) heard.push({ up, receivedAt: truth(up) + delayMs, sentAt });
        }
        heard.sort((a, b) => a.receivedAt - b.receivedAt);
        const isAnswering = heard[0]?.sentAt !== null;
        const isLate = heard.some(({ up, receivedAt }) => receivedAt - truth(up) > LAG_LEAST_MS);
        for (const { up, receivedAt, sentAt } of heard) {
          clock =
            clock === null
              ? begun(up, receivedAt)
              : observeReceived(clock, { seq: 2, up, receivedAt }, DRIFT_PPM);
          if (sentAt !== null) clock = observeAnswer(clock, { seq: 2, up, sentAt, receivedAt }, DRIFT_PPM);
          const rounding = 1e-3;
          for (const up of [...asked, ...heard.map((report) => report.up)]) {
            // A clock that keeps pace is never found broken, unless everything comes late and nothing answers.
            if (isAnswering || !isLate) expect(clock.crossings).toBe(0);
            const earliest = earliestAt(clock, up, DRIFT_PPM);
            expect(latestAt(clock, up, DRIFT_PPM)).toBeGreaterThanOrEqual(truth(up) - rounding);
            if (earliest === null) continue;
            expect(earliest).toBeLessThanOrEqual(truth(up) + rounding);
            const { at, errorMs } = measuredAt(clock, { up, receivedAt: truth(up) + 20_000_000 }, DRIFT_PPM);
            if (clock.crossings === 0) expect(errorMs).not.toBeNull();
            if (errorMs !== null) expect(Math.abs(at - truth(up))).toBeLessThanOrEqual(errorMs + rounding);
          }
        }
      },
    ),
    { numRuns: 2_000 },
  );
});
