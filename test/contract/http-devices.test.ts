/**
 * What HTTP shows of the devices as they are. The same on every store: it reads through the port Archive.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rfc3339 } from '../../src/http/rfc3339.ts';
import { expectProblem, FleetClient } from './http-client.ts';
import { MINUTE, NOW, PENDING_ID, SECOND, time } from './http-fleet.ts';
import { stores } from './http-stores.ts';

describe.each(stores)('devices over $name', (kind) => {
  let client: FleetClient;

  beforeAll(async () => {
    client = await FleetClient.over(kind);
  });
  afterAll(() => client.end());

  describe('the list of devices', () => {
    const idsOf = async (query: string): Promise<string[]> => {
      const { body } = await client.get(`/v1/devices${query}`);
      return body.devices.map(({ device }) => device);
    };

    test('is in the order of the ids and says how far each state can be trusted', async () => {
      const { status, body } = await client.get('/v1/devices');
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
        registered: false,
        path: 'available.idle',
        connected: true,
        suspicions: [],
        pending: 0,
        since: time(-2),
        asOf: time(-2),
        ageMs: 2 * MINUTE,
        errorMs: null,
        lastContact: time(-2),
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
      const whole = await client.everyPage('/v1/devices', 'devices');
      expect(await client.everyPage(`/v1/devices?limit=${String(limit)}`, 'devices')).toEqual(whole);
    });

    test('goes on behind a cursor, with the filter it was begun with', async () => {
      const { body } = await client.get('/v1/devices?site=harbour&limit=1');
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
      ['limit', '?limit=1e309', 'limit: must be <= 1000, got Infinity'],
      ['limit', '?limit=-Infinity', 'limit: must be >= 1, got -Infinity'],
      ['staleForMs', '?staleForMs=9007199254740992', 'staleForMs: must be <= 9007199254740991'],
      ['firmware', '?firmware=a%00b', 'firmware: holds a NUL character'],
      ['stat', '?stat=offline', 'stat: unknown here; this resource takes kind, state, quality, site'],
    ])('says of %s in "%s" what would be right', async (parameter, query, detail) => {
      const answer = await client.get(`/v1/devices${query}`);
      expectProblem(answer, 'bad-query');
      expect(answer.body.parameter).toBe(parameter);
      expect(answer.body.detail).toContain(detail);
    });
  });

  describe('a twin', () => {
    test('is shown whole', async () => {
      const { status, body } = await client.get('/v1/devices/cp-001');
      expect(status).toBe(200);
      expect(body).toMatchObject({
        device: 'cp-001',
        kind: 'charge-point',
        site: 'depot',
        registered: false,
        state: 'charging',
        path: 'charging.delivering',
        quality: 'fresh',
        connected: true,
        firmware: '2.1',
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
      const { headers } = await client.get('/v1/devices/cp-001');
      const tag = String(headers.etag);
      expect(headers['cache-control']).toBe('no-cache');
      for (const named of [tag, `"other", ${tag}`, tag.replace('W/', ''), '*']) {
        const again = await client.get('/v1/devices/cp-001', { 'if-none-match': named });
        expect([again.status, again.text, again.headers.etag]).toEqual([304, '', tag]);
        expect(again.headers['content-length']).toBeUndefined();
      }
      expect((await client.get('/v1/devices/cp-001', { 'if-none-match': 'W/"1-x"' })).status).toBe(200);
    });

    test('that has only grown older keeps its tag, until that makes it less certain', async () => {
      const first = await client.get('/v1/devices/cp-001');
      const tag = String(first.headers.etag);
      expect(tag).toMatch(new RegExp(`^W/"${String(first.body.version)}-`));
      client.opened.clock.move(SECOND);
      expect((await client.get('/v1/devices/cp-001', { 'if-none-match': tag })).status).toBe(304);
      client.opened.clock.move(2 * MINUTE);
      const later = await client.get('/v1/devices/cp-001', { 'if-none-match': tag });
      client.opened.clock.move(-2 * MINUTE - SECOND);
      expect(later.status).toBe(200);
      expect(later.body).toMatchObject({ version: first.body.version, quality: 'stale' });
    });

    test.each(['', '/reports', '/timeline', '/journal', '/commands'])(
      'of an unknown device has nothing at %s',
      async (path) => {
        const answer = await client.get(`/v1/devices/cp-999${path}`);
        expectProblem(answer, 'unknown-device');
        expect(answer.body.detail).toBe('no device "cp-999" is known here');
      },
    );

    test.each(['x'.repeat(65), 'x'.repeat(5_000), 'a b', 'a.b', 'ü', "'; drop table twin; --"])(
      'is not to be found under what cannot be an id: %s',
      async (id) => {
        const answer = await client.get(`/v1/devices/${encodeURIComponent(id)}`);
        expectProblem(answer, 'unknown-device');
        expect(answer.body.detail).toContain('an id is 1 to 64 letters, digits, "_" or "-"');
      },
    );
  });

  test('the fleet is counted by kind and state', async () => {
    const { body } = await client.get('/v1/fleet');
    expect(body).toMatchObject({
      countedAt: rfc3339(NOW),
      devices: 4,
      states: { available: 1, charging: 1, offline: 1, suspect: 1 },
      shownStates: { available: 1, charging: 1, offline: 1, 'suspect.out-of-service': 1 },
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

  test('each count is what the list shows by it', async () => {
    const { body } = await client.get('/v1/fleet');
    const { shownStates, states, qualities } = body;
    const counted = [
      ...Object.entries({ ...states, ...shownStates }).map(([state, count]) => [`state=${state}`, count]),
      ...Object.entries(qualities).map(([quality, count]) => [`quality=${quality}`, count]),
    ];
    for (const [filter, count] of counted) {
      const list = await client.get(`/v1/devices?${String(filter)}`);
      expect([filter, list.body.devices.length, list.body.total]).toEqual([filter, count, count]);
    }
    expect((await client.get('/v1/devices?state=suspect.doubted')).body).toMatchObject({
      devices: [],
      total: 0,
    });
  });

  test('the fleet over time is told by what was known at each time', async () => {
    const { body } = await client.get(`/v1/fleet/history?from=${time(-60)}&stepMs=1200000`);
    expect(body).toMatchObject({
      from: time(-60),
      to: time(0),
      points: [
        { at: time(-60), states: { available: 1, offline: 3 }, transitions: 0 },
        { at: time(-40), states: { available: 1, offline: 3 }, transitions: 0 },
        { at: time(-20), states: { available: 1, charging: 0, offline: 3 }, transitions: 3 },
      ],
    });
    expectProblem(await client.get(`/v1/fleet/history?from=${time(-60)}&to=${time(-90)}`), 'bad-query');
    expectProblem(await client.get('/v1/fleet/history?from=1990-01-01T00:00:00Z&stepMs=1000'), 'bad-query');
  });
});
