/**
 * A device that was cut off for a week and now delivers all of it, in whatever order: its timeline is the week, exactly.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../machines/report.ts';
import { chargePoint } from '../../machines/charge-point.ts';
import { commitLives, heard, live, MINUTE, NOW } from './http-fleet.ts';
import { type HttpNode, httpOver, StandingClock } from './http-node.ts';
import { type OpenStore, stores } from './http-stores.ts';

/** A third of what the kind takes for silence. */
const HEARTBEAT_MS = chargePoint.limits.silenceMs / 3;

interface Interval {
  readonly state: string;
  readonly from: string;
  readonly to: string | null;
}

interface Stretch {
  readonly state: string;
  readonly up: number;
}

/** A week in which somebody plugs in and leaves again, 300 times, at odd moments. */
function week(): Stretch[] {
  let up = 0;
  return Array.from({ length: 600 }, (_, index) => {
    up += 1 + ((index * 7_919_777) % (30 * MINUTE));
    return { state: index % 2 === 0 ? 'available' : 'charging', up };
  });
}

/** It as a device tells it: each change, and in between so often that nobody takes it for silent. */
function reportsOf(stretches: readonly Stretch[]): Report[] {
  const said = stretches.flatMap(({ state, up }, index) => {
    const end = stretches[index + 1]?.up ?? up + 1;
    const times = Math.ceil((end - up) / HEARTBEAT_MS);
    return Array.from({ length: times }, (_, time) => ({ state, up: up + time * HEARTBEAT_MS }));
  });
  return said.map(({ state, up }, index) => ({ boot: 1, seq: index + 1, up, state, sensors: {} }));
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
    ['the-current-report-first', (all: readonly Report[]) => [all.at(-1)!, ...all.slice(0, -1)]],
    ['the-oldest-first', (all: readonly Report[]) => all],
    ['the-newest-first', (all: readonly Report[]) => all.toReversed()],
    ['in-disorder', shuffled],
  ])('%s, is that week to the millisecond, counted from its last report', async (device, inOrder) => {
    const stretches = week();
    const reports = reportsOf(stretches);
    const delivered = inOrder(reports).map((report, index) => heard(NOW - MINUTE + index, report));
    await commitLives(opened.store, [live({ id: device, kind: chargePoint, site: 'depot' }, delivered)]);
    const intervals = await timelineOf(device);
    const until = Date.parse(intervals.at(-1)!.from);
    const end = stretches.at(-1)!.up;
    const found = intervals.map(({ state, from, to }) => ({
      state,
      up: Date.parse(from) - until + end,
      endUp: to === null ? null : Date.parse(to) - until + end,
    }));
    const expected = stretches.map((stretch, index) => ({
      ...stretch,
      endUp: stretches[index + 1]?.up ?? null,
    }));
    expect(found).toEqual(expected);
  });
});
