/**
 * Messages that no client library would send. Whatever one of them holds, it is counted, answered where it asks for an answer, and
 * nothing else stops.
 */
import { createServer, connect as dial, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectCorral } from '../../src/client/corral.ts';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import type { HubTrouble } from '../../src/nats/hub-trouble.ts';
import { listen } from '../../src/nats/listen.ts';
import { BOMBS, inFrame } from '../hostile/decoding-bombs.ts';
import { hostileMessages } from '../hostile/hostile-messages.ts';
import { RawClient } from '../hostile/raw-client.ts';
import { startHub, type Temporary } from '../servers/servers.ts';
import type { Hub, HubUser } from '../../tools/dev/hub.ts';
import { until } from '../nodes/node.ts';
import { World } from '../servers/world.ts';
import type { App } from '../../src/app/app.ts';

/** So many messages are made up; `CORRAL_FUZZ_MESSAGES=100000` for a long run. */
const FUZZED = Number(process.env.CORRAL_FUZZ_MESSAGES ?? 3_000);
const FUZZ_SEED = Number(process.env.CORRAL_FUZZ_SEED ?? 11);
const FUZZED_AT_ONCE = 1_000;
/** A payload whose size was overstated swallows the question whether all was heard. */
const FUZZ_PATIENCE_MS = 2_000;

const MALFORMED = 'NATS/1.0\r\nbad key: x\r\n\r\n';

/** Blocks of headers that cannot be read, or that nobody should take the time to read. */
const unreadable: readonly (readonly [string, string])[] = [
  ['a space in a name', MALFORMED],
  ['a line feed in a value', 'NATS/1.0\r\na: b\nc\r\n\r\n'],
  ['an empty name with a space', 'NATS/1.0\r\n : x\r\n\r\n'],
  ['a name that is no ASCII', 'NATS/1.0\r\nschlüssel: x\r\n\r\n'],
  [
    '10,000 lines',
    `NATS/1.0\r\n${Array.from({ length: 10_000 }, (_, n) => `h${String(n)}: x\r\n`).join('')}\r\n`,
  ],
  ['100,000 bytes in one line', `NATS/1.0\r\na: ${'x'.repeat(100_000)}\r\n\r\n`],
];

describe('a message that no client would send', () => {
  let world: World;
  let node: App;
  const raws: RawClient[] = [];
  beforeEach(async () => {
    world = await World.start();
    node = await world.hostNode();
  });
  afterEach(async () => {
    for (const raw of raws.splice(0)) raw.close();
    await world.end();
  });
  async function raw(user: HubUser): Promise<RawClient> {
    const client = await RawClient.connect(world.hub.url(user));
    raws.push(client);
    return client;
  }
  async function known(): Promise<{ readonly device: string; readonly report: () => Promise<object> }> {
    const device = await world.knownDevice();
    return { device: device.device, report: () => device.report() };
  }
  const noticesOf = async (type: string): Promise<number> => {
    const text = await (await fetch(`${node.httpUrl}/metrics`)).text();
    const sample = new RegExp(`^corral_notices_total\\{part="\\w+",type="${type}"\\} (\\d+)$`, 'm');
    return Number(sample.exec(text)?.[1] ?? 0);
  };

  test('is answered 400 and counted, whoever sends it and whatever it asks, and all other requests are served', async () => {
    const { device, report } = await known();
    const asked = [
      ['backend', `twin.${device}.get`],
      ['backend', `twin.${device}.command.report`],
      ['backend', 'fleet.find'],
      ['backend', '$SRV.PING.corral'],
      ['engineer', `twin.${device}.ledger`],
      ['engineer', `node.log.${device}`],
    ] as const;
    for (const [name, headers] of unreadable) {
      for (const [user, subject] of asked) {
        const client = await raw(user);
        await client.send('SUB _INBOX.raw 1\r\n');
        await client.publish({ subject, reply: '_INBOX.raw', headers });
        const [answered] = await client.match(/HMSG _INBOX\.raw[^]*Nats-Service-Error-Code: \d+/);
        expect([name, subject, answered]).toEqual([name, subject, expect.stringMatching(/Code: 400$/)]);
        expect(await world.backend.get(device)).toMatchObject({ device });
        client.close();
      }
    }
    expect(await noticesOf('message-unreadable')).toBe(unreadable.length * asked.length);
    expect(await report()).toMatchObject({ stream: 'DEVICES-depot' });
  });

  test('in the history of changes keeps nobody who follows it from what comes next', async () => {
    const known = await world.knownDevice();
    const { device } = known;
    const corral = await connectCorral({ url: world.hub.url('backend') });
    world.add(() => corral.close());
    const watch = await corral.watch();
    const events = await fetch(`${node.httpUrl}/v1/events`);
    const text = events.body!.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
    // A backend lets the node's own answer be stored, where the hub lets it; the node's user could store anything.
    const backend = await raw('backend');
    await backend.publish({ subject: `twin.${device}.get`, reply: `twin.${device}.changed` });
    await backend.isHeard();
    const runtime = await raw('runtime');
    for (const payload of ['', '{}', '{"twin":{"suspicions":7}}', '\xde\xff\xff\xff\xff'])
      await runtime.publish({ subject: `twin.${device}.changed`, payload });
    await runtime.publish({ subject: `twin.${device}.outcome`, headers: MALFORMED, payload: '[]' });
    await runtime.isHeard();
    await known.report({ state: 'charging' });
    for await (const event of watch) {
      expect(event).toMatchObject({
        type: 'changed',
        device,
        to: expect.stringContaining('charging') as string,
      });
      break;
    }
    expect(watch.unreadable).toBeGreaterThanOrEqual(5);
    let heard = '';
    while (!heard.includes('event: changed')) {
      const { done, value } = await text.next();
      expect([done, heard]).toEqual([false, heard]);
      heard += value ?? '';
    }
    await text.return?.();
    const metrics = await (await fetch(`${node.httpUrl}/metrics`)).text();
    expect(metrics).toContain(`corral_http_changes_unreadable_total ${String(watch.unreadable)}\n`);
  });

  test(
    `is one of ${String(FUZZED)} that are made up, on every subject that a node listens to, and the node answers and commits`,
    { timeout: 1_800_000 },
    async () => {
      // The first one is what strangers ask for and speak as; what becomes of it is their doing.
      await world.knownDevice();
      const known = await world.knownDevice();
      const clients = new Map<HubUser, RawClient>();
      for (let from = 0; from < FUZZED; from += FUZZED_AT_ONCE) {
        const messages = hostileMessages(FUZZ_SEED + from, Math.min(FUZZED_AT_ONCE, FUZZED - from));
        for (const { user, bytes } of messages) {
          const open = clients.get(user);
          // The hub hangs up on whoever misstates a size.
          const client = open?.isOpen === true ? open : await raw(user);
          clients.set(user, client);
          await client.send(bytes);
        }
        for (const client of clients.values()) {
          await Promise.race([client.isHeard(), sleep(FUZZ_PATIENCE_MS)]);
          client.close();
        }
        clients.clear();
        expect(await world.backend.get(known.device)).toMatchObject({ device: known.device });
      }
      known.restart();
      await known.report();
      await world.backend.untilDocument(
        known.device,
        'its report is committed',
        ({ sequence }) => (sequence as { readonly boot: number }).boot === known.boot,
      );
      expect(await noticesOf('message-unreadable')).toBeGreaterThan(0);
      expect(await noticesOf('message-failed')).toBe(0);
    },
  );

  test('holds more than may be made of it: it is a dead letter or refused, and what comes next is decided', async () => {
    const known = await world.knownDevice();
    const { device } = known;
    const depot = await raw('depot');
    for (const [, bomb] of BOMBS)
      for (const payload of [bomb, inFrame(bomb)])
        await depot.publish({ subject: `device.${device}.report`, payload });
    await depot.isHeard();
    await until('they are dead letters', async () => {
      const text = await (await fetch(`${node.httpUrl}/metrics`)).text();
      const count = (reason: string): string =>
        new RegExp(`^corral_dead_letters_total\\{reason="${reason}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? '0';
      const seen = ['too-large', 'too-many-values'].map(count);
      const isDone = seen.every((n) => n === String(BOMBS.length));
      return isDone ? { done: true } : { done: false, seen: seen.join() };
    });
    const booking = await raw('booking');
    await booking.send('SUB _INBOX.raw 1\r\n');
    const list = Buffer.concat([
      Buffer.from([0x81, 0xa1, 0x61, 0xdc, 0x80, 0x00]),
      Buffer.alloc(32_768, 0x80),
    ]);
    for (const verb of ['get', 'ledger', 'desired', 'command.report'])
      await booking.publish({ subject: `twin.${device}.${verb}`, reply: '_INBOX.raw', payload: list });
    await booking.publish({ subject: 'fleet.find', reply: '_INBOX.raw', payload: list });
    await until('all are refused', async () => {
      await booking.isHeard();
      const refused = booking.heard.split('Nats-Service-Error-Code: 400').length - 1;
      return refused === 5 ? { done: true } : { done: false, seen: String(refused) };
    });
    known.restart();
    await known.report();
    await world.backend.untilDocument(
      device,
      'its report is committed',
      ({ sequence }) => (sequence as { readonly boot: number }).boot === known.boot,
    );
  });

  test('with malformed headers and nobody to answer is counted alone', async () => {
    const { device } = await known();
    const client = await raw('backend');
    await client.publish({ subject: `twin.${device}.get`, headers: MALFORMED });
    await until('it is counted', async () => {
      const count = await noticesOf('message-unreadable');
      return count === 1 ? { done: true } : { done: false, seen: String(count) };
    });
    expect(await world.backend.get(device)).toMatchObject({ device });
  });
});

test('a node that lets timers have their turn after each message decides every report, in order', async () => {
  const world = await World.start();
  try {
    await world.hostNode({ decideMsMax: 0 });
    const known = await world.knownDevice();
    const before = known.seq;
    await Promise.all(Array.from({ length: 100 }, () => known.report()));
    await world.backend.untilDocument(
      known.device,
      'its last report is committed',
      ({ sequence }) => (sequence as { readonly seq: number }).seq === before + 100,
    );
    expect(await world.backend.command(known.device, 'report')).toMatchObject({ outcome: 'done' });
    expect((await world.backend.get(known.device)).sequence).toMatchObject({ missing: 0, late: 0 });
  } finally {
    await world.end();
  }
});

describe('a connection to the hub', () => {
  let hub: Hub & Temporary;
  const ends: (() => Promise<unknown>)[] = [];
  beforeEach(async () => {
    hub = await startHub();
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    await hub.end();
  });
  async function connected(url: string): Promise<{ connection: HubConnection; troubles: HubTrouble[] }> {
    const connection = await connectToHub({ url, name: 'test' });
    ends.push(() => connection.close());
    const troubles: HubTrouble[] = [];
    connection.onTrouble((trouble) => troubles.push(trouble));
    return { connection, troubles };
  }

  test('hears on after an answer to a request of its own has malformed headers', async () => {
    const { connection, troubles } = await connected(hub.url('runtime'));
    const answering = await connected(hub.url('runtime'));
    const raw = await RawClient.connect(hub.url('runtime'));
    ends.push(async () => raw.close());
    const asked = new Promise<string>((resolve) => {
      listen(answering.connection, { subject: 'owner.1.>', handle: ({ reply }) => resolve(reply ?? '') });
    });
    await answering.connection.nats.flush();
    const request = connection.nats.request('owner.1.cp-1.get', '', { timeout: 2_000 });
    await raw.publish({ subject: await asked, headers: MALFORMED });
    await expect(request).rejects.toThrow(/timeout/i);
    expect(troubles.map(({ type }) => type)).toEqual(['client-failed']);
    await connection.nats.flush();
  });

  test('hears on after a handler has failed, and says so', async () => {
    const { connection, troubles } = await connected(hub.url('runtime'));
    const heard: string[] = [];
    listen(connection, {
      subject: 'owner.>',
      handle: ({ subject }) => {
        heard.push(subject);
        throw new Error('not made for that');
      },
    });
    for (const subject of ['owner.1.a.get', 'owner.1.b.get']) connection.nats.publish(subject);
    await connection.nats.flush();
    expect(heard).toEqual(['owner.1.a.get', 'owner.1.b.get']);
    expect(troubles).toEqual(
      heard.map((subject) => ({ type: 'message-failed', subject, detail: 'not made for that' })),
    );
  });

  test('that brings what is not NATS is broken and made anew, without waiting for pings', async () => {
    const clients: Socket[] = [];
    const proxy = createServer((client) => {
      clients.push(client);
      const onward = dial(hub.ports.client, '127.0.0.1');
      client.pipe(onward).pipe(client);
      for (const socket of [client, onward]) socket.on('error', () => undefined);
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    ends.push(async () => {
      for (const client of clients) client.destroy();
      proxy.close();
    });
    const { port } = proxy.address() as AddressInfo;
    const { connection, troubles } = await connected(`nats://runtime:runtime@127.0.0.1:${String(port)}`);
    const statuses: string[] = [];
    void (async () => {
      for await (const { type } of connection.nats.status()) statuses.push(type);
    })();
    for (const garbage of ['what is this?\r\n', 'HMSG a 1 9 3\r\n']) {
      const isBack = new Promise<void>((resolve) => {
        const unlisten = connection.onChange((isConnected) => {
          if (!isConnected) return;
          unlisten();
          resolve();
        });
      });
      clients.at(-1)?.write(garbage);
      await isBack;
    }
    await connection.nats.flush();
    expect(troubles.map(({ type }) => type)).toEqual(['protocol-broken', 'protocol-broken']);
    expect(statuses).not.toContain('staleConnection');
    clients.at(-1)?.write('INFO {\r\n');
    await until('it is counted', async () => {
      await connection.nats.flush();
      return troubles.length === 3 ? { done: true } : { done: false, seen: JSON.stringify(troubles) };
    });
    expect(troubles.at(-1)?.type).toBe('client-failed');
  });
});
