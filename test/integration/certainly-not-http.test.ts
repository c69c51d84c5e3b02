/**
 * What HTTP says by itself, before an order has left the node, while the store or the hub is away: asked under the id of a command that the
 * device has, nobody is told that this was not accepted; asked under a new one, it never is.
 */
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { PROBLEMS } from '../../src/http/problem.ts';
import { acceptanceOf } from '../../src/wire/acceptance.ts';
import { startNode, until } from '../nodes/node.ts';
import type { RawBody } from '../callers/raw-backend.ts';
import type { RawDevice } from '../devices/raw-device.ts';
import { type Ways, World } from '../servers/world.ts';

const OPERATOR = 'operator-of-this-test';
const READER = 'reader-of-this-test';
/** So many requests of this machine are answered in ten seconds: more than all that is asked before it matters. */
const RATE_MAX = 400;
/** More than may read from the store at once, and wait for it. */
const READERS = 200;

interface Asked {
  readonly id: string;
  readonly device: string;
}

interface HttpAnswer {
  readonly status: number;
  readonly body: RawBody;
}

let world: World;
let ways: Ways;
let node: App;
/** One that takes no tokens for reading, and so tells under which names it answers. */
let open: App;

beforeAll(async () => {
  world = await World.start();
  ways = await world.startWays();
  const env = {
    CORRAL_NATS_URL: ways.natsUrl,
    CORRAL_HTTP_OPERATE_TOKENS: `tester:${OPERATOR}`,
    CORRAL_HTTP_RATE_MAX: String(RATE_MAX),
  };
  const common = {
    hub: world.hub,
    databaseUrl: ways.databaseUrl,
    mayStandBy: true,
    // It stays sure of its leases for the whole of a test.
    limits: { leaseTtlMs: 240_000 },
  };
  node = await startNode({ ...common, env: { ...env, CORRAL_HTTP_READ_TOKENS: `reader:${READER}` } });
  world.add(() => node.stop());
  open = await startNode({ ...common, node: 'open', env });
  world.add(() => open.stop());
});
afterEach(async () => {
  for (const way of [ways.toStore, ways.toHub]) way.heal();
  await until('the node is ready again', async () => {
    const missing = (await node.health.check()).filter(({ ok }) => !ok);
    return missing.length === 0 ? { done: true } : { done: false, seen: JSON.stringify(missing) };
  });
});
afterAll(async () => {
  await world.end();
});

interface Sending {
  readonly app?: App;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One request, as no ordinary client would send some of them. */
function send({ id, device }: Asked, changes: Sending = {}): Promise<HttpAnswer> {
  const { app = node, method = 'POST', path = `/v1/devices/${device}/commands` } = changes;
  const { body = JSON.stringify({ id, name: 'reserve' }) } = changes;
  const headers = {
    authorization: `Bearer ${OPERATOR}`,
    'content-type': 'application/json',
    ...changes.headers,
  };
  return new Promise((resolve, reject) => {
    const sent = request(`${app.httpUrl}${path}`, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode!, body: JSON.parse(text) as RawBody }));
    });
    sent.on('error', reject).end(body);
  });
}

/** Half of a request, until the node says that it has waited long enough. */
function sendHalf({ device }: Asked): Promise<HttpAnswer> {
  const { hostname, port } = new URL(node.httpUrl);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    socket.on('error', reject).on('close', () => {
      const [head = '', body = ''] = text.split('\r\n\r\n');
      resolve({ status: Number(head.split(' ')[1]), body: JSON.parse(body) as RawBody });
    });
    socket.write(
      `POST /v1/devices/${device}/commands HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${OPERATOR}\r\n` +
        'content-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    );
  });
}

/** By code, how the request is made that is answered with it. */
const BEFORE_ROUTES: Readonly<Record<string, (asked: Asked) => Promise<HttpAnswer>>> = {
  'bad-request': (asked) => send(asked, { path: `/v1/devices/%zz/commands` }),
  'headers-too-large': (asked) => send(asked, { headers: { 'x-long': 'x'.repeat(20_000) } }),
  'request-timeout': sendHalf,
  'unknown-route': (asked) => send(asked, { path: `/v1/devices/${asked.device}/command` }),
  'method-not-allowed': (asked) => send(asked, { method: 'PUT' }),
};
const OF_THE_ROUTE: typeof BEFORE_ROUTES = {
  'foreign-host': (asked) => send(asked, { app: open, headers: { host: 'corral.example' } }),
  unauthorized: (asked) => send(asked, { headers: { authorization: 'Bearer of-nobody' } }),
  forbidden: (asked) => send(asked, { headers: { authorization: `Bearer ${READER}` } }),
  'bad-query': (asked) => send(asked, { path: `/v1/devices/${asked.device}/commands?waitMs=soon` }),
  'bad-body': (asked) =>
    send(asked, { body: JSON.stringify({ id: asked.id, name: 'reserve', when: 'now' }) }),
  'body-too-large': (asked) =>
    send(asked, { body: JSON.stringify({ id: asked.id, name: 'x'.repeat(70_000) }) }),
  'unsupported-media-type': (asked) => send(asked, { headers: { 'content-type': 'text/plain' } }),
};
/** Of what these take there is more below. */
const OF_OUTAGES = [
  'store-unavailable',
  'busy',
  'hub-unavailable',
  'no-owner',
  'rate-limited',
  'unknown-kind',
];
/** Of other routes: nobody who commands is told so. */
const ELSEWHERE = ['foreign-origin', 'no-such-kind', 'too-many-readers', 'not-drawn', 'not-ready'];

/** A command that the device has, and has not answered. */
async function underWay(): Promise<{ readonly raw: RawDevice; readonly asked: Asked }> {
  const raw = await world.knownDevice({ manner: 'probes' });
  const { id } = await world.backend.command(raw.device, 'reserve', { waitMs: 0 });
  await raw.command('reserve');
  return { raw, asked: { id: id as string, device: raw.device } };
}

/** It was not said that the command was not accepted: in the field for it, nor in words. */
function expectNoDenial(said: HttpAnswer, code: string, acceptance: unknown): void {
  expect(said.body, code).toMatchObject({ code, status: said.status });
  expect(said.body.acceptance, code).toBe(acceptance);
  const words = JSON.stringify(said.body).replaceAll('this copy was certainly not accepted', '');
  expect(words, code).not.toMatch(/certainly not|nothing was sent|was not accepted/i);
}

/** Asks for each code under an id that is in use, and under a new one, which is returned. */
async function askAll(
  ways: typeof BEFORE_ROUTES,
  asked: Asked,
  acceptance: 'not-this-copy' | undefined,
): Promise<readonly string[]> {
  const asking = Object.entries(ways).map(async ([code, ask]) => {
    const id = randomUUID();
    const [again, first] = await Promise.all([ask(asked), ask({ ...asked, id })]);
    for (const said of [again, first]) expectNoDenial(said, code, acceptance);
    return id;
  });
  return Promise.all(asking);
}

/** The command was executed in the end, no other was ever accepted, and the device heard of no other. */
async function expectOnlyThat(raw: RawDevice, asked: Asked, others: readonly string[]): Promise<void> {
  await raw.execute(raw.heard.find(({ name }) => name === 'reserve')!);
  await until(`${asked.id} is done`, async () => {
    const entry = await world.backend.ledger(asked.device, asked.id).catch((error: unknown) => String(error));
    const seen = JSON.stringify(entry);
    return typeof entry === 'object' && entry.outcome === 'done' ? { done: true } : { done: false, seen };
  });
  for (const id of others)
    expect(await world.backend.ledger(asked.device, id)).toMatchObject({ code: 'unknown-id' });
  const commanded = new Set(raw.heard.filter(({ name }) => name === 'reserve').map(({ id }) => id));
  expect([...commanded]).toEqual([asked.id]);
}

test('every code of HTTP itself that says something of one copy only has its case here', () => {
  const here = [BEFORE_ROUTES, OF_THE_ROUTE].flatMap((ways) => Object.keys(ways));
  const all = Object.keys(PROBLEMS).filter((code) => acceptanceOf(code) === 'not-this-copy');
  // The twin says these, too.
  const ofTwins = ['bad-arguments', 'forgotten'];
  expect([...here, ...OF_OUTAGES, ...ELSEWHERE, ...ofTwins].sort()).toEqual(all.sort());
});

describe('what HTTP says by itself of a command that the device has', () => {
  test('while the store stands still, is no word of that', async () => {
    const { raw, asked } = await underWay();
    ways.toStore.freeze();
    const others = [
      ...(await askAll(BEFORE_ROUTES, asked, undefined)),
      ...(await askAll(OF_THE_ROUTE, asked, 'not-this-copy')),
      ...(await askAll({ 'store-unavailable': (one) => send(one) }, asked, 'not-this-copy')),
    ];
    const reads = Array.from({ length: READERS }, () =>
      send(asked, { method: 'GET', path: '/v1/devices', body: '' }).catch(() => null),
    );
    const busy = await until('the node is busy', async () => {
      const said = await send(asked);
      const seen = JSON.stringify(said);
      return said.body.code === 'busy' ? { done: true, value: said } : { done: false, seen };
    });
    expectNoDenial(busy!, 'busy', 'not-this-copy');
    ways.toStore.heal();
    await Promise.all(reads);
    await expectOnlyThat(raw, asked, others);
  });

  test('while the hub is away, is no word of that either', async () => {
    const { raw, asked } = await underWay();
    const odd = await underWay();
    ways.toHub.cut();
    const others = [
      ...(await askAll(BEFORE_ROUTES, asked, undefined)),
      ...(await askAll(OF_THE_ROUTE, asked, 'not-this-copy')),
      ...(await askAll({ 'hub-unavailable': (one) => send(one) }, asked, 'not-this-copy')),
    ];
    // As a node of an older version sees it, whose store the owner shares.
    await world.eye.query(
      `update twin set kind = 'submarine' where device = (select key from device where id = '${odd.raw.device}')`,
    );
    const ofOdd = await askAll({ 'unknown-kind': (one) => send(one) }, odd.asked, 'not-this-copy');
    ways.toHub.heal();
    await expectOnlyThat(raw, asked, others);
    await expectOnlyThat(odd.raw, odd.asked, ofOdd);
  });

  test('and has too many callers for another, is no word of that', async () => {
    const { raw, asked } = await underWay();
    ways.toStore.freeze();
    const others: string[] = [];
    const said = await until('it is one too many', async () => {
      const ids = Array.from({ length: RATE_MAX + 1 }, () => randomUUID());
      others.push(...ids);
      const headers = { authorization: 'Bearer of-nobody' };
      await Promise.all(ids.map((id) => send({ ...asked, id }, { headers })));
      const answer = await send(asked);
      const isLimited = answer.body.code === 'rate-limited';
      return isLimited ? { done: true, value: answer } : { done: false, seen: JSON.stringify(answer) };
    });
    expectNoDenial(said!, 'rate-limited', 'not-this-copy');
    ways.toStore.heal();
    await expectOnlyThat(raw, asked, others.slice(0, 20));
  });
});

test('that no node decides for the device any more is no word of a command that it has', async () => {
  const alone = await World.start();
  try {
    const owner = await alone.startNode();
    const other = await startNode({
      hub: alone.hub,
      databaseUrl: alone.databaseUrl,
      node: 'other',
      mayStandBy: true,
      env: { CORRAL_HTTP_OPERATE_TOKENS: `tester:${OPERATOR}` },
    });
    alone.add(() => other.stop());
    const raw = await alone.knownDevice({ manner: 'probes' });
    const { id } = await alone.backend.command(raw.device, 'reserve', { waitMs: 0 });
    await raw.command('reserve');
    const asked = { id: id as string, device: raw.device };
    await owner.kill();
    const fresh = randomUUID();
    for (const one of [asked, { ...asked, id: fresh }])
      expectNoDenial(await send(one, { app: other }), 'no-owner', 'not-this-copy');
    expect(await send({ ...asked, id: '' }, { app: other, body: '{"name":"reserve"}' })).toMatchObject({
      body: { code: 'no-owner', acceptance: 'no' },
    });
    await until('another node decides for it', async () => {
      const entry = await alone.backend
        .ledger(raw.device, fresh)
        .catch((error: unknown) => ({ code: String(error) }));
      return entry.code === 'unknown-id' ? { done: true } : { done: false, seen: String(entry.code) };
    });
    expect(await alone.backend.ledger(raw.device, asked.id)).toMatchObject({ id, name: 'reserve' });
  } finally {
    await alone.end();
  }
});
