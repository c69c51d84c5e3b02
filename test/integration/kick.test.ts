/** Locking somebody out as docs/operations.md says: the password changed, the hub reloaded, the connection cut. */
import { spawnSync } from 'node:child_process';
import { on, once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import type { Hub, HubUser, SiteName } from '../../tools/dev/hub.ts';
import { findNatsServer } from '../../tools/dev/nats-server-binary.ts';
import { projectFolder } from '../../tools/dev/project-folders.ts';
import type { Site } from '../../tools/dev/site.ts';
import { expectMayNotListenTo, expectMayNotSay } from '../servers/broker-verdict.ts';
import { corralCommand, type CommandEnd } from '../callers/corral-command.ts';
import { visitAsLeaf } from '../hostile/hostile-leaf.ts';
import { startHub, startSite, type Temporary, temporaryFolder } from '../servers/servers.ts';

/** The bcrypt hashes of "stolen" and "fresh", as `nats server passwd` makes them. */
const STOLEN = '$2b$04$GHRrpmd7CKkGJ/O.3Yhk7Ou4mUvEalezhXwyUDJZQp6hdCQo9JB4G';
const FRESH = '$2b$04$e/0xevSy4jZt2.MAugzF.eGK2L05YEL79D7c2QL4M5/xVf.wfpj/u';

const { folder, remove } = temporaryFolder();
const configFile = join(folder, 'nats.conf');
const plain = readFileSync(join(projectFolder, 'nats.conf'), 'utf8');

let natsServer: string;
let hub: Hub & Temporary;
let depot: Site & Temporary;
let harbour: Site & Temporary;
let streams: JetStreamManager;
const open: HubConnection[] = [];

function setPassword(hash: string, config = plain): void {
  writeFileSync(join(folder, 'passwords.conf'), `CORRAL_SITE_DEPOT_PASSWORD: "${hash}"\n`);
  writeFileSync(configFile, `include ./passwords.conf\n${config}`);
}

async function connectTo(url: string, inboxPrefix?: string): Promise<HubConnection> {
  const connection = await connectToHub({
    url,
    name: 'test',
    ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
  });
  open.push(connection);
  return connection;
}

/** Does what an operator does, and waits until the hub says that it has read its configuration again. */
async function reload(): Promise<void> {
  const loadTime = async (): Promise<unknown> =>
    ((await hub.monitor('/varz')) as { readonly config_load_time?: string }).config_load_time;
  const before = await loadTime();
  const { status, stderr } = spawnSync(natsServer, ['--signal', `reload=${String(hub.pid())}`], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  await expect.poll(loadTime, { timeout: 10_000 }).not.toBe(before);
}

function corral(...args: readonly string[]): Promise<CommandEnd> {
  return corralCommand(args, { env: { CORRAL_WARDEN_URL: hub.url('warden') } });
}

/** A connection that costs little, and does not come back. */
async function rawClient(user: HubUser): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: hub.ports.client });
  socket.on('error', () => undefined);
  const login = JSON.stringify({ user, pass: user, name: 'one of many', verbose: false, lang: 'test' });
  socket.write(`CONNECT ${login}\r\nPING\r\n`);
  for await (const [text] of on(socket, 'data') as AsyncIterable<[Buffer]>) {
    if (text.toString().includes('PONG')) break;
  }
  // What it is told from now on is of no interest, but has to be read for its end to be noticed.
  return socket.resume();
}

interface Shown {
  readonly cid: number;
  readonly kind: string;
  readonly account: string;
  readonly user: string;
  readonly name: string;
  readonly inPerSecond: { readonly messages: number; readonly bytes: number };
}

async function connections(...args: readonly string[]): Promise<readonly Shown[]> {
  const { stdout, stderr, code } = await corral('connections', '--json', '--for', '200ms', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Shown);
}

async function leafOf(site: SiteName): Promise<number | undefined> {
  return (await connections('--site', site)).find(({ kind }) => kind === 'leaf')?.cid;
}

async function reportsOf(site: SiteName, device: string): Promise<number> {
  const { state } = await streams.streams.info('DEVICES', { subjects_filter: `report.*.${site}.${device}` });
  return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
}

beforeAll(async () => {
  natsServer = await findNatsServer();
  setPassword(STOLEN);
  hub = await startHub({ configFile });
  streams = await jetstreamManager((await connectTo(hub.url('runtime'))).nats);
  await streams.streams.add({ name: 'DEVICES', subjects: ['report.>'] });
  depot = await startSite(hub, { name: 'depot', password: 'stolen' });
  harbour = await startSite(hub, { name: 'harbour' });
});

afterAll(async () => {
  await Promise.all(open.map((connection) => connection.close()));
  await depot.end();
  await harbour.end();
  await hub.end();
  remove();
});

describe('the warden', () => {
  it('sees sites and clients, who they are, and who says the most', async () => {
    const gateway = await connectTo(depot.url);
    const { nats } = await connectTo(hub.url('backend'));
    const talk = setInterval(() => {
      for (let count = 0; count < 50; count += 1)
        gateway.nats.publish('device.cp-9.report', 'x'.repeat(1_000));
    }, 5);
    const [worst, ...others] = await connections();
    clearInterval(talk);
    expect(worst).toMatchObject({ kind: 'leaf', account: 'depot', user: 'depot', name: 'depot' });
    expect(worst!.inPerSecond.bytes).toBeGreaterThan(worst!.inPerSecond.messages * 900);
    expect(others.map(({ user, kind }) => `${user} ${kind}`)).toEqual(
      expect.arrayContaining(['runtime client', 'harbour leaf', 'backend client', 'warden client']),
    );
    expect(others.find(({ cid }) => cid === nats.info?.client_id)).toMatchObject({
      user: 'backend',
      name: 'test',
    });
  });

  it('is shown no name as whoever connected wrote it, where that would reach the terminal', async () => {
    const stranger = await connectToHub({ url: hub.url('backend'), name: '\u001b]0;owned\u0007' });
    open.push(stranger);
    const cid = String(stranger.nats.info?.client_id);
    const said = [await corral('connections', '--user', 'backend'), await corral('kick', cid, '--yes')];
    for (const { stdout } of said) {
      expect(stdout).toContain('owned');

      expect(stdout).not.toMatch(/[\u001b\u0007]/);
    }
  });

  it('sees and cuts more connections than fit into one answer of the hub', async () => {
    const crowd = await Promise.all(Array.from({ length: 600 }, () => rawClient('engineer')));
    const ended = Promise.all(crowd.map((socket) => once(socket, 'close')));
    const seen = await connections('--user', 'engineer');
    expect(new Set(seen.map(({ cid }) => cid)).size).toBe(600);
    const { code, stdout } = await corral('kick', '--user', 'engineer', '--yes', '--json');
    expect(code).toBe(0);
    expect(stdout.split('\n').filter((line) => line.includes('"outcome":"kicked"'))).toHaveLength(600);
    await ended;
  });

  it('sees whom it may cut, and is asked before it cuts', async () => {
    const { nats } = await connectTo(hub.url('backend'));
    const cid = String(nats.info?.client_id);
    expect(await corral('kick', cid)).toMatchObject({
      code: 2,
      stdout: expect.stringContaining('backend') as unknown,
      stderr: expect.stringContaining('--yes cuts without asking') as unknown,
    });
    expect(await corral('kick')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Say whom') as unknown,
    });
    expect(await corral('kick', '999999', '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no connection 999999') as unknown,
    });
    expect((await connections('--user', 'backend')).map((one) => String(one.cid))).toContain(cid);
  });

  it('cuts one connection of a client, and no other of the same user', async () => {
    const [cut, left] = [await connectTo(hub.url('backend')), await connectTo(hub.url('backend'))];
    const before = left.nats.info?.client_id;
    const isCut = new Promise<void>((resolve) => cut.onChange((isConnected) => isConnected || resolve()));
    const { code, stdout } = await corral('kick', String(cut.nats.info?.client_id), '--yes');
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Cut 1 of 1') as unknown,
    });
    await isCut;
    expect(left.nats.info?.client_id).toBe(before);
    expect(left.isConnected()).toBe(true);
  });

  it('never cuts itself when it cuts all of a user', async () => {
    const { code, stdout } = await corral('kick', '--user', 'warden', '--yes');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'Nobody is connected of whom that is true: nothing to cut.\n',
    });
  });

  it.each([
    ...['RELOAD', 'LDM', 'VARZ', 'JSZ', 'SUBSZ', 'ACCOUNTZ', 'PROFILEZ'].map(
      (name) => `$SYS.REQ.SERVER.hub.${name}`,
    ),

    '$SYS.REQ.SERVER.PING.VARZ',
    '$SYS.REQ.SERVER.PING',
    '$SYS.REQ.CLAIMS.UPDATE',
    '$SYS.REQ.ACCOUNT.depot.CONNZ',
    '$SYS.ACCOUNT.depot.DISCONNECT',
    '$JS.API.STREAM.NAMES',
    '$JS.API.STREAM.DELETE.DEVICES',
    'report.0.depot.cp-1',
    'device.cp-1.report',
    'command.depot.cp-1',
    'twin.cp-1.get',
    'fleet.find',
  ])('may not say %s', async (subject) => {
    await expectMayNotSay((await connectTo(hub.url('warden'), 'inbox.warden')).nats, subject);
  });

  it.each([
    '>',
    '$SYS.>',
    '$SYS.ACCOUNT.*.CONNECT',
    '_INBOX.>',
    'twin.*.changed',
    'device.*.report',
    'owner.>',
  ])('may not listen to %s', async (subject) => {
    await expectMayNotListenTo((await connectTo(hub.url('warden'), 'inbox.warden')).nats, subject);
  });

  it('is no leaf', async () => {
    const { leafAddress: address } = hub;
    const warden = await visitAsLeaf({ address, user: 'warden', password: 'warden', says: [] });
    const site = await visitAsLeaf({ address, user: 'harbour', password: 'harbour', says: [] });
    expect([warden.isThrownOut, site.isThrownOut]).toEqual([true, false]);
  });

  it.each<HubUser>(['runtime', 'operator', 'backend', 'engineer', 'harbour'])(
    'is nobody else: not the user %s',
    async (user) => {
      await expectMayNotSay((await connectTo(hub.url(user))).nats, '$SYS.REQ.SERVER.PING.CONNZ');
      await expectMayNotSay((await connectTo(hub.url(user))).nats, '$SYS.REQ.SERVER.hub.KICK');
    },
  );
});

it('cannot aim an answer of the hub at a subject of the servers', async () => {
  const spied = await startHub({
    configure: (natsConf) =>
      natsConf.replace('  SYS {\n', '  SYS {\n    users [ { user: spy, password: spy } ]\n'),
  });
  const spy = await connectTo(spied.url('warden').replace('warden:warden', 'spy:spy'));
  const warden = await connectTo(spied.url('warden'), 'inbox.warden');
  const heard: string[] = [];
  spy.nats.subscribe('$SYS.ACCOUNT.FLEET.FORGED', {
    callback: (_error, message) => void heard.push(message.subject),
  });
  await spy.nats.flush();
  const id = warden.nats.info!.server_id;
  for (const subject of [
    '$SYS.REQ.SERVER.PING.CONNZ',
    `$SYS.REQ.SERVER.${id}.CONNZ`,
    `$SYS.REQ.SERVER.${id}.KICK`,
  ])
    warden.nats.publish(subject, '{}', { reply: '$SYS.ACCOUNT.FLEET.FORGED' });
  // The server answers one after the other: this answer comes after those that were aimed.
  await warden.nats.request(`$SYS.REQ.SERVER.${id}.CONNZ`, '{}');
  await spy.nats.flush();
  expect(heard).toEqual([]);
  // That it can be heard at all: whoever is in the account of the servers themselves may aim.
  spy.nats.publish('$SYS.REQ.SERVER.PING.CONNZ', '{}', { reply: '$SYS.ACCOUNT.FLEET.FORGED' });
  await expect.poll(() => heard.length).toBe(1);
  await Promise.all([spy.close(), warden.close()]);
  await spied.end();
});

describe('a site whose password was stolen', () => {
  it('is heard after the password was changed and the hub reloaded, until it is kicked: then never again', async () => {
    const gateway = await connectTo(depot.url);
    const neighbour = await connectTo(harbour.url);
    const [leafBefore, neighbourBefore] = [await leafOf('depot'), await leafOf('harbour')];
    expect(leafBefore).toBeDefined();
    const { nats: runtime } = await connectTo(hub.url('runtime'));
    const runtimeBefore = runtime.info?.client_id;

    const thief = visitAsLeaf({
      address: hub.leafAddress,
      user: 'depot',
      password: 'stolen',
      says: ['LMSG device.thief.report 2\r\n{}'],
      meanwhile: async () => {
        setPassword(FRESH);
        await reload();
        // The fault: the reload cut neither of them.
        await jetstream(gateway.nats).publish('device.cp-1.report', '{}');
        expect(await leafOf('depot')).toBe(leafBefore);

        const { code, stdout } = await corral('kick', '--site', 'depot', '--yes');
        expect({ code, stdout }).toMatchObject({
          code: 0,
          stdout: expect.stringContaining('Cut 2 of 2') as unknown,
        });
      },
      saysThen: ['LMSG device.thief.report 2\r\n{}'],
    });
    expect(await thief).toMatchObject({ isThrownOut: true });
    expect(await reportsOf('depot', 'thief')).toBe(1);

    const again = await visitAsLeaf({
      address: hub.leafAddress,
      user: 'depot',
      password: 'stolen',
      says: ['LMSG device.thief.report 2\r\n{}'],
    });
    expect(again).toMatchObject({ isThrownOut: true });
    expect(await reportsOf('depot', 'thief')).toBe(1);

    // The real leaf dials again each second, and is refused each time.
    const refusals = (): number =>
      readFileSync(depot.logFile, 'utf8').split('Authorization Violation').length - 1;
    await expect.poll(refusals, { timeout: 30_000 }).toBeGreaterThan(1);
    await expect(
      jetstream(gateway.nats).publish('device.cp-1.report', '{}', { timeout: 1_000, retries: 1 }),
    ).rejects.toThrow();
    expect(await reportsOf('depot', 'cp-1')).toBe(1);
    expect(await leafOf('depot')).toBeUndefined();

    // Nobody else noticed any of it.
    expect(await leafOf('harbour')).toBe(neighbourBefore);
    await jetstream(neighbour.nats).publish('device.cp-2.report', '{}');
    expect(runtime.info?.client_id).toBe(runtimeBefore);

    const site = await startSite(hub, { name: 'depot', password: 'fresh' });
    const honest = await connectTo(site.url);
    await jetstream(honest.nats).publish('device.cp-1.report', '{}');
    expect(await reportsOf('depot', 'cp-1')).toBe(2);
    await honest.close();
    await site.end();
  });

  it('is found and kicked as well when its account is gone from the configuration', async () => {
    const gateway = await connectTo(harbour.url);
    expect(await leafOf('harbour')).toBeDefined();
    setPassword(FRESH, plain.replace(/\n {2}harbour \{[\s\S]*?\n {2}\}\n/, '\n'));
    await reload();
    const { code, stdout } = await corral('kick', '--site', 'harbour', '--yes');
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Cut 1 of 1') as unknown,
    });
    const refusals = (): number =>
      readFileSync(harbour.logFile, 'utf8').split('Authorization Violation').length - 1;
    await expect.poll(refusals, { timeout: 30_000 }).toBeGreaterThan(1);
    await expect(
      jetstream(gateway.nats).publish('device.cp-2.report', '{}', { timeout: 1_000, retries: 1 }),
    ).rejects.toThrow();
    expect(await leafOf('harbour')).toBeUndefined();
  });
});
