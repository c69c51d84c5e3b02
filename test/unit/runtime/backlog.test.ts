import { describe, expect, test } from 'vitest';
import { BacklogReader, type SetAside } from '../../../src/runtime/backlog.ts';
import type { PartitionState } from '../../../src/runtime/partition-state.ts';
import type { Delivery } from '../../../src/runtime/ports.ts';

const KB = 1_024;

/** The backlogs of a host, with a hub that answers when it is told to, and a mailbox that nobody empties but the test. */
class Bench {
  readonly offered: SetAside[] = [];
  readonly asked: number[] = [];
  readonly later: (() => void)[] = [];
  readonly partitions: Map<number, PartitionState>;
  readonly reader: BacklogReader;
  /** What the stream holds: how long each message is. */
  readonly stream = new Map<number, number>();
  isAway = false;

  constructor(backlogs: Readonly<Record<number, readonly number[]>>, bytes: number) {
    const states = Object.entries(backlogs).map(([number, backlog]) => {
      for (const sequence of backlog) this.stream.set(sequence, bytes);
      return { partition: Number(number), backlog: [...backlog] } as unknown as PartitionState;
    });
    this.partitions = new Map(states.map((state) => [state.partition, state]));
    this.reader = new BacklogReader({
      clock: {
        now: () => 0,
        monotonic: () => 0,
        after: (_delay, work) => (this.later.push(work), () => undefined),
      },
      partitions: this.partitions,
      read: async (sequence) => {
        this.asked.push(sequence);
        if (this.isAway) throw new Error('the hub is away');
        const length = this.stream.get(sequence);
        return length === undefined
          ? null
          : ({ sequence, payload: new Uint8Array(length) } as unknown as Delivery);
      },
      offer: (work) => this.offered.push(work),
    });
  }

  /** Reads on, until nothing more is read. */
  async proceed(): Promise<readonly number[]> {
    this.reader.proceed();
    await new Promise((resolve) => setImmediate(resolve));
    return this.offered.map(({ sequence }) => sequence);
  }

  /** The host takes what was offered first, and decides on it. */
  take(): void {
    const work = this.offered.shift();
    if (work === undefined) throw new Error('nothing was offered');
    this.reader.taken(work);
    const backlog = this.partitions.get(work.partition)!.backlog;
    backlog.splice(backlog.indexOf(work.sequence), 1);
  }
}

describe('what was set aside', () => {
  test('is read again in the order of the stream, whatever partition it is of, each message once', async () => {
    const bench = new Bench({ 3: [2, 9], 5: [1, 4] }, KB);
    expect(await bench.proceed()).toEqual([1, 2, 4, 9]);
    expect(await bench.proceed()).toEqual([1, 2, 4, 9]);
    expect(bench.asked).toEqual([1, 2, 4, 9]);
    expect(bench.offered[0]).toMatchObject({ type: 'set-aside', partition: 5, delivery: { sequence: 1 } });
  });

  test('is read no further ahead than some large message: memory is bounded', async () => {
    const bench = new Bench({ 3: [1, 2, 3, 4] }, 200 * KB);
    expect(await bench.proceed()).toEqual([1, 2]);
    bench.take();
    expect(await bench.proceed()).toEqual([2, 3]);
    bench.take();
    bench.take();
    expect(await bench.proceed()).toEqual([4]);
  });

  test('and is gone from the stream is offered as that', async () => {
    const bench = new Bench({ 3: [1, 2] }, KB);
    bench.stream.delete(1);
    await bench.proceed();
    expect(bench.offered).toMatchObject([
      { sequence: 1, delivery: null },
      { sequence: 2, delivery: {} },
    ]);
  });

  test('is asked for again after a pause while the hub is away', async () => {
    const bench = new Bench({ 3: [1] }, KB);
    bench.isAway = true;
    expect(await bench.proceed()).toEqual([]);
    expect(await bench.proceed(), 'not before the pause is over').toEqual([]);
    expect(bench.asked).toEqual([1]);
    bench.isAway = false;
    bench.later.shift()!();
    expect(await bench.proceed()).toEqual([1]);
  });

  test('is not read any more once the host has ended', async () => {
    const bench = new Bench({ 3: [1] }, KB);
    bench.reader.stop();
    expect(await bench.proceed()).toEqual([]);
    expect(bench.asked).toEqual([]);
  });
});
