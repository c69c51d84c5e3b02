import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DEFAULT_POSTGRES_LIMITS } from '../../src/postgres/limits.ts';
import { SessionPool } from '../../src/postgres/sessions.ts';

/** Messages of the protocol: authenticated; ready; and then the end, all in one packet. */
const WELCOME_AND_END = Buffer.concat([
  message('R', Buffer.from([0, 0, 0, 0])),
  message('Z', Buffer.from('I')),
  message(
    'E',
    Buffer.from('SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0'),
  ),
]);

function message(type: string, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.write(type);
  header.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

let server: Server;
let url: string;

beforeEach(async () => {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(WELCOME_AND_END));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens nowhere');
  url = `postgres://corral@127.0.0.1:${String(address.port)}/corral`;
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

// An error that nobody takes ends a process; here it ends the test run.
test('a server that shuts down in the moment in which a connection is made fails the query, and nothing else', async () => {
  const sessions = new SessionPool({
    connectionString: url,
    connectionsMax: 1,
    planCacheMode: 'auto',
    limits: DEFAULT_POSTGRES_LIMITS,
  });
  await expect(sessions.query({ text: 'select 1' })).rejects.toThrow();
  await sessions.close();
});
