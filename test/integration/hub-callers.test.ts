/**
 * What a program that asks and commands may say and hear, and what it cannot bring others to say: `nats.conf` on the real
 * server.
 */
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection, RequestError } from '@nats-io/nats-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectMayNotListenTo, expectMayNotSay, firstMessage } from '../servers/broker-verdict.ts';
import { ANSWER_TIMEOUT_MS, HubRoles } from '../servers/hub-roles.ts';

let roles: HubRoles;
let runtime: NatsConnection;
/** Two programs, each in an account of its own. */
let backend: NatsConnection;
let booking: NatsConnection;

beforeAll(async () => {
  roles = await HubRoles.start();
  ({ runtime } = roles);
  backend = await roles.connectAs('backend');
  booking = await roles.connectAs('booking');
});
afterAll(() => roles.end());

describe('a program that asks', () => {
  it.each(['get', 'ledger', 'desired', 'command.reserve'])(
    'reaches the owner of the partition with twin.<id>.%s, under its own name',
    async (operation) => {
      const stopAnswering = await roles.answerFor('car-1');
      const heard = await Promise.all(
        [backend, booking].map((caller) => asked(caller, `twin.car-1.${operation}`)),
      );
      expect(heard).toEqual([
        `heard owner.15.nats.backend.car-1.${operation}`,
        `heard owner.15.nats.booking.car-1.${operation}`,
      ]);
      await stopAnswering();
    },
  );

  it.each(['twin.car-1.get', 'twin.car-1.command.reserve', 'fleet.find', '$SRV.PING'])(
    'learns at once that nobody answers %s',
    async (subject) => {
      const answer = await backend
        .request(subject, '', { timeout: ANSWER_TIMEOUT_MS })
        .catch((error: unknown) => error);
      expect(answer).toBeInstanceOf(RequestError);
      expect((answer as RequestError).isNoResponders()).toBe(true);
    },
  );

  it('gets the answers of all nodes to $SRV.PING', async () => {
    const otherNode = await roles.connectTo(roles.hub.url('runtime'), 'runtime 2');
    const services = [runtime, otherNode].map((node, index) =>
      node.subscribe('$SRV.PING', { callback: (_error, message) => void message.respond(`node ${index}`) }),
    );
    await Promise.all([runtime.flush(), otherNode.flush()]);
    const answers: string[] = [];
    for await (const answer of await backend.requestMany('$SRV.PING', '', {
      strategy: 'count',
      maxMessages: 2,
      maxWait: ANSWER_TIMEOUT_MS,
    })) {
      answers.push(answer.string());
    }
    expect(answers.sort()).toEqual(['node 0', 'node 1']);
    for (const service of services) service.unsubscribe();
    await Promise.all([runtime.flush(), otherNode.flush()]);
  });

  it('hears changes and outcomes as they happen', async () => {
    const heard = [firstMessage(backend, 'twin.*.changed'), firstMessage(backend, 'twin.car-1.outcome')];
    await backend.flush();
    await jetstream(runtime).publish('twin.car-1.changed', 'a change', { msgID: '7-1' });
    await jetstream(runtime).publish('twin.car-1.outcome', 'an outcome', { msgID: '7-2' });
    expect((await Promise.all(heard)).map((message) => message.string())).toEqual(['a change', 'an outcome']);
  });

  it('catches up on the stream CHANGES with an ordered consumer, also of some devices only', async () => {
    await roles.publishChanges(['car-2', 'car-3', 'car-4']);
    const consumer = await jetstream(backend).consumers.get('CHANGES', {
      filter_subjects: ['twin.car-2.changed', 'twin.car-4.changed'],
      deliver_policy: DeliverPolicy.All,
    });
    const messages = await consumer.fetch({ max_messages: 2, expires: ANSWER_TIMEOUT_MS });
    const subjects: string[] = [];
    for await (const message of messages) subjects.push(message.subject);
    expect(subjects).toEqual(['twin.car-2.changed', 'twin.car-4.changed']);
  });

  it('catches up on the stream CHANGES with a durable consumer, which it can delete', async () => {
    await roles.publishChanges(['car-5']);
    const manager = await jetstreamManager(backend);
    await manager.consumers.add('CHANGES', {
      durable_name: 'billing',
      ack_policy: AckPolicy.Explicit,
      filter_subject: 'twin.car-5.changed',
    });
    const consumer = await jetstream(backend).consumers.get('CHANGES', 'billing');
    const message = await consumer.next({ expires: ANSWER_TIMEOUT_MS });
    expect(message?.subject).toBe('twin.car-5.changed');
    expect(await message?.ackAck()).toBe(true);
    expect((await consumer.info()).ack_floor.consumer_seq).toBe(1);
    expect(await consumer.delete()).toBe(true);
    await expect(manager.consumers.info('CHANGES', 'billing')).rejects.toThrow('consumer not found');
  });

  it('reads single messages of CHANGES, by their number and as the last of a device', async () => {
    await roles.publishChanges(['car-6']);
    const manager = await jetstreamManager(backend);
    const { last_seq: last } = (await manager.streams.info('CHANGES')).state;
    const found = await Promise.all([
      manager.direct.getMessage('CHANGES', { seq: last }),
      manager.direct.getMessage('CHANGES', { last_by_subj: 'twin.car-6.changed' }),
      manager.streams.getMessage('CHANGES', { seq: last }),
    ]);
    expect(found.map((message) => message?.string())).toEqual(Array(3).fill('changed car-6'));
  });

  it('may leave 10,000 messages of a consumer without an acknowledgement, and no more', async () => {
    const manager = await jetstreamManager(backend);
    const create = (max_ack_pending: number): Promise<unknown> =>
      manager.consumers.add('CHANGES', {
        durable_name: 'greedy',
        ack_policy: AckPolicy.Explicit,
        max_ack_pending,
      });
    await expect(create(10_001)).rejects.toThrow(/max ack pending/);
    await create(10_000);
    expect(await manager.consumers.delete('CHANGES', 'greedy')).toBe(true);
  });

  it('does not hear the answers that another program gets', async () => {
    const heard = listen(backend, '_INBOX.>');
    const stopAnswering = await roles.answerFor('asked');
    await asked(booking, 'twin.asked.get');
    await (await jetstreamManager(booking)).streams.info('CHANGES');
    await stopAnswering();
    await backend.flush();
    expect(heard()).toEqual([]);
  });

  it.each([
    'device.car-1.report',
    'report.3.depot.car-1',
    'site.depot.car-1.report',
    'device.car-1.command',
    'command.depot.car-1',
    'owner.3.nats.backend.car-1.get',
    'ask.backend.twin.car-1.get',
    'ask.booking.twin.car-1.get',
    'twin.car-1.changed',
    'twin.car-1.outcome',
    'deadletter.bad-report.3',
    '_R_.something',
    '_INBOX.somebody',
    '$JS.API.STREAM.CREATE.OTHER',
    '$JS.API.STREAM.UPDATE.CHANGES',
    '$JS.API.STREAM.DELETE.CHANGES',
    '$JS.hub.API.STREAM.DELETE.CHANGES',
    '$JS.API.STREAM.PURGE.CHANGES',
    '$JS.API.STREAM.MSG.DELETE.CHANGES',
    '$JS.API.CONSUMER.NAMES.CHANGES',
    '$JS.API.CONSUMER.LIST.CHANGES',
    '$JS.API.CONSUMER.PAUSE.CHANGES.billing',
    '$JS.FLEET.API.STREAM.INFO.DEVICES',
    '$JS.JOURNAL.API.STREAM.DELETE.CHANGES',
  ])('may not say %s', (subject) => expectMayNotSay(backend, subject));

  it.each(['>', 'report.>', 'command.>', 'owner.>', 'device.>', 'twin.*.get', '$SYS.>'])(
    'may not listen to %s',
    (subject) => expectMayNotListenTo(backend, subject),
  );
});

describe('what a program asks cannot be aimed at others', () => {
  const targets = [
    'twin.car-1.changed',
    'twin.car-1.outcome',
    'report.3.depot.car-1',
    'site.depot.car-1.report',
    'command.depot.car-1',
    'owner.3.nats.booking.car-1.command.reserve',
    'ask.booking.twin.car-1.command.reserve',
    'deadletter.x.3',
    '$JS.API.STREAM.PURGE.CHANGES',
    '$JS.API.STREAM.DELETE.CHANGES',
    '$JS.API.STREAM.DELETE.DEVICES',
    '$JS.JOURNAL.API.STREAM.DELETE.CHANGES',
    '$JS.ACK.DEVICES.reader.1.1.1.1.0',
  ];
  const asks: readonly (readonly [subject: string, payload: string])[] = [
    ['twin.asked.get', ''],
    ['twin.asked.ledger', ''],
    ['twin.asked.desired', ''],
    ['twin.asked.command.reserve', ''],
    ['fleet.find', ''],
    ['$SRV.PING', ''],
    ['$JS.API.INFO', ''],
    ['$JS.API.STREAM.NAMES', ''],
    ['$JS.API.STREAM.LIST', ''],
    ['$JS.API.STREAM.INFO.CHANGES', ''],
    ['$JS.API.STREAM.MSG.GET.CHANGES', '{"seq":1}'],
    ['$JS.API.DIRECT.GET.CHANGES', '{"seq":1}'],
    ['$JS.API.DIRECT.GET.CHANGES', '{"seq":999999}'],
    ['$JS.API.DIRECT.GET.CHANGES', '{"seq":1,"batch":5}'],
    ['$JS.API.DIRECT.GET.CHANGES.twin.kept.changed', ''],
    ['$JS.API.CONSUMER.CREATE.CHANGES', '{"stream_name":"CHANGES","config":{"ack_policy":"none"}}'],
    ['$JS.API.CONSUMER.INFO.CHANGES.own', ''],
    ['$JS.API.CONSUMER.MSG.NEXT.CHANGES.own', '{"batch":5,"no_wait":true}'],
    ['$JS.API.CONSUMER.DELETE.CHANGES.none', ''],
    ['$JS.ACK.CHANGES.own.1.1.1.1.0', '+NXT'],
  ];

  let answering: (() => Promise<void>)[];
  beforeAll(async () => {
    answering = [await roles.answerFor('asked')];
    for (const subject of ['fleet.find', '$SRV.PING']) {
      const service = runtime.subscribe(subject, {
        callback: (_error, message) => void message.respond('{}'),
      });
      answering.push(async () => service.unsubscribe());
    }
    await roles.publishChanges(['kept', 'kept-2']);
    const manager = await jetstreamManager(booking);
    await manager.consumers.add('CHANGES', { durable_name: 'victim', ack_policy: AckPolicy.Explicit });
    const consumer = await jetstream(booking).consumers.get('CHANGES', 'victim');
    await consumer.next({ expires: ANSWER_TIMEOUT_MS });
    const { consumers } = await jetstreamManager(backend);
    await consumers.add('CHANGES', { name: 'own', ack_policy: AckPolicy.None, headers_only: true });
  });
  afterAll(async () => {
    for (const stop of answering) await stop();
  });

  it.each(targets)('with the reply subject %s', async (target) => {
    const arrivals = await roles.watchForStrays('asked');
    const before = await roles.storedCounts();
    const heard = [listen(booking, 'twin.*.changed'), listen(booking, 'twin.*.outcome')];
    await booking.flush();
    for (const [subject, payload] of asks) backend.publish(subject, payload, { reply: target });
    // Asking goes through the same queues as those answers, so they are all out afterwards.
    await backend.request('twin.asked.get', '', { timeout: ANSWER_TIMEOUT_MS });
    const { streams, consumers } = await jetstreamManager(backend);
    await streams.info('CHANGES');
    expect(await roles.storedCounts()).toEqual(before);
    expect(await arrivals()).toEqual([]);
    await booking.flush();
    expect(heard.flatMap((told) => told())).toEqual([]);
    expect((await consumers.info('CHANGES', 'victim')).num_ack_pending).toBe(1);
  });

  it.each([...targets, '$JS.API.CONSUMER.DELETE.CHANGES.victim', '_INBOX.booking'])(
    'as a consumer that delivers into %s',
    async (target) => {
      const arrivals = await roles.watchForStrays('asked');
      const before = await roles.storedCounts();
      const heard = listen(booking, '_INBOX.booking');
      await booking.flush();
      const { consumers, streams } = await jetstreamManager(backend);
      for (const headers_only of [false, true]) {
        const name = `into-${target.replaceAll(/[.$]/g, '-')}-${String(headers_only)}`;
        const config = { name, deliver_subject: target, deliver_policy: DeliverPolicy.All, headers_only };
        const refused = await consumers
          .add('CHANGES', { ...config, ack_policy: AckPolicy.None })
          .then(() => null)
          .catch((error: unknown) => error);
        const isCycle = target.startsWith('twin.');
        if (isCycle) expect(String(refused)).toContain('forms a cycle');
        else expect((await consumers.info('CHANGES', name)).delivered.consumer_seq).toBe(0);
      }
      await streams.info('CHANGES');
      expect(await roles.storedCounts()).toEqual(before);
      expect(await arrivals()).toEqual([]);
      await booking.flush();
      expect(heard()).toEqual([]);
      expect((await consumers.info('CHANGES', 'victim')).num_ack_pending).toBe(1);
    },
  );
});

/** Listens; the result is what was heard so far, and ends it. */
function listen(connection: NatsConnection, subject: string): () => readonly string[] {
  const heard: string[] = [];
  const subscription = connection.subscribe(subject, {
    callback: (error, message) => {
      heard.push(error === null ? `${message.subject}: ${message.string()}` : error.message);
    },
  });
  return () => {
    subscription.unsubscribe();
    return heard;
  };
}

async function asked(caller: NatsConnection, subject: string): Promise<string> {
  return (await caller.request(subject, '', { timeout: ANSWER_TIMEOUT_MS })).string();
}
