/**
 * What HTTP says of the node itself, and of requests that it cannot answer.
 */
import { readFileSync } from 'node:fs';
import { Gauge } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { TimelineFold } from '../../actors/timeline.ts';
import { PROBLEMS } from '../../src/http/problem.ts';
import { timelineCursor } from '../../src/http/timeline-cursor.ts';
import { expectProblem, FleetClient } from './http-client.ts';
import { whole } from './http-node.ts';
import { stores } from './http-stores.ts';

/** A timeline that was left off at an absurd position. */
function foldAt(most: number): TimelineFold {
  const position = { incarnation: 2_147_483_647, boot: most, seq: most };
  const counts = { reports: most, gaps: most, missing: most, reboots: most };
  const open = { state: 'x', isSilent: false, from: 1e300, errorMs: null, to: null, lastReportAt: 1e300 };
  return { open: { ...open, ...position, ...counts }, last: { ...position, errorMs: null } };
}

describe.each(stores)('a node over $name', (kind) => {
  let client: FleetClient;

  beforeAll(async () => {
    client = await FleetClient.over(kind);
  });
  afterEach(() => client.node.metrics.clear());
  afterAll(() => client.end());

  describe('operations', () => {
    test('the process is alive whatever else is wrong', async () => {
      client.node.health = { check: async () => [{ part: 'store', ok: false, detail: 'away' }] };
      expect((await client.get('/healthz')).body).toEqual({ status: 'alive' });
    });

    test('the node is ready when every part is whole', async () => {
      client.node.health = { check: async () => [whole('store'), whole('hub')] };
      const { status, body } = await client.get('/readyz');
      expect([status, body]).toEqual([200, { status: 'ready', parts: [whole('store'), whole('hub')] }]);
    });

    test('a standby is ready, and says that it is one', async () => {
      const leases = { part: 'leases', ok: true, detail: 'owns no partition', standsBy: true } as const;
      client.node.health = { check: async () => [whole('store'), leases] };
      const { status, body } = await client.get('/readyz');
      expect([status, body]).toEqual([200, { status: 'standby', parts: [whole('store'), leases] }]);
    });

    test('a standby that lacks something is not ready', async () => {
      const leases = { part: 'leases', ok: true, detail: 'owns no partition', standsBy: true } as const;
      const away = { part: 'hub', ok: false, detail: 'not connected since 14:02' };
      client.node.health = { check: async () => [away, leases] };
      expectProblem(await client.get('/readyz'), 'not-ready');
    });

    test('a node that is not ready says what is wrong', async () => {
      const away = { part: 'hub', ok: false, detail: 'not connected since 14:02' };
      client.node.health = { check: async () => [whole('store'), away] };
      const answer = await client.get('/readyz');
      expectProblem(answer, 'not-ready');
      expect(answer.body).toMatchObject({
        detail: 'hub: not connected since 14:02',
        parts: [whole('store'), away],
      });
      expect(answer.headers['retry-after']).toBe('2');
    });

    test('the log says once that a node is not ready any more, however often somebody asks', async () => {
      const away = { part: 'hub', ok: false, detail: 'not connected since 14:02' };
      const before = client.node.log.length;
      for (const part of [whole('hub'), away, away, away, whole('hub'), whole('hub')]) {
        client.node.health = { check: async () => [part] };
        await client.get('/readyz');
      }
      const lines = client.node.log.slice(before).map((text) => JSON.parse(text) as Record<string, unknown>);
      expect(lines.filter(({ level }) => Number(level) >= 40)).toMatchObject([
        { line: 'node-not-ready', because: 'hub: not connected since 14:02' },
      ]);
      expect(lines.filter(({ line }) => line === 'node-ready').at(-1)).toMatchObject({ status: 'ready' });
    });

    test('a check that hangs is an answer too', async () => {
      const asked = new Promise<void>((resolve) => {
        client.node.health = { check: () => (resolve(), new Promise(() => undefined)) };
      });
      const answer = client.get('/readyz');
      await asked;
      client.opened.clock.move(2_000);
      expectProblem(await answer, 'not-ready');
      client.opened.clock.move(-2_000);
    });

    test('nothing waits for a deadline once its answer is there', async () => {
      client.node.health = { check: async () => [whole('store')] };
      await client.get('/readyz');
      await client.get('/v1/devices/cp-001');
      expect(client.opened.clock.waiting).toBe(0);
    });

    test('metrics are those of the registry', async () => {
      new Gauge({ name: 'corral_twins', help: 'Twins', registers: [client.node.metrics] }).set(4);
      const { status, type, text } = await client.get('/metrics');
      expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
      expect(text).toContain('corral_twins 4');
    });
  });

  describe('problems', () => {
    test.each(['/devices', '/v1', '/v1/devices/cp-001/', '/v1/devices/cp-001/nothing', '//', '/v1/../etc'])(
      'there is nothing at %s',
      async (path) => expectProblem(await client.get(path), 'unknown-route'),
    );

    test('a path that is no URL is told apart from one that leads nowhere', async () => {
      expectProblem(await client.get('/v1/devices/%E0%A4%A'), 'bad-request');
    });

    test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'] as const)('nothing takes %s yet', async (method) => {
      const answer = await client.request(method, '/v1/devices/cp-001', { 'content-type': 'text/xml' });
      expectProblem(answer, 'method-not-allowed');
      expect(answer.headers.allow).toBe('GET, HEAD');
    });

    test('what takes no query refuses one', async () => {
      const answer = await client.get('/v1/devices/cp-001?verbose=1');
      expectProblem(answer, 'bad-query');
      expect(answer.body.detail).toBe('verbose: unknown here; this resource takes no parameters');
    });

    test('a fault of ours shows no stack and is found in the log under its instance', async () => {
      const secret = 'the counter ran out of fingers';
      new Gauge({
        name: 'broken',
        help: 'Cannot be read',
        registers: [client.node.metrics],
        collect: () => {
          throw new TypeError(secret);
        },
      });
      const answer = await client.get('/metrics');
      expectProblem(answer, 'internal');
      expect(answer.text).not.toContain(secret);
      expect(answer.text).not.toMatch(/\.ts|node_modules|at /);
      const id = answer.body.instance.slice('urn:uuid:'.length);
      const logged = client.node.log.find((line) => line.includes(id) && line.includes(secret));
      expect(logged).toBeDefined();
    });

    const most = String(Number.MAX_SAFE_INTEGER);
    test.each([
      ['reports after every position', `/reports?after=2147483647.${most}.${most}`],
      ['reports of all time', '/reports?from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:59Z'],
      ['the timeline of all time', '/timeline?from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:59Z'],
      [
        'the timeline after every position',
        `/timeline?cursor=${timelineCursor(foldAt(Number.MAX_SAFE_INTEGER))}`,
      ],
      ['the journal before the last number', `/journal?before=${most}`],
      ['commands before the last number', `/commands?before=${most}`],
    ])('absurd and well-formed is no error: %s', async (_what, path) => {
      expect((await client.get(`/v1/devices/cp-001${path}`)).status).toBe(200);
    });

    test('every code is in the HTTP reference, with its status', () => {
      const reference = readFileSync(new URL('../../docs/http.md', import.meta.url), 'utf8');
      const rows = [...reference.matchAll(/^\| `([a-z-]+)` \| (\d{3}) \|/gm)].map(([, code, status]) => [
        code,
        status,
      ]);
      expect(rows).toEqual(Object.entries(PROBLEMS).map(([code, { status }]) => [code, String(status)]));
    });

    test('every code has a page that says what to do', async () => {
      const { body } = await client.get('/problems');
      expect(body.problems.map(({ code }) => code)).toEqual(Object.keys(PROBLEMS));
      for (const code of Object.keys(PROBLEMS) as (keyof typeof PROBLEMS)[]) {
        const page = await client.get(`/problems/${code}`);
        expect(page.body).toEqual({ code, ...PROBLEMS[code] });
      }
      expectProblem(await client.get('/problems/none'), 'unknown-route');
    });
  });
});
