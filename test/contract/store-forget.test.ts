/**
 * The Store port: a device that is forgotten is gone with the commit that says so, and nothing else is.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startClock } from '../../actors/clock.ts';
import type { Commit, Lease } from '../../src/runtime/ports.ts';
import type { Forgetting, JournalEntry } from '../../src/contract/journal-entry.ts';
import { until } from '../nodes/node.ts';
import {
  advance,
  advanced,
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
const JOURNAL = { before: null, recordedUpTo: null, limit: 9 };
const LETTERS = { reason: null, before: null, limit: 9 };

describe.each(storesUnderTest)('forgetting $name', ({ open }) => {
  let under: StoreUnderTest;
  let lease: Lease;
  let device: string;
  let other: string;
  let no: number;

  beforeEach(async () => {
    under = await open();
    [lease] = (await under.store.acquire({
      node: 'a',
      limit: 1,
      ttlMs: 60_000,
      epochAtLeast: Date.now(),
    })) as [Lease];
    [device, other] = devicesIn(lease.partition, 2) as [string, string];
    no = 0;
    for (const name of [device, other]) await live(name);
  });
  afterEach(() => under.end());

  async function commit(change: Partial<Commit>): Promise<void> {
    no += change.journal?.length ?? 0;
    const to = advance(lease, { journal: no });
    expect(await under.store.commit(commitOf([to], change))).toEqual({ type: 'committed' });
    lease = advanced(lease, to);
  }

  /** A device that was heard, was commanded, has parts, and sent something that could not be read. */
  async function live(name: string): Promise<void> {
    const closed = entry(name, { outcome: 'done', decidedAt: T0, closedAt: T0 });
    const letter = deadLetter(lease.partition, { device: name });
    const journal = [...lines(lease.partition, no + 1, transition(name), letter)] as JournalEntry[];
    journal.push({ type: 'outcome', partition: lease.partition, no: no + 3, entry: closed });
    const components = [{ slot: 'modem', model: 'EC25', serial: name }];
    const clock = startClock({ incarnation: 1, boot: 0, seq: 1, up: 0, receivedAt: T0 });
    await commit({
      twins: [twin(name)],
      reports: [filed(name, report(1, { components }))],
      ledger: [closed],
      journal,
      clocks: [{ device: name, clock }],
    });
  }

  const word = (at = T0): Forgetting => ({
    device,
    site: 'depot',
    at,
    asker: 'http:eva',
    by: 'legal',
    reason: 'sold',
  });

  async function forget(at = T0): Promise<void> {
    await commit({
      journal: [{ type: 'forgotten', partition: lease.partition, no: no + 1, forgetting: word(at) }],
    });
    await until('all is erased', async () => {
      const found = await under.store.forgotten(device);
      return typeof found?.erasedAt === 'number'
        ? { done: true }
        : { done: false, seen: JSON.stringify(found) };
    });
  }

  /** Everything that anybody can be told of a device. */
  async function known(name: string): Promise<object> {
    const { store } = under;
    const letters = await store.deadLetters({ ...LETTERS, device: name });
    return {
      twin: (await store.twin(name)) !== null,
      reports: (await store.reports(name, ALL)).length,
      transitions: (await store.transitions(name, JOURNAL)).length,
      commands: (await store.commands(name, { beforeN: null, limit: 9 })).length,
      entry: (await store.ledgerEntry(name, entry(name).id)) !== null,
      letters: letters.length,
    };
  }

  const ALL_OF_IT = { twin: true, reports: 1, transitions: 1, commands: 1, entry: true, letters: 1 };
  const NOTHING = { twin: false, reports: 0, transitions: 0, commands: 0, entry: false, letters: 0 };

  test('takes everything of the device, and nothing of another', async () => {
    expect(await known(device)).toEqual(ALL_OF_IT);
    await forget();
    expect(await known(device)).toEqual(NOTHING);
    expect(await known(other)).toEqual(ALL_OF_IT);
    expect(await under.store.forgotten(device)).toMatchObject(word());
    expect(await under.store.forgotten(other)).toBeNull();
  });

  test('is a line of the journal, so that it is published after a crash as well', async () => {
    const before = no;
    await forget();
    const [line] = await under.store.journalAfter(lease.partition, before, 9);
    expect(line).toEqual({ type: 'forgotten', partition: lease.partition, no, forgetting: word() });
  });

  test('is told to the next owner of the partition', async () => {
    await forget();
    expect(await loaded(under.store, lease.partition)).toEqual({
      twins: [twin(other)],
      unheard: [],
      forgotten: [word()],
    });
  });

  test('is over once the device is registered: it begins anew, and may be forgotten again', async () => {
    await forget();
    await under.register({ device, kind: 'charge-point', site: 'harbour' });
    expect(await under.store.forgotten(device)).toBeNull();
    const inventory = { device, kind: 'charge-point', site: 'harbour', registered: true };
    expect(await loaded(under.store, lease.partition)).toEqual({
      twins: [twin(other)],
      unheard: [inventory],
    });
    await live(device);
    expect(await known(device)).toEqual(ALL_OF_IT);
    await forget(T0 + 1_000);
    expect(await known(device)).toEqual(NOTHING);
    expect(await under.store.forgotten(device)).toMatchObject(word(T0 + 1_000));
  });

  test('writes nothing where the partition is another node’s', async () => {
    await under.expireLeases();
    await under.store.acquire({ node: 'b', limit: 32, ttlMs: 60_000, epochAtLeast: Date.now() });
    const forgetting = {
      type: 'forgotten',
      partition: lease.partition,
      no: no + 1,
      forgetting: word(),
    } as const;
    const late = commitOf([advance(lease, { journal: no + 1 })], { journal: [forgetting] });
    expect(await under.store.commit(late)).toMatchObject({ type: 'fenced' });
    expect(await known(device)).toEqual(ALL_OF_IT);
    expect(await under.store.forgotten(device)).toBeNull();
  });
});
