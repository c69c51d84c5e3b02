/**
 * Access by declaration: what does not say who may ask it is asked by nobody.
 */
import { fastify } from 'fastify';
import { describe, expect, test } from 'vitest';
import { accessCheck, collectDeclarations } from '../../../src/http/access.ts';
import type { HttpApp } from '../../../src/http/context.ts';
import { hostsAskedFor, isLoopback, originForm } from '../../../src/http/loopback.ts';
import { Problem } from '../../../src/http/problem.ts';
import { namesakes, readToken, tokenTable } from '../../../src/http/token.ts';

const operator = { name: 'alice', token: 'a-token-that-may-operate' };

describe('a route that does not say who may ask it', () => {
  test('keeps the server from starting', async () => {
    const app: HttpApp = fastify();
    collectDeclarations(app);
    app.get('/open', { config: { access: 'public' } }, async () => 'open');
    app.get('/forgotten', async () => 'forgotten');
    await expect(app.ready()).rejects.toThrow('GET /forgotten does not say who may ask it');
  });

  test('is refused to everybody, should it be there all the same', async () => {
    const app: HttpApp = fastify();
    const check = accessCheck({ readTokens: [], operateTokens: [operator], isReadOpen: true }, []);
    app.decorateRequest('caller', null);
    app.addHook('onRequest', async (request, reply) => check.checkCaller(request, reply));
    app.setErrorHandler((error, _request, reply) =>
      reply.code(499).send(error instanceof Problem ? error.code : ''),
    );
    app.get('/forgotten', async () => 'forgotten');
    app.get('/declared', { config: { access: 'operate' } }, async ({ caller }) => caller);
    const headers = { authorization: `Bearer ${operator.token}` };
    expect((await app.inject({ url: '/forgotten', headers })).body).toBe('forbidden');
    expect((await app.inject({ url: '/declared', headers })).json()).toEqual({ name: 'alice' });
  });
});

describe('a token', () => {
  test('has the name before its colon, or one made of its digest', () => {
    expect(readToken(`bob:${operator.token}`)).toEqual({ name: 'bob', token: operator.token });
    expect(readToken(operator.token)).toEqual({
      name: expect.stringMatching(/^token-[0-9a-f]{8}$/) as string,
      token: operator.token,
    });
    expect(readToken(operator.token)).toEqual(readToken(operator.token));
  });

  test.each([
    '',
    'short',
    'bob:short',
    ':a-token-that-may-operate',
    'b b:a-token-that-may-operate',
    'a:b:a-token-that-may-operate',
    `${'x'.repeat(65)}:a-token-that-may-operate`,
  ])('is not "%s"', (text) => expect(readToken(text)).toBeNull());

  test('is not found by another one of which the digest begins alike', () => {
    const [first, second] = ['a-token-for-tests-4764', 'a-token-for-tests-128918'];
    expect(readToken(first)!.name, 'eight digits of both are the same').toBe(readToken(second)!.name);
    const table = tokenTable([{ name: 'alice', token: first }]);
    expect(table.nameOf(first)).toBe('alice');
    expect(table.nameOf(second)).toBeNull();
  });

  test('and its name belong to each other alone', () => {
    const other = { name: 'alice', token: 'another-token-of-somebody' };
    expect(namesakes([operator, other])).toBe('two tokens are named "alice"; each needs a name of its own');
    expect(namesakes([operator, { ...operator, name: 'bob' }])).toBe(
      'one token is named both "alice" and "bob"; give each a token of its own',
    );
    expect(namesakes([operator, operator, { ...other, name: 'bob' }])).toBeNull();
  });

  test('is found by all of it', () => {
    const table = tokenTable([operator]);
    expect(
      [operator.token, `${operator.token}x`, operator.token.slice(1), ''].map((token) => table.nameOf(token)),
    ).toEqual(['alice', null, null, null]);
  });
});

describe('the hosts that a request asks for', () => {
  test.each([
    ['/v1/kinds', ['localhost:4800'], ['localhost']],
    ['/v1/kinds', ['[::1]:4800'], ['[::1]']],
    ['/v1/kinds', [], []],
    ['http://evil.example:80/v1', ['127.0.0.1'], ['127.0.0.1', 'evil.example']],
    ['HTTP://localhost@evil.example?x', ['127.0.0.1', 'b'], ['127.0.0.1', 'b', 'evil.example']],
  ])('in %s with %o are %o', (target, host, hosts) => {
    expect(
      hostsAskedFor({ rawHeaders: ['Accept', 'host', ...host.flatMap((one) => ['Host', one])] }, target),
    ).toEqual(hosts);
  });

  test.each([
    ['localhost', true],
    ['LOCALHOST', true],
    ['127.1.2.3', true],
    ['[::1]', true],
    ['127.0.0.1.evil.example', false],
    ['localhost.evil.example', false],
    ['0.0.0.0', false],
    ['', false],
  ])('of which "%s" being loopback is %s', (host, is) => expect(isLoopback(host)).toBe(is));

  test.each([
    ['http://x/v1/devices?a=b', '/v1/devices?a=b'],
    ['http://x', '/'],
    ['http://x?a', '/?a'],
    ['//v1', '//v1'],
    ['*', '*'],
  ])('are no part of the path: %s is %s', (target, path) => expect(originForm(target)).toBe(path));
});
