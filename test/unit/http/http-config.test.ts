/**
 * Who may do what over HTTP, as the environment says it.
 */
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../../src/app/config.ts';

const READER = 'a-token-that-may-read';
const servers = { CORRAL_NATS_URL: 'nats://hub:4222', CORRAL_POSTGRES_URL: 'postgres://db/corral' };
const read = (env: Record<string, string>) => readConfig({ ...servers, ...env });

describe('the configuration of HTTP', () => {
  test('is open for reading on loopback, and lets nobody command', () => {
    const { httpHost, httpGuards } = read({});
    expect(httpHost).toBe('127.0.0.1');
    expect(httpGuards.access).toEqual({ readTokens: [], operateTokens: [], isReadOpen: true });
    expect(httpGuards.corsOrigins).toEqual([]);
  });

  test('takes a token for reading once there is one', () => {
    const { access } = read({ CORRAL_HTTP_READ_TOKENS: `${READER}, ${READER}-too` }).httpGuards;
    expect(access.isReadOpen).toBe(false);
    expect(access.readTokens).toMatchObject([{ token: READER }, { token: `${READER}-too` }]);
  });

  test('calls a token by the name before its colon, and one without by its digest', () => {
    const { access } = read({ CORRAL_HTTP_OPERATE_TOKENS: `alice:${READER}, ${READER}-too` }).httpGuards;
    expect(access.operateTokens).toEqual([
      { name: 'alice', token: READER },
      { name: expect.stringMatching(/^token-[0-9a-f]{8}$/) as string, token: `${READER}-too` },
    ]);
  });

  test('listens where others can reach it only with tokens, and reading then takes one', () => {
    expect(() => read({ CORRAL_HTTP_HOST: '0.0.0.0' })).toThrow(
      /CORRAL_HTTP_HOST is 0\.0\.0\.0.*READ_TOKENS/,
    );
    const { httpGuards } = read({ CORRAL_HTTP_HOST: '0.0.0.0', CORRAL_HTTP_OPERATE_TOKENS: READER });
    expect(httpGuards.access.isReadOpen).toBe(false);
    expect(read({ CORRAL_HTTP_HOST: '::1' }).httpGuards.access.isReadOpen).toBe(true);
  });

  test.each([
    [{ CORRAL_HTTP_OPERATE_TOKENS: 'short' }, /CORRAL_HTTP_OPERATE_TOKENS holds something that is no token/],
    [
      { CORRAL_HTTP_READ_TOKENS: `a b:${READER}` },
      /CORRAL_HTTP_READ_TOKENS holds something that is no token/,
    ],
    [{ CORRAL_HTTP_OPERATE_TOKENS: `alice:${READER},alice:${READER}-too` }, /two tokens are named "alice"/],
    [
      { CORRAL_HTTP_READ_TOKENS: `bob:${READER}`, CORRAL_HTTP_OPERATE_TOKENS: `alice:${READER}` },
      /one token is named both "bob" and "alice"/,
    ],
    [{ CORRAL_HTTP_CORS_ORIGINS: 'dashboard.example' }, /is no origin/],
    [{ CORRAL_HTTP_RATE_MAX: '0' }, /CORRAL_HTTP_RATE_MAX is 0/],
  ])('says what is wrong with %o', (env, sentence) => {
    expect(() => read(env as Record<string, string>)).toThrow(sentence);
  });
});
