/** What only a real hub can do to the feed: be killed, be frozen, and forget a consumer. */
import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectToHub } from '../../src/nats/connect.ts';
import { PARTITIONS } from '../../src/wire/partition.ts';
import { siteStream } from '../../src/wire/subjects.ts';
import { type NatsFeedWorld, natsWorld } from './feed-worlds.ts';
import { RecordingSink } from './recording-sink.ts';

const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
const payload = new TextEncoder().encode('{"boot":1,"seq":1,"up":1,"state":"available","sensors":{}}');
const reports = (count: number): { device: string; payload: Uint8Array }[] =>
  Array.from({ length: count }, (_, index) => ({ device: `cp-${String(index % 500)}`, payload }));

/** What a message of a consumer is to be acknowledged to; the feed never does. */
const isDelivery = (reply: string): boolean => reply.startsWith('$JS.ACK.');
/** What the hub says of a request for messages goes to an inbox that ends with the request's number. */
const isHeartbeat = (subject: string): boolean => /\.[0-9]+$/.test(subject);

describe('the feed on NATS', () => {
  let world: NatsFeedWorld;

  beforeAll(async () => {
    world = await natsWorld();
  });
  afterAll(() => world.end());

  test('reads 100,000 messages over two kills of the hub: none lost, none twice, none out of order', async () => {
    let last = 0;
    for (let stored = 0; stored < 100_000; stored += 5_000) last = await world.store(reports(5_000));
    const first = last - 100_000 + 1;
    const sink = new RecordingSink();
    const reading = await world.open({ partitions: all, after: first - 1, sink });
    for (const killAfter of [10_000, 60_000]) {
      await sink.untilDelivered(killAfter);
      await world.hub.kill();
      await sink.untilHearing(false);
      expect(sink.deliveries.length).toBeLessThan(100_000);
      await world.hub.start();
    }
    await sink.untilDelivered(100_000);
    await sink.untilHearing(true);
    await reading.stop();
    expect(sink.sequences).toHaveLength(100_000);
    expect(sink.sequences.every((sequence, index) => sequence === first + index)).toBe(true);
    expect(sink.said.filter(({ type }) => type === 'gone')).toEqual([]);
  });

  test('notices a hub that is frozen, and goes on when it thaws', async () => {
    const after = await world.store(reports(1));
    const sink = new RecordingSink();
    const reading = await world.open({ partitions: all, after, sink });
    await sink.untilHearing(true);
    process.kill(world.hub.pid(), 'SIGSTOP');
    try {
      await sink.untilHearing(false);
    } finally {
      process.kill(world.hub.pid(), 'SIGCONT');
    }
    const last = await world.store(reports(10));
    await sink.untilDelivered(10);
    await sink.untilHearing(true);
    await reading.stop();
    expect(sink.sequences).toEqual(Array.from({ length: 10 }, (_, index) => last - 9 + index));
  });

  test('makes a new consumer when the hub has lost the old one', async () => {
    const after = await world.store(reports(1));
    const sink = new RecordingSink();
    const reading = await world.open({ partitions: all, after, sink });
    await sink.untilHearing(true);
    const saidBefore = sink.said.length;
    const operator = await connectToHub({ url: world.hub.url('operator'), name: 'operator' });
    const manager = await jetstreamManager(operator.nats);
    for await (const consumer of manager.consumers.list(siteStream('depot'))) {
      await manager.consumers.delete(siteStream('depot'), consumer.name);
    }
    await operator.close();
    // A new one may be made before this test looks again.
    await sink.until('it has heard nothing for a while', () =>
      sink.said.slice(saidBefore).some((one) => one.type === 'hearing' && !one.isHearing),
    );
    const last = await world.store(reports(10));
    await sink.untilDelivered(10);
    await sink.untilHearing(true);
    await reading.stop();
    expect(sink.sequences).toEqual(Array.from({ length: 10 }, (_, index) => last - 9 + index));
    expect(world.notices.at(-1)).toMatchObject({ type: 'consumer-ended', reason: 'refused' });
  });

  test('notices a message that was lost on its way, and reads it again', async () => {
    const after = await world.store(reports(1));
    const sink = new RecordingSink();
    const reading = await world.open({ partitions: all, after, sink });
    await sink.untilHearing(true);
    const lostBefore = world.loss.lost;
    world.loss.lose(({ reply }) => isDelivery(reply) && world.loss.lost === lostBefore);
    const last = await world.store(reports(10));
    await sink.untilDelivered(10);
    world.loss.stop();
    await reading.stop();
    expect(world.loss.lost - lostBefore).toBe(1);
    expect(sink.sequences).toEqual(Array.from({ length: 10 }, (_, index) => last - 9 + index));
    expect(world.notices.at(-1)).toMatchObject({ type: 'consumer-ended', reason: 'lost-in-transit' });
  });

  test('and one behind which nothing comes', async () => {
    const after = await world.store(reports(1));
    const sink = new RecordingSink();
    const reading = await world.open({ partitions: all, after, sink });
    await sink.untilHearing(true);
    const lostBefore = world.loss.lost;
    world.loss.lose(({ reply }) => isDelivery(reply) && world.loss.lost === lostBefore);
    const last = await world.store(reports(1));
    await sink.untilDelivered(1);
    world.loss.stop();
    await reading.stop();
    expect(sink.sequences).toEqual([last]);
    expect(world.notices.at(-1)).toMatchObject({ type: 'consumer-ended', reason: 'lost-in-transit' });
  });

  test('hears no more of a consumer that falls silent, though its connection is alive, and makes a new one', async () => {
    const after = await world.store(reports(1));
    const sink = new RecordingSink();
    const reading = await world.open({ partitions: all, after, sink });
    await sink.untilHearing(true);
    const noticesBefore = world.notices.length;
    world.loss.lose(({ subject, reply }) => isDelivery(reply) || isHeartbeat(subject));
    await sink.untilHearing(false);
    world.loss.stop();
    const last = await world.store(reports(10));
    await sink.untilDelivered(10);
    await sink.untilHearing(true);
    await reading.stop();
    expect(sink.sequences).toEqual(Array.from({ length: 10 }, (_, index) => last - 9 + index));
    const [first] = world.notices.slice(noticesBefore);
    expect(first).toMatchObject({ type: 'consumer-ended', reason: 'silent' });
  });

  test('says what is gone in the middle of reading, when it reads the whole stream', async () => {
    const after = await world.store(reports(1));
    const sink = new RecordingSink();
    sink.hold();
    const reading = await world.open({ partitions: all, after, sink });
    await world.store(reports(1));
    await sink.untilDelivered(1);
    const operator = await connectToHub({ url: world.hub.url('operator'), name: 'operator' });
    const manager = await jetstreamManager(operator.nats);
    const consumers = await manager.consumers.list(siteStream('depot')).next();
    for (const { name } of consumers)
      await manager.consumers.pause(siteStream('depot'), name, new Date(Date.now() + 60_000));
    await world.store(reports(5));
    await manager.streams.purge(siteStream('depot'), { seq: after + 5 });
    for (const { name } of consumers) await manager.consumers.resume(siteStream('depot'), name);
    await operator.close();
    sink.release();
    await sink.untilDelivered(3);
    await reading.stop();
    expect(sink.aboutMessages).toEqual([
      { type: 'delivered', sequence: after + 1 },
      { type: 'gone', from: after + 2, to: after + 4 },
      { type: 'delivered', sequence: after + 5 },
      { type: 'delivered', sequence: after + 6 },
    ]);
  });
});
