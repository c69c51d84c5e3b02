/**
 * What HTTP shows of a fleet. The same on every store: it reads through the port Archive.
 */
import { readFileSync } from 'node:fs';
import { Gauge } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type TimelineFold, timelineOf } from '../../actors/timeline.ts';
import { PROBLEMS } from '../../src/http/problem.ts';
import { rfc3339 } from '../../src/http/rfc3339.ts';
import { timelineCursor } from '../../src/http/timeline-cursor.ts';
import { commitLives, fleet, MINUTE, NOW, PENDING_ID, REJECTED_ID, SECOND } from './http-fleet.ts';
import { type HttpNode, httpOver, StandingClock, whole } from './http-node.ts';
import { type OpenStore, stores } from './http-stores.ts';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly body: Body;
}

/** What the tests look at in a body, of whatever resource. */
interface Body extends Readonly<Record<List, readonly Item[]>> {
  readonly cursor: string | null;
  readonly after: string | null;
  readonly next: string | null;
  readonly version: number;
  readonly asOf: string;
  readonly ageMs: number;
  readonly clock: { readonly verified: boolean; readonly errorMs: number };
  readonly allowed: readonly string[];
  readonly detail: string;
  readonly parameter: string;
  readonly instance: string;
}
type List = 'devices' | 'reports' | 'intervals' | 'transitions' | 'commands' | 'problems';
interface Item extends Readonly<Record<TextMember, string>> {
  readonly boot: number;
  readonly seq: number;
  readonly to: string | null;
}
type TextMember =
  | ('device' | 'kind' | 'site' | 'state' | 'quality' | 'firmware')
  | ('fate' | 'from' | 'proof' | 'certainAt' | 'code');

const time = (minutes: number): string => rfc3339(NOW + minutes * MINUTE);

/** A timeline that was left off at an absurd position. */
function foldAt(most: number): TimelineFold {
  const position = { incarnation: 2_147_483_647, boot: most, seq: most };
  const counts = { reports: most, gaps: most, missing: most, reboots: most };
  const open = { state: 'x', from: 1e300, errorMs: null, to: null, lastReportAt: 1e300 };
  return { open: { ...open, ...position, ...counts }, last: position };
}

describe.each(stores)('HTTP over $name', ({ open }) => {
  let opened: OpenStore;
  let node: HttpNode;

  beforeAll(async () => {
    const clock = new StandingClock();
    opened = await open(clock);
    await commitLives(opened.store, fleet);
    node = await httpOver(opened.store, opened.clock);
  });
  afterEach(() => node.metrics.clear());
  afterAll(async () => {
    await node.app.close();
    await opened.end();
  });

  async function request(
    method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS',
    url: string,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await node.app.inject({ method, url, headers });
    const type = String(response.headers['content-type']);
    const text = response.body;
    const body = (type.includes('json') && text !== '' ? JSON.parse(text) : null) as Body;
    return { status: response.statusCode, type, headers: response.headers, text, body };
  }
  const get = (url: string, headers?: Record<string, string>): Promise<Answer> =>
    request('GET', url, headers);

  /** Every page, by `next`. */
  async function everyPage(url: string, list: List): Promise<Item[]> {
    const items: Item[] = [];
    let next: string | null = url;
    while (next !== null) {
      const { status, body } = await get(next);
      expect(status, `GET ${next}: ${JSON.stringify(body)}`).toBe(200);
      items.push(...body[list]);
      next = body.next;
    }
    return items;
  }

  function expectProblem(answer: Answer, code: keyof typeof PROBLEMS): void {
    expect(answer.body).toMatchObject({ code, ...statusAndTitle(code), type: `/problems/${code}` });
    expect(answer.status).toBe(PROBLEMS[code].status);
    expect(answer.type).toMatch(/^application\/problem\+json/);
    expect(answer.body.detail).toEqual(expect.any(String));
    expect(answer.body.instance).toMatch(/^urn:uuid:[0-9a-f-]{36}$/);
  }
  const statusAndTitle = (code: keyof typeof PROBLEMS) => {
    const { status, title } = PROBLEMS[code];
    return { status, title };
  };

  describe('the list of devices', () => {
    const idsOf = async (query: string): Promise<string[]> => {
      const { body } = await get(`/v1/devices${query}`);
      return body.devices.map(({ device }) => device);
    };

    test('is in the order of the ids and says how far each state can be trusted', async () => {
      const { status, body } = await get('/v1/devices');
      expect(status).toBe(200);
      const shortly = body.devices.map(
        ({ device, kind, site, state, quality, firmware }) =>
          `${device} ${kind} ${site} ${state} ${quality} ${firmware}`,
      );
      expect(shortly).toEqual([
        'car-001 car harbour offline stale null',
        'cp-001 charge-point depot charging fresh 2.1',
        'cp-002 charge-point depot available stale 2.0',
        'kiosk-001 kiosk harbour suspect unknown 0.9',
      ]);
      expect(body.cursor).toBeNull();
      expect(body.next).toBeNull();
      expect(body.devices[2]).toMatchObject({
        ...{ registered: false, path: 'available.idle', connected: true, suspicions: [], pending: 0 },
        ...{ since: time(-2), asOf: time(-2), ageMs: 2 * MINUTE, errorMs: null, lastContact: time(-2) },
      });
    });

    test.each([
      ['?kind=charge-point', ['cp-001', 'cp-002']],
      ['?state=offline', ['car-001']],
      ['?quality=fresh', ['cp-001']],
      ['?site=harbour', ['car-001', 'kiosk-001']],
      ['?firmware=2.0', ['cp-002']],
      ['?kind=charge-point&state=charging&site=depot', ['cp-001']],
      ['?kind=car&state=charging', []],
      ['?label=depot', []],
    ])('holds with %s only what is asked for', async (query, expected) => {
      expect(await idsOf(query)).toEqual(expected);
    });

    test.each([1, 2, 3])('is the same in pages of %i', async (limit) => {
      const whole = await everyPage('/v1/devices', 'devices');
      expect(await everyPage(`/v1/devices?limit=${String(limit)}`, 'devices')).toEqual(whole);
    });

    test('goes on behind a cursor, with the filter it was begun with', async () => {
      const { body } = await get('/v1/devices?site=harbour&limit=1');
      expect(body.cursor).toBe('car-001');
      expect(body.next).toBe('/v1/devices?site=harbour&limit=1&cursor=car-001');
      expect(await idsOf('?site=harbour&cursor=car-001')).toEqual(['kiosk-001']);
    });

    test.each([
      ['limit', '?limit=0', 'limit: must be >= 1, got 0'],
      ['limit', '?limit=1001', 'limit: must be <= 1000, got 1001'],
      ['limit', '?limit=many', 'limit: must be integer, got "many"'],
      ['limit', '?limit=', 'limit: must be integer, got ""'],
      ['limit', '?limit=1&limit=2', 'limit: must be integer, got ["1","2"]'],
      ['kind', '?kind=tram', 'kind: expected one of charge-point, car, kiosk, got "tram"'],
      ['quality', '?quality=good', 'quality: expected one of fresh, stale, suspect, unknown, got "good"'],
      ['stat', '?stat=offline', 'stat: unknown here; this resource takes kind, state, quality, site'],
    ])('says of %s in "%s" what would be right', async (parameter, query, detail) => {
      const answer = await get(`/v1/devices${query}`);
      expectProblem(answer, 'bad-query');
      expect(answer.body.parameter).toBe(parameter);
      expect(answer.body.detail).toContain(detail);
    });
  });

  describe('a twin', () => {
    test('is shown whole', async () => {
      const { status, body } = await get('/v1/devices/cp-001');
      expect(status).toBe(200);
      expect(body).toMatchObject({
        ...{ device: 'cp-001', kind: 'charge-point', site: 'depot', registered: false },
        ...{
          state: 'charging',
          path: 'charging.delivering',
          quality: 'fresh',
          connected: true,
          firmware: '2.1',
        },
        reported: { cableConnected: true, meterWh: 12_500 },
        desired: { version: 0, values: {}, delta: {} },
        pending: [{ id: PENDING_ID, name: 'stop', outcome: 'pending', sentAt: rfc3339(NOW - SECOND) }],
        hold: null,
        suspicions: [],
        sequence: { incarnation: 1, boot: 4, seq: 4, missing: 1, late: 1, duplicates: 0 },
      });
      expect(body.clock.verified).toBe(true);
      expect(body.clock.errorMs).toBeGreaterThan(0);
      expect(Date.parse(body.asOf) + body.ageMs).toBe(NOW);
      expect(body.allowed).toEqual(expect.any(Array));
    });

    test('that has not changed is not sent again', async () => {
      const { headers } = await get('/v1/devices/cp-001');
      const tag = String(headers.etag);
      expect(headers['cache-control']).toBe('no-cache');
      for (const named of [tag, `"other", ${tag}`, tag.replace('W/', ''), '*']) {
        const again = await get('/v1/devices/cp-001', { 'if-none-match': named });
        expect([again.status, again.text, again.headers.etag]).toEqual([304, '', tag]);
        expect(again.headers['content-length']).toBeUndefined();
      }
      expect((await get('/v1/devices/cp-001', { 'if-none-match': 'W/"1-x"' })).status).toBe(200);
    });

    test('that has only grown older keeps its tag, until that makes it less certain', async () => {
      const first = await get('/v1/devices/cp-001');
      const tag = String(first.headers.etag);
      expect(tag).toMatch(new RegExp(`^W/"${String(first.body.version)}-`));
      opened.clock.move(SECOND);
      expect((await get('/v1/devices/cp-001', { 'if-none-match': tag })).status).toBe(304);
      opened.clock.move(2 * MINUTE);
      const later = await get('/v1/devices/cp-001', { 'if-none-match': tag });
      opened.clock.move(-2 * MINUTE - SECOND);
      expect(later.status).toBe(200);
      expect(later.body).toMatchObject({ version: first.body.version, quality: 'stale' });
    });

    test.each(['', '/reports', '/timeline', '/journal', '/commands'])(
      'of an unknown device has nothing at %s',
      async (path) => {
        const answer = await get(`/v1/devices/cp-999${path}`);
        expectProblem(answer, 'unknown-device');
        expect(answer.body.detail).toBe('no device "cp-999" is known here');
      },
    );

    test.each(['x'.repeat(65), 'x'.repeat(5_000), 'a b', 'a.b', '%00', 'ü', "'; drop table twin; --"])(
      'is not to be found under what cannot be an id: %s',
      async (id) => {
        const answer = await get(`/v1/devices/${id.startsWith('%') ? id : encodeURIComponent(id)}`);
        expectProblem(answer, 'unknown-device');
        expect(answer.body.detail).toContain('an id is 1 to 64 letters, digits, "_" or "-"');
      },
    );
  });

  describe('reports', () => {
    const positions = (reports: readonly Item[]): string[] =>
      reports.map(({ boot, seq, fate }) => `${String(boot)}/${String(seq)} ${fate}`);

    test('are in the order in which the device made them, late ones at their place', async () => {
      const { body } = await get('/v1/devices/cp-001/reports');
      expect(positions(body.reports)).toEqual([
        ...['3/1 news', '3/2 news', '3/3 late', '3/5 news'],
        ...['4/1 news', '4/2 news', '4/3 news', '4/4 news'],
      ]);
      expect(body.reports[2]).toEqual({
        ...{ incarnation: 1, boot: 3, seq: 3, up: 20 * MINUTE, state: 'charging', fate: 'late' },
        ...{ measuredAt: time(-70), errorMs: null, receivedAt: time(-19) },
        body: { boot: 3, seq: 3, up: 20 * MINUTE, state: 'charging', sensors: {}, firmware: '2.0' },
      });
      expect(body.after).toBeNull();
    });

    test.each([1, 3, 8])('are the same in pages of %i', async (limit) => {
      const whole = await everyPage('/v1/devices/cp-001/reports', 'reports');
      expect(await everyPage(`/v1/devices/cp-001/reports?limit=${String(limit)}`, 'reports')).toEqual(whole);
    });

    test('after a position, and between two times of measurement', async () => {
      const after = await get('/v1/devices/cp-001/reports?after=1.4.2');
      expect(positions(after.body.reports)).toEqual(['4/3 news', '4/4 news']);
      const between = await get(`/v1/devices/cp-001/reports?from=${time(-80)}&to=${time(-50)}`);
      expect(positions(between.body.reports)).toEqual(['3/2 news', '3/3 late']);
    });

    test.each([
      ['after', 'after=3.17', 'expected incarnation.boot.seq, such as 1.3.17, got "3.17"'],
      ['after', 'after=1.1.99999999999999999', 'expected incarnation.boot.seq'],
      ['after', 'after=2147483648.1.1', 'expected incarnation.boot.seq'],
      ['from', 'from=yesterday', 'expected a time in RFC 3339 with an offset, such as 2026-01-31T14:02:00Z'],
      ['from', 'from=2026-01-31T14:02:00', 'expected a time in RFC 3339 with an offset'],
      ['from', 'from=2026-01-31T14:02:00+01:00', 'a "+" in a query is written %2B'],
      ['to', 'to=2026-02-30T00:00:00Z', 'expected a time'],
      ['to', `from=${time(0)}&to=${time(0)}`, 'expected a time after `from`'],
    ])('says of %s in "%s" what would be right', async (parameter, query, detail) => {
      const answer = await get(`/v1/devices/cp-001/reports?${query}`);
      expectProblem(answer, 'bad-query');
      expect(answer.body.parameter).toBe(parameter);
      expect(answer.body.detail).toContain(detail);
    });
  });

  describe('the timeline', () => {
    const minutesAgo = (text: string | null): number | null =>
      text === null ? null : Math.round((NOW - Date.parse(text)) / MINUTE);
    const shortly = (intervals: readonly Item[]): string[] =>
      intervals.map(
        ({ state, from, to }) => `${state} ${String(minutesAgo(from))}-${String(minutesAgo(to))}`,
      );

    test('tells what the device was, with the late report at its place and the missing one marked', async () => {
      const { body } = await get('/v1/devices/cp-001/timeline');
      expect(shortly(body.intervals)).toEqual([
        'available 90-70',
        'charging 70-50',
        'available 50-20',
        'charging 20-null',
      ]);
      expect(body.intervals[1]).toEqual({
        ...{ state: 'charging', from: time(-70), errorMs: null, to: time(-50), lastReportAt: time(-70) },
        ...{ incarnation: 1, boot: 3, seq: 3, reports: 1, gaps: 1, missing: 1, reboots: 0 },
        ...{ beganBefore: false, goesOn: false },
      });
      expect(body.intervals[2]).toMatchObject({ boot: 3, seq: 5, reports: 2, gaps: 0, reboots: 1 });
      expect(body.cursor).toBeNull();
    });

    test('is that of all reports in the archive', async () => {
      const page = { from: null, to: null, after: null, isNewestFirst: false, limit: 1_000 };
      const expected = timelineOf(await opened.store.reports('cp-001', page));
      const { body } = await get('/v1/devices/cp-001/timeline');
      expect(body.intervals.map(({ from }) => from)).toEqual(expected.map(({ from }) => rfc3339(from)));
    });

    test.each([1, 2, 3, 4, 5])('is the same in pages of %i', async (limit) => {
      const whole = await everyPage('/v1/devices/cp-001/timeline', 'intervals');
      const paged = await everyPage(`/v1/devices/cp-001/timeline?limit=${String(limit)}`, 'intervals');
      expect(paged).toEqual(whole);
    });

    test('of a window is cut to it, and says so', async () => {
      const url = `/v1/devices/cp-001/timeline?from=${time(-60)}&to=${time(-40)}`;
      const intervals = await everyPage(url, 'intervals');
      expect(intervals).toMatchObject([
        { state: 'charging', from: time(-60), errorMs: 0, to: time(-50), beganBefore: true, goesOn: false },
        { state: 'available', from: time(-50), to: time(-40), beganBefore: false, goesOn: true },
      ]);
      expect(await everyPage(`${url}&limit=1`, 'intervals')).toEqual(intervals);
    });

    test('of a device that has been silent for a day still ends in what it said last', async () => {
      const { body } = await get(`/v1/devices/car-001/timeline?from=${time(-5)}`);
      expect(body.intervals).toMatchObject([
        { state: 'rented', from: time(-5), to: null, lastReportAt: time(-1_440), beganBefore: true },
      ]);
    });

    test('refuses a cursor that it did not give out', async () => {
      const answer = await get('/v1/devices/cp-001/timeline?cursor=1');
      expectProblem(answer, 'bad-query');
      expect(answer.body.parameter).toBe('cursor');
    });
  });

  describe('the journal', () => {
    test('tells what the twin believed and why, newest first', async () => {
      const { body } = await get('/v1/devices/cp-001/journal');
      expect(body.transitions).toMatchObject([
        {
          ...{ from: 'available.idle', to: 'charging.delivering', boot: 4, seq: 2 },
          cause: { type: 'report', detail: 'report 4/2 says charging' },
          recordedAt: time(-20),
        },
        { from: 'offline', to: 'available.idle', boot: 3, seq: 1, recordedAt: time(-90) },
      ]);
      const silence = await get('/v1/devices/car-001/journal?limit=1');
      expect(silence.body.transitions).toMatchObject([{ to: 'offline', cause: { type: 'silence' } }]);
    });

    test('is the same in pages of one', async () => {
      const whole = await everyPage('/v1/devices/cp-001/journal', 'transitions');
      expect(await everyPage('/v1/devices/cp-001/journal?limit=1', 'transitions')).toEqual(whole);
    });
  });

  describe('the commands', () => {
    test('are those of the ledger, newest first, with what proved their outcome', async () => {
      const { body } = await get('/v1/devices/cp-001/commands');
      expect(body.commands).toMatchObject([
        { id: PENDING_ID, name: 'stop', outcome: 'pending', by: 'mara', decidedAt: null, proof: null },
        { id: REJECTED_ID, outcome: 'rejected', reason: 'busy', acceptedAt: time(-15), boot: 4, epoch: 1 },
      ]);
      expect(body.commands[1]!.proof).toContain('4/3');
      expect(Date.parse(body.commands[0]!.certainAt)).toBeGreaterThan(NOW);
      expect((await get('/v1/devices/car-001/commands')).body.commands).toEqual([]);
    });

    test('are the same in pages of one', async () => {
      const whole = await everyPage('/v1/devices/cp-001/commands', 'commands');
      expect(await everyPage('/v1/devices/cp-001/commands?limit=1', 'commands')).toEqual(whole);
    });
  });

  test('the fleet is counted by kind and state', async () => {
    const { body } = await get('/v1/fleet');
    expect(body).toMatchObject({
      countedAt: rfc3339(NOW),
      devices: 4,
      states: { available: 1, charging: 1, offline: 1, suspect: 1 },
      qualities: { fresh: 1, stale: 2, unknown: 1 },
      kinds: [
        { kind: 'car', devices: 1, states: { offline: 1 }, qualities: { stale: 1 } },
        { kind: 'charge-point', devices: 2, states: { available: 1, charging: 1 } },
        { kind: 'kiosk', devices: 1, states: { suspect: 1 } },
      ],
      sites: [
        { site: 'depot', devices: 2 },
        { site: 'harbour', devices: 2 },
      ],
    });
  });

  test('the fleet over time is told by what was known at each time', async () => {
    const { body } = await get(`/v1/fleet/history?from=${time(-60)}&stepMs=1200000`);
    expect(body).toMatchObject({
      from: time(-60),
      to: time(0),
      points: [
        { at: time(-60), states: { available: 1, offline: 3 }, transitions: 0 },
        { at: time(-40), states: { available: 1, offline: 3 }, transitions: 0 },
        { at: time(-20), states: { available: 1, charging: 0, offline: 3 }, transitions: 3 },
      ],
    });
    expectProblem(await get(`/v1/fleet/history?from=${time(-60)}&to=${time(-90)}`), 'bad-query');
    expectProblem(await get('/v1/fleet/history?from=1990-01-01T00:00:00Z&stepMs=1000'), 'bad-query');
  });

  describe('operations', () => {
    test('the process is alive whatever else is wrong', async () => {
      node.health = { check: async () => [{ part: 'store', ok: false, detail: 'away' }] };
      expect((await get('/healthz')).body).toEqual({ status: 'alive' });
    });

    test('the node is ready when every part is whole', async () => {
      node.health = { check: async () => [whole('store'), whole('hub')] };
      const { status, body } = await get('/readyz');
      expect([status, body]).toEqual([200, { status: 'ready', parts: [whole('store'), whole('hub')] }]);
    });

    test('a node that is not ready says what is wrong', async () => {
      const away = { part: 'hub', ok: false, detail: 'not connected since 14:02' };
      node.health = { check: async () => [whole('store'), away] };
      const answer = await get('/readyz');
      expectProblem(answer, 'not-ready');
      expect(answer.body).toMatchObject({
        detail: 'hub: not connected since 14:02',
        parts: [whole('store'), away],
      });
      expect(answer.headers['retry-after']).toBe('2');
    });

    test('a check that hangs is an answer too', async () => {
      const asked = new Promise<void>((resolve) => {
        node.health = { check: () => (resolve(), new Promise(() => undefined)) };
      });
      const answer = get('/readyz');
      await asked;
      opened.clock.move(2_000);
      expectProblem(await answer, 'not-ready');
      opened.clock.move(-2_000);
    });

    test('nothing waits for a deadline once its answer is there', async () => {
      node.health = { check: async () => [whole('store')] };
      await get('/readyz');
      await get('/v1/devices/cp-001');
      expect(opened.clock.waiting).toBe(0);
    });

    test('metrics are those of the registry', async () => {
      new Gauge({ name: 'corral_twins', help: 'Twins', registers: [node.metrics] }).set(4);
      const { status, type, text } = await get('/metrics');
      expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
      expect(text).toContain('corral_twins 4');
    });
  });

  describe('problems', () => {
    test.each(['/devices', '/v1', '/v1/devices/cp-001/', '/v1/devices/cp-001/nothing', '//', '/v1/../etc'])(
      'there is nothing at %s',
      async (path) => expectProblem(await get(path), 'unknown-route'),
    );

    test('a path that is no URL is told apart from one that leads nowhere', async () => {
      expectProblem(await get('/v1/devices/%E0%A4%A'), 'bad-request');
    });

    test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'] as const)('nothing takes %s yet', async (method) => {
      const answer = await request(method, '/v1/devices/cp-001', { 'content-type': 'text/xml' });
      expectProblem(answer, 'method-not-allowed');
      expect(answer.headers.allow).toBe('GET, HEAD');
    });

    test('what takes no query refuses one', async () => {
      const answer = await get('/v1/devices/cp-001?verbose=1');
      expectProblem(answer, 'bad-query');
      expect(answer.body.detail).toBe('verbose: unknown here; this resource takes no parameters');
    });

    test('a fault of ours shows no stack and is found in the log under its instance', async () => {
      const secret = 'the counter ran out of fingers';
      new Gauge({
        ...{ name: 'broken', help: 'Cannot be read', registers: [node.metrics] },
        collect: () => {
          throw new TypeError(secret);
        },
      });
      const answer = await get('/metrics');
      expectProblem(answer, 'internal');
      expect(answer.text).not.toContain(secret);
      expect(answer.text).not.toMatch(/\.ts|node_modules|at /);
      const id = answer.body.instance.slice('urn:uuid:'.length);
      const logged = node.log.find((line) => line.includes(id) && line.includes(secret));
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
      expect((await get(`/v1/devices/cp-001${path}`)).status).toBe(200);
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
      const { body } = await get('/problems');
      expect(body.problems.map(({ code }) => code)).toEqual(Object.keys(PROBLEMS));
      for (const code of Object.keys(PROBLEMS) as (keyof typeof PROBLEMS)[]) {
        const page = await get(`/problems/${code}`);
        expect(page.body).toEqual({ code, ...PROBLEMS[code] });
      }
      expectProblem(await get('/problems/none'), 'unknown-route');
    });
  });
});
