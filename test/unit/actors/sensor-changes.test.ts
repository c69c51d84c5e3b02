/**
 * What the binary sensors of a device were: told by reports, or restored by `since` where none came.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  foldSensors,
  type SensorChange,
  type SensorLanes,
  type SensorReport,
} from '../../../actors/sensor-changes.ts';

const T0 = Date.UTC(2026, 0, 31, 12);
const MINUTE = 60_000;
/** A clock that is right to a thousandth. */
const CABLE = { sensors: ['cable'], driftPpm: 1_000 };

/** A report of a device that was switched on at `T0`, with the sensor `cable`. */
function report(
  seq: number,
  up: number,
  cable: boolean | null,
  sinceMs: number | null = null,
  change: Partial<SensorReport> = {},
): SensorReport {
  const body = {
    sensors: cable === null ? {} : { cable },
    ...(sinceMs === null ? {} : { since: { cable: sinceMs } }),
  };
  return { incarnation: 1, boot: 1, seq, up, measuredAt: T0 + up, errorMs: null, body, ...change };
}

function changesOf(...reports: readonly SensorReport[]): readonly SensorChange[] {
  let kept = '{}';
  return reports.flatMap((one) => {
    // It may be put aside as text after any report.
    const { lanes, changes } = foldSensors(JSON.parse(kept) as SensorLanes, one, CABLE);
    kept = JSON.stringify(lanes);
    return changes;
  });
}

const shortly = ({ value, notBefore, at, isInferred }: SensorChange): string => {
  const times = notBefore === at ? String(at - T0) : `${String(notBefore - T0)}..${String(at - T0)}`;
  return `${String(value)} ${times}${isInferred ? ' inferred' : ''}`;
};

describe('a change', () => {
  test('that lies between two reports may be off by the larger of their errors', () => {
    const before = report(1, 0, false, null, { errorMs: 3_000 });
    const [change] = changesOf(before, report(2, MINUTE, true, null, { errorMs: 200 }));
    expect(change).toMatchObject({ notBefore: T0, at: T0 + MINUTE, errorMs: 3_000 });
    const [unbounded] = changesOf(
      { ...before, errorMs: null },
      report(2, MINUTE, true, null, { errorMs: 200 }),
    );
    expect(unbounded?.errorMs).toBeNull();
  });

  test('that is counted back from a report may be off by what the clock drifted meanwhile', () => {
    const before = report(1, 0, false, null, { errorMs: 3_000 });
    const [change] = changesOf(before, report(9, 10 * MINUTE, true, 4 * MINUTE, { errorMs: 200 }));
    expect(change).toMatchObject({ at: T0 + 6 * MINUTE, errorMs: 200 + 240 });
  });

  test('whose moment gives way to a report of the boot before may be off by as much more', () => {
    const before = report(9, MINUTE, false, 0, { errorMs: 3_000 });
    const boot = { boot: 2, measuredAt: T0 + MINUTE - 500, errorMs: 200 };
    const [change] = changesOf(before, report(1, 5_000, true, 2_000, boot));
    expect(change).toMatchObject({ notBefore: T0 + MINUTE, at: T0 + MINUTE, errorMs: 200 + 2_500 + 2 });
  });

  test('that a report was made for is told by it', () => {
    expect(changesOf(report(1, 0, false, 0), report(2, MINUTE, true, 3)).map(shortly)).toEqual([
      `true ${String(MINUTE - 3)}`,
    ]);
  });

  test('that no report came for is restored by `since` of the next one, and marked as inferred', () => {
    expect(changesOf(report(1, 0, false, 0), report(4, 5 * MINUTE, true, 3 * MINUTE)).map(shortly)).toEqual([
      `true ${String(2 * MINUTE)} inferred`,
    ]);
  });

  test('there and back between two reports that say the same is restored: back exactly, away somewhere before it', () => {
    expect(
      changesOf(report(1, MINUTE, false, 0), report(5, 5 * MINUTE, false, 2 * MINUTE)).map(shortly),
    ).toEqual([
      `true ${String(MINUTE)}..${String(3 * MINUTE)} inferred`,
      `false ${String(3 * MINUTE)} inferred`,
    ]);
  });

  test('of a device that sends no `since` lies between the two reports, and is inferred where one is missing', () => {
    expect(changesOf(report(1, 0, false), report(2, MINUTE, true)).map(shortly)).toEqual([
      `true 0..${String(MINUTE)}`,
    ]);
    expect(changesOf(report(1, 0, false), report(3, MINUTE, true)).map(shortly)).toEqual([
      `true 0..${String(MINUTE)} inferred`,
    ]);
  });

  test('while the device was off, or before it first looked, lies before its report', () => {
    const later = report(1, MINUTE, true, MINUTE, { boot: 2, measuredAt: T0 + 11 * MINUTE });
    expect(changesOf(report(1, 0, false, 0), later).map(shortly)).toEqual([`true 0..${String(11 * MINUTE)}`]);
    const same = { ...later, body: { sensors: { cable: false }, since: { cable: MINUTE } } };
    expect(changesOf(report(1, 0, false, 0), same)).toEqual([]);
  });

  test('is not invented where the report before told it already, give or take the moment of reading', () => {
    const reports = [
      report(1, 0, false, 0),
      report(2, MINUTE, true, 0),
      report(3, 2 * MINUTE, true, MINUTE - 40),
    ];
    expect(changesOf(...reports)).toHaveLength(1);
  });

  test('is nothing that a report without the sensor tells', () => {
    expect(
      changesOf(report(1, 0, false, 0), report(2, MINUTE, null), report(3, 2 * MINUTE, false, 2 * MINUTE)),
    ).toEqual([]);
  });

  test('is refused out of order', () => {
    expect(() => changesOf(report(2, 0, false), report(1, 0, false))).toThrow('does not come after');
  });
});

/** A device's life: when its cable changed, by uptime, and when it reported. */
const life = fc.record({
  changes: fc.array(fc.integer({ min: 5_000, max: 900_000 }), { maxLength: 12 }),
  heartbeats: fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1, maxLength: 12 }),
  isPrompt: fc.boolean(),
  lost: fc.infiniteStream(fc.boolean()),
});

interface Lived {
  /** Uptimes of its changes, from false, none closer to another than sensors are told apart. */
  readonly changes: readonly number[];
  readonly reports: readonly SensorReport[];
}

const lived: fc.Arbitrary<Lived> = life.map(({ changes: all, heartbeats, isPrompt, lost }) => {
  const changes = [...new Set(all)]
    .sort((a, b) => a - b)
    .filter((at, index, list) => at - (list[index - 1] ?? 0) > 2_000);
  const ups = [...new Set([0, ...heartbeats, ...(isPrompt ? changes : [])])].sort((a, b) => a - b);
  const reports = ups.map((up, index) => {
    const done = changes.filter((at) => at <= up);
    return report(index + 1, up, done.length % 2 === 1, up - (done.at(-1) ?? 0));
  });
  return { changes, reports: reports.filter((_, index) => index === 0 || lost.next().value !== true) };
});

/** Every invariant that a lane must keep, whatever the device sends. */
function expectAlternating(changes: readonly SensorChange[]): void {
  for (const [index, change] of changes.entries()) {
    const before = changes[index - 1];
    expect(change.notBefore).toBeLessThanOrEqual(change.at);
    if (before === undefined) continue;
    expect(change.value).toBe(!before.value);
    expect(change.at).toBeGreaterThanOrEqual(before.at);
    expect(change.notBefore).toBeGreaterThanOrEqual(before.notBefore);
  }
}

test('of every life with lost reports, what is told happened then, and what is said to be exact is exact', () => {
  fc.assert(
    fc.property(lived, ({ changes, reports }) => {
      const told = changesOf(...reports);
      expectAlternating(told);
      for (const { value, at, notBefore } of told) {
        const up = changes.filter((_, index) => (index % 2 === 0) === value).map((change) => T0 + change);
        expect(up.some((change) => change >= notBefore && change <= at)).toBe(true);
      }
      // The last change before the last report is always known, unless it lies before the first.
      const [first, last] = [reports[0]!.up, reports.at(-1)!.up];
      const known = changes.filter((up) => up > first + 1_000 && up <= last);
      if (known.length > 0) expect(told.at(-1)?.at).toBe(T0 + known.at(-1)!);
    }),
    { numRuns: 500 },
  );
});

test('of every life, when no report is lost and each change is reported, nothing is inferred', () => {
  const whole = life.map(({ changes: all, heartbeats }) => {
    const changes = [...new Set(all)]
      .sort((a, b) => a - b)
      .filter((at, index, list) => at - (list[index - 1] ?? 0) > 2_000);
    const ups = [...new Set([0, ...heartbeats, ...changes])].sort((a, b) => a - b);
    const reports = ups.map((up, index) => {
      const done = changes.filter((at) => at <= up);
      return report(index + 1, up, done.length % 2 === 1, up - (done.at(-1) ?? 0));
    });
    return { changes, reports };
  });
  fc.assert(
    fc.property(whole, ({ changes, reports }) => {
      const told = changesOf(...reports);
      expect(told.map(({ at }) => at - T0)).toEqual(changes);
      expect(told.filter(({ isInferred }) => isInferred)).toEqual([]);
    }),
  );
});

test('whatever a device sends, the changes of a sensor alternate and never run back, and are at most two a report', () => {
  const anything = fc.array(
    fc.record({
      up: fc.maxSafeNat(),
      cable: fc.option(fc.boolean()),
      sinceMs: fc.option(fc.maxSafeNat()),
      measuredAt: fc.double({ noNaN: true, min: -8.64e15, max: 8.64e15 }),
      step: fc.integer({ min: 1, max: 3 }),
      boots: fc.integer({ min: 0, max: 1 }),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(anything, (said) => {
      let [boot, seq] = [0, 0];
      const reports = said.map(({ up, cable, sinceMs, measuredAt, step, boots }) => {
        seq = boots > 0 ? step : seq + step;
        boot += boots;
        return report(seq, up, cable, sinceMs, { boot, measuredAt });
      });
      const told = changesOf(...reports);
      expectAlternating(told);
      expect(told.length).toBeLessThanOrEqual(2 * reports.length);
    }),
  );
});
