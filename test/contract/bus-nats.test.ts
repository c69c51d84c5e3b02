/** What the bus does beyond its port: the service protocol, and what only a real hub can do to it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkHubMapping } from '../../src/nats/hub.ts';
import { serveCorral } from '../../src/nats/service.ts';
import type { Publication } from '../../src/runtime/ports.ts';
import { decode, encode } from '../../src/wire/codec.ts';
import { partitionOf, PARTITIONS } from '../../src/wire/partition.ts';
import { encodeFound, encodeRefusal } from '../../src/wire/reply.ts';
import { twinCommand, twinGet, twinOutcome } from '../../src/wire/subjects.ts';
import { type NatsBusWorld, natsWorld } from './bus-worlds.ts';

describe('on NATS', () => {
  let world: NatsBusWorld;
  let stopService: () => Promise<void>;
  const startedAt = Date.UTC(2026, 0, 2, 3, 4, 5);

  beforeAll(async () => {
    world = await natsWorld();
    stopService = serveCorral({
      hub: world.runtime,
      bus: world.bus,
      instance: 'node-1',
      version: '1.2.3',
      startedAt,
      find: async (_payload, encoding) =>
        encodeFound({ devices: [{ device: 'cp-1' }], cursor: null }, encoding),
    });
    await world.settled();
  });
  afterAll(async () => {
    await stopService();
    await world.end();
  });

  const ask = async (subject: string): Promise<unknown> =>
    (await world.backend.nats.request(subject, '', { timeout: 5_000 })).json();

  test('publications outlast kills of the hub: each is stored once and in order', async () => {
    const messages: Publication[] = Array.from({ length: 20_000 }, (_, index) => ({
      subject: twinOutcome('cp-1'),
      id: `kill-${String(index)}`,
      payload: encode({ index }, 'json'),
      trace: null,
    }));
    const parts = Array.from({ length: 10 }, (_, part) =>
      world.bus.publish(messages.slice(part * 2_000, (part + 1) * 2_000)),
    );
    for (const part of [2, 6]) {
      await parts[part];
      await world.hub.kill();
      await world.hub.start();
    }
    await Promise.all(parts);
    const stored = await world.stored('changes');
    expect(stored.map(({ text }) => (JSON.parse(text) as { index: number }).index)).toEqual(
      messages.map((_, index) => index),
    );
  });

  test('every tool of the service protocol finds Corral', async () => {
    const identity = { name: 'corral', id: 'node-1', version: '1.2.3', metadata: {} };
    for (const suffix of ['', '.corral', '.corral.node-1']) {
      expect(await ask(`$SRV.PING${suffix}`)).toEqual({
        type: 'io.nats.micro.v1.ping_response',
        ...identity,
      });
    }
    expect(await ask('$SRV.INFO.corral')).toMatchObject({
      type: 'io.nats.micro.v1.info_response',
      ...identity,
      description: expect.any(String) as string,
      endpoints: [
        { name: 'get', subject: 'twin.*.get', queue_group: 'owner', metadata: {} },
        { name: 'command', subject: 'twin.*.command.*', queue_group: 'owner', metadata: {} },
        { name: 'ledger', subject: 'twin.*.ledger', queue_group: 'owner', metadata: {} },
        { name: 'desired', subject: 'twin.*.desired', queue_group: 'owner', metadata: {} },
        { name: 'find', subject: 'fleet.find', queue_group: 'corral', metadata: {} },
      ],
    });
  });

  test('the service protocol counts requests, errors and time, and of an error tells the code: its sentence quotes a caller', async () => {
    const stop = world.bus.serve(partitionOf('cp-7'), ({ replyTo, operation }) => {
      if (operation.type === 'get') {
        world.bus.reply(replyTo, encode({}, replyTo.encoding));
        return;
      }
      const refusal = {
        id: null,
        code: 'offline',
        detail: 'not heard',
        state: 'offline',
        allowed: [],
      } as const;
      const { payload, error } = encodeRefusal(refusal, replyTo.encoding);
      world.bus.reply(replyTo, payload, error);
    });
    await world.settled();
    for (let n = 0; n < 3; n += 1) await world.request(twinGet('cp-7'), new Uint8Array());
    await world.request(twinCommand('cp-7', 'start'), new Uint8Array());
    await stop();
    const stats = (await ask('$SRV.STATS.corral.node-1')) as {
      endpoints: { name: string; processing_time: number }[];
    };
    expect(stats).toMatchObject({
      type: 'io.nats.micro.v1.stats_response',
      started: '2026-01-02T03:04:05.000Z',
      endpoints: [
        { name: 'get', num_requests: 3, num_errors: 0, last_error: '' },
        { name: 'command', num_requests: 1, num_errors: 1, last_error: '409:offline' },
        { name: 'ledger', num_requests: 0, processing_time: 0, average_processing_time: 0 },
        { name: 'desired', num_requests: 0 },
        { name: 'find' },
      ],
    });
    expect(stats.endpoints[0]?.processing_time).toBeGreaterThan(0);
  });

  test('find is answered by any node', async () => {
    expect(await ask('fleet.find')).toEqual({ devices: [{ device: 'cp-1' }] });
  });

  test('a request that asks for nothing known is answered with an error', async () => {
    const stop = world.bus.serve(5, () => undefined);
    await world.settled();
    const reply = await world.runtime.nats.request('owner.5.nats.backend.cp-1.explode', '', {
      timeout: 5_000,
    });
    expect(reply.headers?.get('Nats-Service-Error-Code')).toBe('400');
    expect(reply.json()).toMatchObject({ outcome: 'refused', code: 'bad-arguments' });
    await stop();
  });

  test('a request without a reply subject is not handled, because nobody would hear of it', async () => {
    let handled = 0;
    const stop = world.bus.serve(partitionOf('cp-8'), ({ replyTo }) => {
      handled += 1;
      world.bus.reply(replyTo, encode({}, replyTo.encoding));
    });
    await world.settled();
    world.backend.nats.publish(twinCommand('cp-8', 'start'), '{}');
    await world.request(twinGet('cp-8'), new Uint8Array());
    await stop();
    expect(handled).toBe(1);
    expect(world.notices.at(-1)).toMatchObject({ type: 'request-unanswerable' });
  });

  test('a node that starts checks the mapping of the hub without a word in the log of the owner', async () => {
    const stops = Array.from({ length: PARTITIONS }, (_, partition) =>
      world.bus.serve(partition, () => expect.fail('nobody asked for anything')),
    );
    await world.settled();
    const before = world.notices.length;
    await checkHubMapping(world.runtime);
    await world.settled();
    for (const stop of stops) await stop();
    expect(world.notices.slice(before)).toEqual([]);
  });

  test("a request that wants its answer on a subject of the servers' own is not handled", async () => {
    let handled = 0;
    const stop = world.bus.serve(partitionOf('cp-6'), ({ replyTo }) => {
      handled += 1;
      world.bus.reply(replyTo, encode({}, replyTo.encoding));
    });
    await world.settled();
    world.backend.nats.publish(twinGet('cp-6'), '{}', { reply: '$JS.ACK.DEVICES.reader.1.1.1.1.0' });
    await world.request(twinGet('cp-6'), new Uint8Array());
    await stop();
    expect(handled).toBe(1);
    expect(world.notices.at(-1)).toMatchObject({ type: 'request-unanswerable' });
  });

  test('an answer that is too large for the hub becomes an error', async () => {
    const stop = world.bus.serve(partitionOf('cp-7'), ({ replyTo }) => {
      world.bus.reply(replyTo, new Uint8Array(2 * 1024 * 1024));
    });
    await world.settled();
    const answer = await world.request(twinGet('cp-7'), new Uint8Array());
    await stop();
    expect(answer).toMatchObject({ type: 'reply', error: { code: 500 } });
    expect(answer.type === 'reply' && decode(answer.payload)).toMatchObject({ value: { code: 'internal' } });
  });

  test('a publication that is too large for the hub is left out and told, and holds nothing up', async () => {
    const before = (await world.stored('changes')).length;
    await world.bus.publish([
      { subject: twinOutcome('cp-1'), id: 'large', payload: new Uint8Array(2 * 1024 * 1024), trace: null },
      { subject: twinOutcome('cp-1'), id: 'small', payload: encode({ small: true }, 'json'), trace: null },
    ]);
    expect((await world.stored('changes')).slice(before)).toEqual([
      { subject: 'twin.cp-1.outcome', text: '{"small":true}' },
    ]);
    expect(world.notices.at(-1)).toMatchObject({ type: 'publish-too-large', id: 'large' });
  });
});
