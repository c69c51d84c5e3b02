/**
 * The Store port: what is committed comes back as it was, completely or not at all.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Twin } from '../../actors/twin.ts';
import type { Commit, Lease } from '../../src/runtime/ports.ts';
import {
  advance,
  advanced,
  bootClock,
  anyTwin,
  commitOf,
  deadLetter,
  devicesIn,
  entry,
  filed,
  lines,
  loaded,
  report,
  T0,
  transition,
  twin,
} from './store-samples.ts';
import { storesUnderTest, type StoreUnderTest } from './store-kinds.ts';

const ALL = { from: null, to: null, after: null, isNewestFirst: false, limit: 100 };

describe.each(storesUnderTest)('commits $name', ({ open }) => {
  let under: StoreUnderTest;
  let lease: Lease;
  beforeEach(async () => {
    under = await open();
    [lease] = (await under.store.acquire({
      node: 'a',
      limit: 1,
      ttlMs: 60_000,
      epochAtLeast: Date.now(),
    })) as [Lease];
  });
  afterEach(() => under.end());

  /** Commits to the one partition that is held, and moves the lease on. */
  async function commit(change: Partial<Commit>): Promise<void> {
    const to = advance(lease, { journal: lease.journal + (change.journal?.length ?? 0) });
    expect(await under.store.commit(commitOf([to], change))).toEqual({ type: 'committed' });
    lease = advanced(lease, to);
  }

  const device = (prefix?: string): string => devicesIn(lease.partition, 1, prefix)[0];
  const loadTwins = async (): Promise<readonly Twin[]> => (await loaded(under.store, lease.partition)).twins;

  test('a device that is heard for the first time gets a twin and an unregistered line in the inventory', async () => {
    const heard = twin(device());
    await commit({ twins: [heard] });
    const inventory = { device: heard.device, kind: 'charge-point', site: 'depot', registered: false };
    expect(await loaded(under.store, lease.partition)).toEqual({ twins: [heard], unheard: [] });
    expect(await under.store.twin(heard.device)).toEqual({ twin: heard, inventory });
  });

  test('a registered device keeps its line in the inventory when it is heard', async () => {
    const name = device();
    await under.register({ device: name, kind: 'charge-point', site: 'harbour' });
    const inventory = { device: name, kind: 'charge-point', site: 'harbour', registered: true };
    expect(await loaded(under.store, lease.partition)).toEqual({ twins: [], unheard: [inventory] });
    const heard = twin(name, { site: 'harbour' });
    await commit({ twins: [heard] });
    expect(await loaded(under.store, lease.partition)).toEqual({ twins: [heard], unheard: [] });
  });

  test('a device that was registered after its partition was loaded is not there twice', async () => {
    await loaded(under.store, lease.partition);
    const name = device();
    await under.register({ device: name, kind: 'charge-point', site: 'depot' });
    await commit({ twins: [twin(name)], reports: [filed(name, report(1))] });
    expect(await loaded(under.store, lease.partition)).toEqual({ twins: [twin(name)], unheard: [] });
    expect((await under.store.twin(name))?.inventory.registered).toBe(true);
  });

  test('a twin is replaced by its next version', async () => {
    await commit({ twins: [twin(device())] });
    const next = twin(device(), { version: 2, path: 'charging.delivering', since: T0 + 5000 });
    await commit({ twins: [next] });
    expect(await loadTwins()).toEqual([next]);
  });

  test('every twin comes back equal, whatever is in it', async () => {
    const names = devicesIn(lease.partition, 12);
    await fc.assert(
      fc.asyncProperty(fc.tuple(...names.map(anyTwin)), async (twins) => {
        await commit({ twins });
        const loaded = new Map((await loadTwins()).map((found) => [found.device, found]));
        for (const expected of twins) expect(loaded.get(expected.device)).toEqual(expected);
      }),
      // Each run writes on the store that the one before left behind: there is nothing to shrink to.
      { numRuns: 25, endOnFailure: true },
    );
  });

  test('a twin that was put to rest and is made again is equal', async () => {
    fc.assert(
      fc.property(anyTwin('cp-1'), (any) => {
        expect(under.store.unpackTwin('cp-1', under.store.packTwin(any))).toEqual(any);
      }),
    );
  });

  test('what is told of a twin says when it has to be woken', async () => {
    const [quiet, silent = '', held = '', commanded = ''] = devicesIn(lease.partition, 4);
    const open = [entry(commanded)];
    await commit({
      twins: [
        twin(quiet, { lastContactAt: T0 + 7 }),
        twin(silent, { path: 'offline' }),
        twin(held, { hold: { id: 'a', by: null, since: T0, until: T0 + 1, certainUntil: T0 + 2 } }),
        twin(commanded, { open, lastN: 1 }),
      ],
    });
    const told = new Map<string, object>();
    await under.store.load([lease.partition], {
      twin: ({ device: of, kind, heardAt, isBusy }) => told.set(of, { kind, heardAt, isBusy }),
      registered: () => undefined,
      forgotten: () => undefined,
    });
    expect(told.get(quiet)).toEqual({ kind: 'charge-point', heardAt: T0 + 7, isBusy: false });
    expect(told.get(silent)).toMatchObject({ heardAt: null, isBusy: false });
    expect(told.get(held)).toMatchObject({ isBusy: true });
    expect(told.get(commanded)).toMatchObject({ isBusy: true });
  });

  test('what is told of a twin says of which site it is, and whether somebody registered it', async () => {
    const [stranger, registered = ''] = devicesIn(lease.partition, 2);
    await under.register({ device: registered, kind: 'charge-point', site: 'depot' });
    await commit({ twins: [twin(stranger, { site: 'harbour' }), twin(registered)] });
    const told = new Map<string, object>();
    await under.store.load([lease.partition], {
      twin: ({ device: of, site, isRegistered }) => told.set(of, { site, isRegistered }),
      registered: () => undefined,
      forgotten: () => undefined,
    });
    expect(told.get(stranger)).toEqual({ site: 'harbour', isRegistered: false });
    expect(told.get(registered)).toEqual({ site: 'depot', isRegistered: true });
  });

  test('absurd numbers and strange text survive', async () => {
    const strange = report(Number.MAX_SAFE_INTEGER, {
      boot: Number.MAX_SAFE_INTEGER,
      up: Number.MAX_SAFE_INTEGER,
      at: 1e300,
      firmware: '"\'\\,{}',
      state: 'naïve 🙈',
      sensors: { '': -1e-300, '\\"}': 'a\\\\b\nc\t"', '🔌': ['\u{10ffff}', null, {}] },
    });
    const name = device();
    const { boot, seq, up } = strange;
    const heard = twin(name, {
      newest: { boot, seq, up, receivedAt: T0, at: 1e300, report: strange },
      clock: bootClock({ boot, latest: { up: 0, at: T0 }, earliest: { up, at: -6.2e13 } }),
      since: -9.007e15,
      hold: { id: "o'clock", by: null, since: 1e300, until: 9.007e15, certainUntil: 1e308 },
    });
    await commit({ twins: [heard], reports: [filed(name, strange, { receivedAt: T0 })] });
    expect(await loadTwins()).toEqual([heard]);
    expect((await under.store.reports(name, ALL)).map(({ body }) => body)).toEqual([strange]);
  });

  test('a report of a megabyte survives', async () => {
    const large = report(1, { sensors: { log: 'ж"\\'.repeat(300_000) } });
    await commit({ twins: [twin(device())], reports: [filed(device(), large)] });
    expect((await under.store.reports(device(), ALL))[0]?.body).toEqual(large);
  });

  test('a command is found by its id, as it stands now', async () => {
    const first = entry(device());
    await commit({ twins: [twin(device())], ledger: [first] });
    expect(await under.store.ledgerEntry(device(), first.id)).toEqual(first);
    const ended = {
      ...first,
      ...({
        outcome: 'done',
        proof: 'report 1/9 names it done',
        decidedAt: T0 + 3,
        closedAt: T0 + 3,
      } as const),
    };
    await commit({ ledger: [ended] });
    expect(await under.store.ledgerEntry(device(), first.id)).toEqual(ended);
    expect(await under.store.ledgerEntry(device(), 'another')).toBeNull();
    expect(await under.store.ledgerEntry('another', first.id)).toBeNull();
  });

  test('two devices may use the same command id', async () => {
    const names = devicesIn(lease.partition, 2);
    const entries = names.map((name, index) => entry(name, { n: index + 5 }));
    await commit({ twins: names.map((name) => twin(name)), ledger: entries });
    for (const of of entries) expect(await under.store.ledgerEntry(of.device, of.id)).toEqual(of);
  });

  test('the journal comes back in order, transitions, outcomes and dead letters on one number line', async () => {
    const name = device();
    const pending = entry(name);
    const journal = [
      ...lines(lease.partition, 1, transition(name), pending, deadLetter(lease.partition)),
      ...lines(lease.partition, 4, deadLetter(lease.partition, { device: 'no device: "?' })),
      ...lines(
        lease.partition,
        5,
        { ...pending, outcome: 'done' },
        transition(name, { boot: null, seq: null, errorMs: null }),
      ),
    ];
    await commit({ twins: [twin(name)], ledger: [pending], journal });
    expect(await under.store.journalAfter(lease.partition, 0, 100)).toEqual(journal);
    expect(await under.store.journalAfter(lease.partition, 2, 2)).toEqual(journal.slice(2, 4));
    expect(await under.store.journalAfter(lease.partition, 6, 100)).toEqual([]);
    expect(await under.store.journalAfter(lease.partition + 1, 0, 100)).toEqual([]);
  });

  test('a dead letter may quote anything', async () => {
    const [line] = lines(
      lease.partition,
      1,
      deadLetter(lease.partition, { device: 'a\0b', detail: 'saw \0 and \ud800' }),
    );
    await commit({ journal: [line!] });
    expect(await under.store.journalAfter(lease.partition, 0, 9)).toMatchObject([
      { type: 'dead-letter', no: 1 },
    ]);
  });

  test('a commit is all or nothing: what is refused in the middle takes everything with it', async () => {
    const [known, born] = devicesIn(lease.partition, 2) as unknown as [string, string];
    await commit({
      twins: [twin(known)],
      reports: [filed(known, report(1))],
      ledger: [entry(known)],
      journal: lines(lease.partition, 1, transition(known)),
    });
    const before = await loaded(under.store, lease.partition);
    const whole = {
      twins: [twin(known, { version: 2 }), twin(born)],
      reports: [filed(known, report(2)), filed(born, report(1))],
      ledger: [entry(known, { sentAt: T0 + 9 })],
      journal: lines(lease.partition, 2, transition(known)),
    };
    const flaws: readonly Partial<Commit>[] = [
      { journal: lines(lease.partition, 1, transition(known)) },
      { ledger: [...whole.ledger, entry(known, { id: 'another id with the same number' })] },
      { reports: [...whole.reports, filed('never-heard-of', report(1))] },
    ];
    for (const flaw of flaws) {
      const result = await under.store.commit(
        commitOf([advance(lease, { journal: 2 })], { ...whole, ...flaw }),
      );
      expect(result).toMatchObject({ type: 'refused' });
      expect(await loaded(under.store, lease.partition)).toEqual(before);
      expect(await under.store.reports(known, ALL)).toHaveLength(1);
      expect(await under.store.ledgerEntry(known, entry(known).id)).toEqual(entry(known));
      expect(await under.store.journalAfter(lease.partition, 1, 9)).toEqual([]);
    }
    await commit(whole);
    expect(await loadTwins()).toHaveLength(2);
  });

  test('what was given to a store is its own: changing it afterwards changes nothing there', async () => {
    const sensors: Record<string, unknown> = { hatch: false };
    const heard = report(1, { sensors });
    await commit({ twins: [twin(device())], reports: [filed(device(), heard)] });
    sensors.hatch = true;
    const [found] = await under.store.reports(device(), ALL);
    expect(found?.body.sensors).toEqual({ hatch: false });
  });
});
