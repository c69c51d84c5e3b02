/** The hub with TLS (`nats-tls.conf`), and logins by more than a password, on real servers. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';

import { createUser } from '@nats-io/nkeys';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectCorral } from '../../src/client/corral.ts';
import { connectToHub, type HubConnection, ownInbox } from '../../src/nats/connect.ts';
import type { HubSecurity } from '../../src/nats/security.ts';
import type { Hub, HubUser } from '../../tools/dev/hub.ts';
import { startNatsServer } from '../../tools/dev/nats-server.ts';
import { projectFolder } from '../../tools/dev/project-folders.ts';
import { type Authority, type CertificateFiles, makeAuthority } from '../servers/certificates.ts';
import { corralCommand } from '../callers/corral-command.ts';
import { until } from '../nodes/node.ts';
import { type NodeProcess, startNodeProcess } from '../nodes/node-process.ts';
import { encodeOperator } from '../servers/operator-mode.ts';
import { RawDevice } from '../devices/raw-device.ts';
import { createDatabase, startHub, startSite, type Temporary, temporaryFolder } from '../servers/servers.ts';

const { folder, remove } = temporaryFolder();
const cleanUps: (() => Promise<unknown>)[] = [];

let authority: Authority;
let stranger: Authority;
let ofHub: CertificateFiles;
let ofClient: CertificateFiles;
let strangersClient: CertificateFiles;
let hub: Hub & Temporary;

beforeAll(async () => {
  authority = await makeAuthority(folder, 'authority');
  stranger = await makeAuthority(folder, 'stranger');
  ofHub = await authority.sign({ name: 'hub', hosts: ['127.0.0.1', 'localhost'] });
  ofClient = await authority.sign({ name: 'client' });
  strangersClient = await stranger.sign({ name: 'client' });
  hub = await startTlsHub(ofHub);
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
afterAll(async () => {
  await hub.end();
  remove();
});

function startTlsHub(
  { certFile, keyFile }: CertificateFiles,
  { verify = false }: { readonly verify?: boolean } = {},
): Promise<Hub & Temporary> {
  return startHub({
    configFile: join(projectFolder, 'nats-tls.conf'),
    variables: {
      CORRAL_HUB_TLS_CERT: certFile,
      CORRAL_HUB_TLS_KEY: keyFile,
      CORRAL_HUB_TLS_CA: authority.caFile,
      CORRAL_HUB_TLS_VERIFY: verify,
    },
  });
}

/** A hub that lives as long as the test. */
async function ownHub(...args: Parameters<typeof startTlsHub>): Promise<Hub> {
  const own = await startTlsHub(...args);
  cleanUps.push(own.end);
  return own;
}

function urlOf(at: Hub, user: HubUser, scheme = 'tls', host = '127.0.0.1'): string {
  return at.url(user).replace('nats://', `${scheme}://`).replace('127.0.0.1', host);
}

async function connect(url: string, security: HubSecurity = {}): Promise<HubConnection> {
  const inboxPrefix = ownInbox(url, security);
  const connection = await connectToHub({ url, security, inboxPrefix, name: 'test' });
  cleanUps.push(() => connection.close());
  return connection;
}

/** What a connection is refused with: its sentence, which is one and quotes no secret. */
async function refusal(url: string, security: HubSecurity = {}): Promise<string> {
  const failure: unknown = await connect(url, security).catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: 'ConnectError' });
  const { message } = failure as Error;
  expect(message).not.toMatch(/\n|runtime:|PRIVATE|SU[A-Z2-7]{10}/);
  return message;
}

describe('the hub with TLS', () => {
  it.each([
    ['by its address', '127.0.0.1', 'tls'],
    ['by its name', 'localhost', 'tls'],
    ['though the address does not ask for TLS', '127.0.0.1', 'nats'],
  ])('takes a node that knows its authority: %s', async (_how, host, scheme) => {
    const { nats } = await connect(urlOf(hub, 'runtime', scheme, host), { caFile: authority.caFile });
    expect(nats.info?.tls_required).toBe(true);
    await nats.flush();
  });

  it('takes a backend through the client library', async () => {
    const corral = await connectCorral({
      url: urlOf(hub, 'backend'),
      security: { caFile: authority.caFile },
    });
    await corral.close();
  });

  it('takes a person at the command line, whom the environment tells of the authority', async () => {
    const env = { CORRAL_WARDEN_URL: urlOf(hub, 'warden'), CORRAL_NATS_CA: authority.caFile };
    const { code, stdout } = await corralCommand(['connections', '--for', '100ms'], { env });
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('warden') as unknown });
    const without = await corralCommand(['connections'], { env: { ...env, CORRAL_NATS_CA: '' } });
    expect(without).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no authority signed that is trusted here') as unknown,
    });
  });

  it.each([
    ['knows no authority of its own', () => ({})],
    ['knows another authority', () => ({ caFile: stranger.caFile })],
  ])('is not trusted by a node that %s', async (_what, security) => {
    expect(await refusal(urlOf(hub, 'runtime'), security())).toMatch(
      /^the NATS server at 127\.0\.0\.1:\d+ shows a certificate that no authority signed that is trusted here/,
    );
  });

  it('is not trusted when its certificate has expired', async () => {
    const expired = await ownHub(
      await authority.sign({
        name: 'expired',
        hosts: ['127.0.0.1'],
        notAfter: new Date(Date.now() - 86_400_000),
      }),
    );
    expect(await refusal(urlOf(expired, 'runtime'), { caFile: authority.caFile })).toContain('has expired');
  });

  it('takes a renewed certificate by a reload, at both of its doors', async () => {
    const from = { name: 'renewed', hosts: ['127.0.0.1'] };
    const renewed = await ownHub(
      await authority.sign({ ...from, notAfter: new Date(Date.now() - 86_400_000) }),
    );
    const [url, security] = [urlOf(renewed, 'runtime'), { caFile: authority.caFile }];
    expect(await refusal(url, security)).toContain('has expired');
    await authority.sign(from);
    process.kill(renewed.pid(), 'SIGHUP');
    const isTaken = (): Promise<boolean> =>
      connect(url, security).then(
        () => true,
        () => false,
      );
    await expect.poll(isTaken, { timeout: 10_000 }).toBe(true);
    const site = await startSite(renewed, {
      configFile: siteConfig,
      variables: siteVariables(renewed, authority.caFile),
    });
    await site.end();
  });

  it.each([
    ['an address', '127.0.0.1', ['localhost', 'hub.example', '127.0.0.2']],
    ['a name', 'localhost', ['hub.example', '127.0.0.2']],
  ])('is not trusted when its certificate is for others than %s', async (_what, host, hosts) => {
    const other = await ownHub(await authority.sign({ name: 'other', hosts }));
    const said = await refusal(urlOf(other, 'runtime', 'tls', host), { caFile: authority.caFile });
    expect(said).toContain('for other names than the one in the address');
  });

  it('is not spoken to by a node that wants TLS where there is none', async () => {
    const open = await startHub();
    cleanUps.push(open.end);
    expect(await refusal(urlOf(open, 'runtime'))).toContain('offers no TLS: nothing was said to it');
    const knowing = await refusal(open.url('runtime'), { caFile: authority.caFile });
    expect(knowing).toContain('offers no TLS: nothing was said to it');
  });

  it('that wants certificates takes whoever shows one of its authority, and logs in', async () => {
    const strict = await ownHub(ofHub, { verify: true });
    const url = urlOf(strict, 'runtime');
    const { nats } = await connect(url, { caFile: authority.caFile, ...ofClient });
    await nats.flush();
    expect(await refusal(url, { caFile: authority.caFile })).toContain(
      'wants a certificate from whoever connects',
    );
    expect(await refusal(url, { caFile: authority.caFile, ...strangersClient })).toContain(
      'does not take the certificate that it was shown',
    );
    const nobody = url.replace('runtime:runtime', 'runtime:wrong');
    expect(await refusal(nobody, { caFile: authority.caFile, ...ofClient })).toContain(
      'refused the user or the password',
    );
  });

  it('has everything that nats.conf gives the door of the sites', () => {
    const blocks = ['nats.conf', 'nats-tls.conf'].map((file) => leafnodesOf(join(projectFolder, file)));
    expect(blocks[0]!.length).toBeGreaterThan(1);
    expect(blocks[1]).toEqual([...blocks[0]!, 'tls: $CORRAL_HUB_TLS']);
  });
});

/** The lines of a file's leafnodes block, without comments. */
function leafnodesOf(file: string): readonly string[] {
  const block = /^leafnodes \{\n([\s\S]*?)\n\}/m.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
  return block
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

const siteConfig = join(projectFolder, 'tools/dev/site-tls.conf');

function siteVariables(at: Hub, caFile: string): Readonly<Record<string, string>> {
  return {
    CORRAL_SITE_REMOTE: `tls://depot:depot@${at.leafAddress}`,
    CORRAL_SITE_TLS_CA: caFile,
    CORRAL_SITE_TLS_CERT: ofClient.certFile,
    CORRAL_SITE_TLS_KEY: ofClient.keyFile,
  };
}

describe('a site over TLS', () => {
  it.each([false, true])('delivers its reports (the hub wants its certificate: %s)', async (verify) => {
    const at = await ownHub(ofHub, { verify });
    const security = { caFile: authority.caFile, ...(verify ? ofClient : {}) };
    const runtime = await connect(urlOf(at, 'runtime'), security);
    await (await jetstreamManager(runtime.nats)).streams.add({ name: 'DEVICES', subjects: ['report.>'] });
    const site = await startSite(at, {
      configFile: siteConfig,
      variables: siteVariables(at, authority.caFile),
    });
    cleanUps.push(site.end);
    const device = await connect(site.url);
    const ack = await jetstream(device.nats).publish('device.cp-1.report', '{}');
    expect(ack.stream).toBe('DEVICES');
  });

  it.each([
    ['that knows another authority', () => siteVariables(hub, stranger.caFile), /unknown authority/],
    [
      'that comes without TLS',
      () => ({
        ...siteVariables(hub, authority.caFile),
        CORRAL_SITE_REMOTE: `nats-leaf://depot:depot@${hub.leafAddress}`,
      }),
      null,
    ],
  ])('has no link %s', async (_what, variables, said) => {
    const plain = said === null;
    const failure: unknown = await startSite(hub, {
      ...(plain ? {} : { configFile: siteConfig }),
      variables: variables(),
      linkTimeoutMs: 6_000,
    }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: expect.stringContaining('had no link to the hub') as unknown });
    if (said !== null) expect((failure as Error).message).toMatch(said);
  });
});

/** A node that lives as long as the test. */
async function startNode(env: Readonly<Record<string, string>>, at: Hub = hub): Promise<NodeProcess> {
  const database = await createDatabase();
  cleanUps.push(database.drop);
  const node = await startNodeProcess({ hub: at, postgresUrl: database.url, env });
  cleanUps.push(node.stop);
  return node;
}

describe('a node', () => {
  it('hears a site and answers a backend when all of them speak TLS and show certificates', async () => {
    const at = await ownHub(ofHub, { verify: true });
    await startNode(
      {
        CORRAL_NATS_URL: urlOf(at, 'runtime'),
        CORRAL_NATS_CA: authority.caFile,
        CORRAL_NATS_CERT: ofClient.certFile,
        CORRAL_NATS_KEY: ofClient.keyFile,
      },
      at,
    );
    const site = await startSite(at, {
      configFile: siteConfig,
      variables: siteVariables(at, authority.caFile),
    });
    cleanUps.push(site.end);
    const device = await RawDevice.start({ nats: (await connect(site.url)).nats, device: 'cp-1' });
    await device.report();
    const security = { caFile: authority.caFile, ...ofClient };
    const corral = await connectCorral({ url: urlOf(at, 'backend'), security });
    cleanUps.push(() => corral.close());
    await until('the backend is answered', async () => {
      const answer: unknown = await corral.get('cp-1').catch((error: unknown) => error);
      const isKnown = (answer as { readonly device?: string }).device === 'cp-1';
      return isKnown ? { done: true } : { done: false, seen: JSON.stringify(answer) };
    });
  });

  it('ends with one sentence where it cannot trust the hub, or use a file that it was given', async () => {
    const url = urlOf(hub, 'runtime');
    await expect(startNode({ CORRAL_NATS_URL: url, CORRAL_NATS_CA: stranger.caFile })).rejects.toThrow(
      /the last it said: the NATS server at [\d.:]+ shows a certificate that no authority signed [^\n]+\n?$/,
    );
    await expect(startNode({ CORRAL_NATS_URL: url, CORRAL_NATS_CA: '/nowhere' })).rejects.toThrow(
      /the last it said: the CA file \/nowhere cannot be read: there is no such file\n?$/,
    );
  });
});

describe('a login', () => {
  it('by nkey is taken for the user whose key it is, and by no other key', async () => {
    const [user, other] = [createUser(), createUser()];
    const own = await startHub({
      configure: (natsConf) =>
        natsConf.replace(
          'user: runtime, password: $CORRAL_RUNTIME_PASSWORD,',
          `nkey: ${user.getPublicKey()},`,
        ),
    });
    cleanUps.push(own.end);
    const [nkeyFile, otherFile] = [join(folder, 'runtime.nk'), join(folder, 'other.nk')];
    writeFileSync(nkeyFile, `${Buffer.from(user.getSeed()).toString()}\n`, { mode: 0o600 });
    writeFileSync(otherFile, Buffer.from(other.getSeed()), { mode: 0o600 });
    const url = `nats://runtime@127.0.0.1:${String(own.ports.client)}`;
    await startNode({ CORRAL_NATS_URL: url, CORRAL_NATS_NKEY: nkeyFile }, own);
    const connection = await connect(url, { nkeyFile });
    await connection.nats.request('$JS.API.INFO', '');
    expect(await refusal(url, { nkeyFile: otherFile })).toContain('refused the user or the password');

    // It logs in again after an outage, even while its file is being replaced.
    const isBack = new Promise<void>((resolve) =>
      connection.onChange((isConnected) => isConnected && resolve()),
    );
    await own.kill();
    rmSync(nkeyFile);
    await own.start();
    await isBack;
    await connection.nats.request('$JS.API.INFO', '');
  });

  it('by creds is taken for the user that its JWT names, and by no JWT that the account did not sign', async () => {
    const operator = encodeOperator();
    const server = await startNatsServer({
      name: 'operated',
      configFile: operator.writeConfig(folder),
      dataDir: join(folder, 'operated'),
      ports: { client: { port: 0, flag: '' }, monitor: { port: 0, flag: '' } },
      variables: ({ client, monitor }) => ({
        LISTEN: `127.0.0.1:${String(client)}`,
        MONITOR: `127.0.0.1:${String(monitor)}`,
      }),
    });
    cleanUps.push(server.stop);
    const url = `nats://127.0.0.1:${String(server.ports.client)}`;
    const [credsFile, forgedFile] = [join(folder, 'node.creds'), join(folder, 'forged.creds')];
    writeFileSync(credsFile, operator.creds(), { mode: 0o600 });
    writeFileSync(forgedFile, encodeOperator().creds(), { mode: 0o600 });
    const { nats } = await connect(url, { credsFile });
    await nats.flush();
    expect(await refusal(url, { credsFile: forgedFile })).toContain('refused the user or the password');
  });
});

describe('files that are wrong are said in one sentence', () => {
  const write = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const seed = Buffer.from(createUser().getSeed()).toString();
  const plainUrl = (): string => `nats://127.0.0.1:${String(hub.ports.client)}`;

  it.each<readonly [string, () => HubSecurity, RegExp]>([
    [
      'a missing CA file',
      () => ({ caFile: '/nowhere/ca.pem' }),
      /^the CA file \/nowhere\/ca\.pem cannot be read: there is no such file$/,
    ],
    ['a folder', () => ({ caFile: folder }), /cannot be read: it is a folder$/],
    [
      'a CA file that holds none',
      () => ({ caFile: write('no-ca.pem', 'secret') }),
      /^the CA file .* holds no certificate in PEM form$/,
    ],
    [
      'a certificate without its key',
      () => ({ certFile: ofClient.certFile }),
      /^there is a certificate file and no key file/,
    ],
    [
      'a key without its certificate',
      () => ({ keyFile: ofClient.keyFile }),
      /^there is a key file and no certificate file/,
    ],
    [
      'the key of another certificate',
      () => ({ certFile: ofClient.certFile, keyFile: ofHub.keyFile }),
      /^the key in .* is not the one of the certificate in/,
    ],
    [
      'a key file that holds none',
      () => ({ certFile: ofClient.certFile, keyFile: write('no.key', 'secret') }),
      /holds no private key in PEM form/,
    ],
    [
      'an nkey file with something else',
      () => ({ nkeyFile: write('no.nk', seed.slice(0, 30)) }),
      /^the nkey file .* does not hold the seed of a user/,
    ],
    [
      'a creds file with something else',
      () => ({ credsFile: write('no.creds', seed) }),
      /^the creds file .* does not hold a user's JWT and seed/,
    ],
    [
      'two logins',
      () => ({ nkeyFile: write('user.nk', seed), credsFile: write('user.creds', 'x') }),
      /^there are two logins \(a creds file and an nkey file\)/,
    ],
  ])('%s', async (_what, security, said) => {
    expect(await refusal(plainUrl(), security())).toMatch(said);
  });

  it('a login in the address and one in a file', async () => {
    const nkeyFile = write('user.nk', seed);
    expect(await refusal(hub.url('runtime'), { nkeyFile })).toMatch(
      /^there are two logins \(a password in the address and an nkey file\)/,
    );
  });
});
