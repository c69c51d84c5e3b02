import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Delivery, FeedReading } from '../../src/runtime/ports.ts';
import { PARTITIONS, partitionOf } from '../../src/wire/partition.ts';
import { type FeedWorld, memoryWorld, natsWorld } from './feed-worlds.ts';
import { RecordingSink } from './recording-sink.ts';
import { siteStream } from '../../src/wire/subjects.ts';

const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

/** `count` reports of some devices, numbered in their payload. */
function reports(count: number, first = 1): { device: string; payload: Uint8Array }[] {
  return Array.from({ length: count }, (_, index) => ({
    device: `cp-${String(index % 50)}`,
    payload: bytes(`report ${String(first + index)}`),
  }));
}

const MANY = { messages: 500, bytes: 256 * 1024 };

/** The message of a sequence, whoever sent it. */
const only = (sequence: number) =>
  [
    { partition: 0, stream: siteStream('depot'), site: '', device: '', from: sequence, to: sequence },
    MANY,
  ] as const;

const rangeOf = (device: string, from: number, to: number) =>
  ({ partition: partitionOf(device), stream: siteStream('depot'), site: 'depot', device, from, to }) as const;

describe.each([
  ['in memory', memoryWorld],
  ['on NATS', natsWorld],
])('the feed %s', (_, makeWorld) => {
  let world: FeedWorld;
  const open: { stop(): Promise<void> }[] = [];

  beforeAll(async () => {
    world = await makeWorld();
  });
  afterEach(async () => {
    world.heal();
    await Promise.all(open.splice(0).map((reading) => reading.stop()));
  });
  afterAll(() => world.end());

  async function read(after: number, partitions: readonly number[] = all): Promise<RecordingSink> {
    const sink = new RecordingSink();
    open.push(await world.open({ partitions, after, sink }));
    return sink;
  }

  /** A position at which nothing follows. */
  const theEnd = (): Promise<number> => world.store(reports(1));

  test('delivers what follows the position, in order, as the broker vouches for it', async () => {
    const after = await theEnd();
    const before = Date.now();
    await world.store(reports(300));
    const sink = await read(after);
    await sink.untilDelivered(300);
    expect(sink.sequences).toEqual(Array.from({ length: 300 }, (_each, index) => after + 1 + index));
    expect(sink.deliveries.map(({ payload }) => text(payload))).toEqual(
      reports(300).map(({ payload }) => text(payload)),
    );
    for (const { device, partition, site, receivedAt } of sink.deliveries) {
      expect({ partition, site }).toEqual({ partition: partitionOf(device), site: 'depot' });
      expect(receivedAt).toBeGreaterThanOrEqual(before);
      expect(receivedAt).toBeLessThanOrEqual(Date.now() + 1);
      expect(Number.isInteger(receivedAt)).toBe(true);
    }
  });

  test('delivers only the partitions it was opened for', async () => {
    const after = await theEnd();
    const sent = reports(200);
    await world.store(sent);
    const own = [partitionOf('cp-1'), partitionOf('cp-2'), partitionOf('cp-3')];
    const expected = sent.filter(({ device }) => own.includes(partitionOf(device)));
    const sink = await read(after, own);
    await sink.untilDelivered(expected.length);
    await sink.untilHearing(true);
    expect(sink.deliveries.map(({ payload }) => text(payload))).toEqual(
      expected.map(({ payload }) => text(payload)),
    );
  });

  test('begins to hear when it has delivered all there is, and hears what comes then', async () => {
    const after = await theEnd();
    await world.store(reports(20));
    const sink = await read(after);
    await sink.untilHearing(true);
    expect(sink.said.filter(({ type }) => type === 'delivered')).toHaveLength(20);
    expect(sink.said.at(-1)).toEqual({ type: 'hearing', isHearing: true });
    await world.store(reports(1, 21));
    await sink.untilDelivered(21);
    expect(sink.isHearing).toBe(true);
  });

  test('hears at once when nothing follows', async () => {
    const sink = await read(await theEnd());
    await sink.untilHearing(true);
    expect(sink.deliveries).toEqual([]);
  });

  test('delivers no more while the sink works, and then goes on without a hole', async () => {
    const after = await theEnd();
    const sink = new RecordingSink();
    sink.hold();
    open.push(await world.open({ partitions: all, after, sink }));
    await world.store(reports(1));
    await sink.untilDelivered(1);
    const last = await world.store(reports(500, 2));
    expect(sink.deliveries).toHaveLength(1);
    sink.release();
    await sink.untilDelivered(501);
    expect(sink.sequences.at(-1)).toBe(last);
    expect(new Set(sink.sequences).size).toBe(501);
  });

  test('does not hear while the sink works on a batch for long', async () => {
    const sink = await read(await theEnd());
    await sink.untilHearing(true);
    sink.hold();
    await world.store(reports(1));
    await sink.untilHearing(false);
    sink.release();
    await sink.untilHearing(true);
  });

  test('delivers nothing more once it was stopped, and stops when the last delivery is over', async () => {
    const after = await theEnd();
    const sink = new RecordingSink();
    sink.hold();
    const reading = await world.open({ partitions: all, after, sink });
    await world.store(reports(1));
    await sink.untilDelivered(1);
    let hasStopped = false;
    const stopping = reading.stop().then(() => {
      hasStopped = true;
    });
    const last = await world.store(reports(1));
    expect(hasStopped).toBe(false);
    sink.release();
    await stopping;
    const witness = await read(last - 1);
    await witness.untilDelivered(1);
    expect(sink.deliveries).toHaveLength(1);
  });

  test('does not hear while the hub is away, and loses nothing of what was stored meanwhile', async () => {
    const after = await theEnd();
    const sink = await read(after);
    await world.store(reports(100));
    await sink.untilDelivered(100);
    await sink.untilHearing(true);
    world.cut();
    await sink.untilHearing(false);
    await world.store(reports(100, 101));
    expect(sink.deliveries).toHaveLength(100);
    world.heal();
    await sink.untilDelivered(200);
    await sink.untilHearing(true);
    expect(sink.sequences).toEqual(Array.from({ length: 200 }, (_each, index) => after + 1 + index));
  });

  test('opened while the hub is away, begins when it is back', async () => {
    const after = await theEnd();
    await world.store(reports(3));
    world.cut();
    const sink = await read(after);
    world.heal();
    await sink.untilDelivered(3);
    await sink.untilHearing(true);
  });

  test('opened while the hub is away, can be stopped', async () => {
    world.cut();
    const sink = new RecordingSink();
    const reading = await world.open({ partitions: all, after: 0, sink });
    await reading.stop();
    expect(sink.said).toEqual([]);
  });

  test('says what is gone when the stream no longer holds what follows the position, and goes on with what is there', async () => {
    const after = await theEnd();
    await world.store(reports(10));
    await world.purgeBefore(after + 6);
    const sink = await read(after);
    await sink.untilDelivered(5);
    await sink.untilHearing(true);
    expect(sink.aboutMessages).toEqual([
      { type: 'gone', from: after + 1, to: after + 5 },
      ...[6, 7, 8, 9, 10].map((step) => ({ type: 'delivered', sequence: after + step })),
    ]);
  });

  test('reads a message again as it was delivered, however long it is, and says when it is gone', async () => {
    const after = await theEnd();
    await world.store([{ device: 'cp-1', payload: new Uint8Array(1_000_000).fill(7) }, ...reports(2)]);
    const sink = new RecordingSink();
    const reading = await world.open({ partitions: all, after, sink });
    open.push(reading);
    await sink.untilDelivered(3);
    for (const { payload, ...delivery } of sink.deliveries) {
      const again = await reading.read(...only(delivery.sequence));
      expect(again).toMatchObject({ deliveries: [delivery], through: delivery.sequence });
      expect(Buffer.compare(again.deliveries[0]!.payload, payload)).toBe(0);
    }
    await world.purgeBefore(after + 3);
    expect(await reading.read(...only(after + 1))).toEqual({ deliveries: [], through: after + 1 });
    expect(await reading.read(...only(after + 3))).toMatchObject({ deliveries: [{ sequence: after + 3 }] });
  });

  test('says that it could not read a message again while the hub is away', async () => {
    const sequence = await theEnd();
    const reading = await world.open({ partitions: all, after: sequence, sink: new RecordingSink() });
    open.push(reading);
    world.cut();
    await expect(reading.read(...only(sequence))).rejects.toThrow();
    await expect(reading.read(rangeOf('cp-1', 1, sequence), MANY)).rejects.toThrow();
  });

  describe('reads what one device said again', () => {
    /** Reads a range to its end, with the sequences of each answer. */
    async function readAll(reading: FeedReading, range: ReturnType<typeof rangeOf>, max = MANY) {
      const answers: number[][] = [];
      const deliveries: Delivery[] = [];
      for (let { from } = range; from <= range.to;) {
        const answer = await reading.read({ ...range, from }, max);
        answers.push(answer.deliveries.map(({ sequence }) => sequence));
        deliveries.push(...answer.deliveries);
        expect(answer.through).toBeGreaterThanOrEqual(answer.deliveries.at(-1)?.sequence ?? from);
        from = answer.through + 1;
      }
      return { answers, deliveries };
    }

    test('between two sequences, in order and whole, whatever others said meanwhile', async () => {
      const after = await theEnd();
      const end = await world.store(reports(1_000));
      const sink = new RecordingSink();
      const reading = await world.open({ partitions: all, after, sink });
      open.push(reading);
      await sink.untilDelivered(1_000);
      const said = sink.deliveries.filter(({ device }) => device === 'cp-7');
      const [from, to] = [said[2]!.sequence, said.at(-3)!.sequence];
      const { deliveries } = await readAll(reading, rangeOf('cp-7', from, to));
      expect(deliveries).toEqual(said.slice(2, -2));
      expect((await readAll(reading, rangeOf('cp-7', after + 1, end))).deliveries).toEqual(said);
      expect((await readAll(reading, rangeOf('nobody', after + 1, end))).deliveries).toEqual([]);
    });

    test('as many messages and bytes at a time as are asked for, and one message at least', async () => {
      const after = await theEnd();
      const big = { device: 'cp-1', payload: new Uint8Array(60_000).fill(7) };
      const end = await world.store([big, big, big, ...reports(100)]);
      const reading = await world.open({ partitions: all, after: end, sink: new RecordingSink() });
      open.push(reading);
      const some = await readAll(reading, rangeOf('cp-1', after + 1, end), { ...MANY, messages: 2 });
      expect(some.answers.flat()).toHaveLength(5);
      expect(Math.max(...some.answers.map(({ length }) => length))).toBe(2);
      const bytes = await readAll(reading, rangeOf('cp-1', after + 1, end), { ...MANY, bytes: 70_000 });
      expect(bytes.answers.flat()).toEqual(some.answers.flat());
      expect(bytes.answers[0]!.length).toBeLessThanOrEqual(2);
    });

    test('but for what the stream no longer holds', async () => {
      const after = await theEnd();
      const end = await world.store(reports(200));
      const reading = await world.open({ partitions: all, after: end, sink: new RecordingSink() });
      open.push(reading);
      await world.purgeBefore(after + 101);
      const { deliveries } = await readAll(reading, rangeOf('cp-7', after + 1, end));
      expect(deliveries.map(({ sequence }) => sequence - after)).toEqual([108, 158]);
    });
  });

  test('says where it goes on when the stream was made anew', async () => {
    const after = await theEnd();
    const sink = await read(after);
    await sink.untilHearing(true);
    world.cut();
    await sink.untilHearing(false);
    await world.wipe();
    await world.store(reports(2));
    world.heal();
    await sink.untilDelivered(2);
    expect(sink.aboutMessages).toEqual([
      { type: 'gone', from: after + 1, to: 0 },
      { type: 'delivered', sequence: 1 },
      { type: 'delivered', sequence: 2 },
    ]);
  });

  test('opened at a position that a stream made anew has not reached, goes on with what is there', async () => {
    const after = (await theEnd()) + 1_000;
    const sink = await read(after);
    await sink.untilHearing(true);
    expect(sink.aboutMessages[0]).toMatchObject({ type: 'gone', from: after + 1 });
    expect(sink.sequences[0]).toBeLessThan(after);
  });

  test('opened for partitions of which one was read beyond the end of the stream, takes it for one made anew', async () => {
    const end = await world.store(reports(3));
    const reached = end + 1_000;
    const sink = new RecordingSink();
    open.push(await world.open({ partitions: all, after: 0, reached, sink }));
    await sink.untilHearing(true);
    expect(sink.aboutMessages[0]).toMatchObject({ type: 'gone', from: reached + 1 });
    expect(sink.sequences.at(-1)).toBe(end);
  });

  test('says which stream it reads before its first message, and again after it was made anew', async () => {
    const after = await theEnd();
    const sink = await read(after - 1);
    await sink.untilDelivered(1);
    expect(sink.said[0]).toEqual({ type: 'reads', stream: sink.stream });
    const before = sink.stream;
    world.cut();
    await sink.untilHearing(false);
    await world.wipe();
    await world.store(reports(1));
    world.heal();
    await sink.untilDelivered(2);
    expect(sink.stream).not.toBe(before);
    const [gone, named, delivered] = sink.said.filter(({ type }) => type !== 'hearing').slice(-3);
    expect([gone?.type, named?.type, delivered?.type]).toEqual(['gone', 'reads', 'delivered']);
  });

  test('says once of each stream that all it held when reading began was delivered, and not before', async () => {
    const after = await theEnd();
    const last = await world.store(reports(700));
    const stream = siteStream('depot');
    const sink = new RecordingSink();
    sink.hold();
    open.push(await world.open({ partitions: all, after, sink }));
    const isReadThrough = (): boolean =>
      sink.said.some((one) => one.type === 'read-through' && one.stream === stream);
    await sink.untilDelivered(1);
    expect(sink.opened).toContain(stream);
    expect(isReadThrough()).toBe(false);
    sink.release();
    await sink.until('the depot is read through', isReadThrough);
    const at = sink.said.findIndex((one) => one.type === 'read-through' && one.stream === stream);
    expect(sink.said.slice(0, at)).toContainEqual({ type: 'delivered', sequence: last });
    world.cut();
    await sink.untilHearing(false);
    world.heal();
    await world.store(reports(1));
    await sink.untilDelivered(701);
    await sink.untilHearing(true);
    expect(sink.said.filter((one) => one.type === 'read-through' && one.stream === stream)).toHaveLength(1);
  });

  test('says so of a stream that holds nothing of its partitions, and of one of which nothing follows', async () => {
    const after = await theEnd();
    await world.store([{ device: 'cp-1', payload: bytes('of another partition') }]);
    const others = all.filter((partition) => partition !== partitionOf('cp-1'));
    const ofOthers = await read(after, others);
    const ofAll = await read(await theEnd());
    for (const sink of [ofOthers, ofAll]) {
      await sink.until('the depot is read through', () =>
        sink.said.some((one) => one.type === 'read-through' && one.stream === siteStream('depot')),
      );
    }
    expect(ofOthers.deliveries.filter(({ device }) => device === 'cp-1')).toEqual([]);
  });

  test('opened at a position of another stream, reads what is there from its beginning, however far that has grown', async () => {
    const after = await theEnd();
    const witness = await read(after);
    await witness.untilHearing(true);
    const made = [witness.stream];
    await world.wipe();
    const end = await world.store(reports(after + 20));
    const sink = new RecordingSink();
    open.push(await world.open({ partitions: all, after, made, sink }));
    await sink.untilDelivered(end);
    await sink.untilHearing(true);
    expect(sink.aboutMessages[0]).toEqual({ type: 'gone', from: after + 1, to: 0 });
    expect(sink.sequences).toEqual(Array.from({ length: end }, (_each, index) => index + 1));
  });

  describe('when the stream has lost its tail', () => {
    /** Stores messages of which the stream keeps `kept`, and loses `lost`; says what was read of them. */
    async function losing({ kept, lost }: { readonly kept: number; readonly lost: number }) {
      const before = await theEnd();
      await world.store(reports(kept));
      await world.keep();
      const end = await world.store(reports(lost, 1_001));
      const witness = await read(before);
      await witness.untilDelivered(kept + lost);
      const { sequence, receivedAt: storedAt } = witness.deliveries.at(-1)!;
      return { before, keptTo: before + kept, end, witness, marks: [{ sequence, storedAt }] };
    }

    test('a reader that saw it goes on at its end, says what is lost, and reads nothing again', async () => {
      const { keptTo, end, witness } = await losing({ kept: 5, lost: 30 });
      await world.setBack();
      const last = await world.store(reports(10, 2_001));
      expect(last).toBe(keptTo + 10);
      await witness.untilDelivered(45);
      await witness.untilHearing(true);
      expect(witness.aboutMessages.slice(35)).toEqual([
        { type: 'gone', from: end + 1, to: keptTo },
        ...Array.from({ length: 10 }, (_each, index) => ({
          type: 'delivered',
          sequence: keptTo + 1 + index,
        })),
      ]);
    });

    test.each([
      ['is shorter than it was', 10],
      ['has grown again to where it was', 30],
      ['has grown beyond that', 50],
    ])('and %s, whoever comes later reads what was stored since, and that alone', async (_how, stored) => {
      const { keptTo, end, witness, marks } = await losing({ kept: 5, lost: 30 });
      await open.pop()!.stop();
      const made = [witness.stream];
      await world.setBack();
      await world.store(reports(stored, 2_001));
      const sink = new RecordingSink();
      open.push(await world.open({ partitions: all, after: end, made, marks, sink }));
      await sink.untilDelivered(stored);
      await sink.untilHearing(true);
      expect(sink.aboutMessages[0]).toEqual({ type: 'gone', from: end + 1, to: keptTo });
      expect(sink.deliveries.map(({ payload }) => text(payload))).toEqual(
        reports(stored, 2_001).map(({ payload }) => text(payload)),
      );
    });

    test('of partitions that stand in different places, the one that is farthest does not hide what another one lost', async () => {
      const { keptTo, end, witness, marks } = await losing({ kept: 5, lost: 30 });
      await open.pop()!.stop();
      await world.setBack();
      await world.store(reports(60, 2_001));
      const later = await read(keptTo + 59);
      await later.untilDelivered(1);
      await open.pop()!.stop();
      const { sequence, receivedAt: storedAt } = later.deliveries[0]!;
      const sink = new RecordingSink();
      const both = { made: [witness.stream], marks: [...marks, { sequence, storedAt }] };
      open.push(await world.open({ partitions: all, after: end, reached: sequence, ...both, sink }));
      await sink.untilDelivered(60);
      expect(sink.aboutMessages[0]).toEqual({ type: 'gone', from: sequence + 1, to: keptTo });
    });

    test('and nothing is known but how far it was read, reading goes on at its end', async () => {
      const { keptTo, end, witness } = await losing({ kept: 5, lost: 30 });
      await open.pop()!.stop();
      await world.setBack();
      const sink = new RecordingSink();
      open.push(await world.open({ partitions: all, after: end, made: [witness.stream], sink }));
      await sink.untilHearing(true);
      await world.store(reports(1));
      await sink.untilDelivered(1);
      expect(sink.aboutMessages).toEqual([
        { type: 'gone', from: end + 1, to: keptTo },
        { type: 'delivered', sequence: keptTo + 1 },
      ]);
    });
  });
});
