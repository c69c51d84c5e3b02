/**
 * Connections on which somebody is slow, on purpose or not: each ends within a named time, whatever drips.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ANSWER_MS,
  BODY_MS,
  CONNECTIONS_EACH_MAX,
  HEADER_MS,
  KEEP_ALIVE_MS,
  LOOK_MS,
} from '../../src/http/connections.ts';
import { addressBlock } from '../../src/http/remote-address.ts';
import { commitLives, fleet } from './http-fleet.ts';
import { type HttpNode, httpOver, OPEN, StandingClock } from './http-node.ts';
import { memory, type OpenStore } from './http-stores.ts';

const OPERATOR = { name: 'operator', token: 'a-token-that-may-operate' };
const GET = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
const EVENTS = 'GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n';
const OPENAPI = 'GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n';
const POST = 'Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{';

let opened: OpenStore;
let node: HttpNode;
let clock: StandingClock;
const clients: Socket[] = [];

beforeEach(async () => {
  clock = new StandingClock();
  opened = await memory.open(clock);
  await commitLives(opened.store, fleet);
  node = await httpOver(opened.store, clock, {
    ...OPEN,
    access: { readTokens: [], operateTokens: [OPERATOR], isReadOpen: true },
  });
  await node.app.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(async () => {
  for (const socket of clients.splice(0)) socket.destroy();
  await node.app.close();
  await opened.end();
});

/** Both ends of a connection, and what the client was told. */
class Line {
  readonly client: Socket;
  readonly server: Socket;
  text = '';
  isClosed = false;

  private constructor(client: Socket, server: Socket) {
    this.client = client;
    this.server = server;
    client.setEncoding('latin1').on('data', (chunk: string) => (this.text += chunk));
    client.on('error', () => undefined).on('close', () => (this.isClosed = true));
  }

  static async open(): Promise<Line> {
    const { port } = node.app.server.address() as { readonly port: number };
    const connected = once(node.app.server, 'connection');
    const client = connect(port, '127.0.0.1');
    clients.push(client);
    const [server] = (await connected) as [Socket];
    return new Line(client, server);
  }

  /** Resolves when the server has it. */
  async send(bytes: string): Promise<void> {
    const before = this.server.bytesRead;
    this.client.write(bytes, 'latin1');
    await turnsUntil(() => this.server.bytesRead >= before + bytes.length || this.server.destroyed);
  }

  async answered(): Promise<void> {
    await turnsUntil(() => /\r\n\r\n[^]/.test(this.text));
  }

  async closed(): Promise<void> {
    await turnsUntil(() => this.isClosed);
  }
}

async function turnsUntil(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets so much time pass, and a byte arrive each second. */
async function drip(line: Line, byMs: number, byte: string): Promise<void> {
  for (let passed = 0; passed < byMs && !line.server.destroyed; passed += LOOK_MS) {
    if (byte !== '') await line.send(byte);
    clock.move(LOOK_MS);
  }
}

describe('a connection', () => {
  test.each([
    ['the first header drips', '', 'GET / HTTP/1.1\r\nX-Slow: ', 'x', HEADER_MS],
    ['a later header drips', GET, 'GET / HTTP/1.1\r\nX-Slow: ', 'x', HEADER_MS],
    [
      'the body drips',
      '',
      `POST /v1/devices/cp-001/commands HTTP/1.1\r\nAuthorization: Bearer ${OPERATOR.token}\r\n${POST}`,
      ' ',
      BODY_MS,
    ],
  ])('on which %s is told so and ends', async (_, first, begun, byte, limitMs) => {
    const line = await Line.open();
    if (first !== '') {
      await line.send(first);
      await line.answered();
      line.text = '';
    }
    await line.send(begun);
    await drip(line, limitMs - 2 * LOOK_MS, byte);
    expect(line.server.destroyed).toBe(false);
    await drip(line, 4 * LOOK_MS, byte);
    await line.closed();
    expect(line.text).toMatch(/^HTTP\/1\.1 408 [^]*"code":"request-timeout"/);
  });

  test.each([
    ['nobody says anything', '', '', HEADER_MS],
    ['nothing but empty lines arrives after an answer', GET, '\r\n', HEADER_MS],
    ['nothing is asked any more', GET, '', KEEP_ALIVE_MS],
    ['a body that nobody wants drips', `POST /v1/fleet HTTP/1.1\r\n${POST}`, ' ', HEADER_MS],
    ['a body that nobody wants is not sent on', `POST /v1/fleet HTTP/1.1\r\n${POST}`, '', HEADER_MS],
  ])('on which %s ends', async (_, first, byte, limitMs) => {
    const line = await Line.open();
    if (first !== '') {
      await line.send(first);
      await line.answered();
    }
    await drip(line, limitMs - 2 * LOOK_MS, byte);
    expect(line.server.destroyed).toBe(false);
    await drip(line, 5 * LOOK_MS, byte);
    await line.closed();
  });

  test('on which the rest of a body that nobody wanted arrives late goes on like any other once more was asked', async () => {
    const line = await Line.open();
    await line.send(`POST /v1/fleet HTTP/1.1\r\n${POST}`);
    await line.answered();
    await drip(line, HEADER_MS - 2 * LOOK_MS, '');
    line.text = '';
    await line.send(`${' '.repeat(99)}${GET}`);
    await line.answered();
    expect(line.text).toMatch(/^HTTP\/1\.1 200 /);
    await drip(line, KEEP_ALIVE_MS - 2 * LOOK_MS, '');
    expect(line.server.destroyed).toBe(false);
    await drip(line, 5 * LOOK_MS, '');
    await line.closed();
  });

  test('of which the answers are not taken ends', async () => {
    const line = await Line.open();
    line.client.pause();
    for (let count = 0; count < 200; count += 1) line.client.write(OPENAPI);
    await turnsUntil(() => line.server.writableLength > 0);
    await drip(line, ANSWER_MS - LOOK_MS, '');
    expect(line.server.destroyed).toBe(false);
    await drip(line, 2 * LOOK_MS, '');
    expect(line.server.destroyed).toBe(true);
  });

  test('that follows events goes on', async () => {
    const line = await Line.open();
    await line.send(EVENTS);
    await line.answered();
    await drip(line, ANSWER_MS + KEEP_ALIVE_MS, '');
    expect(line.server.destroyed).toBe(false);
    await turnsUntil(() => line.text.includes(': all is well'));
  });

  test('on which more is asked behind events is told so, and everything else is answered', async () => {
    const line = await Line.open();
    await line.send(`${EVENTS}${EVENTS}${GET}`);
    await turnsUntil(() => line.text.includes('"status":"alive"') || line.isClosed);
    expect(line.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400', 'HTTP/1.1 400', 'HTTP/1.1 200']);
    expect(line.text).toMatch(/"code":"bad-request"[^]*on a connection of its own/);
    expect(await node.metrics.metrics()).toContain('corral_http_requests_behind_events_total 2');
  });

  test('on which more is asked while events are told is cut, and counted', async () => {
    const line = await Line.open();
    await line.send(EVENTS);
    await line.answered();
    line.client.write(GET);
    await line.closed();
    expect(line.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
    expect(await node.metrics.metrics()).toContain('corral_http_requests_behind_events_total 1');
  });

  test('that closes closes every answer on it, also those whose turn never came', async () => {
    let isAsked = false;
    node.health = {
      check: () => {
        isAsked = true;
        return new Promise(() => undefined);
      },
    };
    const line = await Line.open();
    const closed: boolean[] = [];
    node.app.server.on('request', (_, response) => {
      const index = closed.push(false) - 1;
      response.once('close', () => (closed[index] = true));
    });
    await line.send(`GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n${GET}${OPENAPI}${EVENTS}`);
    await turnsUntil(() => isAsked && closed.length === 4);
    line.client.destroy();
    await turnsUntil(() => line.server.destroyed);
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toEqual([true, true, true, true]);
  });

  test('above the most of one address is closed, counted, and taken when another one has gone', async () => {
    const lines: Line[] = [];
    while (lines.length < CONNECTIONS_EACH_MAX) lines.push(await Line.open());
    const surplus = await Line.open();
    await surplus.closed();
    expect(await node.metrics.metrics()).toContain('corral_http_connections_refused_total 1');
    const [first] = lines;
    first?.client.destroy();
    await turnsUntil(() => first?.server.destroyed === true);
    const next = await Line.open();
    await next.send(GET);
    await next.answered();
    expect(next.text).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('on which somebody drips does not hold up the end', async () => {
    const line = await Line.open();
    await line.send(GET);
    await line.answered();
    await line.send('GET / HT');
    await node.app.close();
    await line.closed();
  });
});

test.each([
  ['127.0.0.1', 'this machine'],
  ['127.7.7.7', 'this machine'],
  ['::1', 'this machine'],
  ['::ffff:127.0.0.1', 'this machine'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::9', '2001:db8:0:0::/64'],
])('whoever comes from %s counts as %s', (address, block) => expect(addressBlock(address)).toBe(block));
