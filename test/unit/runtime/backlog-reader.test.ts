import { describe, expect, test } from 'vitest';
import { Backlog } from '../../../src/runtime/backlog.ts';
import { BacklogReader, type SetAside } from '../../../src/runtime/backlog-reader.ts';
import type { PartitionState } from '../../../src/runtime/partition-state.ts';
import type { BacklogRange, Delivery, FeedReading } from '../../../src/runtime/ports.ts';

const KB = 1_024;

/** The backlogs of a host, with a hub that answers when it is told to, and a mailbox that nobody empties but the test. */
class Bench {
  readonly offered: SetAside[] = [];
  readonly asked: number[] = [];
  readonly later: (() => void)[] = [];
  readonly partitions: Map<number, PartitionState>;
  readonly reader: BacklogReader;
  /** What the stream holds: by sequence, whose it is. */
  readonly stream = new Map<number, string>();
  isAway = false;
  isSomebodyLoud = false;
  readonly #bytes: number;

  /** What is set aside, by partition and device: all that it said. */
  constructor(said: Readonly<Record<number, Readonly<Record<string, readonly number[]>>>>, bytes: number) {
    this.#bytes = bytes;
    const states = Object.entries(said).map(([partition, devices]) => {
      const ranges = Object.entries(devices).map(([device, sequences]): BacklogRange => {
        for (const sequence of sequences) this.stream.set(sequence, device);
        const [from, to] = [Math.min(...sequences), Math.max(...sequences)];
        return { stream: 'DEVICES-depot', site: 'depot', device, from, to, messages: sequences.length };
      });
      return { partition: Number(partition), backlog: new Backlog(ranges) } as unknown as PartitionState;
    });
    this.partitions = new Map(states.map((state) => [state.partition, state]));
    this.reader = new BacklogReader({
      clock: {
        now: () => 0,
        monotonic: () => 0,
        after: (_delay, work) => (this.later.push(work), () => undefined),
      },
      partitions: this.partitions,
      read: async (range, max) => this.#read(range, max),
      offer: (work) => this.offered.push(work),
      dates: { receivedAgain: (delivery) => delivery },
      isSomebodyLoud: () => this.isSomebodyLoud,
    });
  }

  async #read(...[{ device, from, to }, max]: Parameters<FeedReading['read']>) {
    this.asked.push(from);
    if (this.isAway) throw new Error('the hub is away');
    const deliveries: Delivery[] = [];
    for (let sequence = from; sequence <= to; sequence += 1) {
      if (this.stream.get(sequence) !== device) continue;
      deliveries.push({ sequence, payload: new Uint8Array(this.#bytes) } as unknown as Delivery);
      if (deliveries.length === max.messages || deliveries.length * this.#bytes >= max.bytes)
        return { deliveries, through: sequence };
    }
    return { deliveries, through: to };
  }

  /** Reads on, until nothing more is read. */
  async proceed(roundMs = 0): Promise<readonly number[]> {
    this.reader.proceed(roundMs);
    await new Promise((resolve) => setImmediate(resolve));
    return this.offered.map(({ through }) => through);
  }

  /** The host takes what was offered first, and decides on it. */
  take(): void {
    const work = this.offered.shift();
    if (work === undefined) throw new Error('nothing was offered');
    this.reader.taken(work);
    const { through, range, delivery } = work;
    this.partitions.get(work.partition)!.backlog.read(range, { through, isMessage: delivery !== null });
  }
}

describe('what was set aside', () => {
  test('is read again device by device, what came first at the head, each message once', async () => {
    const bench = new Bench({ 3: { a: [2, 9], b: [3] }, 5: { c: [1, 4] } }, KB);
    expect(await bench.proceed()).toEqual([1, 4, 2, 9, 3]);
    expect(await bench.proceed()).toEqual([1, 4, 2, 9, 3]);
    expect(bench.offered[0]).toMatchObject({ type: 'set-aside', partition: 5, delivery: { sequence: 1 } });
  });

  test('waits while what others say takes long to decide and to commit, though not all of it', async () => {
    const many = Array.from({ length: 5_000 }, (_, index) => index + 1);
    const bench = new Bench({ 3: { hot: many } }, 10);
    expect(await bench.proceed(1_000)).toHaveLength(200);
    bench.take();
    expect(await bench.proceed(1_000)).toHaveLength(200);
    expect(await bench.proceed(1)).toHaveLength(500);
  });

  test('is read little by little, with pauses, while somebody says too much and rounds take longer for it', async () => {
    const bench = new Bench({ 1: { a: Array.from({ length: 600 }, (_, index) => index + 1) } }, 10);
    bench.isSomebodyLoud = true;
    expect(await bench.proceed(10)).toHaveLength(20);
    for (let taken = 0; taken < 20; taken += 1) bench.take();
    expect(await bench.proceed(10), 'not before the pause is over').toHaveLength(0);
    bench.later.shift()?.();
    expect(await bench.proceed(10)).toHaveLength(20);
    for (let taken = 0; taken < 20; taken += 1) bench.take();
    bench.later.shift()?.();
    expect(await bench.proceed(1), 'as much as ever while rounds are short').toHaveLength(500);
  });

  test('of a device that said far too much keeps no other device waiting', async () => {
    const many = Array.from({ length: 5_000 }, (_, index) => index + 1);
    const bench = new Bench({ 3: { hot: many, calm: [6_000] } }, 10);
    await bench.proceed();
    expect(bench.offered).toHaveLength(500);
    bench.take();
    await bench.proceed();
    expect(bench.offered.at(-1)).toMatchObject({ through: 6_000 });
  });

  test('is read no further ahead than some large message: memory is bounded', async () => {
    const bench = new Bench({ 3: { a: [1, 2, 3, 4] } }, 200 * KB);
    expect(await bench.proceed()).toEqual([1, 2]);
    bench.take();
    expect(await bench.proceed()).toEqual([2, 3]);
    bench.take();
    bench.take();
    expect(await bench.proceed()).toEqual([4]);
  });

  test('and goes on growing is read further', async () => {
    const bench = new Bench({ 3: { a: [1] } }, KB);
    expect(await bench.proceed()).toEqual([1]);
    const { range } = bench.offered[0]!;
    for (const sequence of [4, 7]) bench.stream.set(sequence, 'a');
    Object.assign(range, { to: 7, messages: 3 });
    expect(await bench.proceed()).toEqual([1, 4, 7]);
  });

  test('and is gone from the stream is offered as that', async () => {
    const bench = new Bench({ 3: { a: [1], b: [2, 5] } }, KB);
    bench.stream.delete(1);
    bench.stream.delete(5);
    await bench.proceed();
    expect(bench.offered).toMatchObject([
      { through: 1, delivery: null },
      { through: 2, delivery: {} },
      { through: 5, delivery: null },
    ]);
  });

  test('is asked for again after a pause while the hub is away', async () => {
    const bench = new Bench({ 3: { a: [1] } }, KB);
    bench.isAway = true;
    expect(await bench.proceed()).toEqual([]);
    expect(await bench.proceed(), 'not before the pause is over').toEqual([]);
    expect(bench.asked).toEqual([1]);
    bench.isAway = false;
    bench.later.shift()!();
    expect(await bench.proceed()).toEqual([1]);
  });

  test('is not read any more once the host has ended', async () => {
    const bench = new Bench({ 3: { a: [1] } }, KB);
    bench.reader.stop();
    expect(await bench.proceed()).toEqual([]);
    expect(bench.asked).toEqual([]);
  });
});
