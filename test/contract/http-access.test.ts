/**
 * Who may ask what over HTTP, however a request spells it: every route that the server has, on a socket.
 */
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DeclaredRoute } from '../../src/http/access.ts';
import type { HttpGuards } from '../../src/http/limits.ts';
import { commandOutcome } from '../../src/contract/ledger-entry.ts';
import { commitLives, fleet } from './http-fleet.ts';
import { type HttpNode, httpOver, OPEN, StandingClock } from './http-node.ts';
import { memory, type OpenStore } from './http-stores.ts';
import { entry } from './store-samples.ts';

const READER = { name: 'reader', token: 'a-token-that-may-read' };
const OPERATOR = { name: 'operator', token: 'a-token-that-may-operate' };
const GUARDED: HttpGuards = {
  ...OPEN,
  access: { readTokens: [READER], operateTokens: [OPERATOR], isReadOpen: false },
};
/** Without a token for reading, on loopback. */
const READ_OPEN: HttpGuards = {
  ...OPEN,
  access: { readTokens: [], operateTokens: [OPERATOR], isReadOpen: true },
};

const TOKENS = { none: null, wrong: 'a-token-of-nobody-here', read: READER.token, operate: OPERATOR.token };
type Holder = keyof typeof TOKENS;

/** Ways to write a path that a router, a proxy or a careless comparison may take for the same one. */
const SPELLINGS: Readonly<Record<string, (path: string, origin: string) => string>> = {
  'as it is': (path) => path,
  'with an encoded letter': (path) => path.replace(/[a-z]/, encoded),
  'with a double slash': (path) => `/${path}`,
  'in absolute form': (path, origin) => `${origin}${path}`,
  'with a trailing slash': (path) => `${path}/`,
  'in capitals': (path) => path.toUpperCase(),
  'with dot segments': (path) => `/healthz/..${path}`,
  'with encoded dot segments': (path) => `/healthz/%2e%2e${path}`,
  'with a semicolon': (path) => `${path};/healthz`,
  'with a query': (path) => `${path}?/healthz`,
  'with what cannot be decoded': (path) => `${path}%E0%A4%A`,
};
/** Those that lead to the route itself. */
const SAME = new Set(['as it is', 'with an encoded letter', 'in absolute form']);

/** Those that the router takes for it, right or wrong as they are for it. */
const MATCHING = new Set([...SAME, 'with a query']);
/** What those ask who watch the process. */
const PROBES = new Set(['/healthz', '/readyz']);

const BODY = '{"name":"report"}';

/** So many requests are under way at once. */
const PARALLEL = 16;

const FILLED: Readonly<Record<string, string>> = {
  device: 'cp-001',
  kind: 'car',
  code: 'stale',
  file: 'x.js',
};

function encoded(letter: string): string {
  return `%${letter.charCodeAt(0).toString(16)}`;
}

interface Spelt {
  readonly route: DeclaredRoute;
  readonly spelling: string;
  readonly target: string;
}

describe('over a socket', () => {
  let opened: OpenStore;
  let node: HttpNode;
  let origin: string;
  let executed: number;

  beforeEach(async () => {
    opened = await memory.open(new StandingClock());
    await commitLives(opened.store, fleet);
  });
  afterEach(async () => {
    await node.app.close();
    await opened.end();
  });
  async function begin(guards: HttpGuards): Promise<void> {
    node = await httpOver(opened.store, opened.clock, guards);
    executed = 0;
    node.commands = {
      command: async ({ id }) => {
        executed += 1;
        return { type: 'accepted', outcome: commandOutcome(entry('cp-001', { id })) };
      },
    };
    origin = await node.app.listen({ host: '127.0.0.1', port: 0 });
  }

  /** Every route in every spelling. */
  function spelt(): readonly Spelt[] {
    return node.app.declaredRoutes().flatMap((route) => {
      const path = route.url
        .replace(/:(\w+)/g, (_, name: string) => FILLED[name] ?? '0d4fa6ff-6f5b-4d0c-9be8-3d2f4f7f3c11')
        .replace('*', 'index.css');
      const spellings = Object.entries(SPELLINGS).map(([spelling, spell]) => ({
        route,
        spelling,
        target: spell(path, origin),
      }));
      // What only refuses is one and the same for all paths.
      return /GET|HEAD|POST/.test(route.method) ? spellings : spellings.slice(0, 2);
    });
  }

  /** The status that a request with these lines is answered with; the rest is not waited for. */
  function statusOf(lines: readonly string[]): Promise<number> {
    const { hostname, port } = new URL(origin);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () =>
        socket.write(`${lines.join('\r\n')}\r\n\r\n${BODY}`),
      );
      let text = '';
      socket.setEncoding('latin1').on('data', (chunk: string) => {
        text += chunk;
        const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
        if (status === undefined) return;
        resolve(Number(status));
        socket.destroy();
      });
      socket
        .on('error', reject)
        .on('close', () => reject(new Error(`no answer to ${lines.join(' | ')}: ${text}`)));
    });
  }
  const request = (
    { route, target }: Spelt,
    holder: Holder,
    { version = '1.1', hosts = [new URL(origin).host] as readonly string[] } = {},
  ): Promise<number> => {
    const token = TOKENS[holder];
    return statusOf([
      `${route.method} ${target} HTTP/${version}`,
      ...hosts.map((host) => `Host: ${host}`),
      ...(token === null ? [] : [`Authorization: Bearer ${token}`]),
      'Content-Type: application/json',
      `Content-Length: ${String(BODY.length)}`,
      'Connection: close',
    ]);
  };

  /** Everything that `wrongOf` finds wrong with an answer, as a line. */
  async function wrongs(
    asked: readonly Spelt[],
    holder: Holder,
    wrongOf: (one: Spelt, status: number) => boolean,
    options?: Parameters<typeof request>[2],
  ): Promise<readonly string[]> {
    const found: string[] = [];
    const left = [...asked];
    const ask = async (): Promise<void> => {
      for (let one = left.pop(); one !== undefined; one = left.pop()) {
        const status = await request(one, holder, options);
        if (wrongOf(one, status))
          found.push(`${one.route.method} ${one.target} (${one.route.access}): ${String(status)}`);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, ask));
    return found;
  }

  test('every route says who may ask it', async () => {
    await begin(GUARDED);
    const of = (access: string): readonly string[] =>
      node.app
        .declaredRoutes()
        .flatMap(({ method, url, access: declared }) =>
          declared === access && !url.startsWith('/docs') && (method === 'GET' || method === 'POST')
            ? [`${method} ${url}`]
            : [],
        );
    const methods = new Set(node.app.declaredRoutes().map(({ method }) => method));
    expect(methods).toEqual(new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']));
    expect(of('operate')).toEqual(['POST /v1/devices/:device/commands', 'POST /v1/devices/:device/forget']);
    expect(
      of('public')
        .filter((route) => route.startsWith('GET'))
        .sort(),
    ).toEqual([
      'GET /',
      'GET /assets/:file',
      'GET /devices/:device',
      'GET /healthz',
      'GET /openapi.json',
      'GET /problems',
      'GET /problems/:code',
      'GET /readyz',
    ]);
  });

  test.each(['none', 'wrong'] as const)(
    'nobody with a token that is %s gets past a route that is not public, however its path is spelt',
    async (holder) => {
      await begin(GUARDED);
      const isWrong = ({ route, spelling }: Spelt, status: number): boolean =>
        route.access === 'public' && SAME.has(spelling)
          ? status === 401
          : route.access !== 'public' && status !== 401;
      expect(await wrongs(spelt(), holder, isWrong)).toEqual([]);
      expect(executed).toBe(0);
    },
  );

  test('a token that may read commands nothing, however the path is spelt', async () => {
    await begin(GUARDED);
    const isWrong = ({ route, spelling }: Spelt, status: number): boolean =>
      status === 401 || (SAME.has(spelling) && (status === 403) !== (route.access === 'operate'));
    expect(await wrongs(spelt(), 'read', isWrong)).toEqual([]);
    expect(executed).toBe(0);
  });

  test('a token that may operate is let in everywhere', async () => {
    await begin(GUARDED);
    const isWrong = (_: Spelt, status: number): boolean => status === 401 || status === 403 || status >= 500;
    expect(await wrongs(spelt(), 'operate', isWrong)).toEqual([]);
    // As it is, with an encoded letter, and in absolute form; a query is refused.
    expect(executed).toBe(3);
  });

  test.each([
    ['Host: evil.example', { hosts: ['evil.example'] }],
    ['Host: 127.0.0.1.evil.example', { hosts: ['127.0.0.1.evil.example:4800'] }],
    ['a second Host', { hosts: ['localhost', 'evil.example'] }],
    ['HTTP/1.0 and no Host', { version: '1.0', hosts: [] }],
  ])('without a token for reading nothing but health is answered to %s', async (_, options) => {
    await begin(READ_OPEN);
    // A target in absolute form gives a name of its own, see below.
    const asked = spelt().filter(
      ({ route, spelling }) => /GET|POST/.test(route.method) && spelling !== 'in absolute form',
    );
    const isWrong = ({ route, spelling }: Spelt, status: number): boolean =>
      route.method === 'GET' && PROBES.has(route.url) && MATCHING.has(spelling)
        ? status === 403
        : status !== 403 && status !== 400;
    for (const holder of ['none', 'operate'] as const) {
      expect(await wrongs(asked, holder, isWrong, options)).toEqual([]);
    }
    expect(executed).toBe(0);
  });

  test.each([
    ['under a name of loopback', 'localhost', 'GET /v1/kinds', 200],
    ['under the name of a stranger', 'evil.example', 'GET /v1/kinds', 403],
    ['without the token that it takes', 'localhost', 'POST /v1/devices/cp-001/commands', 401],
  ])('a request %s is answered alike, and counted, whatever it expects', async (_, host, asked, status) => {
    await begin({ ...READ_OPEN, rateMax: 2 });
    const lines = [
      `${asked} HTTP/1.1`,
      `Host: ${host}`,
      'Content-Type: application/json',
      'Content-Length: 17',
    ];
    expect(await statusOf(lines)).toBe(status);
    expect(await statusOf([...lines, 'Expect: foo'])).toBe(status);
    expect(await statusOf([...lines, 'Expect: foo'])).toBe(429);
  });

  test.each([
    ['no Host', []],
    ['two', ['Host: localhost', 'Host: localhost']],
    ['two of which one is a stranger', ['Host: localhost', 'host: evil.example']],
  ])('a request of HTTP/1.1 with %s is refused with 400 and counted, also with a token', async (_, hosts) => {
    await begin({ ...GUARDED, rateMax: 2 });
    const length = `Content-Length: ${String(BODY.length)}`;
    const lines = ['GET /v1/kinds HTTP/1.1', `Authorization: Bearer ${READER.token}`, length];
    expect(await statusOf([...lines, ...hosts])).toBe(400);
    expect(await statusOf([...lines, ...hosts])).toBe(400);
    expect(await statusOf([...lines, ...hosts])).toBe(429);
    expect(await statusOf([...lines, 'Host: localhost'])).toBe(429);
  });

  test('a target in absolute form names the host that is asked for', async () => {
    await begin(READ_OPEN);
    const { host } = new URL(origin);
    const route: DeclaredRoute = { method: 'GET', url: '/v1/kinds', access: 'read' };
    const ask = (target: string, ...hosts: readonly string[]): Promise<number> =>
      request({ route, spelling: 'in absolute form', target }, 'none', { hosts });
    expect(await ask(`http://${host}/v1/kinds`, host)).toBe(200);
    expect(await ask('http://evil.example/v1/kinds', host)).toBe(403);
    expect(await ask(`http://${host}/v1/kinds`, 'evil.example')).toBe(403);
    expect(await ask('http://localhost@evil.example/v1/kinds', host)).toBe(403);
  });
});

describe('access', () => {
  let opened: OpenStore;
  let node: HttpNode;

  beforeEach(async () => {
    opened = await memory.open(new StandingClock());
    await commitLives(opened.store, fleet);
  });
  afterEach(async () => {
    await node.app.close();
    await opened.end();
  });
  const begin = async (guards: HttpGuards): Promise<void> => {
    node = await httpOver(opened.store, opened.clock, guards);
  };

  test.each([
    '/v1/kinds',
    '/nothing',
    '/docs/static/index.css',
    '/assets/x.js',
    '/',
    '/%E0%A4%A',
    '/openapi.json',
  ])('to %s is bounded for each address like to everything else', async (url) => {
    await begin({ ...OPEN, rateMax: 2 });
    await node.app.inject({ url });
    await node.app.inject({ url, method: 'DELETE' });
    const third = await node.app.inject({ url });
    expect(third.json()).toMatchObject({ code: 'rate-limited', status: 429 });
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(0);
    expect((await node.app.inject({ url: '/healthz' })).statusCode).toBe(200);
  });

  test.each([
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'same-origin' }, 200],
    [{ 'sec-fetch-site': 'none' }, 200],
    [{ origin: 'http://localhost:80', host: 'localhost:80' }, 200],
    [{ origin: 'https://dashboard.example', 'sec-fetch-site': 'cross-site' }, 200],
  ])('without a token is not for pages of other origins: %o', async (headers, status) => {
    await begin({ ...READ_OPEN, corsOrigins: ['https://dashboard.example'] });
    const response = await node.app.inject({ url: '/v1/kinds', headers });
    expect(response.statusCode).toBe(status);
    if (status === 403) expect(response.json()).toMatchObject({ code: 'foreign-origin' });
    // A token is no browser's to send of itself.
    const authorization = `Bearer ${OPERATOR.token}`;
    const known = await node.app.inject({ url: '/v1/kinds', headers: { ...headers, authorization } });
    expect(known.statusCode).toBe(200);
  });

  test('from a named origin is asked for beforehand without a token', async () => {
    await begin({ ...GUARDED, corsOrigins: ['https://dashboard.example'] });
    const headers = { origin: 'https://dashboard.example', 'access-control-request-method': 'POST' };
    const asked = await node.app.inject({ method: 'OPTIONS', url: '/v1/devices/cp-001/commands', headers });
    expect([asked.statusCode, asked.headers['access-control-allow-origin']]).toEqual([204, headers.origin]);
    const plain = await node.app.inject({ method: 'OPTIONS', url: '/v1/devices/cp-001/commands' });
    expect(plain.statusCode).toBe(401);
  });
});
