/** What sites and the runtime may say and hear: `nats.conf` on the real server, from a site's leaf and from direct connections. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectToHub } from '../../src/nats/connect.ts';
import { PARTITIONS, partitionOf } from '../../src/wire/partition.ts';
import { developmentPasswords, type HubUser } from '../../tools/dev/hub.ts';
import { findNatsServer } from '../../tools/dev/nats-server-binary.ts';
import { projectFolder } from '../../tools/dev/project-folders.ts';
import type { Site } from '../../tools/dev/site.ts';
import { expectMayNotListenTo, expectMayNotSay, firstMessage } from '../servers/broker-verdict.ts';
import { visitAsLeaf } from '../hostile/hostile-leaf.ts';
import { HubRoles } from '../servers/hub-roles.ts';
import { startSite, temporaryFolder, type Temporary } from '../servers/servers.ts';

let roles: HubRoles;
let depotLeaf: Site & Temporary;
/** Direct connections with a site's credentials, and one through the site's leaf. */
let depot: NatsConnection;
let harbour: NatsConnection;
let atDepot: NatsConnection;
let runtime: NatsConnection;
let natsServer: string;

beforeAll(async () => {
  natsServer = await findNatsServer();
  roles = await HubRoles.start();
  ({ depot, runtime } = roles);
  depotLeaf = await startSite(roles.hub, { name: 'depot' });
  harbour = await roles.connectAs('harbour');
  atDepot = await roles.connectTo(depotLeaf.url, 'device');
});

afterAll(async () => {
  await depotLeaf.end();
  await roles.end();
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
    'owner.3.nats.backend.car-1.command.reserve',
    'ask.backend.twin.car-1.command.reserve',
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
    const before = await roles.storedCounts();
    const { isThrownOut } = await visitAsLeaf(hostileHarbour([`LMSG ${subject} 2\r\n{}`]));
    expect(isThrownOut).toBe(true);
    expect(await roles.storedCounts()).toEqual(before);
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

  it('cannot be configured to speak for another account: the hub does not start', async () => {
    const { folder, remove } = temporaryFolder();
    const config = readFileSync(join(projectFolder, 'nats.conf'), 'utf8');
    const verdicts = [
      ['site.harbour.*.report', 'site.depot.*.report'],
      ['command.harbour.*', 'command.depot.*'],
      ['ask.booking.twin.*.command.*', 'ask.backend.twin.*.command.*'],
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
      [1, 'service'],
    ]);
  });
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
    ['$JS.API.STREAM.PURGE.DEADLETTER', '$JS.API.STREAM.PURGE.DEADLETTER'],
  ])('may not say %s, which is checked as %s', (subject, mapped) =>
    expectMayNotSay(runtime, subject, mapped),
  );

  it.each(['report.>', '>', 'command.>'])('may not listen to %s outside of the streams', (subject) =>
    expectMayNotListenTo(runtime, subject),
  );
});

describe('a password', () => {
  const others: readonly HubUser[] = ['runtime', 'operator', 'warden', 'backend', 'booking', 'engineer'];
  it.each(others)('of %s opens no leaf', async (user) => {
    const { isThrownOut } = await visitAsLeaf({
      address: roles.hub.leafAddress,
      user,
      password: developmentPasswords[user],
      says: ['LS+ >'],
    });
    expect(isThrownOut).toBe(true);
  });
});

describe('a stranger', () => {
  it.each([
    ['without credentials', (url: URL) => Object.assign(url, { username: '', password: '' })],
    ['with a wrong password', (url: URL) => Object.assign(url, { password: 'guess' })],
  ])('is not let in %s', async (_how, change) => {
    const url = change(new URL(roles.hub.url('backend')));
    await expect(connectToHub({ url: url.href, name: 'stranger' })).rejects.toThrow('refused the user');
  });
});

/** A leaf's subscription has reached the hub when a report that was sent after it has been acknowledged. */
async function flushToHub(leafClient: NatsConnection): Promise<void> {
  await jetstream(leafClient).publish('device.flush.report', '{}');
}

async function storedReport(seq: number): Promise<{ readonly subject: string; readonly text: string }> {
  const message = await roles.streams.streams.getMessage('DEVICES', { seq });
  if (message === null) throw new Error(`DEVICES holds no message ${seq}`);
  return { subject: message.subject, text: message.string() };
}

function hostileHarbour(says: readonly string[]): Parameters<typeof visitAsLeaf>[0] {
  return { address: roles.hub.leafAddress, user: 'harbour', password: developmentPasswords.harbour, says };
}

function hubEnvironment(storeDir: string): NodeJS.ProcessEnv {
  const addresses = ['LISTEN', 'MONITOR_LISTEN', 'LEAF_LISTEN', 'LEAF_ADVERTISE'];
  const users = ['RUNTIME', 'OPERATOR', 'WARDEN', 'BACKEND', 'BOOKING', 'ENGINEER'];
  const sites = ['DEPOT', 'HARBOUR'].map((site) => `SITE_${site}`);
  return {
    ...Object.fromEntries(addresses.map((name) => [`CORRAL_HUB_${name}`, '127.0.0.1:1'])),
    ...Object.fromEntries([...users, ...sites].map((name) => [`CORRAL_${name}_PASSWORD`, 'secret'])),
    CORRAL_HUB_STORE_DIR: `"${storeDir}"`,
  };
}
