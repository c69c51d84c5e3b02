/**
 * HTTP on a socket: what no handler sees, because Node refuses it before.
 */
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commitLives, fleet } from './http-fleet.ts';
import { type HttpNode, httpOver, StandingClock } from './http-node.ts';
import { memory, type OpenStore } from './http-stores.ts';

let opened: OpenStore;
let node: HttpNode;
let url: string;

beforeAll(async () => {
  opened = await memory.open(new StandingClock());
  await commitLives(opened.store, fleet);
  node = await httpOver(opened.store, opened.clock);
  url = await node.app.listen({ host: '127.0.0.1', port: 0 });
});

afterAll(async () => {
  await node.app.close();
  await opened.end();
});

/** Writes bytes to the socket, and reads until the server closes it. */
function said(bytes: string): Promise<{ readonly head: string; readonly body: unknown }> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.on('error', reject).on('close', () => {
      const [head = '', body = ''] = text.split('\r\n\r\n', 2);
      resolve({ head, body: JSON.parse(body) as unknown });
    });
  });
}

test('listens on this machine alone', () => {
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
});

test('a device is looked at over a socket, and a second look costs no body', async () => {
  const first = await fetch(`${url}/v1/devices/cp-001`);
  expect(await first.json()).toMatchObject({ device: 'cp-001', state: 'charging' });
  const second = await fetch(`${url}/v1/devices/cp-001`, {
    headers: { 'if-none-match': first.headers.get('etag')! },
  });
  expect([second.status, await second.text()]).toEqual([304, '']);
});

test('HEAD tells what GET would, without the body', async () => {
  const [head, got] = await Promise.all([
    fetch(`${url}/v1/devices/cp-001`, { method: 'HEAD' }),
    fetch(`${url}/v1/devices/cp-001`),
  ]);
  expect([head.status, head.headers.get('etag'), await head.text()]).toEqual([
    200,
    got.headers.get('etag'),
    '',
  ]);
  await got.text();
});

test('a body that nobody asked for is refused before it is read', async () => {
  const response = await fetch(`${url}/v1/devices`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{',
  });
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  expect(await response.json()).toMatchObject({ code: 'method-not-allowed' });
});

test('a connection on which nothing was ever asked does not hold up the end', async () => {
  const other = await httpOver(opened.store, opened.clock);
  const { hostname, port } = new URL(await other.app.listen({ host: '127.0.0.1', port: 0 }));
  const socket = connect(Number(port), hostname);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  // The server knows it once it has answered somebody who came later.
  await fetch(`http://${hostname}:${port}/healthz`).then((response) => response.text());
  await other.app.close();
  await closed;
});

test('what is not HTTP gets a problem, and the connection is closed', async () => {
  const { head, body } = await said('good morning\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nContent-Type: application\/problem\+json/);
  expect(body).toMatchObject({ status: 400, code: 'bad-request', title: 'The request cannot be read' });
});

test('a header that is too long gets a problem', async () => {
  const { head, body } = await said(`GET / HTTP/1.1\r\nHost: here\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`);
  expect(head).toMatch(/^HTTP\/1\.1 431 /);
  expect(body).toMatchObject({ status: 431, code: 'headers-too-large' });
});

test('a target that is no path gets a problem', async () => {
  const { head, body } = await said('GET /%E0%A4%A HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1\.1 400 [^]*application\/problem\+json/);
  expect(body).toMatchObject({ code: 'bad-request' });
});
