/**
 * A consumer of CHANGES stays when its maker has been cut off. One that sends without end needs no reader, and nobody could be kicked.
 */
import { AckPolicy, type ConsumerConfig, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../nodes/node.ts';
import { RawBackend } from '../callers/raw-backend.ts';
import { World } from '../servers/world.ts';

let world: World;
let backend: RawBackend;
beforeEach(async () => {
  world = await World.start();
  await world.hostNode();
  await world.knownDevice();
  backend = await RawBackend.connect(world.hub, 'booking');
  world.add(() => backend.close());
});
afterEach(() => world.end());

/** Sends again at once whatever nobody acknowledges. */
const STORM = { ack_policy: AckPolicy.Explicit, ack_wait: nanos(1), headers_only: true };

async function make(name: string, config: Partial<ConsumerConfig>): Promise<void> {
  const { consumers } = await jetstreamManager(backend.nats, { checkAPI: false });
  await consumers.add('CHANGES', { durable_name: name, ...config });
}

async function untilGone(name: string): Promise<void> {
  const { consumers } = await jetstreamManager(backend.nats, { checkAPI: false });
  await until(`the consumer ${name} is gone`, async () => {
    try {
      const { delivered } = await consumers.info('CHANGES', name);
      return { done: false, seen: `${String(delivered.consumer_seq)} deliveries` };
    } catch (error) {
      expect(String(error)).toContain('consumer not found');
      return { done: true };
    }
  });
}

test.each(['$SYS.REQ.ACCOUNT.PING.CONNZ', '$SYS.REQ.USER.INFO', '_INBOX.nobody'])(
  'a consumer that pushes to %s is removed',
  async (subject) => {
    await make('pushes', { ...STORM, deliver_subject: subject });
    await untilGone('pushes');
  },
);

test.each(['fleet.find', 'twin.raw-1.get', '$SYS.REQ.USER.INFO'])(
  'a consumer that is pulled in the name of %s, and sends again without end, is removed',
  async (service) => {
    const storming = await RawBackend.connect(world.hub, 'booking');
    await make('storms', STORM);
    const pull = { reply: service };
    storming.nats.publish('$JS.API.CONSUMER.MSG.NEXT.CHANGES.storms', '{"batch":1000000000}', pull);
    await storming.close();
    await untilGone('storms');
    expect(await world.backend.get('raw-1')).toMatchObject({ device: 'raw-1' });
  },
);

test('a consumer of a reader stays, also one that may leave as many without an acknowledgement as there may be', async () => {
  await make('billing', { ack_policy: AckPolicy.Explicit });
  await make('greedy', { ack_policy: AckPolicy.Explicit, max_ack_pending: 10_000 });
  await make('once', { ack_policy: AckPolicy.None });
  await make('pushes', { ...STORM, deliver_subject: '_INBOX.nobody' });
  await untilGone('pushes');
  const { consumers } = jetstream(backend.nats, { checkAPI: false });
  for (const name of ['billing', 'greedy', 'once']) {
    const message = await (await consumers.get('CHANGES', name)).next();
    expect(message?.subject).toMatch(/^twin\.raw-1\./);
  }
});
