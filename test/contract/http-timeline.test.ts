/**
 * A device that was cut off for a week and now delivers all of it, in whatever order: its timeline is the week, exactly.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../machines/report.ts';
import { chargePoint } from '../../machines/charge-point.ts';
import { commitLives, heard, live, MINUTE, NOW } from './http-fleet.ts';
import { type HttpNode, httpOver, StandingClock } from './http-node.ts';
import { type OpenStore, stores } from './http-stores.ts';

interface Interval {
  readonly state: string;
  readonly from: string;
  readonly to: string | null;
}

/** A week in which somebody plugs in and leaves again, 300 times, at odd moments. */
function weekOfReports(): Report[] {
  let up = 0;
  return Array.from({ length: 600 }, (_, index) => {
    up += 1 + ((index * 7_919_777) % (30 * MINUTE));
    const state = index % 2 === 0 ? 'available' : 'charging';
    return { boot: 1, seq: index + 1, up, state, sensors: {} };
  });
}

/** None keeps its place, and none moves far: a twin remembers a bounded number of holes. */
function shuffled<Item>(items: readonly Item[]): Item[] {
  const ranked = items.map((item, index) => ({ item, rank: index + ((index * 7_919) % 25) }));
  return ranked.sort((a, b) => a.rank - b.rank).map(({ item }) => item);
}

describe.each(stores)('a week delivered at once, shown over $name,', ({ open }) => {
  let opened: OpenStore;
  let node: HttpNode;

  beforeAll(async () => {
    opened = await open(new StandingClock());
    node = await httpOver(opened.store, opened.clock);
  });
  afterAll(async () => {
    await node.app.close();
    await opened.end();
  });

  async function timelineOf(device: string): Promise<Interval[]> {
    const intervals: Interval[] = [];
    let next: string | null = `/v1/devices/${device}/timeline?limit=250`;
    while (next !== null) {
      const response: { body: string } = await node.app.inject(next);
      const page = JSON.parse(response.body) as { intervals: Interval[]; next: string | null };
      intervals.push(...page.intervals);
      next = page.next;
    }
    return intervals;
  }

  test.each([
    ['the-current-report-first', (week: readonly Report[]) => [week.at(-1)!, ...week.slice(0, -1)]],
    ['the-oldest-first', (week: readonly Report[]) => week],
    ['the-newest-first', (week: readonly Report[]) => week.toReversed()],
    ['in-disorder', shuffled],
  ])('%s, is that week to the millisecond, counted from its last report', async (device, inOrder) => {
    const week = weekOfReports();
    const delivered = inOrder(week).map((report, index) => heard(NOW - MINUTE + index, report));
    await commitLives(opened.store, [live({ id: device, kind: chargePoint, site: 'depot' }, delivered)]);
    const intervals = await timelineOf(device);
    const until = Date.parse(intervals.at(-1)!.from);
    const end = week.at(-1)!.up;
    const found = intervals.map(({ state, from, to }) => ({
      state,
      up: Date.parse(from) - until + end,
      endUp: to === null ? null : Date.parse(to) - until + end,
    }));
    const expected = week.map(({ state, up }, index) => ({ state, up, endUp: week[index + 1]?.up ?? null }));
    expect(found).toEqual(expected);
  });
});
