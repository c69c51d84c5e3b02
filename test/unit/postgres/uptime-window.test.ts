import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leastMeasuredAt, measuredAt, paceAt } from '../../../actors/clock.ts';
import { uptimeWindow } from '../../../src/postgres/uptime-window.ts';
import { bootClock } from '../../contract/store-samples.ts';

const DRIFT_PPM = 100;
const T0 = Date.UTC(2026, 0, 31);
const up = fc.oneof(fc.nat(), fc.maxSafeNat());
const time = fc.integer({ min: T0 - 1e9, max: T0 + 1e9 });
const clock = fc
  .record({
    latest: fc.record({ up, at: time }),
    earliest: fc.option(fc.record({ up, at: time }), { nil: null }),
  })
  .map((bounds) => bootClock({ boot: 1, ...bounds }));

describe('the uptimes of a window of measured time', () => {
  test('are those that can have been measured in it, and no others, whenever their reports arrived', () => {
    fc.assert(
      fc.property(
        clock,
        fc.option(time, { nil: null }),
        fc.option(time, { nil: null }),
        fc.array(fc.nat()),
        fc.double({ min: 0, max: 2, noNaN: true }),
        (of, from, to, offsets, part) => {
          const { first, last } = uptimeWindow(of, DRIFT_PPM, { from, to });
          const near = [first, last, of.latest.up].flatMap((middle) => [middle - 1, middle, middle + 1]);
          const all = [
            0,
            Number.MAX_SAFE_INTEGER,
            ...near,
            ...offsets.map((offset) => of.latest.up + offset),
          ];
          for (const uptime of all.filter((each) => each >= 0 && each <= Number.MAX_SAFE_INTEGER)) {
            const [least, most] = [leastMeasuredAt, paceAt].map((at) => at(of, uptime, DRIFT_PPM)) as [
              number,
              number,
            ];
            const receivedAt = least + (most - least) * part;
            const { at } = measuredAt(of, { up: uptime, receivedAt }, DRIFT_PPM);
            const isInside = uptime >= first && uptime <= last;
            if ((from === null || at >= from) && (to === null || at < to)) expect(isInside).toBe(true);
            expect(isInside).toBe((from === null || most >= from) && (to === null || least < to));
          }
        },
      ),
    );
  });
});
