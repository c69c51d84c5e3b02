/**
 * Reading a timeline page by page. History stands in a list here, read as the port Archive reads it: at most as many
 * reports as asked for, and any number fewer.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cutToWindow,
  isSilence,
  SILENT,
  type TimelineFold,
  type TimelineInterval,
  timelineOf,
  type TimelineWindow,
  type WindowedInterval,
} from '../../actors/timeline.ts';
import { measuredFirst } from '../../src/http/measured-first.ts';
import { readTimelineCursor, timelineCursor } from '../../src/http/timeline-cursor.ts';
import { readTimeline } from '../../src/http/timeline-page.ts';
import type { HistoryReport, ReportPage } from '../../src/history/ports.ts';

const T0 = Date.UTC(2026, 0, 31, 12);
const MINUTE = 60_000;
const SILENCE_MS = 5 * MINUTE;
/** After everything that is told here. */
const NOW = T0 + 400 * 1_440 * MINUTE;

const history: fc.Arbitrary<readonly HistoryReport[]> = fc
  .array(
    fc.record({
      afterMs: fc.integer({ min: 0, max: 60 * MINUTE }),
      state: fc.constantFrom('available', 'charging'),
      isLost: fc.boolean(),
      restarts: fc.integer({ min: 0, max: 9 }).map((chance) => chance === 0),
      isAnew: fc.boolean(),
      backMs: fc.integer({ min: 0, max: 120 * MINUTE }),
      errorMs: fc.option(fc.integer({ min: 0, max: 60 * MINUTE })),
    }),
    { maxLength: 60 },
  )
  .map((steps) => {
    let [incarnation, boot, seq, up, at] = [1, 1, 0, 0, T0];
    return steps.flatMap(({ afterMs, state, isLost, restarts, isAnew, backMs, errorMs }) => {
      // What comes after in the order of the device need not have been measured after it, as far as clocks tell.
      at += restarts ? afterMs - backMs : afterMs;
      if (restarts)
        [incarnation, boot, seq, up] = isAnew ? [incarnation + 1, 1, 1, 0] : [incarnation, boot + 1, 1, 0];
      else [seq, up] = [seq + 1, up + afterMs];
      const body = { boot, seq, up, state, sensors: {} };
      const received = { receivedAt: at, measuredAt: at, errorMs, disposition: 'latest' as const };
      return isLost ? [] : [{ incarnation, boot, seq, up, state, ...received, body }];
    });
  });

/** Reads a list as an archive, never more than `most` at once. */
function archiveOf(reports: readonly HistoryReport[], most: number) {
  return async (page: ReportPage): Promise<readonly HistoryReport[]> => {
    const { from, to, after, isNewestFirst, limit } = page;
    const found = reports
      .filter(({ measuredAt }) => (from === null || measuredAt >= from) && (to === null || measuredAt < to))
      .filter((report) => after === null || inOrder(report, after) > 0 === !isNewestFirst);
    return (isNewestFirst ? found.toReversed() : found).slice(0, Math.min(limit, most));
  };
}

type Position = Pick<HistoryReport, 'incarnation' | 'boot' | 'seq'>;

function inOrder(a: Position, b: Position): number {
  return a.incarnation - b.incarnation || a.boot - b.boot || a.seq - b.seq;
}

/** All pages, one after the other, the cursor carried as text. */
async function everyPage(
  read: (page: ReportPage) => Promise<readonly HistoryReport[]>,
  asked: { readonly window: TimelineWindow; readonly limit: number },
): Promise<WindowedInterval[]> {
  const intervals: WindowedInterval[] = [];
  let fold: TimelineFold | null = null;
  do {
    const page = await readTimeline({ ...asked, read, fold, silenceMs: SILENCE_MS, now: NOW });
    expect(page.intervals.length).toBeLessThanOrEqual(asked.limit);
    intervals.push(...page.intervals);
    fold = page.fold && readTimelineCursor(timelineCursor(page.fold));
  } while (fold !== null);
  return intervals;
}

const whole: TimelineWindow = { from: null, to: null };
const sizes = fc.record({
  limit: fc.integer({ min: 1, max: 10 }),
  most: fc.integer({ min: 1, max: 20 }),
});

describe('a timeline read page by page', () => {
  test('is the same whatever the size of the pages', async () => {
    await fc.assert(
      fc.asyncProperty(history, sizes, async (reports, { limit, most }) => {
        const expected = timelineOf(reports, { until: NOW, silenceMs: SILENCE_MS }).map((interval) =>
          cutToWindow(interval, whole, NOW),
        );
        expect(await everyPage(archiveOf(reports, most), { window: whole, limit })).toEqual(expected);
      }),
    );
  });

  test('in a window is what lies in that window of the whole', async () => {
    const edge = fc.option(fc.integer({ min: -10, max: 1_000 }).map((minute) => T0 + minute * MINUTE));
    await fc.assert(
      fc.asyncProperty(history, sizes, edge, edge, async (reports, { limit, most }, from, to) => {
        fc.pre(from === null || to === null || from < to);
        const window = { from, to };
        const seen = ({ state, from: begin, to: end, beganBefore, goesOn }: WindowedInterval) => ({
          state,
          begin,
          end,
          beganBefore,
          goesOn,
        });
        const expected = timelineOf(reports, { until: NOW, silenceMs: SILENCE_MS })
          .map((interval) => cutToWindow(interval, window, NOW))
          .filter((interval) => interval !== null);
        const found = await everyPage(archiveOf(reports, most), { window, limit });
        expect(found.map(seen)).toEqual(expected.map(seen));
      }),
    );
  });

  test('says of each time what the last report says, in the order of the device, that was measured by then', async () => {
    const minute = fc.integer({ min: -10, max: 1_000 });
    await fc.assert(
      fc.asyncProperty(history, sizes, minute, async (reports, { limit, most }, after) => {
        const time = T0 + after * MINUTE;
        const read = archiveOf(reports, most);
        const known = { from: null, to: time + 1, after: null, isNewestFirst: true, limit: 1 };
        const [last] = await read(known);
        const next = await measuredFirst(read, { after: last ?? null, before: null });
        const isSilent =
          last !== undefined &&
          time > last.measuredAt &&
          isSilence((next?.measuredAt ?? NOW) - last.measuredAt, SILENCE_MS);
        const expected = last === undefined ? [] : [isSilent ? SILENT : last.state];
        const intervals = await everyPage(read, { window: whole, limit });
        const found = intervals.filter(({ from, to }) => from <= time && (to === null || time < to));
        expect(found.map(({ state }) => state)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test('knows the silence in which the window found the device, however long it lasted', async () => {
    const [first, second] = [0, 60 * 24 * 30].map((minute, index) => ({
      incarnation: 1,
      boot: 1,
      seq: index + 1,
      up: minute * MINUTE,
      state: index === 0 ? 'charging' : 'available',
      receivedAt: T0,
      measuredAt: T0 + minute * MINUTE,
      errorMs: null,
      disposition: 'latest' as const,
      body: {},
    }));
    const window = { from: second!.measuredAt - MINUTE, to: null };
    const found = await everyPage(archiveOf([first!, second!], 100), { window, limit: 10 });
    const { from } = window;
    expect(found).toMatchObject([
      { state: 'silent', isSilent: true, from, to: second!.measuredAt, beganBefore: true },
      { state: 'available', from: second!.measuredAt, to: second!.measuredAt + 1, beganBefore: false },
      { state: 'silent', from: second!.measuredAt + 1, to: null },
    ]);
    const between = { from: T0 + 100 * MINUTE, to: T0 + 105 * MINUTE };
    expect(await everyPage(archiveOf([first!, second!], 100), { window: between, limit: 1 })).toMatchObject([
      { state: 'silent', ...between, beganBefore: true, goesOn: true },
    ]);
  });

  test('ends a page early, with a cursor, where an interval is longer than one page may read', async () => {
    const reports = Array.from({ length: 140_000 }, (_, index): HistoryReport => ({
      incarnation: 1,
      boot: 1,
      seq: index + 1,
      up: index * MINUTE,
      state: 'available',
      receivedAt: T0,
      measuredAt: T0 + index * MINUTE,
      errorMs: null,
      disposition: 'latest',
      body: {},
    }));
    const read = async ({ to, after, limit }: ReportPage): Promise<readonly HistoryReport[]> =>
      reports
        .slice(after?.seq ?? 0, (after?.seq ?? 0) + limit)
        .filter(({ measuredAt }) => to === null || measuredAt < to);
    const page = await readTimeline({
      read,
      window: whole,
      limit: 10,
      fold: null,
      silenceMs: MINUTE,
      now: NOW,
    });
    expect(page.intervals).toEqual([]);
    expect(page.fold?.last.seq).toBe(100_000);
    const intervals: readonly TimelineInterval[] = await everyPage(read, { window: whole, limit: 10 });
    expect(intervals).toMatchObject([
      { from: T0, reports: 140_000, gaps: 0 },
      { isSilent: true, to: null },
    ]);
  });
});

describe('a cursor', () => {
  test.each(['', 'x', '%%%', 'bnVsbA', 'e30', timelineCursor({} as TimelineFold)])(
    'that was not given out is refused: "%s"',
    (text) => {
      expect(() => readTimelineCursor(text)).toThrow('cursor: expected `cursor` of the page before');
    },
  );
});
