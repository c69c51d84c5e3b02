/**
 * The Store port: who may write, and what the fence refuses.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Lease } from '../../src/runtime/ports.ts';
import { PARTITIONS } from '../../src/wire/partition.ts';
import {
  advance,
  bootClock,
  advanced,
  at,
  commitOf,
  devicesIn,
  entry,
  filed,
  lines,
  loaded,
  report,
  transition,
  twin,
} from './store-samples.ts';
import { storesUnderTest, type StoreUnderTest } from './store-kinds.ts';
import { siteStream } from '../../src/wire/subjects.ts';

const TTL = 60_000;

describe.each(storesUnderTest)('leases $name', ({ open }) => {
  let under: StoreUnderTest;
  beforeEach(async () => {
    under = await open();
  });
  afterEach(() => under.end());

  const acquire = (node: string, limit = PARTITIONS): Promise<readonly Lease[]> =>
    under.store.acquire({ node, limit, ttlMs: TTL, epochAtLeast: Date.now() });

  const byStream = (positions: Lease['positions']): Lease['positions'] =>
    [...positions].sort((a, b) => (a.stream < b.stream ? -1 : 1));

  /** Everything a commit can write for one device. */
  function fullCommit(lease: Lease) {
    const [device] = devicesIn(lease.partition, 1);
    return commitOf([advance(lease, { journal: 1 })], {
      twins: [twin(device)],
      reports: [filed(device, report(1))],
      ledger: [entry(device)],
      journal: lines(lease.partition, 1, transition(device)),
      clocks: [{ device, clock: bootClock({ boot: 0, latest: { up: 0, at: 0 } }) }],
    });
  }

  /** All that a store tells of a partition and of the first device in it. */
  async function everything(partition: number) {
    const [device] = devicesIn(partition, 1);
    return {
      loaded: await loaded(under.store, partition),
      ledger: await under.store.commands(device, { beforeN: null, limit: 9 }),
      journal: await under.store.journalAfter(partition, 0, 9),
      twin: await under.store.twin(device),
      reports: await under.store.reports(device, {
        from: null,
        to: null,
        after: null,
        isNewestFirst: false,
        limit: 9,
      }),
    };
  }

  test('a new store gives all partitions to the first node that asks, from the beginning', async () => {
    const leases = await acquire('a');
    expect(leases.map(({ partition }) => partition)).toEqual(Array.from({ length: PARTITIONS }, (_, i) => i));
    for (const lease of leases)
      expect(lease).toMatchObject({ positions: [], batch: 0, journal: 0, published: 0 });
  });

  test('a node takes no more partitions than it asks for, and two nodes never hold one', async () => {
    const [first, second] = await Promise.all([acquire('a', 20), acquire('b', 20)]);
    expect(first.length + second.length).toBe(PARTITIONS);
    expect(new Set([...first, ...second].map(({ partition }) => partition)).size).toBe(PARTITIONS);
    expect(await acquire('c')).toEqual([]);
  });

  test('a later epoch of a partition is higher, and no lower than who takes it asks for, by whose time a store that was set back is ahead', async () => {
    let last = 0;
    for (const epochAtLeast of [1_000, 900, 5_000_000.5, 4_000_000]) {
      const [lease] = await under.store.acquire({ node: 'a', limit: 1, ttlMs: TTL, epochAtLeast });
      expect(lease!.partition).toBe(0);
      expect(lease!.epoch).toBeGreaterThan(last);
      expect(lease!.epoch).toBeGreaterThanOrEqual(Math.floor(epochAtLeast));
      // The store's own clock, which may be wrong, moves none.
      expect(lease!.epoch).toBeLessThan(10_000_000);
      last = lease!.epoch;
      await under.store.release([lease!]);
    }
  });

  test('a lease that was given while the clock was ahead blocks nobody', async () => {
    await acquire('a');
    await under.setClockBack();
    expect(await acquire('b')).toHaveLength(PARTITIONS);
  });

  test('a lease is renewed only by its holder and under its epoch', async () => {
    const [one, two] = await acquire('a', 2);
    const leases = [one!, { ...two!, epoch: two!.epoch + 100 }];
    expect(await under.store.renew({ node: 'a', ttlMs: TTL, leases, refuses: null })).toEqual([
      one!.partition,
    ]);
    expect(await under.store.renew({ node: 'b', ttlMs: TTL, leases: [one!], refuses: null })).toEqual([]);
  });

  test('a lease that ran out can be taken by another node, with all that was committed', async () => {
    const [mine] = await acquire('a', 1);
    expect(await under.store.commit(fullCommit(mine!))).toEqual({ type: 'committed' });
    await under.expireLeases();
    const [taken] = await acquire('b', 1);
    expect(taken).toMatchObject({
      partition: mine!.partition,
      positions: [at(1)],
      batch: 1,
      journal: 1,
      published: 0,
    });
    expect(await under.store.renew({ node: 'a', ttlMs: TTL, leases: [mine!], refuses: null })).toEqual([]);
  });

  test('a partition has a position in each stream, and a batch writes those that moved', async () => {
    const [mine] = await acquire('a', 1);
    const first = advance(mine!, { positions: [at(7), at(2 ** 53 - 1, 'harbour')] });
    const second = advance(advanced(mine!, first), { positions: [at(8), at(3, 'quay')] });
    for (const to of [first, second])
      expect(await under.store.commit(commitOf([to]))).toEqual({ type: 'committed' });
    const positions = [at(8), at(2 ** 53 - 1, 'harbour'), at(3, 'quay')];
    const views = await under.store.leases();
    const [view] = views.filter(({ partition }) => partition === mine!.partition);
    expect(byStream(view!.positions)).toEqual(positions);
    await under.expireLeases();
    const [taken] = await acquire('b', 1);
    expect(byStream(taken!.positions)).toEqual(positions);
  });

  test('what was set aside is committed with the position, and the next owner finds it', async () => {
    const [mine] = await acquire('a', 1);
    expect(mine!.backlog).toEqual([]);
    const backlog = [
      { stream: siteStream('depot'), site: 'depot', device: 'cp-1', from: 3, to: 5, messages: 2 },
      { stream: 'DEVICES', site: '', device: '', from: 2 ** 52, to: 2 ** 52, messages: 1 },
    ];
    const to = advance(mine!, { positions: [at(2 ** 53 - 1)], backlog });
    expect(await under.store.commit(commitOf([to]))).toEqual({ type: 'committed' });
    const views = await under.store.leases();
    expect(views.find(({ partition }) => partition === mine!.partition)).toMatchObject({ backlog });
    const next = advance(advanced(mine!, to), { positions: to.positions, backlog: null });
    expect(await under.store.commit(commitOf([next]))).toEqual({ type: 'committed' });
    await under.expireLeases();
    const [taken] = await acquire('b', 1);
    expect(taken).toMatchObject({ partition: mine!.partition, positions: to.positions, backlog });
  });

  test('what the old owner still commits after a takeover is fenced, and nothing of it is written', async () => {
    const [mine] = await acquire('a', 1);
    await under.expireLeases();
    await acquire('b', 1);
    const { partition } = mine!;
    const before = await everything(partition);
    expect(await under.store.commit(fullCommit(mine!))).toEqual({ type: 'fenced', partitions: [partition] });
    expect(await everything(partition)).toEqual(before);
  });

  test('a lease that ran out and was not taken yet may still commit: the epoch decides, not the time', async () => {
    const [mine] = await acquire('a', 1);
    await under.expireLeases();
    expect(await under.store.commit(fullCommit(mine!))).toEqual({ type: 'committed' });
  });

  test('a lease that was given back can be taken at once, and commits no more', async () => {
    const [mine] = await acquire('a', 1);
    await under.store.release([mine!]);
    expect(await under.store.commit(fullCommit(mine!))).toMatchObject({ type: 'fenced' });
    expect(await acquire('b')).toHaveLength(PARTITIONS);
  });

  test('giving back a lease that another node has taken takes nothing from it', async () => {
    const [mine] = await acquire('a', 1);
    await under.expireLeases();
    const [theirs] = await acquire('b', 1);
    await under.store.release([mine!]);
    expect(await under.store.renew({ node: 'b', ttlMs: TTL, leases: [theirs!], refuses: null })).toEqual([
      theirs!.partition,
    ]);
  });

  test('the fence refuses a batch that does not follow the last one, and nothing of it is written', async () => {
    const [lease] = await acquire('a', 1);
    const { partition } = lease!;
    expect(await under.store.commit(commitOf([advance(lease!)]))).toEqual({ type: 'committed' });
    const before = await everything(partition);
    for (const batch of [0, 2, 7]) {
      const result = await under.store.commit(fullCommit({ ...lease!, batch }));
      expect(result).toEqual({ type: 'fenced', partitions: [partition] });
    }
    expect(await everything(partition)).toEqual(before);
    expect(await under.store.commit(fullCommit(advanced(lease!)))).toEqual({ type: 'committed' });
  });

  test('one partition that is not ours any more fences the whole commit, and is named', async () => {
    const [one, two, three] = await acquire('a', 3);
    const moved = { ...two!, epoch: two!.epoch - 1 };
    const { twins } = fullCommit(one!);
    const result = await under.store.commit(
      commitOf(
        [one!, moved, three!].map((lease) => advance(lease)),
        { twins },
      ),
    );
    expect(result).toEqual({ type: 'fenced', partitions: [two!.partition] });
    expect(await loaded(under.store, one!.partition)).toEqual({ twins: [], unheard: [] });
    expect(await under.store.commit(fullCommit(one!))).toEqual({ type: 'committed' });
  });

  test('renewing while commits go on disturbs neither', async () => {
    const leases = [...(await acquire('a'))];
    let current = leases;
    const renewals: Promise<readonly number[]>[] = [];
    for (let batch = 0; batch < 20; batch += 1) {
      renewals.push(
        under.store.renew({ node: 'a', ttlMs: TTL, leases: [...leases].reverse(), refuses: null }),
      );
      const result = await under.store.commit(commitOf(current.map((lease) => advance(lease))));
      expect(result).toEqual({ type: 'committed' });
      current = current.map((lease) => advanced(lease));
    }
    for (const kept of await Promise.all(renewals)) expect(kept).toHaveLength(PARTITIONS);
  });
});
