/**
 * The Archive port: reports in the order in which they were made, at the times at which they were measured.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BootClock } from '../../actors/clock.ts';
import type { FiledReport } from '../../actors/decision.ts';
import { chargePoint } from '../../machines/charge-point.ts';
import { type HistoryReport, REPORT_PAGE_BYTES_MAX, type ReportPage } from '../../src/history/ports.ts';
import { OwnedStore } from './owned-store.ts';
import { RETENTION_DAYS, storesUnderTest, type StoreUnderTest } from './store-kinds.ts';
import { bootClock, filed, report, T0, twin } from './store-samples.ts';

const ALL: ReportPage = { from: null, to: null, after: null, isNewestFirst: false, limit: 100 };
const SECOND = 1000;
const DAY = 86_400_000;

describe.each(storesUnderTest)('reports in the archive $name', ({ open }) => {
  let under: StoreUnderTest;
  let owned: OwnedStore;
  beforeEach(async () => {
    under = await open();
    owned = await OwnedStore.take(under.store);
  });
  afterEach(() => under.end());

  const position = ({ incarnation, boot, seq }: HistoryReport) =>
    `${String(incarnation)}/${String(boot)}/${String(seq)}`;
  const positions = async (device: string, page: Partial<ReportPage> = {}): Promise<readonly string[]> =>
    (await under.store.reports(device, { ...ALL, ...page })).map(position);

  /** A clock without a round trip: uptime `up` was at most at `at`. */
  const clock = (boot: number, up: number, at: number, incarnation = 1): BootClock =>
    bootClock({ incarnation, boot, latest: { up, at } });

  /** Twenty boots over two months, each with a report every two hours; every third was heard only after the next had begun. */
  function lifeOfMonths() {
    const reports: [ReturnType<typeof report>, Partial<FiledReport>][] = [];
    const clocks: BootClock[] = [];
    for (let boot = 1, began = T0 - 60 * DAY; boot <= 20; boot += 1, began += 3 * DAY) {
      const isLate = boot % 3 === 0;
      const ended = began + 3 * DAY - 600 * SECOND;
      for (let seq = 1; began + seq * 7200 * SECOND < ended; seq += 1) {
        const up = seq * 7200 * SECOND;
        const receivedAt = isLate ? ended + 900 * SECOND : began + up + 250;
        reports.push([report(seq, { boot, up }), { receivedAt, disposition: isLate ? 'late' : 'latest' }]);
      }
      const lastUp = 35 * 7200 * SECOND;
      clocks.push(clock(boot, lastUp, isLate ? ended + 600 * SECOND : began + lastUp + 250));
    }
    return { reports, clocks };
  }

  const device = 'cp-1';
  const at = (of: ReturnType<typeof report>, change: Partial<FiledReport> = {}) => filed(device, of, change);

  test('come in the order in which the device made them, not in that of arrival', async () => {
    const order = [
      at(report(3)),
      at(report(1, { boot: 2 })),
      at(report(2), { disposition: 'late' }),
      at(report(1, { boot: 0 }), { disposition: 'late' }),
      at(report(1, { boot: 0 }), { incarnation: 2 }),
    ];
    await owned.commit({ twins: [twin(device)], reports: order.slice(0, 2) });
    await owned.commit({ reports: order.slice(2) });
    expect(await positions(device)).toEqual(['1/0/1', '1/1/2', '1/1/3', '1/2/1', '2/0/1']);
  });

  test('are read page by page without a gap and without one twice', async () => {
    const reports = Array.from({ length: 25 }, (_, index) =>
      at(report((index % 9) + 1, { boot: Math.floor(index / 9) })),
    );
    await owned.commit({ twins: [twin(device)], reports: [...reports.slice(10), ...reports.slice(0, 10)] });
    const whole = await under.store.reports(device, ALL);
    const paged: HistoryReport[] = [];
    for (let after: ReportPage['after'] = null; ;) {
      const page = await under.store.reports(device, { ...ALL, after, limit: 4 });
      paged.push(...page);
      const last = page.at(-1);
      if (last === undefined) break;
      after = { incarnation: last.incarnation, boot: last.boot, seq: last.seq };
    }
    expect(paged).toEqual(whole);
    expect(whole).toHaveLength(25);
  });

  test('come whole, with their disposition and their arrival', async () => {
    const whole = report(7, { firmware: '1.0', mileage: 12.5, nested: { deep: [1, null] } });
    await owned.commit({
      twins: [twin(device)],
      reports: [at(whole, { disposition: 'late', receivedAt: T0 + 90.125 })],
    });
    const [found] = await under.store.reports(device, ALL);
    expect(found).toMatchObject({ incarnation: 1, boot: 1, seq: 7, up: 7000, state: 'available' });
    expect(found).toMatchObject({ disposition: 'late', receivedAt: T0 + 90.125, body: whole });
  });

  test('are timed by the clock of their boot as it is known now', async () => {
    const early = clock(1, 0, T0 + 50 * SECOND);
    const heard = twin(device, { clock: early, newest: null });
    const receivedAt = T0 + 60 * SECOND;
    await owned.commit({
      twins: [heard],
      reports: [at(report(1), { receivedAt }), at(report(2), { receivedAt })],
    });
    const times = async () =>
      (await under.store.reports(device, ALL)).map(({ measuredAt, errorMs }) => ({ measuredAt, errorMs }));
    expect(await times()).toEqual([
      { measuredAt: T0 + 51 * SECOND, errorMs: null },
      { measuredAt: T0 + 52 * SECOND, errorMs: null },
    ]);
    const better: BootClock = { ...early, latest: { up: 0, at: T0 + 20 }, earliest: { up: 0, at: T0 } };
    await owned.commit({ twins: [{ ...heard, clock: better, version: 2 }] });
    const [first, second] = await times();
    expect(first?.measuredAt).toBeCloseTo(T0 + SECOND + 10, 3);
    expect(second?.measuredAt).toBeCloseTo(T0 + 2 * SECOND + 10, 3);
    expect(first?.errorMs).toBeCloseTo(10 + SECOND * chargePoint.limits.driftPpm * 1e-6, 3);
  });

  test('of a boot that ended keep its clock, which may still get better', async () => {
    const now = twin(device, { clock: clock(2, 0, T0 + 500 * SECOND) });
    const ended = clock(1, 0, T0 + 100 * SECOND);
    const receivedAt = T0 + 600 * SECOND;
    const reports = [at(report(1), { receivedAt }), at(report(1, { boot: 2 }), { receivedAt })];
    await owned.commit({ twins: [now], reports, clocks: [{ device, clock: ended }] });
    const times = async () =>
      (await under.store.reports(device, ALL)).map(({ measuredAt }) => measuredAt - T0);
    expect(await times()).toEqual([101 * SECOND, 501 * SECOND]);
    const better = [clock(1, 0, T0 + 90 * SECOND), clock(1, 0, T0 + 80 * SECOND)];
    await owned.commit({ clocks: better.map((each) => ({ device, clock: each })) });
    expect(await times()).toEqual([81 * SECOND, 501 * SECOND]);
  });

  test.each([false, true])(
    'of many boots are timed by the clock of each, page by page, newest first: %s',
    async (isNewestFirst) => {
      const boots = Array.from({ length: 40 }, (_, index) => ({
        incarnation: 1 + Math.floor(index / 25),
        boot: 100 - (index % 25),
      }));
      const reports = boots.map(({ incarnation, boot }) =>
        at(report(1, { boot }), { incarnation, receivedAt: T0 + 9 * DAY }),
      );
      // Each of a time of its own, in no order; of every seventh none is known.
      const timeOf = ({ incarnation, boot }: { incarnation: number; boot: number }): number =>
        T0 + ((boot * 37) % 101) * SECOND + incarnation * DAY;
      const clocks = boots
        .filter((_, index) => index % 7 !== 0)
        .map((each) => clock(each.boot, 1000, timeOf(each), each.incarnation));
      const present = clocks.pop()!;
      await owned.commit({
        twins: [twin(device, { clock: present })],
        reports,
        clocks: clocks.map((ended) => ({ device, clock: ended })),
      });
      const found: HistoryReport[] = [];
      for (let after: ReportPage['after'] = null; ;) {
        const page = await under.store.reports(device, { ...ALL, after, isNewestFirst, limit: 3 });
        found.push(...page);
        const last = page.at(-1);
        if (last === undefined) break;
        after = { incarnation: last.incarnation, boot: last.boot, seq: last.seq };
      }
      expect(found).toHaveLength(boots.length);
      const timed = new Map(
        [...clocks, present].map((each) => [`${each.incarnation}/${each.boot}`, timeOf(each)]),
      );
      for (const each of found) {
        const { incarnation, boot, receivedAt, measuredAt } = each;
        expect(measuredAt).toBe(timed.get(`${incarnation}/${boot}`) ?? receivedAt);
      }
    },
  );

  test('are found by when they were measured, from a time on and before another', async () => {
    const clocks = [clock(1, 0, T0), clock(2, 0, T0 + 1000 * SECOND)];
    const reports = [1, 2].flatMap((boot) =>
      [1, 2, 3, 4].map((seq) => at(report(seq, { boot }), { receivedAt: T0 + DAY })),
    );
    const [ended] = clocks;
    await owned.commit({
      twins: [twin(device, { clock: clocks[1]! })],
      reports,
      clocks: [{ device, clock: ended! }],
    });
    expect(await positions(device, { from: T0 + 3 * SECOND })).toEqual([
      '1/1/3',
      '1/1/4',
      '1/2/1',
      '1/2/2',
      '1/2/3',
      '1/2/4',
    ]);
    expect(await positions(device, { to: T0 + 3 * SECOND })).toEqual(['1/1/1', '1/1/2']);
    expect(await positions(device, { from: T0 + 4 * SECOND, to: T0 + 1002 * SECOND })).toEqual([
      '1/1/4',
      '1/2/1',
    ]);
    expect(await positions(device, { from: T0 + 5 * SECOND, to: T0 + 1000 * SECOND })).toEqual([]);
    const after = { incarnation: 1, boot: 1, seq: 3 };
    expect(await positions(device, { from: T0, after, limit: 2 })).toEqual(['1/1/4', '1/2/1']);
  });

  test('measured at absurd times are found like any other', async () => {
    const up = Number.MAX_SAFE_INTEGER;
    const reports = [at(report(1)), at(report(2)), at(report(3, { up }), { receivedAt: T0 })];
    await owned.commit({ twins: [twin(device, { clock: clock(1, up, T0) })], reports });
    const found = await under.store.reports(device, ALL);
    expect(found.map(({ measuredAt }) => measuredAt)).toEqual([T0 + 1000 - up, T0 + 2000 - up, T0]);
    expect(await positions(device, { from: T0 - 1, to: T0 + 1 })).toEqual(['1/1/3']);
    expect(await positions(device, { to: 0 })).toEqual(['1/1/1', '1/1/2']);
  });

  test('are found in a window of any size, anywhere in a long boot', async () => {
    const reports = Array.from({ length: 300 }, (_, index) => at(report((index + 1) * 3)));
    await owned.commit({ twins: [twin(device, { clock: clock(1, 0, T0) })], reports });
    const seqs = reports.map(({ report: { seq } }) => seq);
    for (const [first, last] of [
      [0, 9],
      [1, 1],
      [450, 462],
      [890, 2000],
      [-5, 0],
      [901, 950],
      [2, 3],
    ] as const) {
      const window = { from: T0 + first * SECOND, to: T0 + (last + 1) * SECOND };
      const expected = seqs.filter((seq) => seq >= first && seq <= last).map((seq) => `1/1/${String(seq)}`);
      expect(await positions(device, window)).toEqual(expected);
    }
  });

  test('in any window are those of all that were measured in it, over many boots and late arrivals', async () => {
    const { reports, clocks } = lifeOfMonths();
    const [present] = clocks.slice(-1);
    await owned.commit({
      twins: [twin(device, { clock: present! })],
      reports: reports.map(([of, change]) => at(of, change)),
      clocks: clocks.slice(0, -1).map((each) => ({ device, clock: each })),
    });
    const all = await under.store.reports(device, { ...ALL, limit: 10_000 });
    expect(all).toHaveLength(reports.length);
    const days = fc.double({ min: -70, max: 5, noNaN: true });
    await fc.assert(
      fc.asyncProperty(
        fc.option(days, { nil: null }),
        fc.option(days, { nil: null }),
        async (first, last) => {
          const [from, to] = [first, last].map((day) => (day === null ? null : T0 + day * DAY)) as [
            number | null,
            number | null,
          ];
          const expected = all.filter(
            ({ measuredAt }) => (from === null || measuredAt >= from) && (to === null || measuredAt < to),
          );
          expect(await positions(device, { from, to, limit: 10_000 })).toEqual(expected.map(position));
        },
      ),
      { numRuns: 60, endOnFailure: true },
    );
  });

  test('are never measured after they were received, also where the clock of their boot has drifted since', async () => {
    const reports = [1, 2, 3].map((seq) => at(report(seq), { receivedAt: T0 + seq * SECOND }));
    // It has lost 100 s in ten days, which its drift allows.
    const drifted = clock(1, 10 * DAY, T0 + 10 * DAY + 100 * SECOND);
    await owned.commit({ twins: [twin(device, { clock: drifted })], reports });
    const found = await under.store.reports(device, ALL);
    expect(found.map(({ measuredAt }) => measuredAt - T0)).toEqual([1000, 2000, 3000]);
    expect(await positions(device, { from: T0 + 1500, to: T0 + 2500 })).toEqual(['1/1/2']);
  });

  test('keep a clock that round trips have proved, though nothing proves what is known of their boot now', async () => {
    const proved = bootClock({ boot: 1, latest: { up: 0, at: T0 + 20 }, earliest: { up: 0, at: T0 } });
    const present = twin(device, { clock: clock(2, 0, T0 + DAY) });
    const reports = [at(report(1), { receivedAt: T0 + DAY })];
    await owned.commit({ twins: [present], reports, clocks: [{ device, clock: proved }] });
    await owned.commit({ clocks: [{ device, clock: clock(1, 0, T0 - DAY) }] });
    const [found] = await under.store.reports(device, ALL);
    expect(found?.measuredAt).toBeCloseTo(T0 + SECOND + 10, 3);
  });

  /**
   * A boot of four segments: its clock stood still for a day before report 10, told ms since 1970 in report 15 alone, and went on as
   * before it. Each report was received 100 ms after it was measured.
   */
  function brokenBoot() {
    const trueAt = (seq: number): number => T0 + seq * 7200 * SECOND + (seq < 10 ? 0 : DAY);
    const upOf = (seq: number): number => (seq === 15 ? trueAt(15) : seq * 7200 * SECOND);
    const reports = Array.from({ length: 20 }, (_, index) => {
      const seq = index + 1;
      return at(report(seq, { up: upOf(seq) }), { receivedAt: trueAt(seq) + 100 });
    });
    const anchored = (seq: number) => ({
      latest: { up: upOf(seq), at: trueAt(seq) + 100 },
      earliest: { up: upOf(seq), at: trueAt(seq) },
    });
    const broken = (fromSeq: number, untilSeq: number, brokenAt: number | null) =>
      bootClock({ boot: 1, fromSeq, untilSeq, brokenAt, beganUp: upOf(fromSeq), ...anchored(fromSeq || 1) });
    const clocks = [
      { ...broken(0, 10, trueAt(10) + 100), beganUp: 0 },
      broken(10, 15, null),
      { ...broken(15, 16, trueAt(16) + 100), earliest: null, agreed: null },
    ];
    const present = bootClock({ boot: 1, fromSeq: 16, beganUp: upOf(16), crossings: 2, ...anchored(10) });
    return { reports, clocks, present, trueAt };
  }

  test('of a boot whose clock was broken are timed by the segments that they are of', async () => {
    const { reports, clocks, present, trueAt } = brokenBoot();
    await owned.commit({
      twins: [twin(device, { clock: present })],
      reports,
      clocks: clocks.map((each) => ({ device, clock: each })),
    });
    const found = await under.store.reports(device, ALL);
    expect(found).toHaveLength(20);
    for (const { seq, measuredAt, errorMs, receivedAt } of found) {
      expect(Math.abs(measuredAt - trueAt(seq)), `report ${String(seq)}`).toBeLessThanOrEqual(100);
      expect(measuredAt).toBeLessThanOrEqual(receivedAt);
      if (errorMs !== null) expect(Math.abs(measuredAt - trueAt(seq))).toBeLessThanOrEqual(errorMs);
    }
    expect(found.map(({ seq, errorMs }) => (errorMs === null ? seq : null)).filter(Boolean)).toEqual([15]);
    // Of what came after the last round trip of a broken segment nobody knows more than that it did.
    expect(found[8]?.errorMs).toBeGreaterThan(8 * 7200 * SECOND - 1000);
  });

  test('of a boot whose clock was broken are found in any window as among all', async () => {
    const { reports, clocks, present } = brokenBoot();
    await owned.commit({
      twins: [twin(device, { clock: present })],
      reports,
      clocks: clocks.map((each) => ({ device, clock: each })),
    });
    const all = await under.store.reports(device, ALL);
    const hours = fc.option(fc.double({ min: -30, max: 90, noNaN: true }), { nil: null });
    await fc.assert(
      fc.asyncProperty(hours, hours, fc.boolean(), async (first, last, isNewestFirst) => {
        const [from = null, to = null] = [first, last].map((hour) =>
          hour === null ? null : T0 + hour * 3600 * SECOND,
        );
        const inside = all.filter(
          ({ measuredAt }) => (from === null || measuredAt >= from) && (to === null || measuredAt < to),
        );
        const expected = isNewestFirst ? inside.toReversed() : inside;
        expect(await positions(device, { from, to, isNewestFirst })).toEqual(expected.map(position));
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });

  test('that are large come on shorter pages, each at least one, and all of them once', async () => {
    const filler = 'x'.repeat(60_000);
    const reports = Array.from({ length: 100 }, (_, index) => at(report(index + 1, { filler })));
    await owned.commit({ twins: [twin(device, { clock: clock(1, 0, T0) })], reports });
    for (const window of [{}, { from: T0 }, { from: T0, isNewestFirst: true }]) {
      const found: HistoryReport[] = [];
      for (let after: ReportPage['after'] = null; ;) {
        const page = await under.store.reports(device, { ...ALL, ...window, after });
        expect(JSON.stringify(page).length).toBeLessThan(REPORT_PAGE_BYTES_MAX + 100_000);
        found.push(...page);
        const last = page.at(-1);
        if (last === undefined) break;
        after = { incarnation: last.incarnation, boot: last.boot, seq: last.seq };
      }
      expect(new Set(found.map(position)).size).toBe(100);
      expect(found).toHaveLength(100);
    }
  });

  test('of an unknown device there are none', async () => {
    expect(await under.store.reports('nobody', ALL)).toEqual([]);
    expect(await under.store.twin('nobody')).toBeNull();
  });

  test('are dropped when their retention has passed, whole days at a time, and never before', async () => {
    const now = T0 + 100 * DAY;
    const today = Math.floor(now / DAY) * DAY;
    const ages = [0, 1, RETENTION_DAYS, RETENTION_DAYS + 1, RETENTION_DAYS + 50];
    const reports = ages.map((days, index) => at(report(index + 1), { receivedAt: today - days * DAY + 5 }));
    await under.maintain(today - 60 * DAY);
    await owned.commit({ twins: [twin(device)], reports });
    await under.maintain(now);
    await under.maintain(now);
    expect(await positions(device)).toEqual(['1/1/1', '1/1/2', '1/1/3']);
  });
});
