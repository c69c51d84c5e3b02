/**
 * The timeline of a device: what it was, by measured time. A life is told as a device would live it; then it is delivered,
 * kept and read in every way that the world may choose, and the answer must not show which.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BootClock, measuredAt, observeReceived, startClock } from '../../actors/clock.ts';
import { placeReports } from '../../actors/placed-reports.ts';
import {
  cutToWindow as cutAt,
  foldReport,
  SILENT,
  type TimelineFold,
  type TimelineInterval,
  timelineOf as timelineUntil,
  type TimelineReport,
  type TimelineWindow,
  type WindowedInterval,
} from '../../actors/timeline.ts';

const MINUTE = 60_000;
const T0 = Date.UTC(2026, 0, 31, 12);
const DRIFT_PPM = 200;
/** As long as a device may be silent, ms. */
const SILENCE_MS = 5 * MINUTE;
const NOW = T0 + 10_000 * MINUTE;

/** The timeline of a device that may be silent for as long as it likes. */
const timelineOf = (reports: readonly TimelineReport[]): readonly TimelineInterval[] =>
  timelineUntil(reports, { until: NOW, silenceMs: Infinity });
const cutToWindow = (interval: TimelineInterval, window: TimelineWindow): WindowedInterval | null =>
  cutAt(interval, window, NOW);

/** Reports of one boot that began at `T0`: state and minutes of uptime. */
function reportsOf(
  said: readonly (readonly [state: string, minute: number])[],
  from: { readonly incarnation?: number; readonly boot?: number; readonly startAt?: number } = {},
): TimelineReport[] {
  const { incarnation = 1, boot = 1, startAt = T0 } = from;
  return said.map(([state, minute], index) => ({
    incarnation,
    boot,
    seq: index + 1,
    state,
    measuredAt: startAt + minute * MINUTE,
    errorMs: null,
  }));
}

const shortly = ({ state, from, to }: TimelineInterval): string =>
  `${state} ${String(minuteOf(from))}-${to === null ? '' : String(minuteOf(to))}`;

/** A silence begins a millisecond after a report. */
const minuteOf = (time: number): number => (time - T0 - ((time - T0) % MINUTE === 1 ? 1 : 0)) / MINUTE;

describe('the timeline of a device', () => {
  test('of which nothing was heard is empty', () => {
    expect(timelineOf([])).toEqual([]);
  });

  test('joins reports in a row that say the same, and is open at its end', () => {
    const reports = reportsOf([
      ['available', 0],
      ['available', 5],
      ['charging', 10],
      ['charging', 15],
      ['available', 20],
    ]);
    const timeline = timelineOf(reports);
    expect(timeline.map(shortly)).toEqual(['available 0-10', 'charging 10-20', 'available 20-']);
    expect(timeline[1]).toEqual({
      state: 'charging',
      isSilent: false,
      from: T0 + 10 * MINUTE,
      errorMs: null,
      to: T0 + 20 * MINUTE,
      incarnation: 1,
      boot: 1,
      seq: 3,
      lastReportAt: T0 + 15 * MINUTE,
      reports: 2,
      gaps: 0,
      missing: 0,
      reboots: 0,
    });
  });

  test('marks the interval in which reports are missing', () => {
    const [first, , , fourth, fifth, , seventh] = reportsOf([
      ['available', 0],
      ['available', 1],
      ['available', 2],
      ['available', 3],
      ['charging', 4],
      ['charging', 5],
      ['available', 6],
    ]);
    const timeline = timelineOf([first!, fourth!, fifth!, seventh!]);
    expect(timeline.map(({ state, gaps, missing }) => [state, gaps, missing])).toEqual([
      ['available', 1, 2],
      ['charging', 1, 1],
      ['available', 0, 0],
    ]);
  });

  test('a late report splits the interval that was joined without it', () => {
    const reports = reportsOf([
      ['available', 0],
      ['charging', 10],
      ['available', 20],
    ]);
    expect(timelineOf([reports[0]!, reports[2]!]).map(shortly)).toEqual(['available 0-']);
    expect(timelineOf(reports).map(shortly)).toEqual(['available 0-10', 'charging 10-20', 'available 20-']);
  });

  test('a restart in the same state is counted and begins nothing new', () => {
    const timeline = timelineOf([
      ...reportsOf([['charging', 0]]),
      ...reportsOf([['charging', 1]], { boot: 2, startAt: T0 + 30 * MINUTE }),
    ]);
    expect(timeline.map(shortly)).toEqual(['charging 0-']);
    expect(timeline[0]).toMatchObject({ boot: 1, reports: 2, reboots: 1, gaps: 0 });
  });

  test('a restart in another state ends the interval when the new boot first says so', () => {
    const timeline = timelineOf([
      ...reportsOf([['charging', 0]]),
      ...reportsOf([['available', 1]], { boot: 2, startAt: T0 + 30 * MINUTE }),
    ]);
    expect(timeline.map(shortly)).toEqual(['charging 0-31', 'available 31-']);
    expect(timeline[1]).toMatchObject({ boot: 2, seq: 1 });
  });

  test('a boot of which nothing was heard is a gap, and so are the first reports of a boot', () => {
    const [, second] = reportsOf(
      [
        ['available', 0],
        ['available', 1],
      ],
      { boot: 3, startAt: T0 + 60 * MINUTE },
    );
    const [only] = timelineOf([...reportsOf([['available', 0]]), second!]);
    expect(only).toMatchObject({ gaps: 1, missing: 1, reboots: 1 });
  });

  test('counts what is missing no further than numbers go', () => {
    const seq = Number.MAX_SAFE_INTEGER;
    const reports = [1, 2, 3].map((boot) => ({ ...reportsOf([['charging', boot]], { boot })[0]!, seq }));
    expect(timelineOf(reports)).toMatchObject([{ missing: Number.MAX_SAFE_INTEGER, reports: 3 }]);
  });

  test('boots that count from one again follow those of the incarnation before', () => {
    const timeline = timelineOf([
      ...reportsOf([['charging', 0]], { boot: 40 }),
      ...reportsOf([['available', 0]], { incarnation: 2, boot: 1, startAt: T0 + 60 * MINUTE }),
    ]);
    expect(timeline.map(shortly)).toEqual(['charging 0-60', 'available 60-']);
    expect(timeline[0]?.gaps).toBe(0);
  });

  test('a time that gives way to the boot after has an error that is larger by as much', () => {
    const [before] = reportsOf([['available', 10]]);
    const [after] = reportsOf([['charging', 9]], { boot: 2 });
    const timeline = timelineOf([
      { ...before!, errorMs: 2 * MINUTE },
      { ...after!, errorMs: 30_000 },
    ]);
    expect(timeline.map(shortly)).toEqual(['available 9-9', 'charging 9-']);
    expect(timeline.map(({ errorMs }) => errorMs)).toEqual([3 * MINUTE, 30_000]);
  });

  test('time never runs back where the measured times of two boots overlap by their errors', () => {
    const timeline = timelineOf([
      ...reportsOf([
        ['available', 0],
        ['charging', 10],
      ]),
      ...reportsOf(
        [
          ['available', 0],
          ['charging', 3],
        ],
        { boot: 2, startAt: T0 + 9 * MINUTE },
      ),
    ]);
    expect(timeline.map(shortly)).toEqual([
      'available 0-9',
      'charging 9-9',
      'available 9-12',
      'charging 12-',
    ]);
  });

  test('a boot that no round trip bounds ends where the next one was heard first, and pushes nothing of it', () => {
    const before = reportsOf([
      ['available', 0],
      ['available', 12],
    ]);
    const after = reportsOf(
      [
        ['charging', 10],
        ['charging', 11],
      ],
      { boot: 2 },
    ).map((report) => ({ ...report, errorMs: 50 }));
    const timeline = timelineOf([...before, ...after]);
    expect(timeline.map(shortly)).toEqual(['available 0-10', 'charging 10-']);
    expect(timeline[1]).toMatchObject({ from: T0 + 10 * MINUTE, errorMs: 50, reports: 2 });
  });

  test('a count of boots that goes on beside the one that began anew moves nothing of that', () => {
    const proved = (report: TimelineReport): TimelineReport => ({ ...report, errorMs: 50 });
    const former = reportsOf([
      ['available', 0],
      ['available', 11],
      ['available', 12],
      ['reserved', 13],
      ['available', 15],
    ]).map(proved);
    const present = reportsOf(
      [
        ['charging', 10],
        ['charging', 14],
      ],
      { incarnation: 2, boot: 1 },
    ).map(proved);
    const timeline = timelineOf([...former.filter(({ seq }) => seq !== 3), ...present]);
    expect(timeline.map(shortly)).toEqual(['available 0-10', 'charging 10-']);
    expect(timeline[0], 'what is missing among those is counted').toMatchObject({
      reports: 1,
      gaps: 1,
      missing: 1,
    });
    expect(timeline[1]).toMatchObject({
      from: T0 + 10 * MINUTE,
      errorMs: 50,
      reports: 2,
      lastReportAt: T0 + 14 * MINUTE,
    });
  });

  test('refuses reports that are not in the order of the device', () => {
    const [first, second] = reportsOf([
      ['available', 0],
      ['charging', 1],
    ]);
    expect(() => timelineOf([second!, first!])).toThrow('report 1/1/1 does not come after 1/1/2');
    expect(() => timelineOf([first!, first!])).toThrow('does not come after');
  });
});

describe('a silence', () => {
  const silences = (reports: readonly TimelineReport[], untilMinute: number): readonly TimelineInterval[] =>
    timelineUntil(reports, { until: T0 + untilMinute * MINUTE, silenceMs: SILENCE_MS });

  test('of fourteen days between two reports is no part of the state that both say', () => {
    const days = 14 * 1_440;
    const timeline = silences(
      reportsOf([
        ['charging', 0],
        ['charging', days],
        ['charging', days + 4],
      ]),
      days + 5,
    );
    expect(timeline.map(shortly)).toEqual([
      'charging 0-0',
      `silent 0-${String(days)}`,
      `charging ${String(days)}-`,
    ]);
    expect(timeline[1]).toMatchObject({ isSilent: true, reports: 0, gaps: 0, seq: 1, lastReportAt: T0 });
    expect(timeline[1]?.from, 'in the millisecond of a report it is known').toBe(T0 + 1);
    expect(timeline[2]).toMatchObject({ isSilent: false, reports: 2, seq: 2 });
  });

  test('begins right after the last report before it, and what is missing in it is counted there', () => {
    const [first, second, , fourth] = reportsOf([
      ['charging', 0],
      ['charging', 4],
      ['available', 20],
      ['available', 40],
    ]);
    const timeline = silences([first!, second!, fourth!], 41);
    expect(timeline.map(shortly)).toEqual(['charging 0-4', 'silent 4-40', 'available 40-']);
    expect(timeline.map(({ gaps, missing }) => [gaps, missing])).toEqual([
      [0, 0],
      [1, 1],
      [0, 0],
    ]);
  });

  test('that no report has ended goes on', () => {
    const reports = reportsOf([['charging', 0]]);
    expect(silences(reports, 5).map(shortly)).toEqual(['charging 0-']);
    expect(silences(reports, 6).map(shortly)).toEqual(['charging 0-0', 'silent 0-']);
  });

  test('is as long as the kind allows, and no longer: that is none', () => {
    const reports = reportsOf([
      ['charging', 0],
      ['charging', 5],
    ]);
    expect(silences(reports, 10).map(shortly)).toEqual(['charging 0-']);
  });

  test('is cut to a window that begins, or lies, in it', () => {
    const [, silent] = silences(reportsOf([['charging', 0]]), 60) as [TimelineInterval, TimelineInterval];
    const at = (minute: number): number => T0 + minute * MINUTE;
    expect(cutAt(silent, { from: at(20), to: at(25) }, at(60))).toMatchObject({
      from: at(20),
      to: at(25),
      beganBefore: true,
      goesOn: true,
      isSilent: true,
    });
    expect(cutAt(silent, { from: at(58), to: null }, at(60))).toMatchObject({ from: at(58), to: null });
  });
});

describe('a window', () => {
  const [charging] = timelineOf(
    reportsOf([
      ['charging', 10],
      ['available', 20],
    ]),
  ) as [TimelineInterval];
  const minutes = (from: number | null, to: number | null) => ({
    from: from === null ? null : T0 + from * MINUTE,
    to: to === null ? null : T0 + to * MINUTE,
  });

  test('leaves alone what lies in it', () => {
    expect(cutToWindow(charging, minutes(null, null))).toEqual({
      ...charging,
      beganBefore: false,
      goesOn: false,
    });
    expect(cutToWindow(charging, minutes(10, 20))).toEqual({
      ...charging,
      beganBefore: false,
      goesOn: false,
    });
  });

  test('cuts what reaches beyond it, and says so', () => {
    expect(cutToWindow(charging, minutes(12, 18))).toMatchObject({
      ...minutes(12, 18),
      errorMs: 0,
      beganBefore: true,
      goesOn: true,
    });
  });

  test('drops what only touches it', () => {
    expect(cutToWindow(charging, minutes(20, 30))).toBeNull();
    expect(cutToWindow(charging, minutes(0, 10))).toBeNull();
  });

  test('leaves an open interval open unless a report is known that goes beyond', () => {
    const open = { ...charging, to: null };
    expect(cutToWindow(open, minutes(null, 15))).toMatchObject({ to: null, goesOn: false });
    const heardLater = { ...open, lastReportAt: T0 + 16 * MINUTE };
    expect(cutToWindow(heardLater, minutes(null, 15))).toMatchObject({
      to: T0 + 15 * MINUTE,
      goesOn: true,
    });
  });
});

/** A device's life: per boot, uptimes and states of its reports, of which some are lost for good. */
interface Said {
  readonly boot: number;
  readonly seq: number;
  readonly up: number;
  readonly state: string;
}

const life: fc.Arbitrary<readonly Said[]> = fc
  .array(
    fc.array(
      fc.record({
        afterMs: fc.integer({ min: 0, max: 7_200_000 }),
        state: fc.constantFrom('available', 'reserved', 'charging'),
        isLost: fc.boolean(),
      }),
      { maxLength: 20 },
    ),
    { maxLength: 4 },
  )
  .map((boots) =>
    boots.flatMap((reports, boot) => {
      let up = 0;
      return reports.flatMap(({ afterMs, state, isLost }, index) => {
        up += afterMs;
        return isLost ? [] : [{ boot: boot + 1, seq: index + 1, up, state }];
      });
    }),
  );

/** What history holds once these were delivered in this order, a second apart: the clocks are what the arrivals made them. */
function historyOf(delivered: readonly Said[]): TimelineReport[] {
  const clocks = new Map<number, BootClock>();
  const receivedAt = (said: Said): number => T0 + delivered.indexOf(said) * 1_000;
  for (const said of delivered) {
    const { boot, seq, up } = said;
    const observed = { seq, up, receivedAt: receivedAt(said) };
    const clock = clocks.get(boot);
    clocks.set(
      boot,
      clock === undefined
        ? startClock({ incarnation: 1, boot, ...observed })
        : observeReceived(clock, observed, DRIFT_PPM),
    );
  }
  return delivered
    .toSorted((a, b) => a.boot - b.boot || a.seq - b.seq)
    .map((said) => {
      const { boot, seq, up, state } = said;
      const measured = measuredAt(clocks.get(boot)!, { up, receivedAt: receivedAt(said) }, DRIFT_PPM);
      return { incarnation: 1, boot, seq, state, measuredAt: measured.at, errorMs: measured.errorMs };
    });
}

/** An interval without the instants that depend on when the boot was first heard. */
const shape = ({ state, boot, seq, reports, gaps, missing, reboots, to }: TimelineInterval) => ({
  state,
  boot,
  seq,
  reports,
  gaps,
  missing,
  reboots,
  isOpen: to === null,
});

describe('for every life of a device', () => {
  test('the order of arrival never changes what the timeline says', () => {
    const delivery = life.chain((said) =>
      fc.record({
        inOrder: fc.constant(said),
        anyhow: fc.shuffledSubarray([...said], { minLength: said.length }),
      }),
    );
    fc.assert(
      fc.property(delivery, ({ inOrder, anyhow }) => {
        const expected = timelineOf(historyOf(inOrder)).map(shape);
        expect(timelineOf(historyOf(anyhow)).map(shape)).toEqual(expected);
      }),
    );
  });

  test('differences within a boot are exactly those of its uptime, however it was delivered', () => {
    const oneBoot = life
      .map((said) => said.filter(({ boot }) => boot === 1))
      .filter((said) => said.length > 0)
      .chain((said) =>
        fc.record({
          said: fc.constant(said),
          delivered: fc.shuffledSubarray([...said], { minLength: said.length }),
        }),
      );
    fc.assert(
      fc.property(oneBoot, ({ said, delivered }) => {
        const timeline = timelineOf(historyOf(delivered));
        const upOf = (seq: number) => said.find((report) => report.seq === seq)!.up;
        const [first] = timeline;
        for (const { from, seq } of timeline) {
          expect(from - first!.from).toBe(upOf(seq) - upOf(first!.seq));
        }
      }),
    );
  });

  test('a silence is longer than the kind allows, holds no report, and nothing else is as long without one', () => {
    fc.assert(
      fc.property(life, (said) => {
        const reports = historyOf(said);
        const until = reports.reduce((last, { measuredAt: at }) => Math.max(last, at), T0) + 5 * MINUTE;
        for (const interval of timelineUntil(reports, { until, silenceMs: SILENCE_MS })) {
          const { from, to, isSilent, state, lastReportAt, reports: heard } = interval;
          expect(state === SILENT).toBe(isSilent);
          expect(heard === 0).toBe(isSilent);
          if (isSilent) expect((to ?? until) - from).toBeGreaterThan(SILENCE_MS);
          else expect((to ?? until) - lastReportAt).toBeLessThanOrEqual(SILENCE_MS + 1);
        }
      }),
    );
  });

  test.each([Infinity, SILENCE_MS])(
    'intervals tile: no space, no overlap, no two neighbours alike, every report in one',
    (silenceMs) => {
      fc.assert(
        fc.property(life, (said) => {
          const timeline = timelineUntil(historyOf(said), { until: NOW, silenceMs });
          for (const [index, interval] of timeline.entries()) {
            const next = timeline[index + 1];
            expect(interval.to).toBe(next?.from ?? null);
            expect(interval.state).not.toBe(next?.state);
            expect(interval.lastReportAt < interval.from).toBe(interval.isSilent);
          }
          expect(timeline.reduce((sum, { reports }) => sum + reports, 0)).toBe(said.length);
        }),
      );
    },
  );

  test('a fold that was put aside as text after any report goes on as if nothing had been', () => {
    fc.assert(
      fc.property(life, (said) => {
        const intervals: TimelineInterval[] = [];
        let kept = 'null';
        for (const report of placeReports(historyOf(said), null)) {
          for (let isTaken = false; !isTaken;) {
            const step = foldReport(JSON.parse(kept) as TimelineFold | null, report, SILENCE_MS);
            if (step.closed !== null) intervals.push(step.closed);
            kept = JSON.stringify(step.fold);
            ({ isTaken } = step);
          }
        }
        const fold = JSON.parse(kept) as TimelineFold | null;
        if (fold !== null) intervals.push(fold.open);
        const until = fold?.open.lastReportAt ?? T0;
        expect(intervals).toEqual(timelineUntil(historyOf(said), { until, silenceMs: SILENCE_MS }));
      }),
    );
  });
});

test('a heartbeat that is as late as the kind allows is no silence, rounding of a millisecond counted in', () => {
  const after = (ms: number): readonly string[] =>
    timelineUntil(
      reportsOf([
        ['available', 0],
        ['available', ms / MINUTE],
      ]),
      { until: T0 + ms, silenceMs: SILENCE_MS },
    ).map(({ state }) => state);
  expect(after(SILENCE_MS + 1)).toEqual(['available']);
  expect(after(SILENCE_MS + 2)).toEqual(['available', SILENT, 'available']);
});

test('a boot that was never heard of is a gap, in which nobody can count the reports', () => {
  const [first] = reportsOf([['available', 0]]);
  const [third] = reportsOf([['available', 1]], { boot: 3 });
  expect(timelineOf([first!, third!])).toMatchObject([{ gaps: 1, missing: 0, reboots: 1 }]);
  const [second] = reportsOf([['available', 1]], { boot: 2 });
  expect(timelineOf([first!, second!])).toMatchObject([{ gaps: 0, missing: 0, reboots: 1 }]);
});
