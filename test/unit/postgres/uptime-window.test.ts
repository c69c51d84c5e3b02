import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { measuredAt } from '../../../actors/clock.ts';
import { uptimeWindow } from '../../../src/postgres/uptime-window.ts';

const DRIFT_PPM = 100;
const T0 = Date.UTC(2026, 0, 31);
const up = fc.oneof(fc.nat(), fc.maxSafeNat());
const time = fc.integer({ min: T0 - 1e9, max: T0 + 1e9 });
const clock = fc.record({
  incarnation: fc.constant(1),
  boot: fc.constant(1),
  latest: fc.record({ up, at: time }),
  earliest: fc.option(fc.record({ up, at: time }), { nil: null }),
});

describe('the uptimes of a window of measured time', () => {
  test('are those, and only those, that were measured in it', () => {
    fc.assert(
      fc.property(
        clock,
        fc.option(time, { nil: null }),
        fc.option(time, { nil: null }),
        fc.array(fc.nat()),
        (of, from, to, offsets) => {
          const { first, last } = uptimeWindow(of, DRIFT_PPM, { from, to });
          const near = [first, last, of.latest.up].flatMap((middle) => [middle - 1, middle, middle + 1]);
          const all = [
            0,
            Number.MAX_SAFE_INTEGER,
            ...near,
            ...offsets.map((offset) => of.latest.up + offset),
          ];
          for (const uptime of all.filter((each) => each >= 0 && each <= Number.MAX_SAFE_INTEGER)) {
            const { at } = measuredAt(of, uptime, DRIFT_PPM);
            const isInside = (from === null || at >= from) && (to === null || at < to);
            expect(uptime >= first && uptime <= last).toBe(isInside);
          }
        },
      ),
    );
  });
});
