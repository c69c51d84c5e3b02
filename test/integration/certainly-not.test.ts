/**
 * What callers are told of a command that the device has, when the store or the hub goes away at the worst moment: between its
 * acceptance and the end of the caller's wait. Nobody is told that it was certainly not sent, and what is told stays true.
 */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RECENT_MAX } from '../../actors/resolve.ts';
import type { App } from '../../src/app/app.ts';
import { connectCorral, type Corral, CorralUnreachable } from '../../src/client/corral.ts';
import type { RuntimeLimits } from '../../src/runtime/limits.ts';
import { startCorralCommand } from '../callers/corral-command.ts';
import { type Link, startLink } from '../servers/link.ts';
import { startNode, until } from '../nodes/node.ts';
import type { RawBody } from '../callers/raw-backend.ts';
import type { RawDevice } from '../devices/raw-device.ts';
import { startPostgres } from '../servers/servers.ts';
import { World } from '../servers/world.ts';

const TOKEN = 'operator-of-this-test';
/** Of what is asked while the store is away: longer than it takes to kill it. */
const WAIT_MS = 2_000;
/** Long enough that a node stays sure of its leases for the whole of a test. */
const SURE: Partial<RuntimeLimits> = { leaseTtlMs: 120_000 };
/** So short that it is not sure any more when a wait ends. */
const UNSURE: Partial<RuntimeLimits> = { leaseTtlMs: 900 };

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let world: World;
let node: App;
let client: Corral;

beforeEach(async () => {
  postgres = await startPostgres();
  world = await World.start({ postgres });
  client = await connectCorral({ url: world.hub.url('backend') });
  world.add(() => client.close());
});
afterEach(async () => {
  // A node ends at once where its store is there.
  await postgres.start();
  await world.end();
});

async function hostNode(
  limits: Partial<RuntimeLimits>,
  { natsUrl = world.hub.url('runtime'), databaseUrl = world.databaseUrl } = {},
): Promise<void> {
  const env = { CORRAL_HTTP_OPERATE_TOKENS: `tester:${TOKEN}`, CORRAL_NATS_URL: natsUrl };
  node = await startNode({ hub: world.hub, databaseUrl, limits, env });
  world.add(() => node.stop());
}

interface HttpAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function order(device: string, id: string, waitMs = WAIT_MS): Promise<HttpAnswer> {
  const response = await fetch(`${node.httpUrl}/v1/devices/${device}/commands?waitMs=${String(waitMs)}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id, name: 'reserve' }),
  });
  return { status: response.status, body: (await response.json()) as HttpAnswer['body'] };
}

const thrownBy = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

/** What became of the command in the end, once the store is back and the device has answered. */
async function outcomeInTheEnd(device: RawDevice, id: string): Promise<unknown> {
  await device.execute(await device.command('reserve'));
  const entry = await until(`${id} is decided`, async () => {
    const seen = await client.ledger(device.device, id).catch((error: unknown) => error);
    const outcome = (seen as { readonly outcome?: string }).outcome;
    return outcome === undefined || outcome === 'pending'
      ? { done: false, seen: String(outcome ?? seen) }
      : { done: true, value: outcome };
  });
  return entry;
}

/** A link to the hub, and the address of a user of it through that. */
async function linkToHub(
  user: 'backend' | 'runtime',
): Promise<{ readonly link: Link; readonly url: string }> {
  const link = await startLink();
  world.add(() => link.close());
  link.leadTo(`127.0.0.1:${String(world.hub.ports.client)}`);
  const url = new URL(world.hub.url(user));
  url.host = link.address;
  return { link, url: url.href };
}

/** What `corral` ends with and says, asking for the reservation again. */
async function typedAgain(
  device: string,
  id: string,
): Promise<{ readonly code: number | null; readonly said: RawBody }> {
  const args = ['command', device, 'reserve', '--id', id, '--wait', '10ms', '--deadline', '500ms', '--json'];
  const env = { CORRAL_BACKEND_URL: world.hub.url('backend') };
  const { code, stdout } = await startCorralCommand(args, { env }).ended;
  return { code, said: JSON.parse(stdout) as RawBody };
}

/** Nothing in it says that the command was not sent. */
function expectNoDenial(said: unknown): void {
  const words = said instanceof Error ? said.message : JSON.stringify(said);
  expect(words).not.toMatch(/certainly not|nothing was sent|not accepted/i);
}

describe('a command that the device took and has not answered, when the store dies and the wait ends', () => {
  test('is told as pending by a node that is sure of its leases, over NATS and over HTTP', async () => {
    await hostNode(SURE);
    const [one, other] = [
      await world.knownDevice({ manner: 'probes' }),
      await world.knownDevice({ manner: 'probes' }),
    ];
    const [id, httpId] = [randomUUID(), randomUUID()];
    const asked = thrownBy(
      client.command(one.device, 'reserve', {}, { id, waitMs: WAIT_MS, deadlineMs: WAIT_MS + 1_000 }),
    );
    const ordered = order(other.device, httpId);
    await Promise.all([one.command('reserve'), other.command('reserve')]);
    await postgres.kill();
    const said = await asked;
    expectNoDenial(said);
    expect(said).toMatchObject({ id, outcome: 'pending' });
    const answer = await ordered;
    expectNoDenial(answer.body);
    expect(answer).toMatchObject({ status: 202, body: { id: httpId, outcome: 'pending' } });
    await postgres.start();
    expect(await outcomeInTheEnd(one, id)).toBe('done');
    expect(await outcomeInTheEnd(other, httpId)).toBe('done');
  });

  test('is told as accepted, its outcome unreadable, by a node that may have lost its leases', async () => {
    await hostNode(UNSURE);
    const [one, other] = [
      await world.knownDevice({ manner: 'probes' }),
      await world.knownDevice({ manner: 'probes' }),
    ];
    const [id, httpId] = [randomUUID(), randomUUID()];
    const waitMs = 3_000;
    const asked = thrownBy(
      client.command(one.device, 'reserve', {}, { id, waitMs, deadlineMs: waitMs + 2_000 }),
    );
    const ordered = order(other.device, httpId, waitMs);
    await Promise.all([one.command('reserve'), other.command('reserve')]);
    await postgres.kill();
    const said = await asked;
    expect(said).toBeInstanceOf(CorralUnreachable);
    expectNoDenial(said);
    expect(said).toMatchObject({ wasSent: 'maybe', acceptance: 'yes', id });
    const answer = await ordered;
    expectNoDenial(answer.body);
    expect(answer).toMatchObject({
      status: 504,
      body: { code: 'outcome-unreadable', acceptance: 'yes', id: httpId },
    });
    await postgres.start();
    expect(await outcomeInTheEnd(one, id)).toBe('done');
    expect(await outcomeInTheEnd(other, httpId)).toBe('done');
  });
});

describe('a command that the device took and has not answered, when the way to the store stands still', () => {
  test('is told as pending at the end of the wait: that takes no store', async () => {
    const link = await startLink();
    world.add(() => link.close());
    link.leadTo(`127.0.0.1:${String(postgres.port)}`);
    const databaseUrl = new URL(world.databaseUrl);
    databaseUrl.host = link.address;
    await hostNode(SURE, { databaseUrl: databaseUrl.href });
    const device = await world.knownDevice({ manner: 'probes' });
    const id = randomUUID();
    const asked = thrownBy(client.command(device.device, 'reserve', {}, { id, waitMs: WAIT_MS }));
    await device.command('reserve');
    link.freeze();
    expect(await asked).toMatchObject({ id, outcome: 'pending' });
    link.heal();
    expect(await outcomeInTheEnd(device, id)).toBe('done');
  });
});

describe('an id that was asked before, when the store is away', () => {
  test('is answered from what the twin knows of it', async () => {
    await hostNode(SURE);
    const { device } = await world.knownDevice();
    const { id } = await client.command(device, 'reserve', {}, { waitMs: 20_000 });
    await postgres.kill();
    expect(await client.command(device, 'reserve', {}, { id })).toMatchObject({ id, outcome: 'done' });
    expect(await client.ledger(device, id)).toMatchObject({ id, outcome: 'done' });
  });

  test('and that the twin does not remember is only said not to be accepted this time', async () => {
    await hostNode(SURE);
    const { device } = await world.knownDevice();
    const { id } = await client.command(device, 'reserve', {}, { waitMs: 20_000 });
    // The last command that was bound to a boot is remembered, however many reports follow.
    await client.command(device, 'release', {}, { waitMs: 20_000 });
    for (let count = 0; count < RECENT_MAX; count += 1)
      await client.command(device, 'report', {}, { waitMs: 20_000 });
    await postgres.kill();

    const again = await thrownBy(client.command(device, 'reserve', {}, { id, deadlineMs: 500 }));
    expect(again).toMatchObject({ name: 'CorralUnreachable', wasSent: 'maybe', acceptance: 'not-this-copy' });
    expect(String(again)).toMatch(/this copy was certainly not accepted, an earlier one .* may have been$/);
    expect(await thrownBy(client.ledger(device, id, { deadlineMs: 500 }))).toMatchObject({
      wasSent: 'maybe',
    });
    expect(await order(device, id)).toMatchObject({
      status: 503,
      body: { code: 'store-unavailable', acceptance: 'not-this-copy' },
    });
    const typed = await typedAgain(device, id);
    expect(typed).toMatchObject({ code: 5, said: { id, wasSent: 'maybe', acceptance: 'not-this-copy' } });
    // Of an id that nobody has used before the same says more.
    const fresh = await thrownBy(client.command(device, 'reserve', {}, { deadlineMs: 500 }));
    expect(fresh).toMatchObject({ wasSent: 'no', acceptance: 'no' });

    await postgres.start();
    expect(await client.ledger(device, id)).toMatchObject({ id, outcome: 'done' });
    await expect(client.ledger(device, (fresh as CorralUnreachable).id!)).rejects.toMatchObject({
      code: 'unknown-id',
    });
  });
});

describe('a command that the device took and has not answered, when the hub goes away', () => {
  test('may have been accepted, and a copy that cannot be sent says nothing of the first', async () => {
    const [ofNode, ofClient] = [await linkToHub('runtime'), await linkToHub('backend')];
    await hostNode(SURE, { natsUrl: ofNode.url });
    const afar = await connectCorral({ url: ofClient.url });
    world.add(() => afar.close());
    const [one, other] = [
      await world.knownDevice({ manner: 'probes' }),
      await world.knownDevice({ manner: 'probes' }),
    ];
    const [id, httpId] = [randomUUID(), randomUUID()];
    const asked = thrownBy(afar.command(one.device, 'reserve', {}, { id, waitMs: 20_000, deadlineMs: 500 }));
    const ordered = order(other.device, httpId, 20_000);
    await Promise.all([one.command('reserve'), other.command('reserve')]);
    for (const { link } of [ofNode, ofClient]) link.cut();

    const answer = await ordered;
    expectNoDenial(answer.body);
    expect(answer).toMatchObject({
      status: 504,
      body: { code: 'no-answer', acceptance: 'maybe', id: httpId },
    });
    expect(await order(other.device, httpId)).toMatchObject({
      status: 503,
      body: { code: 'hub-unavailable', acceptance: 'not-this-copy', id: httpId },
    });
    const again = await thrownBy(afar.command(one.device, 'reserve', {}, { id, deadlineMs: 100 }));
    expect(again).toMatchObject({ wasSent: 'maybe', acceptance: 'not-this-copy' });
    ofClient.link.heal();
    ofNode.link.heal();
    expect(await outcomeInTheEnd(one, id)).toBe('done');
    expect(await outcomeInTheEnd(other, httpId)).toBe('done');
    expect(await asked).toMatchObject({ id, outcome: 'done' });
  });
});

describe('a command that the device took and has not answered, when its node is killed', () => {
  test('may have been accepted; that nobody owns the device then says nothing of it', async () => {
    const killed = await world.startNode();
    const device = await world.knownDevice({ manner: 'probes' });
    const id = randomUUID();
    const asked = thrownBy(
      client.command(device.device, 'reserve', {}, { id, waitMs: 1_000, deadlineMs: 1_000 }),
    );
    await device.command('reserve');
    await killed.kill();
    expect(await asked).toMatchObject({ wasSent: 'maybe', acceptance: 'maybe' });
    const again = await thrownBy(client.command(device.device, 'reserve', {}, { id, deadlineMs: 100 }));
    expect(again).toMatchObject({ wasSent: 'maybe', acceptance: 'not-this-copy' });
    const fresh = { id: randomUUID(), isFirstUse: true, deadlineMs: 100 };
    expect(await thrownBy(client.command(device.device, 'reserve', {}, fresh))).toMatchObject({
      wasSent: 'no',
    });
    await killed.start();
    expect(await outcomeInTheEnd(device, id)).toBe('done');
    await expect(client.ledger(device.device, fresh.id)).rejects.toMatchObject({ code: 'unknown-id' });
  });
});
