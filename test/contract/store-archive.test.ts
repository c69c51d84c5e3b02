/**
 * The Archive port: what people and backends read of what is committed.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BootClock } from '../../actors/clock.ts';
import type { FiledReport } from '../../actors/decision.ts';
import { bornTwin } from '../../actors/twin.ts';
import { chargePoint } from '../../machines/charge-point.ts';
import type {
  ArchivedReport,
  DeadLetterPage,
  DeviceCursor,
  DeviceQuery,
  ReportPage,
} from '../../src/runtime/archive.ts';
import type { Commit, Lease } from '../../src/runtime/ports.ts';
import { ANY_DEVICE, BY_ID } from '../../src/runtime/device-query.ts';
import { partitionOf } from '../../src/wire/partition.ts';
import {
  advance,
  advanced,
  commitOf,
  deadLetter,
  devicesIn,
  entry,
  filed,
  lines,
  report,
  T0,
  transition,
  twin,
} from './store-samples.ts';
import { RETENTION_DAYS, storesUnderTest, type StoreUnderTest } from './store-kinds.ts';

const ALL: ReportPage = { from: null, to: null, after: null, isNewestFirst: false, limit: 100 };
const ANY: DeviceQuery = { ...ANY_DEVICE, order: BY_ID, limit: 100, cursor: null };
const SECOND = 1000;
const DAY = 86_400_000;

describe.each(storesUnderTest)('the archive $name', ({ open }) => {
  let under: StoreUnderTest;
  let leases: Map<number, Lease>;
  beforeEach(async () => {
    under = await open();
    const taken = await under.store.acquire({ node: 'a', limit: 32, ttlMs: 60_000 });
    leases = new Map(taken.map((lease) => [lease.partition, lease]));
  });
  afterEach(() => under.end());

  /** Commits to all partitions. */
  async function commit(change: Partial<Commit>): Promise<void> {
    const partitions = [...leases.values()].map((lease) => advance(lease));
    expect(await under.store.commit(commitOf(partitions, change))).toEqual({ type: 'committed' });
    for (const to of partitions) leases.set(to.partition, advanced(leases.get(to.partition)!, to));
  }

  const position = ({ incarnation, boot, seq }: ArchivedReport) =>
    `${String(incarnation)}/${String(boot)}/${String(seq)}`;
  const positions = async (device: string, page: Partial<ReportPage> = {}): Promise<readonly string[]> =>
    (await under.store.reports(device, { ...ALL, ...page })).map(position);

  /** A clock without a round trip: uptime `up` was at most at `at`. */
  const clock = (boot: number, up: number, at: number, incarnation = 1): BootClock => ({
    ...{ incarnation, boot, latest: { up, at }, earliest: null },
  });

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
        reports.push([report(seq, { boot, up }), { receivedAt, fate: isLate ? 'late' : 'news' }]);
      }
      const lastUp = 35 * 7200 * SECOND;
      clocks.push(clock(boot, lastUp, isLate ? ended + 600 * SECOND : began + lastUp + 250));
    }
    return { reports, clocks };
  }

  describe('reports', () => {
    const device = 'cp-1';
    const at = (of: ReturnType<typeof report>, change: Partial<FiledReport> = {}) =>
      filed(device, of, change);

    test('come in the order in which the device made them, not in that of arrival', async () => {
      const order = [
        at(report(3)),
        at(report(1, { boot: 2 })),
        at(report(2), { fate: 'late' }),
        at(report(1, { boot: 0 }), { fate: 'late' }),
        at(report(1, { boot: 0 }), { incarnation: 2 }),
      ];
      await commit({ twins: [twin(device)], reports: order.slice(0, 2) });
      await commit({ reports: order.slice(2) });
      expect(await positions(device)).toEqual(['1/0/1', '1/1/2', '1/1/3', '1/2/1', '2/0/1']);
    });

    test('are read page by page without a gap and without one twice', async () => {
      const reports = Array.from({ length: 25 }, (_, index) =>
        at(report((index % 9) + 1, { boot: Math.floor(index / 9) })),
      );
      await commit({ twins: [twin(device)], reports: [...reports.slice(10), ...reports.slice(0, 10)] });
      const whole = await under.store.reports(device, ALL);
      const paged: ArchivedReport[] = [];
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

    test('come whole, with their fate and their arrival', async () => {
      const whole = report(7, { firmware: '1.0', mileage: 12.5, nested: { deep: [1, null] } });
      await commit({
        twins: [twin(device)],
        reports: [at(whole, { fate: 'late', receivedAt: T0 + 90.125 })],
      });
      const [found] = await under.store.reports(device, ALL);
      expect(found).toMatchObject({ incarnation: 1, boot: 1, seq: 7, up: 7000, state: 'available' });
      expect(found).toMatchObject({ fate: 'late', receivedAt: T0 + 90.125, body: whole });
    });

    test('are timed by the clock of their boot as it is known now', async () => {
      const early = clock(1, 0, T0 + 50 * SECOND);
      const heard = twin(device, { clock: early, newest: null });
      await commit({ twins: [heard], reports: [at(report(1)), at(report(2))] });
      const times = async () =>
        (await under.store.reports(device, ALL)).map(({ measuredAt, errorMs }) => ({ measuredAt, errorMs }));
      expect(await times()).toEqual([
        { measuredAt: T0 + 51 * SECOND, errorMs: null },
        { measuredAt: T0 + 52 * SECOND, errorMs: null },
      ]);
      const better: BootClock = { ...early, latest: { up: 0, at: T0 + 20 }, earliest: { up: 0, at: T0 } };
      await commit({ twins: [{ ...heard, clock: better, version: 2 }] });
      const [first, second] = await times();
      expect(first?.measuredAt).toBeCloseTo(T0 + SECOND + 10, 3);
      expect(second?.measuredAt).toBeCloseTo(T0 + 2 * SECOND + 10, 3);
      expect(first?.errorMs).toBeCloseTo(10 + SECOND * chargePoint.limits.driftPpm * 1e-6, 3);
    });

    test('of a boot that ended keep its clock, which may still get better', async () => {
      const now = twin(device, { clock: clock(2, 0, T0 + 500 * SECOND) });
      const ended = clock(1, 0, T0 + 100 * SECOND);
      const reports = [at(report(1)), at(report(1, { boot: 2 }))];
      await commit({ twins: [now], reports, clocks: [{ device, clock: ended }] });
      const times = async () =>
        (await under.store.reports(device, ALL)).map(({ measuredAt }) => measuredAt - T0);
      expect(await times()).toEqual([101 * SECOND, 501 * SECOND]);
      const better = [clock(1, 0, T0 + 90 * SECOND), clock(1, 0, T0 + 80 * SECOND)];
      await commit({ clocks: better.map((each) => ({ device, clock: each })) });
      expect(await times()).toEqual([81 * SECOND, 501 * SECOND]);
    });

    test('are found by when they were measured, from a time on and before another', async () => {
      const clocks = [clock(1, 0, T0), clock(2, 0, T0 + 1000 * SECOND)];
      const reports = [1, 2].flatMap((boot) =>
        [1, 2, 3, 4].map((seq) => at(report(seq, { boot }), { receivedAt: T0 + DAY })),
      );
      const [ended] = clocks;
      await commit({
        ...{ twins: [twin(device, { clock: clocks[1]! })], reports },
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
      await commit({ twins: [twin(device, { clock: clock(1, up, T0) })], reports });
      const found = await under.store.reports(device, ALL);
      expect(found.map(({ measuredAt }) => measuredAt)).toEqual([T0 + 1000 - up, T0 + 2000 - up, T0]);
      expect(await positions(device, { from: T0 - 1, to: T0 + 1 })).toEqual(['1/1/3']);
      expect(await positions(device, { to: 0 })).toEqual(['1/1/1', '1/1/2']);
    });

    test('are found in a window of any size, anywhere in a long boot', async () => {
      const reports = Array.from({ length: 300 }, (_, index) => at(report((index + 1) * 3)));
      await commit({ twins: [twin(device, { clock: clock(1, 0, T0) })], reports });
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
      await commit({
        ...{
          twins: [twin(device, { clock: present! })],
          reports: reports.map(([of, change]) => at(of, change)),
        },
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

    test('of an unknown device there are none', async () => {
      expect(await under.store.reports('nobody', ALL)).toEqual([]);
      expect(await under.store.twin('nobody')).toBeNull();
    });

    test('are dropped when their retention has passed, whole days at a time, and never before', async () => {
      const now = T0 + 100 * DAY;
      const today = Math.floor(now / DAY) * DAY;
      const ages = [0, 1, RETENTION_DAYS, RETENTION_DAYS + 1, RETENTION_DAYS + 50];
      const reports = ages.map((days, index) =>
        at(report(index + 1), { receivedAt: today - days * DAY + 5 }),
      );
      await under.maintain(today - 60 * DAY);
      await commit({ twins: [twin(device)], reports });
      await under.maintain(now);
      await under.maintain(now);
      expect(await positions(device)).toEqual(['1/1/1', '1/1/2', '1/1/3']);
    });
  });

  describe('devices', () => {
    const names = ['cp-1', 'cp-2', 'cp-20', 'CP-3', '_x'];
    beforeEach(async () => {
      const [one, two, three, four, five] = names as [string, string, string, string, string];
      await under.register({
        device: two,
        kind: 'charge-point',
        site: 'depot',
        labels: { fleet: 'north', new: 'yes' },
      });
      await under.register({
        device: five,
        kind: 'charge-point',
        site: 'harbour',
        labels: { fleet: 'south' },
      });
      const heardAt = (firmware: string) => ({
        ...twin('any').newest!,
        report: report(1, { firmware }),
      });
      await commit({
        twins: [
          twin(one, { newest: heardAt('1.0') }),
          twin(two, { path: 'charging.delivering', newest: heardAt('2.0') }),
          twin(three, { kind: 'car', path: 'rented', site: 'harbour' }),
          twin(four, { path: 'suspect', suspicions: [{ reason: 'divergence', since: T0, detail: 'x' }] }),
        ],
      });
    });

    const found = async (query: Partial<DeviceQuery>): Promise<readonly string[]> =>
      (await under.store.find({ ...ANY, ...query })).devices.map(({ device }) => device);

    test('are listed in the order of their ids, also those that were never heard', async () => {
      expect(await found({})).toEqual(['CP-3', '_x', 'cp-1', 'cp-2', 'cp-20']);
      const { devices } = await under.store.find(ANY);
      const silent = { device: '_x', kind: 'charge-point', site: 'harbour', registered: true };
      expect(devices[1]).toEqual({
        ...silent,
        twin: bornTwin({ device: '_x', kind: chargePoint, site: 'harbour' }),
      });
    });

    test('that were registered and never heard have the twin they will be born with', async () => {
      expect(await under.store.twin('_x')).toEqual({
        inventory: { device: '_x', kind: 'charge-point', site: 'harbour', registered: true },
        twin: bornTwin({ device: '_x', kind: chargePoint, site: 'harbour' }),
      });
    });

    test('are found by kind, state, site, firmware and label', async () => {
      expect(await found({ kind: 'car' })).toEqual(['cp-20']);
      expect(await found({ state: 'charging' })).toEqual(['cp-2']);
      expect(await found({ state: 'offline' })).toEqual(['_x']);
      expect(await found({ site: 'harbour' })).toEqual(['_x', 'cp-20']);
      expect(await found({ firmware: '1.0' })).toEqual(['cp-1']);
      expect(await found({ label: 'fleet=north' })).toEqual(['cp-2']);
      expect(await found({ label: 'fleet' })).toEqual(['_x', 'cp-2']);
      expect(await found({ kind: 'charge-point', site: 'depot', state: 'suspect' })).toEqual(['CP-3']);
      expect(await found({ kind: 'kiosk' })).toEqual([]);
    });

    test('are found by quality, as it is when one asks', async () => {
      expect(await found({ quality: 'suspect' })).toEqual(['CP-3']);
      expect(await found({ quality: 'fresh' })).toEqual([]);
      const [unknown, stale] = [await found({ quality: 'unknown' }), await found({ quality: 'stale' })];
      expect([...unknown, ...stale].sort()).toEqual(['_x', 'cp-1', 'cp-2', 'cp-20']);
    });

    test('are read page by page without a gap and without one twice', async () => {
      const paged: string[] = [];
      let cursor: DeviceCursor | null = null;
      do {
        const page: Awaited<ReturnType<typeof under.store.find>> = await under.store.find({
          ...ANY,
          limit: 2,
          cursor,
        });
        paged.push(...page.devices.map(({ device }) => device));
        ({ cursor } = page);
      } while (cursor !== null);
      expect(paged).toEqual(['CP-3', '_x', 'cp-1', 'cp-2', 'cp-20']);
    });

    test('are found by what casts doubt on them', async () => {
      expect(await found({ suspicion: 'divergence' })).toEqual(['CP-3']);
      expect(await found({ suspicion: 'identity-conflict' })).toEqual([]);
      expect(await found({ staleForMs: DAY })).toEqual([]);
      expect(await found({ text: 'p-2' })).toEqual(['cp-2', 'cp-20']);
      expect(await found({ text: 'cp-3' })).toEqual(['CP-3']);
      expect(await found({ text: '%' })).toEqual([]);
      expect(await found({ isPending: true })).toEqual([]);
      await commit({
        twins: [twin('cp-1', { version: 2, lastN: 1, open: [entry('cp-1')] })],
        ledger: [entry('cp-1')],
      });
      expect(await found({ isPending: true })).toEqual(['cp-1']);
      expect(await found({ isPending: false })).toEqual(['CP-3', '_x', 'cp-2', 'cp-20']);
    });

    test('are sorted by times, those without one last, and read page by page', async () => {
      const times = { 'cp-1': 3, 'cp-2': 1, 'CP-3': 2, 'cp-20': 1 };
      await commit({
        twins: Object.entries(times).map(([device, second]) =>
          twin(device, { version: 2, since: T0 + second * SECOND + 0.25 }),
        ),
      });
      const paged = async (order: DeviceQuery['order']): Promise<readonly string[]> => {
        const seen: string[] = [];
        let cursor: DeviceCursor | null = null;
        do {
          const page: Awaited<ReturnType<typeof under.store.find>> = await under.store.find({
            ...{ ...ANY, order, limit: 1, cursor },
          });
          seen.push(...page.devices.map(({ device }) => device));
          ({ cursor } = page);
        } while (cursor !== null);
        return seen;
      };
      expect(await paged({ by: 'since', isDescending: false })).toEqual([
        'cp-2',
        'cp-20',
        'CP-3',
        'cp-1',
        '_x',
      ]);
      expect(await paged({ by: 'since', isDescending: true })).toEqual([
        'cp-1',
        'CP-3',
        'cp-2',
        'cp-20',
        '_x',
      ]);
      expect(await paged({ by: 'id', isDescending: true })).toEqual(['cp-20', 'cp-2', 'cp-1', '_x', 'CP-3']);
      expect((await paged({ by: 'asOf', isDescending: true })).at(-1)).toBe('_x');
      expect((await paged({ by: 'lastContact', isDescending: false })).at(-1)).toBe('_x');
    });

    test.each(['fresh', 'stale', 'suspect', 'unknown'])(
      'of quality %s are as many as are found',
      async (quality) => {
        const clock = (at: number, earliest: number | null): BootClock => ({
          ...{ incarnation: 1, boot: 1, latest: { up: 1000, at } },
          earliest: earliest === null ? null : { up: 1000, at: earliest },
        });
        const ages = [0, 20, 59, 61, 120].map((second) => T0 - second * SECOND);
        const ids = ages.flatMap((_, index) => [
          `n-${String(index)}`,
          `b-${String(index)}`,
          `w-${String(index)}`,
        ]);
        await commit({
          twins: ages.flatMap((at, index) => [
            twin(ids[3 * index]!, { clock: clock(at, null) }),
            twin(ids[3 * index + 1]!, { clock: clock(at, at - 100) }),
            twin(ids[3 * index + 2]!, { clock: clock(at, at - 40 * SECOND) }),
          ]),
        });
        const names = await found({ quality });
        const { devices, isExact } = await under.store.count({ ...ANY_DEVICE, quality });
        if (isExact) expect(devices).toBe(names.length);
        else expect(devices).toBeGreaterThanOrEqual(names.length);
        const everybody = await Promise.all(
          ['fresh', 'stale', 'suspect', 'unknown'].map((one) => found({ quality: one })),
        );
        expect(everybody.flat().sort()).toEqual([...(await found({}))].sort());
      },
    );

    test('are counted by kind, world state, quality, site and firmware', async () => {
      const counts = [...(await under.store.counts())].sort((a, b) => (a.state < b.state ? -1 : 1));
      const heardOf = { kind: 'charge-point', site: 'depot', quality: 'unknown', devices: 1 };
      expect(counts).toEqual([
        { ...heardOf, state: 'available', firmware: '1.0' },
        { ...heardOf, state: 'charging', firmware: '2.0' },
        { ...heardOf, state: 'offline', site: 'harbour', firmware: null },
        { ...heardOf, kind: 'car', state: 'rented', site: 'harbour', firmware: '4.2.1' },
        { ...heardOf, state: 'suspect', quality: 'suspect', firmware: '4.2.1' },
      ]);
    });
  });

  describe('the fleet over time', () => {
    test('is told by the transitions of each step', async () => {
      const [one] = devicesIn(3, 1);
      const at = (second: number, from: string, to: string) =>
        transition(one, { from, to, recordedAt: T0 + second * SECOND });
      const journal = lines(
        3,
        1,
        at(-5, 'offline', 'available'),
        at(1, 'available.idle', 'available.occupied'),
        at(2, 'available.occupied', 'charging.delivering'),
        at(11, 'charging.delivering', 'offline'),
      );
      await commit({ twins: [twin(one)], journal });
      const changes = await under.store.stateChanges({ from: T0, stepMs: 10 * SECOND });
      expect([...changes].sort((a, b) => a.step - b.step)).toEqual([
        { step: 0, kind: 'charge-point', from: 'available', to: 'charging', transitions: 1 },
        { step: 1, kind: 'charge-point', from: 'charging', to: 'offline', transitions: 1 },
      ]);
    });

    test('every partition says who decides for it', async () => {
      const rows = await under.store.leases();
      expect(rows).toHaveLength(32);
      expect(rows[3]).toMatchObject({ partition: 3, owner: 'a', epoch: leases.get(3)!.epoch, batch: 0 });
      expect(rows[3]!.expiresAt).toEqual(expect.any(Number));
    });
  });

  describe('dead letters', () => {
    test('come newest first, by device and by reason, page by page', async () => {
      const letter = (sequence: number, second: number, change = {}) =>
        deadLetter(3, { sequence, receivedAt: T0 + second * SECOND, ...change });
      const journal = lines(
        3,
        1,
        letter(1, 1),
        letter(2, 1, { reason: 'foreign-site' }),
        letter(3, 2, { device: 'cp-9' }),
      );
      await commit({ journal });
      const ANY_LETTER: DeadLetterPage = { device: null, reason: null, before: null, limit: 10 };
      const read = async (page: Partial<DeadLetterPage>): Promise<readonly number[]> =>
        (await under.store.deadLetters({ ...ANY_LETTER, ...page })).map(({ sequence }) => sequence);
      expect(await read({})).toEqual([3, 2, 1]);
      expect(await read({ limit: 1 })).toEqual([3]);
      expect(await read({ before: { receivedAt: T0 + SECOND, sequence: 2 } })).toEqual([1]);
      expect(await read({ device: 'cp-1' })).toEqual([2, 1]);
      expect(await read({ reason: 'foreign-site' })).toEqual([2]);
      const [newest] = await under.store.deadLetters(ANY_LETTER);
      expect(newest).toEqual({ ...letter(3, 2, { device: 'cp-9' }), no: 3 });
    });
  });

  describe('journal and ledger', () => {
    test('the journal of a device comes newest first and is read page by page', async () => {
      const [one, two] = devicesIn(3, 2) as unknown as [string, string];
      expect(partitionOf(one)).toBe(3);
      const journal = lines(
        3,
        1,
        transition(one),
        transition(two),
        transition(one, { to: 'reserved' }),
        transition(one, { errorMs: null }),
      );
      await commit({ twins: [twin(one), twin(two)], journal });
      const all = await under.store.transitions(one, { before: null, recordedUpTo: null, limit: 10 });
      expect(all.map(({ no }) => no)).toEqual([4, 3, 1]);
      expect(all[1]).toEqual({ ...transition(one, { to: 'reserved' }), partition: 3, no: 3 });
      const older = await under.store.transitions(one, { before: 4, recordedUpTo: null, limit: 1 });
      expect(older.map(({ no }) => no)).toEqual([3]);
      expect(await under.store.transitions('nobody', { before: null, recordedUpTo: null, limit: 9 })).toEqual(
        [],
      );
    });

    test('the ledger of a device comes newest first and is read page by page', async () => {
      const ledger = [4, 9, 5].map((n) => entry('cp-1', { n, id: `command ${String(n)}` }));
      await commit({ twins: [twin('cp-1'), twin('cp-2')], ledger: [...ledger, entry('cp-2')] });
      const all = await under.store.commands('cp-1', { beforeN: null, limit: 10 });
      expect(all).toEqual([ledger[1], ledger[2], ledger[0]]);
      expect(await under.store.commands('cp-1', { beforeN: 9, limit: 1 })).toEqual([ledger[2]]);
      expect(await under.store.commands('nobody', { beforeN: null, limit: 9 })).toEqual([]);
    });
  });
});
