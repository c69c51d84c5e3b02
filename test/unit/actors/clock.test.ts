/**
 * Bounds on when, in server time, a device's uptime was what: rules, and a simulated device clock that they must hold.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type BootClock,
  earliestAt,
  latestAt,
  measuredAt,
  observeAnswer,
  observeReceived,
  startClock,
} from '../../../actors/clock.ts';

const DRIFT_PPM = 200;

const begun = (up: number, receivedAt: number): BootClock =>
  startClock({ incarnation: 1, boot: 1, up, receivedAt });

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
    expect(observeReceived(clock, { up: 2_000, receivedAt: 51_500 }, 0)).toBe(clock);
    expect(latestAt(observeReceived(clock, { up: 2_000, receivedAt: 50_400 }, 0), 2_000, 0)).toBe(50_400);
  });

  test('is not tightened by a report that sat in a buffer', () => {
    const clock = begun(1_000, 50_000);
    expect(observeReceived(clock, { up: 2_000, receivedAt: 18_050_000 }, DRIFT_PPM)).toBe(clock);
  });
});

describe('earliest', () => {
  test('is not known before the first round trip', () => {
    expect(earliestAt(begun(1_000, 50_000), 1_000, DRIFT_PPM)).toBeNull();
    expect(measuredAt(begun(1_000, 50_000), 3_000, DRIFT_PPM)).toEqual({ at: 52_000, errorMs: null });
  });

  test('is when the answered command was sent, and moves with uptime to the earlier side', () => {
    const clock = observeAnswer(begun(1_000, 50_000), { up: 1_000, sentAt: 49_900, receivedAt: 50_000 }, 0);
    expect(earliestAt(clock, 1_000, 0)).toBe(49_900);
    expect(earliestAt(clock, 2_000, 0)).toBe(50_900);
    expect(earliestAt(clock, 10_001_000, DRIFT_PPM)).toBeLessThanOrEqual(49_900 + 10_000_000 - 2_000);
  });

  test('is not loosened by an answer that took longer', () => {
    const clock = observeAnswer(begun(1_000, 50_000), { up: 1_000, sentAt: 49_900, receivedAt: 50_000 }, 0);
    expect(observeAnswer(clock, { up: 9_000, sentAt: 50_000, receivedAt: 58_000 }, 0)).toBe(clock);
  });

  test('with latest gives the middle, and half the distance as the error', () => {
    const clock = observeAnswer(begun(1_000, 50_000), { up: 1_000, sentAt: 49_900, receivedAt: 50_000 }, 0);
    expect(measuredAt(clock, 1_000, 0)).toEqual({ at: 49_950, errorMs: 50 });
  });
});

describe('bounds that cross', () => {
  const bounded = observeAnswer(
    begun(1_000, 50_000),
    { up: 1_000, sentAt: 49_990, receivedAt: 50_000 },
    DRIFT_PPM,
  );

  test('by an answer: the device slept with its clock, and both bounds begin anew from that round trip', () => {
    const woken = observeAnswer(bounded, { up: 2_000, sentAt: 3_650_900, receivedAt: 3_651_000 }, DRIFT_PPM);
    expect(latestAt(woken, 2_000, DRIFT_PPM)).toBe(3_651_000);
    expect(earliestAt(woken, 2_000, DRIFT_PPM)).toBe(3_650_900);
  });

  test('by a report that came before it can have been measured: the round trip has to be made again', () => {
    const fast = observeReceived(bounded, { up: 100_000, receivedAt: 60_000 }, DRIFT_PPM);
    expect(latestAt(fast, 100_000, DRIFT_PPM)).toBe(60_000);
    expect(earliestAt(fast, 100_000, DRIFT_PPM)).toBeNull();
  });

  test('by a server clock: an answer that was sent after it was received bounds nothing', () => {
    expect(observeAnswer(bounded, { up: 2_000, sentAt: 60_000, receivedAt: 51_000 }, DRIFT_PPM)).toBe(
      bounded,
    );
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
        for (const { up, receivedAt, sentAt } of heard) {
          clock =
            clock === null ? begun(up, receivedAt) : observeReceived(clock, { up, receivedAt }, DRIFT_PPM);
          if (sentAt !== null) clock = observeAnswer(clock, { up, sentAt, receivedAt }, DRIFT_PPM);
          const rounding = 1e-3;
          for (const up of [...asked, ...heard.map((report) => report.up)]) {
            const earliest = earliestAt(clock, up, DRIFT_PPM);
            expect(latestAt(clock, up, DRIFT_PPM)).toBeGreaterThanOrEqual(truth(up) - rounding);
            if (earliest === null) continue;
            expect(earliest).toBeLessThanOrEqual(truth(up) + rounding);
            const { at, errorMs } = measuredAt(clock, up, DRIFT_PPM);
            expect(Math.abs(at - truth(up))).toBeLessThanOrEqual(errorMs! + rounding);
          }
        }
      },
    ),
    { numRuns: 2_000 },
  );
});
