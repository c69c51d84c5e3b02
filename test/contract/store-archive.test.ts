/**
 * The Archive port: what people and backends read of what is committed, but for reports (`store-reports.test.ts`).
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BootClock } from '../../actors/clock.ts';
import { bornTwin } from '../../actors/twin.ts';
import { chargePoint } from '../../machines/charge-point.ts';
import type { DeadLetterPage, DeviceCursor, DeviceQuery } from '../../src/history/ports.ts';
import { ANY_DEVICE } from '../../src/contract/device-filter.ts';
import { QUALITIES } from '../../src/contract/twin-document.ts';
import { BY_ID } from '../../src/runtime/device-query.ts';
import { partitionOf } from '../../src/wire/partition.ts';
import { OwnedStore } from './owned-store.ts';
import { storesUnderTest, type StoreUnderTest } from './store-kinds.ts';
import {
  bootClock,
  deadLetter,
  devicesIn,
  entry,
  lines,
  report,
  T0,
  transition,
  twin,
} from './store-samples.ts';

const ANY: DeviceQuery = { ...ANY_DEVICE, order: BY_ID, limit: 100, cursor: null };
const SECOND = 1000;
const DAY = 86_400_000;

describe.each(storesUnderTest)('the archive $name', ({ open }) => {
  let under: StoreUnderTest;
  let owned: OwnedStore;
  beforeEach(async () => {
    under = await open();
    owned = await OwnedStore.take(under.store);
  });
  afterEach(() => under.end());

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
      await owned.commit({
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
      expect(await found({ state: 'suspect.doubted' })).toEqual(['CP-3']);
      expect(await found({ state: 'suspect.out-of-service' })).toEqual([]);
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
      expect(await found({ q: 'p-2' })).toEqual(['cp-2', 'cp-20']);
      expect(await found({ q: 'cp-3' })).toEqual(['CP-3']);
      expect(await found({ q: '%' })).toEqual([]);
      expect(await found({ pending: true })).toEqual([]);
      await owned.commit({
        twins: [twin('cp-1', { version: 2, lastN: 1, open: [entry('cp-1')] })],
        ledger: [entry('cp-1')],
      });
      expect(await found({ pending: true })).toEqual(['cp-1']);
      expect(await found({ pending: false })).toEqual(['CP-3', '_x', 'cp-2', 'cp-20']);
    });

    test('are sorted by times, those without one last, and read page by page', async () => {
      const times = { 'cp-1': 3, 'cp-2': 1, 'CP-3': 2, 'cp-20': 1 };
      await owned.commit({
        twins: Object.entries(times).map(([device, second]) =>
          twin(device, { version: 2, since: T0 + second * SECOND + 0.25 }),
        ),
      });
      const paged = async (order: DeviceQuery['order']): Promise<readonly string[]> => {
        const seen: string[] = [];
        let cursor: DeviceCursor | null = null;
        do {
          const page: Awaited<ReturnType<typeof under.store.find>> = await under.store.find({
            ...ANY,
            order,
            limit: 1,
            cursor,
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

    test.each(QUALITIES)('of quality %s are as many as are found', async (quality) => {
      const clock = (at: number, earliest: number | null): BootClock =>
        bootClock({
          boot: 1,
          latest: { up: 1000, at },
          earliest: earliest === null ? null : { up: 1000, at: earliest },
        });
      const ages = [0, 20, 59, 61, 120].map((second) => T0 - second * SECOND);
      const ids = ages.flatMap((_, index) => [
        `n-${String(index)}`,
        `b-${String(index)}`,
        `w-${String(index)}`,
      ]);
      await owned.commit({
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
      const everybody = await Promise.all(QUALITIES.map((one) => found({ quality: one })));
      expect(everybody.flat().sort()).toEqual([...(await found({}))].sort());
    });

    test('are counted by kind, world state, quality, site and firmware', async () => {
      const counts = [...(await under.store.counts())].sort((a, b) => (a.state < b.state ? -1 : 1));
      const heardOf = { kind: 'charge-point', site: 'depot', quality: 'unknown', devices: 1 };
      expect(counts).toEqual([
        { ...heardOf, state: 'available', shownState: 'available', firmware: '1.0' },
        { ...heardOf, state: 'charging', shownState: 'charging', firmware: '2.0' },
        { ...heardOf, state: 'offline', shownState: 'offline', site: 'harbour', firmware: null },
        {
          ...heardOf,
          kind: 'car',
          state: 'rented',
          shownState: 'rented',
          site: 'harbour',
          firmware: '4.2.1',
        },
        {
          ...heardOf,
          state: 'suspect',
          shownState: 'suspect.doubted',
          quality: 'suspect',
          firmware: '4.2.1',
        },
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
      await owned.commit({ twins: [twin(one)], journal });
      const changes = await under.store.stateChanges({ from: T0, stepMs: 10 * SECOND });
      expect([...changes].sort((a, b) => a.step - b.step)).toEqual([
        { step: 0, kind: 'charge-point', from: 'available', to: 'charging', transitions: 1 },
        { step: 1, kind: 'charge-point', from: 'charging', to: 'offline', transitions: 1 },
      ]);
    });

    test('every partition says who decides for it', async () => {
      const rows = await under.store.leases();
      expect(rows).toHaveLength(32);
      expect(rows[3]).toMatchObject({
        partition: 3,
        owner: 'a',
        epoch: owned.leases.get(3)!.epoch,
        batch: 0,
      });
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
      await owned.commit({ journal });
      const ANY_LETTER: DeadLetterPage = { device: null, reason: null, before: null, limit: 10 };
      const read = async (page: Partial<DeadLetterPage>): Promise<readonly number[]> =>
        (await under.store.deadLetters({ ...ANY_LETTER, ...page })).map(({ sequence }) => sequence);
      expect(await read({})).toEqual([3, 2, 1]);
      expect(await read({ limit: 1 })).toEqual([3]);
      expect(await read({ before: { receivedAt: T0 + SECOND, sequence: 2, partition: 3, no: 2 } })).toEqual([
        1,
      ]);
      expect(await read({ device: 'cp-1' })).toEqual([2, 1]);
      expect(await read({ reason: 'foreign-site' })).toEqual([2]);
      const [newest] = await under.store.deadLetters(ANY_LETTER);
      expect(newest).toEqual({ ...letter(3, 2, { device: 'cp-9' }), no: 3 });
    });
  });

  describe('dead letters of one moment', () => {
    test('each come once, of whichever stream, partition and frame they are, on pages of any size', async () => {
      const of = (partition: number, site: string, sequence: number) =>
        deadLetter(partition, { site, stream: `DEVICES-${site}`, sequence });
      await owned.commit({
        journal: [
          ...lines(3, 1, of(3, 'depot', 7), of(3, 'depot', 7), of(3, 'harbour', 7), of(3, 'depot', 8)),
          ...lines(9, 1, of(9, 'harbour', 7), of(9, 'harbour', 8), of(9, 'harbour', 8)),
        ],
      });
      for (const limit of [1, 2, 3, 10]) {
        const found: string[] = [];
        for (let before: DeadLetterPage['before'] = null; ;) {
          const page = await under.store.deadLetters({ device: null, reason: null, before, limit });
          found.push(...page.map(({ partition, no }) => `${String(partition)}/${String(no)}`));
          const last = page.at(-1);
          if (last === undefined) break;
          before = last;
        }
        expect(found).toEqual(['9/3', '9/2', '3/4', '9/1', '3/3', '3/2', '3/1']);
      }
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
      await owned.commit({ twins: [twin(one), twin(two)], journal });
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
      await owned.commit({ twins: [twin('cp-1'), twin('cp-2')], ledger: [...ledger, entry('cp-2')] });
      const all = await under.store.commands('cp-1', { beforeN: null, limit: 10 });
      expect(all).toEqual([ledger[1], ledger[2], ledger[0]]);
      expect(await under.store.commands('cp-1', { beforeN: 9, limit: 1 })).toEqual([ledger[2]]);
      expect(await under.store.commands('nobody', { beforeN: null, limit: 9 })).toEqual([]);
    });
  });
});
