import type { FastifyRequest } from 'fastify';
import { describe, expect, test } from 'vitest';
import { EVENT_READERS_EACH_MAX, EventReaders } from '../../../src/http/event-readers.ts';

interface Asking {
  readonly token?: string;
  readonly origin?: string;
  readonly ip?: string;
}

/** What is looked at of a request. */
function asked({ token, origin, ip = '127.0.0.1' }: Asking): FastifyRequest {
  const caller = token === undefined ? null : { name: token };
  const headers = { host: 'localhost:4800', ...(origin === undefined ? {} : { origin }) };
  return { caller, headers, raw: { headers }, ip } as unknown as FastifyRequest;
}

function taken(readers: EventReaders, by: Asking): number {
  for (let count = 0; ; count += 1) {
    try {
      readers.take(asked(by));
    } catch {
      return count;
    }
  }
}

describe('one who has all places that one may have leaves', () => {
  test.each<[string, Asking, Asking]>([
    ['a page of another origin leaves those of the machine itself', { origin: 'https://a.example' }, {}],
    [
      'a page of another origin leaves another',
      { origin: 'https://a.example' },
      { origin: 'https://b.example' },
    ],
    [
      'a page of another origin leaves the page of the node',
      { origin: 'https://a.example' },
      { origin: 'http://localhost:4800' },
    ],
    ['an address leaves another', { ip: '192.0.2.1' }, { ip: '192.0.2.2' }],
    ['a token leaves another', { token: 'alice' }, { token: 'bob' }],
    ['a token leaves those without', { token: 'alice' }, {}],
  ])('%s', (_, one, other) => {
    const readers = new EventReaders();
    expect(taken(readers, one)).toBe(EVENT_READERS_EACH_MAX);
    expect(taken(readers, other)).toBe(EVENT_READERS_EACH_MAX);
  });

  test.each<[string, Asking, Asking]>([
    ['a token none to itself at another address', { token: 'alice' }, { token: 'alice', ip: '192.0.2.1' }],
    ['the page of the node none to its machine', { origin: 'http://localhost:4800' }, {}],
    ['an address of the machine none to another of it', {}, { ip: '127.0.0.2' }],
    ['an address of IPv6 none to its block', { ip: '2001:db8::1' }, { ip: '2001:db8::2' }],
  ])('%s', (_, one, same) => {
    const readers = new EventReaders();
    expect(taken(readers, one)).toBe(EVENT_READERS_EACH_MAX);
    expect(taken(readers, same)).toBe(0);
  });
});
