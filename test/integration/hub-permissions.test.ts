/** Who may say and hear what: `nats.conf` on the real server, from a site's leaf and from direct connections. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AckPolicy,
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  type JetStreamManager,
} from '@nats-io/jetstream';
import { RequestError, type Msg, type NatsConnection } from '@nats-io/nats-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectToHub } from '../../src/nats/connect.ts';
import { PARTITIONS, partitionOf } from '../../src/wire/partition.ts';
import { developmentPasswords, type Hub, type HubUser } from '../../tools/dev/hub.ts';
import { findNatsServer } from '../../tools/dev/nats-server-binary.ts';
import { projectFolder } from '../../tools/dev/project-folders.ts';
import type { Site } from '../../tools/dev/site.ts';
import { expectMayNotListenTo, expectMayNotSay, firstMessage } from '../broker-verdict.ts';
import { visitAsLeaf } from '../hostile-leaf.ts';
import { startHub, startSite, temporaryFolder, type Temporary } from '../servers.ts';

const answerTimeoutMs = 5_000;

let hub: Hub & Temporary;
let depotLeaf: Site & Temporary;
const open: NatsConnection[] = [];

let runtime: NatsConnection;
let backend: NatsConnection;
let engineer: NatsConnection;
/** Direct connections with a site's credentials, and one through the site's leaf. */
let depot: NatsConnection;
let harbour: NatsConnection;
let atDepot: NatsConnection;

let natsServer: string;
let streams: JetStreamManager;
let changes: JetStreamManager;

beforeAll(async () => {
  natsServer = await findNatsServer();
  hub = await startHub();
  depotLeaf = await startSite(hub, { name: 'depot' });
  const connectAs = (user: HubUser): Promise<NatsConnection> => connectTo(hub.url(user), user);
  runtime = await connectAs('runtime');
  backend = await connectAs('backend');
  engineer = await connectAs('engineer');
  depot = await connectAs('depot');
  harbour = await connectAs('harbour');
  atDepot = await connectTo(depotLeaf.url, 'device');
  streams = await jetstreamManager(runtime);
  changes = await jetstreamManager(runtime, { apiPrefix: '$JS.BACKENDS.API', checkAPI: false });
  await streams.streams.add({ name: 'DEVICES', subjects: ['report.>'], allow_direct: true });
  await streams.streams.add({ name: 'DEADLETTER', subjects: ['deadletter.>'], allow_direct: true });
  await changes.streams.add({
    name: 'CHANGES',
    subjects: ['twin.*.changed', 'twin.*.outcome'],
    allow_direct: true,
  });
});

afterAll(async () => {
  await Promise.all(open.map((connection) => connection.close()));
  await depotLeaf.end();
  await hub.end();
});

describe('a site', () => {
  it.each([
    ['at its leaf', () => atDepot],
    ['connected to the hub', () => depot],
  ])('has its report stored under its own name and acknowledged (%s)', async (_where, connection) => {
    const ack = await jetstream(connection()).publish('device.car-1.report', '{"seq":1}');
    expect(ack.stream).toBe('DEVICES');
    expect(await storedReport(ack.seq)).toEqual({ subject: 'report.15.depot.car-1', text: '{"seq":1}' });
  });

  it('has its reports spread over the partitions by fnv1a32(device) % 32', async () => {
    const ids = Array.from({ length: 200 }, (_, index) => `CP-${(index * 7919).toString(36)}_${index}`);
    const subjects = await Promise.all(
      ids.map(async (id) => {
        const ack = await jetstream(atDepot).publish(`device.${id}.report`, '{}');
        return (await storedReport(ack.seq)).subject;
      }),
    );
    expect(PARTITIONS).toBe(32);
    expect(subjects).toEqual(ids.map((id) => `report.${partitionOf(id)}.depot.${id}`));
  });

  it('has the same partition for a device as another site has', async () => {
    const acks = await Promise.all(
      [depot, harbour].map((site) => jetstream(site).publish('device.moved.report', '{}')),
    );
    const subjects = await Promise.all(acks.map(async ({ seq }) => (await storedReport(seq)).subject));
    expect(subjects).toEqual(['report.16.depot.moved', 'report.16.harbour.moved']);
  });

  it('hears the commands for its devices, at its leaf and directly, and no other site does', async () => {
    const heardAtLeaf = firstMessage(atDepot, 'device.car-1.command');
    const heardDirectly = firstMessage(depot, 'device.*.command');
    const heardElsewhere: string[] = [];
    harbour.subscribe('device.*.command', {
      callback: (_error, message) => {
        heardElsewhere.push(message.string());
      },
    });
    await Promise.all([flushToHub(atDepot), depot.flush(), harbour.flush()]);

    runtime.publish('command.depot.car-1', 'for the depot');
    expect((await heardAtLeaf).string()).toBe('for the depot');
    expect((await heardDirectly).subject).toBe('device.car-1.command');

    runtime.publish('command.harbour.car-1', 'for the harbour');
    await runtime.flush();
    await harbour.flush();
    expect(heardElsewhere).toEqual(['for the harbour']);
  });

  const foreignSubjects = [
    'report.3.depot.car-1',
    'site.depot.car-1.report',
    'command.depot.car-1',
    'device.car-1.command',
    'owner.3.car-1.command.reserve',
    'twin.car-1.command.reserve',
    'twin.car-1.get',
    'twin.car-1.changed',
    'deadletter.bad-report.3',
    'fleet.find',
    '$SRV.PING',
    '$JS.API.INFO',
    '$JS.API.STREAM.DELETE.DEVICES',
    '$JS.hub.API.STREAM.DELETE.DEVICES',
  ];
  it.each(foreignSubjects)('may not say %s', async (subject) => {
    for (const connection of [harbour, atDepot]) await expectMayNotSay(connection, subject);
  });

  it.each(['>', 'report.>', 'command.>', 'owner.>', 'twin.*.changed', '$SYS.>'])(
    'may not listen to %s',
    async (subject) => {
      for (const connection of [harbour, atDepot]) await expectMayNotListenTo(connection, subject);
    },
  );

  it.each(foreignSubjects)('cannot say %s through a leaf that keeps no rule', async (subject) => {
    const before = await storedCounts();
    const { isThrownOut } = await visitAsLeaf(hostileHarbour([`LMSG ${subject} 2\r\n{}`]));
    expect(isThrownOut).toBe(true);
    expect(await storedCounts()).toEqual(before);
  });

  it('hears nothing but its own commands through a leaf that listens to everything', async () => {
    const visit = await visitAsLeaf({
      ...hostileHarbour(['LS+ >', 'LS+ device.*.command', 'LS+ _INBOX.>', 'LS+ *.depot.*']),
      meanwhile: async () => {
        await jetstream(depot).publish('device.car-1.report', 'secret of the depot');
        await jetstream(runtime).publish('twin.car-1.changed', 'secret of the backends');
        runtime.publish('command.depot.car-1', 'secret command');
        runtime.publish('command.harbour.boat-1', 'own command');
        await runtime.flush();
      },
    });
    expect(visit.isThrownOut).toBe(false);
    expect(visit.heard).toContain('device.boat-1.command');
    expect(visit.heard).not.toContain('secret');
  });

  it('cannot be configured to speak for another site: the hub does not start', async () => {
    const { folder, remove } = temporaryFolder();
    const config = readFileSync(join(projectFolder, 'nats.conf'), 'utf8');
    const verdicts = [
      ['site.harbour.*.report', 'site.depot.*.report'],
      ['command.harbour.*', 'command.depot.*'],
    ].map(([own = '', foreign = '']) => {
      const file = join(folder, 'nats.conf');
      writeFileSync(file, config.replace(own, foreign));
      return spawnSync(natsServer, ['-t', '-c', file], { env: hubEnvironment(folder), encoding: 'utf8' });
    });
    remove();
    const said = verdicts.map(({ status, stderr }) => [
      status,
      /(\w+) import not authorized/.exec(stderr)?.[1],
    ]);
    expect(said).toEqual([
      [1, 'service'],
      [1, 'stream'],
    ]);
  });
});

describe('a backend', () => {
  it.each(['get', 'ledger', 'desired', 'command.reserve'])(
    'reaches the owner of the partition with twin.<id>.%s',
    async (operation) => {
      const owner = runtime.subscribe(`owner.${partitionOf('car-1')}.>`, {
        queue: 'owner',
        callback: (_error, message) => void message.respond(`heard ${message.subject}`),
      });
      await runtime.flush();
      const reply = await backend.request(`twin.car-1.${operation}`, '', { timeout: answerTimeoutMs });
      expect(reply.string()).toBe(`heard owner.15.car-1.${operation}`);
      owner.unsubscribe();
      await runtime.flush();
    },
  );

  it.each(['twin.car-1.get', 'twin.car-1.command.reserve', 'fleet.find', '$SRV.PING'])(
    'learns at once that nobody answers %s',
    async (subject) => {
      const answer = await backend
        .request(subject, '', { timeout: answerTimeoutMs })
        .catch((error: unknown) => error);
      expect(answer).toBeInstanceOf(RequestError);
      expect((answer as RequestError).isNoResponders()).toBe(true);
    },
  );

  it('gets the answers of all nodes to $SRV.PING', async () => {
    const otherNode = await connectTo(hub.url('runtime'), 'runtime 2');
    const services = [runtime, otherNode].map((node, index) =>
      node.subscribe('$SRV.PING', { callback: (_error, message) => void message.respond(`node ${index}`) }),
    );
    await Promise.all([runtime.flush(), otherNode.flush()]);
    const answers: string[] = [];
    for await (const answer of await backend.requestMany('$SRV.PING', '', {
      strategy: 'count',
      maxMessages: 2,
      maxWait: answerTimeoutMs,
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
    await publishChanges(['car-2', 'car-3', 'car-4']);
    const consumer = await jetstream(backend).consumers.get('CHANGES', {
      filter_subjects: ['twin.car-2.changed', 'twin.car-4.changed'],
      deliver_policy: DeliverPolicy.All,
    });
    const messages = await consumer.fetch({ max_messages: 2, expires: answerTimeoutMs });
    const subjects: string[] = [];
    for await (const message of messages) subjects.push(message.subject);
    expect(subjects).toEqual(['twin.car-2.changed', 'twin.car-4.changed']);
  });

  it('catches up on the stream CHANGES with a durable consumer', async () => {
    await publishChanges(['car-5']);
    const manager = await jetstreamManager(backend);
    await manager.consumers.add('CHANGES', {
      durable_name: 'billing',
      ack_policy: AckPolicy.Explicit,
      filter_subject: 'twin.car-5.changed',
    });
    const consumer = await jetstream(backend).consumers.get('CHANGES', 'billing');
    const message = await consumer.next({ expires: answerTimeoutMs });
    expect(message?.subject).toBe('twin.car-5.changed');
    expect(await message?.ackAck()).toBe(true);
    expect((await consumer.info()).ack_floor.consumer_seq).toBe(1);
  });

  it.each([
    'device.car-1.report',
    'report.3.depot.car-1',
    'site.depot.car-1.report',
    'device.car-1.command',
    'command.depot.car-1',
    'owner.3.car-1.get',
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
    '$JS.API.CONSUMER.DELETE.CHANGES.billing',
    '$JS.FLEET.API.STREAM.INFO.DEVICES',
  ])('may not say %s', (subject) => expectMayNotSay(backend, subject));

  it.each(['>', 'report.>', 'command.>', 'owner.>', 'device.>', 'twin.*.get', '$SYS.>'])(
    'may not listen to %s',
    (subject) => expectMayNotListenTo(backend, subject),
  );

  it.each(['report.3.depot.car-1', 'command.depot.car-1', 'owner.3.car-1.command.reserve', 'deadletter.x.3'])(
    'cannot have the hub or a runtime node answer into %s',
    async (target) => {
      const arrivals = await watchForStrays();
      const before = await storedCounts();
      const owner = runtime.subscribe('owner.*.car-2.get', {
        callback: (_error, message) => void message.respond('an answer'),
      });
      await runtime.flush();
      backend.publish('$JS.API.STREAM.INFO.CHANGES', '', { reply: target });
      backend.publish('$JS.API.DIRECT.GET.CHANGES', '{"seq":1}', { reply: target });
      backend.publish('twin.car-2.get', '', { reply: target });
      await backend.request('twin.car-2.get', '', { timeout: answerTimeoutMs });
      owner.unsubscribe();
      // Asking the streams goes through the same queue as those answers, so they are all out afterwards.
      expect(await storedCounts()).toEqual(before);
      expect(await arrivals()).toEqual([]);
    },
  );

  it.each(['report.3.depot.car-1', 'command.depot.car-1', 'owner.3.car-1.command.reserve', 'deadletter.x.3'])(
    'cannot have a consumer deliver into %s',
    async (target) => {
      const arrivals = await watchForStrays();
      const before = await storedCounts();
      const manager = await jetstreamManager(backend);
      const name = `into-${target.replaceAll('.', '-')}`;
      await manager.consumers.add('CHANGES', {
        name,
        deliver_subject: target,
        deliver_policy: DeliverPolicy.All,
        ack_policy: AckPolicy.None,
      });
      expect((await manager.consumers.info('CHANGES', name)).delivered.consumer_seq).toBe(0);
      expect(await storedCounts()).toEqual(before);
      expect(await arrivals()).toEqual([]);
    },
  );
});

describe('an engineer', () => {
  it('looks into DEVICES, DEADLETTER and CHANGES message by message', async () => {
    await jetstream(depot).publish('device.looked-at.report', 'a report');
    await jetstream(runtime).publish('deadletter.bad-report.3', 'a dead letter');
    await publishChanges(['looked-at']);
    const fleet = await jetstreamManager(engineer, { domain: 'FLEET', checkAPI: false });
    const backends = await jetstreamManager(engineer, { domain: 'BACKENDS', checkAPI: false });
    const lastOf = async (manager: JetStreamManager, stream: string): Promise<string | undefined> => {
      const { state } = await manager.streams.info(stream);
      return (await manager.direct.getMessage(stream, { seq: state.last_seq }))?.string();
    };
    expect(await lastOf(fleet, 'DEVICES')).toBe('a report');
    expect(await lastOf(fleet, 'DEADLETTER')).toBe('a dead letter');
    expect(await lastOf(backends, 'CHANGES')).toBe('changed looked-at');
    const batch = await fleet.direct.getBatch('DEVICES', { seq: 1, batch: 3 });
    const sequences: number[] = [];
    for await (const message of batch) sequences.push(message.seq);
    expect(sequences).toEqual([1, 2, 3]);
  });

  it.each(['get', 'ledger'])('asks a twin with twin.<id>.%s', async (operation) => {
    const owner = runtime.subscribe('owner.15.>', {
      callback: (_error, message) => void message.respond(message.subject),
    });
    await runtime.flush();
    const reply = await engineer.request(`twin.car-1.${operation}`, '', { timeout: answerTimeoutMs });
    expect(reply.string()).toBe(`owner.15.car-1.${operation}`);
    owner.unsubscribe();
    await runtime.flush();
  });

  it.each([
    'twin.car-1.command.reserve',
    'twin.car-1.desired',
    'twin.car-1.changed',
    'device.car-1.report',
    'report.3.depot.car-1',
    'command.depot.car-1',
    'owner.3.car-1.command.reserve',
    '$JS.API.STREAM.DELETE.DEVICES',
  ])('may not say %s', (subject) => expectMayNotSay(engineer, subject));

  it.each([
    '$JS.FLEET.API.STREAM.DELETE.DEVICES',
    '$JS.FLEET.API.STREAM.PURGE.DEADLETTER',
    '$JS.FLEET.API.STREAM.MSG.DELETE.DEVICES',
    '$JS.FLEET.API.CONSUMER.CREATE.DEVICES.mine',
    '$JS.BACKENDS.API.STREAM.DELETE.CHANGES',
    '$JS.BACKENDS.API.CONSUMER.CREATE.CHANGES.mine',
  ])('finds nobody behind %s', async (subject) => {
    const answer = await engineer
      .request(subject, '', { timeout: answerTimeoutMs })
      .catch((error: unknown) => error);
    expect((answer as RequestError).isNoResponders()).toBe(true);
  });

  it.each(['report.3.depot.car-1', 'command.depot.car-1', 'owner.3.car-1.command.reserve'])(
    'cannot have the hub answer into %s',
    async (target) => {
      const arrivals = await watchForStrays();
      const before = await storedCounts();
      engineer.publish('$JS.FLEET.API.DIRECT.GET.DEVICES', '{"seq":1}', { reply: target });
      engineer.publish('$JS.BACKENDS.API.STREAM.INFO.CHANGES', '', { reply: target });
      await engineer.request('$JS.FLEET.API.STREAM.INFO.DEVICES', '', { timeout: answerTimeoutMs });
      expect(await storedCounts()).toEqual(before);
      expect(await arrivals()).toEqual([]);
    },
  );
});

describe('the runtime', () => {
  it('keeps what it publishes in CHANGES once, by the message id', async () => {
    const publish = (): Promise<{ duplicate: boolean }> =>
      jetstream(runtime).publish('twin.car-7.changed', 'once', { msgID: '1-1' });
    expect([(await publish()).duplicate, (await publish()).duplicate]).toEqual([false, true]);
  });

  it.each([
    ['report.3.depot.car-1', 'report.3.depot.car-1'],
    ['site.depot.car-1.report', 'report.15.depot.car-1'],
    ['$JS.API.STREAM.DELETE.DEVICES', '$JS.API.STREAM.DELETE.DEVICES'],
    ['$JS.API.STREAM.PURGE.DEVICES', '$JS.API.STREAM.PURGE.DEVICES'],
  ])('may not say %s, which is checked as %s', (subject, mapped) =>
    expectMayNotSay(runtime, subject, mapped),
  );

  it.each(['report.>', '>', 'command.>'])('may not listen to %s outside of the streams', (subject) =>
    expectMayNotListenTo(runtime, subject),
  );
});

describe('a stranger', () => {
  it.each([
    ['without credentials', (url: URL) => Object.assign(url, { username: '', password: '' })],
    ['with a wrong password', (url: URL) => Object.assign(url, { password: 'guess' })],
  ])('is not let in %s', async (_how, change) => {
    const url = change(new URL(hub.url('backend')));
    await expect(connectToHub({ url: url.href, name: 'stranger' })).rejects.toThrow('refused the user');
  });
});

async function connectTo(url: string, name: string): Promise<NatsConnection> {
  const { nats } = await connectToHub({ url, name });
  open.push(nats);
  return nats;
}

/** A leaf's subscription has reached the hub when a report that was sent after it has been acknowledged. */
async function flushToHub(leafClient: NatsConnection): Promise<void> {
  await jetstream(leafClient).publish('device.flush.report', '{}');
}

async function storedReport(seq: number): Promise<{ readonly subject: string; readonly text: string }> {
  const message = await streams.streams.getMessage('DEVICES', { seq });
  if (message === null) throw new Error(`DEVICES holds no message ${seq}`);
  return { subject: message.subject, text: message.string() };
}

/** How many messages each stream has ever stored. */
async function storedCounts(): Promise<Readonly<Record<string, number>>> {
  const [devices, deadLetters, changed] = await Promise.all([
    streams.streams.info('DEVICES'),
    streams.streams.info('DEADLETTER'),
    changes.streams.info('CHANGES'),
  ]);
  return {
    devices: devices.state.last_seq,
    deadLetters: deadLetters.state.last_seq,
    changes: changed.state.last_seq,
  };
}

async function publishChanges(devices: readonly string[]): Promise<void> {
  for (const device of devices)
    await jetstream(runtime).publish(`twin.${device}.changed`, `changed ${device}`);
}

/** Listens as a device of the depot and as the runtime; the result tells what they heard that nobody should have sent. */
async function watchForStrays(): Promise<() => Promise<readonly string[]>> {
  const arrived: string[] = [];
  const note = (_error: unknown, message: Msg): void => {
    if (!message.subject.endsWith('car-2.get')) arrived.push(`${message.subject}: ${message.string()}`);
  };
  const listeners = [
    depot.subscribe('device.*.command', { callback: note }),
    runtime.subscribe('owner.>', { callback: note }),
  ];
  await Promise.all([depot.flush(), runtime.flush()]);
  return async () => {
    // The server has handled all that was asked for before; what it sent to these two comes before its answers to them.
    await Promise.all([depot.flush(), runtime.flush()]);
    for (const listener of listeners) listener.unsubscribe();
    return arrived;
  };
}

function hostileHarbour(says: readonly string[]): Parameters<typeof visitAsLeaf>[0] {
  return { address: hub.leafAddress, user: 'harbour', password: developmentPasswords.harbour, says };
}

function hubEnvironment(storeDir: string): NodeJS.ProcessEnv {
  const addresses = ['LISTEN', 'MONITOR_LISTEN', 'LEAF_LISTEN', 'LEAF_ADVERTISE'];
  const users = ['RUNTIME', 'OPERATOR', 'WARDEN', 'BACKEND', 'ENGINEER', 'SITE_DEPOT', 'SITE_HARBOUR'];
  return {
    ...Object.fromEntries(addresses.map((name) => [`CORRAL_HUB_${name}`, '127.0.0.1:1'])),
    ...Object.fromEntries(users.map((name) => [`CORRAL_${name}_PASSWORD`, 'secret'])),
    CORRAL_HUB_STORE_DIR: `"${storeDir}"`,
  };
}
