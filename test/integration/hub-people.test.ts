/**
 * What people and nodes that share an account may say and hear: `nats.conf` on the real server, with the second engineer and
 * the second node of its examples.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { type NatsConnection, RequestError } from '@nats-io/nats-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectToHub, type HubConnection, ownInbox } from '../../src/nats/connect.ts';
import { prepareHub } from '../../src/nats/hub.ts';
import { startHub } from '../../tools/dev/hub.ts';
import { projectFolder } from '../../tools/dev/project-folders.ts';
import { expectMayNotListenTo, expectMayNotSay } from '../servers/broker-verdict.ts';
import { ANSWER_TIMEOUT_MS, HubRoles } from '../servers/hub-roles.ts';
import { temporaryFolder } from '../servers/servers.ts';

let roles: HubRoles;
let runtime: NatsConnection;
let depot: NatsConnection;
let engineer: NatsConnection;
let operator: NatsConnection;

beforeAll(async () => {
  roles = await HubRoles.start();
  ({ runtime, depot } = roles);
  engineer = await roles.connectAs('engineer');
  operator = await roles.connectAs('operator');
});
afterAll(() => roles.end());

describe('an engineer', () => {
  it('looks into DEVICES, DEADLETTER and CHANGES message by message', async () => {
    for (const text of ['one', 'another', 'a report'])
      await jetstream(depot).publish('device.looked-at.report', text);
    await jetstream(runtime).publish('deadletter.bad-report.3', 'a dead letter');
    await roles.publishChanges(['looked-at']);
    const fleet = await jetstreamManager(engineer, { domain: 'FLEET', checkAPI: false });
    const journal = await jetstreamManager(engineer, { domain: 'JOURNAL', checkAPI: false });
    const lastOf = async (manager: JetStreamManager, stream: string): Promise<string | undefined> => {
      const { state } = await manager.streams.info(stream);
      return (await manager.direct.getMessage(stream, { seq: state.last_seq }))?.string();
    };
    expect(await lastOf(fleet, 'DEVICES')).toBe('a report');
    expect(await lastOf(fleet, 'DEADLETTER')).toBe('a dead letter');
    expect(await lastOf(journal, 'CHANGES')).toBe('changed looked-at');
    const batch = await fleet.direct.getBatch('DEVICES', { seq: 1, batch: 3 });
    const sequences: number[] = [];
    for await (const message of batch) sequences.push(message.seq);
    expect(sequences).toEqual([1, 2, 3]);
  });

  it.each(['get', 'ledger'])('asks a twin with twin.<id>.%s', async (operation) => {
    const stopAnswering = await roles.answerFor('car-1');
    const reply = await engineer.request(`twin.car-1.${operation}`, '', { timeout: ANSWER_TIMEOUT_MS });
    expect(reply.string()).toBe(`heard owner.15.nats.ENGINEERS.car-1.${operation}`);
    await stopAnswering();
  });

  it.each([
    'twin.car-1.command.reserve',
    'twin.car-1.desired',
    'twin.car-1.changed',
    'device.car-1.report',
    'report.3.depot.car-1',
    'command.depot.car-1',
    'owner.3.nats.ENGINEERS.car-1.command.reserve',
    '$JS.API.STREAM.DELETE.DEVICES',
  ])('may not say %s', (subject) => expectMayNotSay(engineer, subject));

  it.each([
    '$JS.FLEET.API.STREAM.DELETE.DEVICES',
    '$JS.FLEET.API.STREAM.PURGE.DEADLETTER',
    '$JS.FLEET.API.STREAM.MSG.DELETE.DEVICES',
    '$JS.FLEET.API.CONSUMER.CREATE.DEVICES.mine',
    '$JS.JOURNAL.API.STREAM.DELETE.CHANGES',
    '$JS.JOURNAL.API.CONSUMER.CREATE.CHANGES.mine',
  ])('finds nobody behind %s', async (subject) => {
    const answer = await engineer
      .request(subject, '', { timeout: ANSWER_TIMEOUT_MS })
      .catch((error: unknown) => error);
    expect((answer as RequestError).isNoResponders()).toBe(true);
  });

  it.each(['report.3.depot.car-1', 'command.depot.car-1', 'owner.3.nats.ENGINEERS.car-1.command.reserve'])(
    'cannot have the hub answer into %s',
    async (target) => {
      const arrivals = await roles.watchForStrays('asked');
      const before = await roles.storedCounts();
      engineer.publish('$JS.FLEET.API.DIRECT.GET.DEVICES', '{"seq":1}', { reply: target });
      engineer.publish('$JS.JOURNAL.API.STREAM.INFO.CHANGES', '', { reply: target });
      await engineer.request('$JS.FLEET.API.STREAM.INFO.DEVICES', '', { timeout: ANSWER_TIMEOUT_MS });
      expect(await roles.storedCounts()).toEqual(before);
      expect(await arrivals()).toEqual([]);
    },
  );
});

describe('an operator', () => {
  it('repairs the streams of the runtime and the stream CHANGES', async () => {
    await jetstream(depot).publish('device.repaired.report', 'a report');
    await roles.publishChanges(['repaired']);
    const fleet = await jetstreamManager(operator);
    const journal = await jetstreamManager(operator, { apiPrefix: '$JS.JOURNAL.API', checkAPI: false });
    const repairs = [
      await fleet.streams.purge('DEVICES', { filter: 'report.*.depot.repaired' }),
      await journal.streams.purge('CHANGES', { filter: 'twin.repaired.changed' }),
    ];
    expect(repairs.map(({ purged }) => purged)).toEqual([1, 1]);
  });

  it.each(['twin.car-1.get', 'owner.3.nats.backend.car-1.get', 'report.3.depot.car-1', 'twin.car-1.changed'])(
    'may not say %s',
    (subject) => expectMayNotSay(operator, subject),
  );
});

describe('users who share an account', () => {
  const { folder, remove } = temporaryFolder();
  const open: HubConnection[] = [];
  let end: () => Promise<void>;
  let connectAs: (user: string) => Promise<HubConnection>;

  beforeAll(async () => {
    const configFile = join(folder, 'nats.conf');
    writeFileSync(configFile, withExamples(readFileSync(join(projectFolder, 'nats.conf'), 'utf8')));
    const variables = { CORRAL_ANNA_PASSWORD: 'anna', CORRAL_NODE_2_PASSWORD: 'node_2' };
    const hub = await startHub({ dataDir: folder, configFile, variables });
    end = () => hub.stop();
    connectAs = async (user) => {
      const url = `nats://${user}:${user}@127.0.0.1:${String(hub.ports.client)}`;
      const connection = await connectToHub({ url, name: user, inboxPrefix: ownInbox(url) });
      open.push(connection);
      return connection;
    };
  });
  afterAll(async () => {
    await Promise.all(open.map((connection) => connection.close()));
    await end();
    remove();
  });

  it('get their answers in inboxes of their own: a second node and a second engineer work', async () => {
    const node = await connectAs('node_2');
    await prepareHub(node);
    const anna = await connectAs('anna');
    const streams = await jetstreamManager(anna.nats, { domain: 'FLEET', checkAPI: false });
    expect((await streams.streams.info('DEADLETTER')).config.name).toBe('DEADLETTER');
  });

  it.each([
    ['anna', ['_INBOX.>', 'inbox.>', 'inbox.engineer.>']],
    ['engineer', ['inbox.>', 'inbox.anna.>']],
    ['node_2', ['_INBOX.>', 'inbox.>', 'inbox.runtime.>']],
    ['runtime', ['inbox.>', 'inbox.node_2.>']],
  ])('cannot listen to the answers of others: %s', async (user, subjects) => {
    const { nats } = await connectAs(user);
    for (const subject of subjects) await expectMayNotListenTo(nats, subject);
  });
});

/** The configuration with the users that stand in it as examples, in comments. */
function withExamples(config: string): string {
  const example = /^ +# \{ user: (?:anna|node_2),[^]*?^ +# \} \}$/gm;
  return config.replace(example, (lines) => lines.replace(/^( +)# /gm, '$1'));
}
