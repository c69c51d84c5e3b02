import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { BackendRequest, Publication } from '../../src/runtime/ports.ts';
import { decode, encode } from '../../src/wire/codec.ts';
import { partitionOf } from '../../src/wire/partition.ts';
import { encodeRefusal } from '../../src/wire/reply.ts';
import { deadLetter, twinChanged, twinCommand, twinGet, twinOutcome } from '../../src/wire/subjects.ts';
import { type BusWorld, memoryWorld, natsWorld } from './bus-worlds.ts';

const bytes = (content: string): Uint8Array => new TextEncoder().encode(content);
let run = 0;

/** `count` publications on alternating subjects, under ids that no other test uses. */
function publications(count: number): Publication[] {
  run += 1;
  return Array.from({ length: count }, (_, index) => ({
    subject: index % 2 === 0 ? twinChanged('cp-1') : twinOutcome('cp-2'),
    id: `${String(run)}-${String(index)}`,
    payload: bytes(`message ${String(run)}-${String(index)}`),
    trace: null,
  }));
}

const texts = (messages: readonly Publication[]): string[] =>
  messages.map(({ payload }) => new TextDecoder().decode(payload));

describe.each([
  ['in memory', memoryWorld],
  ['on NATS', natsWorld],
])('the bus %s', (_, makeWorld) => {
  let world: BusWorld;
  const serving: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    world = await makeWorld();
  });
  afterEach(async () => {
    await world.heal();
    await Promise.all(serving.splice(0).map((stop) => stop()));
  });
  afterAll(() => world.end());

  const changes = async (after: number): Promise<string[]> =>
    (await world.stored('changes')).slice(after).map(({ text }) => text);
  const changesNow = async (): Promise<number> => (await world.stored('changes')).length;

  async function serve(device: string, handle: (request: BackendRequest) => void): Promise<void> {
    serving.push(world.bus.serve(partitionOf(device), handle));
    await world.settled();
  }

  describe('publishing', () => {
    test('resolves when all is stored, in order, under its subjects', async () => {
      const before = await changesNow();
      const messages = publications(2_000);
      await world.bus.publish(messages);
      const stored = (await world.stored('changes')).slice(before);
      expect(stored.map(({ text }) => text)).toEqual(texts(messages));
      expect(stored.map(({ subject }) => subject)).toEqual(messages.map(({ subject }) => subject));
    });

    test('stores a message once, however often it is published', async () => {
      const before = await changesNow();
      const messages = publications(3);
      await world.bus.publish(messages);
      await world.bus.publish(messages.slice(1));
      await world.otherBus.publish(messages);
      expect(await changes(before)).toEqual(texts(messages));
    });

    test('keeps dead letters in a stream of their own', async () => {
      const before = await changesNow();
      await world.bus.publish([
        { subject: deadLetter('bad-report', 7), id: '7-1', payload: bytes('dead'), trace: null },
      ]);
      expect(await world.stored('deadLetters')).toEqual([
        { subject: 'deadletter.bad-report.7', text: 'dead' },
      ]);
      expect(await changesNow()).toBe(before);
    });

    test('of nothing resolves', async () => {
      await world.bus.publish([]);
    });

    test('lasts as long as the hub is away, and then stores each message once and in order', async () => {
      const before = await changesNow();
      const messages = publications(1_000);
      const first = world.bus.publish(messages.slice(0, 500));
      await world.cut();
      const second = world.bus.publish(messages.slice(500));
      await world.heal();
      await Promise.all([first, second]);
      expect(await changes(before)).toEqual(texts(messages));
    });

    test('that is given up while the hub is away stores nothing of it when the hub is back', async () => {
      const before = await changesNow();
      const [given, kept] = [publications(10), publications(10)];
      await world.cut();
      const giving = new AbortController();
      const first = world.bus.publish(given, giving.signal);
      const second = world.bus.publish(kept);
      giving.abort();
      await expect(first).rejects.toThrow('given up');
      await world.heal();
      await second;
      await world.settled();
      expect(await changes(before)).toEqual(texts(kept));
      await expect(world.bus.publish(given, giving.signal)).rejects.toThrow('given up');
    });
  });

  describe('a command', () => {
    test('reaches the device in its site, and no other site or device', async () => {
      const heard: string[] = [];
      const got = new Promise<void>((resolve) => {
        void world.onCommand('depot', 'cp-1', (payload) => {
          heard.push(`depot ${new TextDecoder().decode(payload)}`);
          if (heard.includes('depot last')) resolve();
        });
      });
      await world.onCommand('harbour', 'cp-1', () => heard.push('harbour'));
      await world.onCommand('depot', 'cp-2', () => heard.push('another device'));
      world.bus.sendCommand('depot', 'cp-1', bytes('first'), null);
      world.bus.sendCommand('depot', 'cp-1', bytes('last'), null);
      await got;
      expect(heard).toEqual(['depot first', 'depot last']);
    });

    test('that is sent while the hub is away is never sent later', async () => {
      const heard: string[] = [];
      const got = new Promise<void>((resolve) => {
        void world.onCommand('depot', 'cp-3', (payload) => {
          heard.push(new TextDecoder().decode(payload));
          if (heard.at(-1) === 'in time') resolve();
        });
      });
      await world.cut();
      for (let n = 0; n < 1_000; n += 1) world.bus.sendCommand('depot', 'cp-3', bytes('too late'), null);
      await world.heal();
      world.bus.sendCommand('depot', 'cp-3', bytes('in time'), null);
      await got;
      expect(heard).toEqual(['in time']);
    });
  });

  describe('a request', () => {
    test('reaches the owner of its partition with all it says, and is answered in its encoding', async () => {
      const requests: BackendRequest[] = [];
      await serve('cp-9', (request) => {
        requests.push(request);
        world.bus.reply(request.replyTo, encode({ seen: true }, request.replyTo.encoding));
      });
      const payload = encode({ id: 'x' }, 'msgpack');
      const answer = await world.request(twinCommand('cp-9', 'reserve'), payload);
      expect(answer).toMatchObject({ type: 'reply', error: null });
      expect(answer.type === 'reply' && decode(answer.payload)).toEqual({
        ok: true,
        value: { seen: true },
        encoding: 'msgpack',
      });
      expect(requests).toMatchObject([
        {
          partition: partitionOf('cp-9'),
          asker: 'nats:backend',
          device: 'cp-9',
          operation: { type: 'command', name: 'reserve' },
          replyTo: { encoding: 'msgpack' },
        },
      ]);
      expect([...requests[0]!.payload]).toEqual([...payload]);
    });

    test('is answered with the error in the headers of the service protocol', async () => {
      const refusal = {
        id: null,
        code: 'offline',
        detail: 'not heard\r\nfor an hour',
        state: 'offline',
        allowed: [],
      } as const;
      await serve('cp-9', ({ replyTo }) => {
        const { payload, error } = encodeRefusal(refusal, replyTo.encoding);
        world.bus.reply(replyTo, payload, error);
      });
      const answer = await world.request(twinGet('cp-9'), new Uint8Array());
      expect(answer).toMatchObject({ type: 'reply', error: { code: 409 } });
      expect(answer.type === 'reply' && answer.error?.text).toMatch(/^offline: not heard/);
      expect(answer.type === 'reply' && decode(answer.payload)).toMatchObject({ value: refusal });
    });

    test('for a partition that nobody owns is told so at once', async () => {
      expect(await world.request(twinGet('cp-9'), new Uint8Array())).toEqual({ type: 'no-responders' });
    });

    test('for a partition that was given back is told so too', async () => {
      await serve('cp-9', ({ replyTo }) => world.bus.reply(replyTo, bytes('{}')));
      expect(await world.request(twinGet('cp-9'), new Uint8Array())).toMatchObject({ type: 'reply' });
      await serving.pop()?.();
      expect(await world.request(twinGet('cp-9'), new Uint8Array())).toEqual({ type: 'no-responders' });
    });

    test('that two nodes would serve is served by one of them', async () => {
      let served = 0;
      const partition = partitionOf('cp-9');
      for (const bus of [world.bus, world.otherBus]) {
        serving.push(
          bus.serve(partition, ({ replyTo }) => {
            served += 1;
            bus.reply(replyTo, bytes('{}'));
          }),
        );
      }
      await world.settled();
      for (let n = 0; n < 20; n += 1) await world.request(twinGet('cp-9'), new Uint8Array());
      expect(served).toBe(20);
    });

    test('that nobody answers times out', async () => {
      await serve('cp-9', () => undefined);
      expect(await world.request(twinGet('cp-9'), new Uint8Array(), 50)).toEqual({ type: 'timeout' });
    });

    test('finds its owner again after an outage of the hub', async () => {
      await serve('cp-9', ({ replyTo }) => world.bus.reply(replyTo, bytes('{}')));
      await world.cut();
      await world.heal();
      await world.settled();
      expect(await world.request(twinGet('cp-9'), new Uint8Array())).toMatchObject({ type: 'reply' });
    });
  });

  test('stopped, gives up what the hub has not acknowledged', async () => {
    await world.cut();
    const publishing = world.bus.publish(publications(1));
    world.bus.stop();
    await expect(publishing).rejects.toThrow('stopped');
    await expect(world.bus.publish(publications(1))).rejects.toThrow('stopped');
  });
});
