/** What a node finds out about the hub before it trusts it, and what it says when it does not. */
import { jetstreamManager } from '@nats-io/jetstream';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import { prepareHub } from '../../src/nats/hub.ts';
import { STREAMS } from '../../src/wire/subjects.ts';
import type { Hub } from '../../tools/dev/hub.ts';
import { startNatsServer } from '../../tools/dev/nats-server.ts';
import { startLink } from '../servers/link.ts';
import { startHub, type Temporary, temporaryFolder } from '../servers/servers.ts';

let hub: Hub & Temporary;
const connections: HubConnection[] = [];

beforeAll(async () => {
  hub = await startHub();
});
afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await hub.end();
});

async function connect(url: string): Promise<HubConnection> {
  const connection = await connectToHub({ url, name: 'test' });
  connections.push(connection);
  return connection;
}

describe('connecting', () => {
  const at = (): string => `127.0.0.1:${String(hub.ports.client)}`;

  test.each([
    [
      'a port where nothing listens',
      () => 'nats://runtime:runtime@127.0.0.1:1',
      'refused',
      'no NATS server accepts connections at 127.0.0.1:1',
    ],
    [
      'a wrong password',
      () => `nats://runtime:wrong@${at()}`,
      'unauthorized',
      'refused the user or the password',
    ],
    ['no password', () => `nats://${at()}`, 'unauthorized', 'refused the user or the password'],
    ['something that is no address', () => 'runtime:secret@hub', 'bad-url', 'a NATS address looks like'],
    ['another protocol', () => 'http://127.0.0.1:80', 'bad-url', 'a NATS address looks like'],
  ])('to %s fails with one sentence', async (_, url, problem, message) => {
    const failure: unknown = await connect(url()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'ConnectError', problem });
    const said = failure instanceof Error ? failure.message : '';
    expect(said).toContain(message);
    expect(said).not.toMatch(/secret|wrong|\n/);
  });

  test('to a hub that then freezes with full buffers is given up, and made again when it thaws', async () => {
    const link = await startLink();
    link.leadTo(at());
    const connection = await connect(`nats://runtime:runtime@${link.address}`);
    const changes: boolean[] = [];
    const became = (isConnected: boolean): Promise<void> =>
      new Promise((resolve) => {
        const unlisten = connection.onChange((now) => {
          changes.push(now);
          if (now !== isConnected) return;
          unlisten();
          resolve();
        });
      });
    const isLost = became(false);
    link.freeze();
    const payload = new Uint8Array(100_000);
    for (let sent = 0; sent < 200; sent += 1) connection.nats.publish('command.depot.cp-1', payload);
    await isLost;
    const isBack = became(true);
    link.heal();
    await isBack;
    await connection.nats.flush();
    expect(changes).toEqual([false, true]);
    await connection.close();
    await link.close();
  });

  test('to one of several servers succeeds when one is there', async () => {
    const connection = await connect(`nats://runtime:runtime@127.0.0.1:1,nats://${at()}`);
    expect(connection.isConnected()).toBe(true);
  });
});

describe('preparing the hub', () => {
  test('creates the streams, and leaves them as they are the next time', async () => {
    const runtime = await connect(hub.url('runtime'));
    const others = await Promise.all([connect(hub.url('runtime')), connect(hub.url('runtime'))]);
    await Promise.all([runtime, ...others].map((node) => prepareHub(node)));
    const fleet = await jetstreamManager((await connect(hub.url('operator'))).nats);
    const backends = await jetstreamManager((await connect(hub.url('backend'))).nats, { checkAPI: false });
    for (const [manager, { name, subjects }, mebibytes] of [
      [fleet, STREAMS.deadLetters, 256],
      [backends, STREAMS.changes, 1_024],
    ] as const) {
      const { config, created } = await manager.streams.info(name);
      expect(config).toMatchObject({
        subjects,
        storage: 'file',
        retention: 'limits',
        discard: 'old',
        duplicate_window: 120e9,
        max_bytes: mebibytes * 1024 ** 2,
      });
      await prepareHub(runtime);
      expect((await manager.streams.info(name)).created).toBe(created);
    }
  });

  test("keeps an operator's limits, and puts right what promises rest on", async () => {
    const runtime = await connect(hub.url('runtime'));
    await prepareHub(runtime);
    const fleet = await jetstreamManager((await connect(hub.url('operator'))).nats);
    const month = 30 * 24 * 3_600 * 1e9;
    const { name, subjects } = STREAMS.deadLetters;
    const changed = { subjects: ['deadletter.other'], max_age: month, max_bytes: -1 };
    await fleet.streams.update(name, { ...changed, duplicate_window: 1e9 });
    await prepareHub(runtime);
    const { config: right } = await fleet.streams.info(name);
    expect(right).toMatchObject({ subjects, max_age: month, max_bytes: 256 * 1024 ** 2 });
    expect(right).toMatchObject({ duplicate_window: 120e9, allow_direct: true });
    await fleet.streams.update(STREAMS.deadLetters.name, { duplicate_window: 600e9, max_bytes: 5e6 });
    await prepareHub(runtime);
    const { config: theirs } = await fleet.streams.info(STREAMS.deadLetters.name);
    expect(theirs).toMatchObject({ duplicate_window: 600e9, max_bytes: 5e6 });
  });

  test('takes the room that a smaller hub has left and says so, and refuses one that has none', async () => {
    const small = await startHub({ configure: withStoreOf('340MB') });
    const notices: unknown[] = [];
    const prepared = async (): Promise<void> =>
      prepareHub(await connect(small.url('runtime')), { onNotice: (notice) => notices.push(notice) });
    await prepared();
    // CHANGES comes after DEADLETTER, which takes 256 of the 340 MiB.
    const smaller = { type: 'stream-smaller', stream: 'CHANGES', bytes: 64 * 1024 ** 2, asked: 1024 ** 3 };
    expect(notices).toEqual([smaller]);
    const fleet = await jetstreamManager((await connect(small.url('operator'))).nats);
    await fleet.streams.delete(STREAMS.deadLetters.name);
    await fleet.streams.add({ name: 'OTHER', subjects: ['other'], max_bytes: 272 * 1024 ** 2 });
    await expect(prepared()).rejects.toThrow(/no room left for the stream DEADLETTER.*at least 8 MiB/);
    await small.end();
  });

  test('leaves no trace of its look at the mapping: an owner that hears it has nobody to answer', async () => {
    const runtime = await connect(hub.url('runtime'));
    const heard: (string | undefined)[] = [];
    runtime.nats.subscribe('owner.>', { callback: (_error, message) => void heard.push(message.reply) });
    await prepareHub(runtime);
    expect(heard.length).toBeGreaterThan(0);
    expect(heard.every((reply) => reply === undefined || reply === '')).toBe(true);
  });

  test.each(['backend', 'engineer', 'depot'] as const)(
    'as the user %s is refused with a sentence',
    async (user) => {
      await expect(prepareHub(await connect(hub.url(user)))).rejects.toThrow(/owner/);
    },
  );

  test('on a server without the mapping of nats.conf is refused with a sentence', async () => {
    const { folder, remove } = temporaryFolder();
    const configFile = join(folder, 'plain.conf');
    writeFileSync(configFile, 'listen: $LISTEN\nhttp: $MONITOR\njetstream { store_dir: $STORE }\n');
    const plain = await startNatsServer({
      name: 'plain',
      configFile,
      dataDir: folder,
      ports: { client: { port: 0, flag: '' }, monitor: { port: 0, flag: '' } },
      variables: ({ client, monitor }) => ({
        LISTEN: `127.0.0.1:${String(client)}`,
        MONITOR: `127.0.0.1:${String(monitor)}`,
        STORE: join(folder, 'store'),
      }),
    });
    try {
      const connection = await connect(`nats://127.0.0.1:${String(plain.ports.client)}`);
      await expect(prepareHub(connection)).rejects.toThrow(
        /does not map twin\.\*\.get to owner\.<partition>/,
      );
    } finally {
      await plain.stop();
      remove();
    }
  });
});

/** The configuration of a hub with a small disk. */
function withStoreOf(size: string): (natsConf: string) => string {
  return (natsConf) => natsConf.replace(/^jetstream \{$/m, `jetstream {\n  max_file_store: ${size}`);
}
