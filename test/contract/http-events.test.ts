/**
 * Following devices over HTTP, and commanding them; and who may do that.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commandOutcome } from '../../src/contract/ledger-entry.ts';
import type { FirstUse, RefusalBody } from '../../src/contract/refusal.ts';
import type { CommandOrder } from '../../src/http/command-port.ts';
import { DEAF_MS, EventStream, HEARTBEAT_MS, SLOW_READER_MS } from '../../src/http/event-stream.ts';
import type { HttpGuards } from '../../src/http/limits.ts';
import { EVENT_READERS_EACH_MAX, EVENT_READERS_MAX } from '../../src/http/event-readers.ts';
import type { FleetReader } from '../../src/history/ports.ts';
import type { ChangeSink } from '../../src/runtime/change-feed.ts';
import { KEPT_BYTES_MAX, SharedChanges } from '../../src/runtime/shared-changes.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { ACCEPTANCES } from '../../src/wire/acceptance.ts';
import { commitLives, fleet, NOW, PENDING_ID } from './http-fleet.ts';
import { type HttpNode, httpOver, OPEN, StandingClock } from './http-node.ts';
import { memory, type OpenStore } from './http-stores.ts';
import { entry } from './store-samples.ts';

const READER = 'a-token-that-may-read';
const OPERATOR = 'a-token-that-may-operate';
const GUARDED: HttpGuards = {
  ...OPEN,
  access: {
    readTokens: [{ name: 'reader', token: READER }],
    operateTokens: [{ name: 'operator', token: OPERATOR }],
    isReadOpen: false,
  },
};
const READY = 'GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n';
const FOLLOW = `GET /v1/devices/cp-001/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${READER}\r\n\r\n`;
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

describe('over HTTP', () => {
  let opened: OpenStore;
  let node: HttpNode;
  let clock: StandingClock;

  beforeEach(async () => {
    clock = new StandingClock();
    opened = await memory.open(clock);
    await commitLives(opened.store, fleet);
  });
  afterEach(async () => {
    await node.app.close();
    await opened.end();
  });
  const begin = async (guards: HttpGuards = OPEN): Promise<void> => {
    node = await httpOver(opened.store, clock, guards);
  };

  test('events that are asked for while the node is being stopped end with it', async () => {
    let goOn: () => void = () => undefined;
    const isClosing = new Promise<void>((resolve) => (goOn = resolve));
    const twin: FleetReader['twin'] = async (device) => {
      await isClosing;
      return opened.store.twin(device);
    };
    node = await httpOver(Object.assign(Object.create(opened.store) as FleetReader, { twin }), clock);
    const url = await node.app.listen({ host: '127.0.0.1', port: 0 });
    const asked = once(node.app.server, 'request');
    const events = fetch(`${url}/v1/devices/cp-001/events`).then((response) => response.text());
    await asked;
    const closed = node.app.close();
    setTimeout(goOn, 50);
    await closed;
    expect(await events).toContain('event: open');
  });

  describe('events', () => {
    let url: string;
    beforeEach(async () => {
      await begin();
      url = await node.app.listen({ host: '127.0.0.1', port: 0 });
    });

    let published = 0;
    function publish(device: string, type: 'changed' | 'outcome', body: object): void {
      published += 1;
      const payload = Buffer.from(JSON.stringify(body));
      node.hub.changes.append({
        subject: `twin.${device}.${type}`,
        payload,
        id: String(published),
        now: NOW,
      });
    }
    const outcome = (device: string): void =>
      publish(device, 'outcome', { ...commandOutcome(entry(device)), partition: 3, no: 7 });

    /** Reads events until there are so many. */
    async function read(
      path: string,
      count: number,
      headers: Record<string, string> = {},
    ): Promise<string[]> {
      const ended = new AbortController();
      const response = await fetch(`${url}${path}`, { headers, signal: ended.signal });
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      const events: string[] = [];
      let text = '';
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        text += Buffer.from(chunk).toString();
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        events.push(...blocks.filter((block) => block.includes('event: ')));
        if (events.length >= count) break;
      }
      ended.abort();
      return events;
    }

    test('go on after the last one that was read, and lose nothing', async () => {
      outcome('cp-001');
      outcome('cp-002');
      outcome('cp-001');
      const events = await read('/v1/events', 3, { 'last-event-id': '1' });
      expect(events.map((event) => event.split('\n').slice(0, 2))).toEqual([
        ['id: 1', 'event: open'],
        [`id: made-1-2@${String(NOW)}`, 'event: outcome'],
        [`id: made-1-3@${String(NOW)}`, 'event: outcome'],
      ]);
      expect(events[1]).toContain('"device":"cp-002"');
      expect(events[1]).toContain('"no":7');
    });

    test('begin now, and can be those of one device', async () => {
      outcome('cp-001');
      const reading = read('/v1/devices/cp-002/events', 2);
      const next = setInterval(() => {
        outcome('cp-001');
        outcome('cp-002');
      }, 20);
      const [open, first] = await reading;
      clearInterval(next);
      expect(open).toMatch(/^id: made-1-\d+@\d+\nevent: open/);
      expect(first).toContain('"device":"cp-002"');
      const nobody = await fetch(`${url}/v1/devices/nobody/events`);
      expect(nobody.status).toBe(404);
    });

    test('say what the stream no longer holds', async () => {
      for (let count = 0; count < 3; count += 1) outcome('cp-001');
      node.hub.changes.purgeBefore(3);
      const [, gone, next] = await read('/v1/events', 3, { 'last-event-id': '0' });
      expect(gone).toMatch(/^id: made-1-2\nevent: gone\ndata: \{"from":1,"to":2,/);
      expect(next).toMatch(/^id: made-1-3@\d+\nevent: outcome/);
    });

    test('say to who comes back after the stream was made anew that his place is gone, also where the new one has it', async () => {
      outcome('cp-001');
      const [, first] = await read('/v1/events', 2, { 'last-event-id': 'made-1-0' });
      const place = /^id: (.*)$/m.exec(first ?? '')?.[1] ?? '';
      expect(place).toBe(`made-1-1@${String(NOW)}`);
      node.hub.changes.wipe();
      for (let count = 0; count < 3; count += 1) outcome('cp-002');
      const [, gone, ...events] = await read('/v1/events', 5, { 'last-event-id': place });
      expect(gone).toMatch(/^id: made-2-0\nevent: gone\ndata: .*the stream was made anew/);
      expect(events.map((event) => event.split('\n')[0])).toEqual([
        `id: made-2-1@${String(NOW)}`,
        `id: made-2-2@${String(NOW)}`,
        `id: made-2-3@${String(NOW)}`,
      ]);
    });

    test('are not begun at what is no place', async () => {
      const response = await fetch(`${url}/v1/events`, { headers: { 'last-event-id': 'yesterday' } });
      expect(await response.json()).toMatchObject({ code: 'bad-query', parameter: 'Last-Event-ID' });
    });

    test('of what does not belong into the stream are none, and the others go on', async () => {
      publish('cp-001', 'changed', {});
      publish('cp-001', 'changed', { device: 'cp-001', twin: null });
      publish('cp-001', 'outcome', { ...commandOutcome(entry('cp-002')), partition: 3, no: 7 });
      publish('cp-001', 'outcome', { ...commandOutcome(entry('cp-001')), sentAt: 'yesterday' });
      outcome('cp-001');
      const events = await read('/v1/events', 2, { 'last-event-id': '0' });
      expect(events[1]).toMatch(/^id: made-1-5@\d+\nevent: outcome/);
      expect(await node.metrics.metrics()).toContain('corral_http_changes_unreadable_total 4');
      expect(node.log.filter((line) => line.includes('change-unreadable'))).toHaveLength(4);
    });

    test('are made once for all readers who follow the stream together', async () => {
      const { changes: feed } = node;
      node.changes = new SharedChanges({ feed, clock: systemClock, keptBytesMax: KEPT_BYTES_MAX });
      const ended = new AbortController();
      const readers = await Promise.all(
        Array.from({ length: 5 }, () => fetch(`${url}/v1/events`, { signal: ended.signal })),
      );
      publish('cp-001', 'changed', {});
      outcome('cp-001');
      for (const { body } of readers) {
        let text = '';
        for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
          text += Buffer.from(chunk).toString();
          if (text.includes(`id: made-1-2@${String(NOW)}\nevent: outcome`)) break;
        }
        expect(text).not.toContain('id: made-1-1');
      }
      ended.abort();
      expect(await node.metrics.metrics()).toContain('corral_http_changes_unreadable_total 1');
    });

    test('end when the stream cannot be heard for a while, and not for a moment', async () => {
      const sinks: ChangeSink[] = [];
      node.changes = {
        last: async () => ({ made: 'made-1', sequence: 7 }),
        open: async ({ sink }) => {
          sinks.push(sink);
          return { stop: async () => undefined };
        },
      };
      const response = await fetch(`${url}/v1/events`);
      const [sink] = sinks;
      sink?.hearing(true);
      clock.move(DEAF_MS);
      sink?.hearing(false);
      clock.move(DEAF_MS - 1);
      sink?.hearing(true);
      clock.move(HEARTBEAT_MS);
      sink?.hearing(false);
      clock.move(DEAF_MS);
      expect(await response.text()).toMatch(/event: open\n[^]*: all is well\n\n$/);
    });

    test('end when whoever is told them cannot be told any more', async () => {
      const sinks: ChangeSink[] = [];
      node.changes = {
        last: async () => ({ made: 'made-1', sequence: 7 }),
        open: async ({ sink }) => {
          sinks.push(sink);
          return { stop: async () => undefined };
        },
      };
      const response = await fetch(`${url}/v1/events`);
      sinks[0]?.ended(new Error('cannot go on'));
      expect(await response.text()).toContain('event: open');
    });

    test('are not begun while the hub is away, also not where a place is given', async () => {
      node.changes = {
        last: () => Promise.reject(new Error('away')),
        open: () => Promise.reject(new Error('away')),
      };
      const response = await fetch(`${url}/v1/events`, { headers: { 'last-event-id': '3' } });
      expect(await response.json()).toMatchObject({ code: 'hub-unavailable', status: 503 });
    });
  });

  describe('the places for readers of events', () => {
    const others = ['b', 'c'].map((name) => ({ name, token: `a-token-of-reader-${name}` }));
    let url: string;
    let ended: AbortController;
    beforeEach(async () => {
      ended = new AbortController();
      const { operateTokens } = GUARDED.access;
      const readTokens = [{ name: 'a', token: READER }, ...others];
      await begin({ ...GUARDED, access: { readTokens, operateTokens, isReadOpen: false } });
      url = await node.app.listen({ host: '127.0.0.1', port: 0 });
    });
    afterEach(() => ended.abort());
    interface Asking {
      readonly method?: string;
      readonly headers?: Record<string, string>;
      readonly signal?: AbortSignal;
    }
    const follow = (token: string, path = '/v1/events', init: Asking = {}): Promise<Response> =>
      fetch(`${url}${path}`, {
        signal: ended.signal,
        ...init,
        headers: { ...bearer(token), ...init.headers },
      });
    /** Kept to the end: `fetch` hangs up where nothing refers to a response any more. */
    const crowd = (token: string, count: number): Promise<readonly Response[]> =>
      Promise.all(Array.from({ length: count }, () => follow(token)));
    const served = (responses: readonly Response[]): number =>
      responses.filter(({ status }) => status === 200).length;

    test('are never more than there are, however many ask at once, and nobody has all', async () => {
      const { changes } = node;
      node.changes = {
        // As of a hub, whose answer takes a while: all have asked before the first one is served.
        last: async () => {
          for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
          return changes.last();
        },
        open: (options) => changes.open(options),
      };
      const first = await crowd(READER, 3 * EVENT_READERS_EACH_MAX);
      expect(served(first)).toBe(EVENT_READERS_EACH_MAX);
      const refused = first.find(({ status }) => status !== 200);
      expect(await refused?.json()).toMatchObject({ code: 'too-many-readers', status: 503 });
      expect(refused?.headers.get('retry-after')).not.toBeNull();
      const second = await crowd(others[0]!.token, 3 * EVENT_READERS_EACH_MAX);
      const third = await crowd(others[1]!.token, 3);
      expect(served([...first, ...second, ...third])).toBe(EVENT_READERS_MAX);
      expect(served(third)).toBe(0);
    });

    test.each([
      ['asks from what is no place', '/v1/events', { headers: { 'last-event-id': 'x' } }, 400],
      ['asks for a device that is not there', '/v1/devices/nobody/events', {}, 404],
      ['asks for the header alone', '/v1/events', { method: 'HEAD' }, 405],
      ['asks while the hub is away', '/v1/events', {}, 503],
    ])('are given back by who %s', async (_, path, init, status) => {
      const { changes } = node;
      if (status === 503) {
        const open = (): Promise<never> => Promise.reject(new Error('away'));
        node.changes = { last: async () => ({ made: 'made-1', sequence: 1 }), open };
      }
      for (let count = 0; count < EVENT_READERS_EACH_MAX + 1; count += 1) {
        expect((await follow(READER, path, init)).status).toBe(status);
      }
      node.changes = changes;
      expect((await follow(READER)).status).toBe(200);
      // What was begun for them is over as well: nothing waits but for the one reader, and the connections.
      expect(clock.waiting).toBeLessThan(5);
    });

    test('are given back by who goes before the answer', async () => {
      const { changes } = node;
      let goOn: () => void = () => undefined;
      const isGone = new Promise<void>((resolve) => (goOn = resolve));
      let asked = 0;
      let stopped = 0;
      node.changes = {
        last: async () => {
          asked += 1;
          await isGone;
          return { made: 'made-1', sequence: 1 };
        },
        open: async () => ({ stop: async () => void (stopped += 1) }),
      };
      const impatient = new AbortController();
      const gone = crowdOf(EVENT_READERS_EACH_MAX, () =>
        follow(READER, '/v1/events', { signal: impatient.signal }),
      );
      await turnsUntil(() => asked === EVENT_READERS_EACH_MAX);
      const closed = new Promise<void>((resolve) => {
        let left = EVENT_READERS_EACH_MAX;
        for (const socket of sockets) socket.once('close', () => (left -= 1) || resolve());
      });
      impatient.abort();
      await gone;
      await closed;
      goOn();
      await turnsUntil(() => stopped === EVENT_READERS_EACH_MAX);
      node.changes = changes;
      expect((await follow(READER)).status).toBe(200);
    });

    test.each([
      ['asks for all of them at once', { connections: 1, first: '', asks: EVENT_READERS_EACH_MAX }],
      ['waits for another answer first', { connections: EVENT_READERS_EACH_MAX, first: READY, asks: 1 }],
    ])('are given back by a connection that %s and goes', async (_, { connections, first, asks }) => {
      node.health = { check: () => new Promise(() => undefined) };
      const { changes } = node;
      let [asked, opened, stopped, left] = [0, 0, 0, connections];
      node.changes = {
        last: async () => ({ made: 'made-1', sequence: 1 }),
        open: async () => {
          opened += 1;
          return { stop: async () => void (stopped += 1) };
        },
      };
      node.app.server.on('request', () => (asked += 1));
      const { port } = node.app.server.address() as AddressInfo;
      const clients = Array.from({ length: connections }, () => connect(port, '127.0.0.1'));
      for (const client of clients) client.write(first + FOLLOW.repeat(asks));
      await turnsUntil(
        () => asked === connections * (asks + (first === '' ? 0 : 1)) && opened >= connections,
      );
      // Whatever else was asked for is begun as well, or refused.
      for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      for (const socket of sockets) socket.once('close', () => (left -= 1));
      for (const client of clients) client.destroy();
      await turnsUntil(() => left === 0);
      await turnsUntil(() => stopped === opened);
      node.changes = changes;
      expect(served(await crowd(READER, EVENT_READERS_EACH_MAX))).toBe(EVENT_READERS_EACH_MAX);
    });

    const sockets: Socket[] = [];
    beforeEach(() => {
      sockets.length = 0;
      node.app.server.on('connection', (socket) => sockets.push(socket));
    });
  });

  describe('a reader', () => {
    const event = (sequence: number) => ({
      event: 'changed',
      id: { made: 'made-1', sequence },
      data: 'x'.repeat(100_000),
    });

    test('that reads too little is told, sent away, and loses nothing that was written', async () => {
      await begin();
      const stream = new EventStream(clock);
      let written = 0;
      const writing = (async () => {
        while (await stream.write(event(written + 1))) written += 1;
      })();
      await new Promise((resolve) => setImmediate(resolve));
      expect(written).toBeLessThan(10);
      clock.move(SLOW_READER_MS);
      await writing;
      let text = '';
      for await (const chunk of stream.body) text += String(chunk);
      await stream.ended;
      expect(text).toContain('event: slow\n');
      expect(text.match(/^id: /gm)).toHaveLength(written + 1);
      expect(await stream.write(event(0))).toBe(false);
    });

    test('hears a sign of life while nothing happens', async () => {
      await begin();
      const stream = new EventStream(clock);
      clock.move(HEARTBEAT_MS);
      stream.end();
      let text = '';
      for await (const chunk of stream.body) text += String(chunk);
      expect(text).toContain(': all is well\n\n');
    });
  });

  describe('a command', () => {
    let orders: CommandOrder[];
    const callers: string[] = [];
    beforeEach(async () => {
      orders = [];
      await begin(GUARDED);
    });
    const order = (body: object, token = OPERATOR, query = '') =>
      node.app.inject({
        method: 'POST',
        url: `/v1/devices/cp-001/commands${query}`,
        headers: bearer(token),
        payload: body,
      });

    test('is given to the owner of the device, and found in its ledger', async () => {
      node.commands = {
        command: async (given, caller) => {
          orders.push(given);
          callers.push(caller);
          return { type: 'accepted', outcome: commandOutcome(entry('cp-001', { id: given.id })) };
        },
      };
      const response = await order(
        { id: PENDING_ID.toUpperCase(), name: 'stop', by: 'mara' },
        OPERATOR,
        '?waitMs=50',
      );
      expect(response.statusCode).toBe(202);
      expect(response.headers.location).toBe(`/v1/devices/cp-001/commands/${PENDING_ID}`);
      expect(orders).toEqual([
        {
          device: 'cp-001',
          name: 'stop',
          id: PENDING_ID,
          args: {},
          waitMs: 50,
          ifVersion: null,
          by: 'mara',
          traceParent: null,
        },
      ]);
      expect(callers).toEqual(['operator']);
      const there = await node.app.inject({
        url: String(response.headers.location),
        headers: bearer(READER),
      });
      expect(there.json()).toMatchObject({ id: PENDING_ID, outcome: 'pending' });
    });

    test('of which the outcome is known is answered with it', async () => {
      const done = commandOutcome(entry('cp-001', { outcome: 'done', decidedAt: NOW, closedAt: NOW }));
      node.commands = { command: async () => ({ type: 'accepted', outcome: done }) };
      const response = await order({ name: 'stop' });
      expect([response.statusCode, response.json()]).toMatchObject([200, { outcome: 'done' }]);
    });

    test('that the twin refuses is refused with the same code', async () => {
      const refusal = {
        id: null,
        outcome: 'refused',
        code: 'version-mismatch',
        detail: 'is at 7',
        state: 'charging',
        allowed: ['stop'],
      } as const;
      node.commands = { command: async () => ({ type: 'refused', refusal }) };
      const response = await order({ name: 'stop', ifVersion: 3 });
      expect(response.statusCode).toBe(412);
      expect(response.json()).toMatchObject({
        code: 'version-mismatch',
        state: 'charging',
        allowed: ['stop'],
      });
    });

    test('under an id of another command is a problem that says what the id names', async () => {
      const firstUse: FirstUse = {
        name: 'reserve',
        args: { holdMs: 60_000 },
        by: 'mara',
        asker: 'nats:booking',
        acceptedAt: NOW,
        outcome: 'done',
      };
      const refusal: RefusalBody = {
        id: PENDING_ID,
        outcome: 'refused',
        code: 'id-reused',
        detail: 'it is that of reserve',
        state: 'reserved',
        allowed: ['release'],
        firstUse,
      };
      node.commands = { command: async () => ({ type: 'refused', refusal }) };
      const response = await order({ id: PENDING_ID, name: 'release' });
      expect(response.statusCode).toBe(409);
      expect(response.json()).toMatchObject({
        code: 'id-reused',
        id: PENDING_ID,
        state: 'reserved',
        firstUse: { ...firstUse, acceptedAt: new Date(NOW).toISOString() },
      });
    });

    test.each([
      [{ type: 'no-owner', detail: 'nobody' }, 503, 'no-owner', 'not-this-copy', 'no'],
      [{ type: 'hub-away' }, 503, 'hub-unavailable', 'not-this-copy', 'no'],
      [{ type: 'unanswered', detail: 'no answer' }, 504, 'no-answer', 'maybe', 'maybe'],
      [{ type: 'outcome-unreadable', detail: 'it was' }, 504, 'outcome-unreadable', 'yes', 'yes'],
    ] as const)(
      'that comes to nothing says what is known of it, and more where its id was drawn for it: %o',
      async (answer, status, code, ofGivenId, ofDrawnId) => {
        node.commands = { command: async () => answer };
        const response = await order({ id: PENDING_ID, name: 'stop' });
        const body = response.json<{ readonly detail: string }>();
        expect(response.statusCode).toBe(status);
        expect(body).toMatchObject({ code, id: PENDING_ID, acceptance: ofGivenId });
        expect(body.detail).toContain(ACCEPTANCES[ofGivenId]);
        const drawn = (await order({ name: 'stop' })).json<{ readonly detail: string }>();
        expect(drawn).toMatchObject({ code, acceptance: ofDrawnId });
        expect(drawn.detail).toContain(ACCEPTANCES[ofDrawnId]);
      },
    );

    test('that is refused or cannot be read, or breaks something here, says what is known of it as well', async () => {
      const acceptance = async (body: object): Promise<unknown> =>
        (await order(body)).json<{ readonly acceptance?: string }>().acceptance;
      expect(await acceptance({ id: PENDING_ID, name: 'stop', when: 'now' })).toBe('not-this-copy');
      expect(await acceptance({ name: 'stop', when: 'now' })).toBe('no');
      node.commands = { command: async () => Promise.reject(new Error('a fault')) };
      expect(await acceptance({ name: 'stop' })).toBe('maybe');
    });

    test.each([{}, { name: 'stop', id: 'x' }, { name: 'stop', when: 'now' }, { name: '' }])(
      'is taken only in its form: %o',
      async (body) => {
        const response = await order(body);
        expect([response.statusCode, response.json()]).toMatchObject([400, { code: 'bad-body' }]);
      },
    );

    test('takes JSON', async () => {
      const request = {
        method: 'POST',
        url: '/v1/devices/cp-001/commands',
        headers: bearer(OPERATOR),
      } as const;
      const broken = await node.app.inject({
        ...request,
        payload: '{',
        headers: { ...request.headers, 'content-type': 'application/json' },
      });
      expect(broken.json()).toMatchObject({ code: 'bad-body' });
      const text = await node.app.inject({
        ...request,
        payload: 'stop',
        headers: { ...request.headers, 'content-type': 'application/xml' },
      });
      expect(text.json()).toMatchObject({ code: 'unsupported-media-type', status: 415 });
    });

    test('takes a token that may operate', async () => {
      expect((await order({ name: 'stop' }, READER)).json()).toMatchObject({
        code: 'forbidden',
        status: 403,
      });
      const nobody = await order({ name: 'stop' }, 'a-token-of-nobody-here');
      expect(nobody.json()).toMatchObject({ code: 'unauthorized', status: 401 });
      expect(nobody.headers['www-authenticate']).toContain('Bearer');
    });
  });

  describe('access', () => {
    test.each([
      ['/v1/devices', 401],
      ['/metrics', 401],
      ['/healthz', 200],
      ['/problems', 200],
      ['/openapi.json', 200],
    ])('without a token to %s is %i where there are tokens', async (url, status) => {
      await begin(GUARDED);
      expect((await node.app.inject({ url })).statusCode).toBe(status);
      for (const token of [READER, OPERATOR]) {
        expect((await node.app.inject({ url, headers: bearer(token) })).statusCode).toBe(200);
      }
    });

    test('without tokens is to read, under names of loopback', async () => {
      await begin();
      const as = (host: string) => node.app.inject({ url: '/v1/fleet', headers: { host } });
      for (const host of ['localhost:8080', '127.0.0.1', '[::1]:8080']) {
        expect((await as(host)).statusCode).toBe(200);
      }
      expect((await as('evil.example')).json()).toMatchObject({ code: 'foreign-host', status: 403 });
      const command = await node.app.inject({
        method: 'POST',
        url: '/v1/devices/cp-001/commands',
        payload: { name: 'stop' },
      });
      expect(command.json()).toMatchObject({ code: 'unauthorized' });
    });

    test('is bounded for each address, and says when to come back', async () => {
      await begin({ ...OPEN, rateMax: 2 });
      await node.app.inject({ url: '/v1/kinds' });
      await node.app.inject({ url: '/v1/kinds' });
      const third = await node.app.inject({ url: '/v1/kinds' });
      expect(third.json()).toMatchObject({ code: 'rate-limited', status: 429 });
      expect(Number(third.headers['retry-after'])).toBeGreaterThan(0);
      expect((await node.app.inject({ url: '/healthz' })).statusCode).toBe(200);
    });

    test('from pages of other origins is only for those that are named', async () => {
      await begin({ ...OPEN, corsOrigins: ['https://dashboard.example'] });
      const from = (origin: string) => node.app.inject({ url: '/v1/kinds', headers: { origin } });
      const named = await from('https://dashboard.example');
      expect(named.headers['access-control-allow-origin']).toBe('https://dashboard.example');
      expect((await from('https://evil.example')).headers['access-control-allow-origin']).toBeUndefined();
    });

    test('carries the id of the request, and packs what is long', async () => {
      await begin();
      const response = await node.app.inject({ url: '/v1/devices', headers: { 'accept-encoding': 'gzip' } });
      expect(response.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      expect(response.headers['content-encoding']).toBe('gzip');
    });
  });
});

/** Asks so many times; who is refused, or goes, is no error. */
async function crowdOf(count: number, ask: () => Promise<unknown>): Promise<void> {
  await Promise.allSettled(Array.from({ length: count }, ask));
}

/** Lets everything else have its turn until it is so. */
async function turnsUntil(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
