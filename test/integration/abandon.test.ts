/**
 * An operator gives up a command that is in flight beyond its device, over HTTP and on the command line. On real servers.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { corralCommand } from '../callers/corral-command.ts';
import { startNode, until } from '../nodes/node.ts';
import type { RawBody } from '../callers/raw-backend.ts';
import type { RawDevice } from '../devices/raw-device.ts';
import { World } from '../servers/world.ts';

const TOKEN = 'operator-of-this-test';
const READER = 'reader-of-this-test';

let world: World;
let node: App;

beforeAll(async () => {
  world = await World.start();
  const { hub, databaseUrl } = world;
  const env = { CORRAL_HTTP_OPERATE_TOKENS: `eva:${TOKEN}`, CORRAL_HTTP_READ_TOKENS: `tom:${READER}` };
  node = await startNode({ hub, databaseUrl, env });
  world.add(() => node.stop());
});
afterAll(() => world.end());

/** A device that has passed a reservation on, and cannot tell what became of it; and the id of the command. */
async function undecidedDevice(): Promise<{ readonly device: RawDevice; readonly id: string }> {
  const device = await world.knownDevice({ manner: 'probes' });
  const id = crypto.randomUUID();
  const asked = { id, args: { holdMs: 600_000 }, waitMs: 0 };
  expect(await world.backend.command(device.device, 'reserve', asked)).toMatchObject({ outcome: 'pending' });
  await device.answer(await device.command('reserve'), { outcome: 'undecided' });
  await until('its time is over, and nothing tells what became of it', async () => {
    const { body } = await http(`/v1/devices/${device.device}/commands/${id}`);
    const done = body.outcome === 'unknown' && body.reason === 'undecided';
    return done ? { done } : { done, seen: JSON.stringify(body) };
  });
  return { device, id };
}

async function http(
  path: string,
  order: object | null = null,
  token = TOKEN,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const sent = order === null ? {} : { method: 'POST', body: JSON.stringify(order) };
  const response = await fetch(`${node.httpUrl}${path}`, { headers, ...sent });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function expectGivenUp(device: string, id: string, word: string): Promise<void> {
  const { body } = await http(`/v1/devices/${device}/commands/${id}`);
  expect(body).toMatchObject({ outcome: 'unknown', reason: 'abandoned' });
  const journal = JSON.stringify((await http(`/v1/devices/${device}/journal`)).body);
  expect(journal).toContain(word);
}

describe('an operator’s `abandon`', () => {
  test('over HTTP gives up the one command, with who and why, and needs a token that may operate', async () => {
    const { device: raw, id } = await undecidedDevice();
    const { device } = raw;
    const path = `/v1/devices/${device}/commands`;
    const order = { name: 'abandon', args: { command: id, reason: 'gateway burnt down' }, by: 'eva' };
    expect(await http(path, order, READER)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const other = { ...order, args: { ...order.args, command: crypto.randomUUID() } };
    expect(await http(path, other)).toMatchObject({ status: 400, body: { code: 'bad-arguments' } });
    const { by: _, ...nameless } = order;
    expect(await http(path, nameless)).toMatchObject({ status: 400, body: { code: 'bad-arguments' } });
    expect(await http(path, order)).toMatchObject({
      status: 200,
      body: { name: 'abandon', outcome: 'done', by: 'eva', asker: 'http:eva' },
    });
    await expectGivenUp(device, id, 'eva: gateway burnt down');
    expect(
      raw.heard.map(({ name }) => name),
      'the device never hears of it',
    ).not.toContain('abandon');
  });

  test('on the command line does the same, and says in one sentence where there is nothing to give up', async () => {
    const env = { CORRAL_HTTP_URL: node.httpUrl, CORRAL_TOKEN: TOKEN };
    const { device: raw, id } = await undecidedDevice();
    const { device } = raw;
    const words = ['--by', 'eva', '--why', 'gateway burnt down'];
    const done = await corralCommand(['abandon', device, id, ...words], { env });
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout).toContain(id);
    expect(done.stdout).toContain('http:eva for eva');
    await expectGivenUp(device, id, 'eva: gateway burnt down');
    const again = await corralCommand(['abandon', device, id, ...words], { env });
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toMatch(/^illegal-state: /);
    const wrong = await corralCommand(['abandon', device, 'not-an-id', ...words], { env });
    expect(wrong.code).not.toBe(0);
    expect(wrong.stderr).toContain('It is a UUID');
  });

  test('of a command that the ledger has forgotten goes by its number', async () => {
    const raw = await world.knownDevice({ manner: 'probes' });
    const { device } = raw;
    const n = raw.ring[0]!.n + 1;
    raw.remember({ n, outcome: 'undecided' });
    await raw.report();
    const isDoubted = ({ suspicions }: RawBody): boolean =>
      JSON.stringify(suspicions).includes('forgotten-command');
    await world.backend.untilDocument(device, 'it is doubted', isDoubted);
    expect(await world.backend.command(device, 'reserve')).toMatchObject({ code: 'suspect' });
    const env = { CORRAL_HTTP_URL: node.httpUrl, CORRAL_TOKEN: TOKEN };
    const explained = await corralCommand(['explain', device], { env });
    expect(explained.stdout).toContain(`it would give up ${String(n)}`);
    const words = ['--by', 'eva', '--why', 'gateway burnt down'];
    const done = await corralCommand(['abandon', device, String(n), ...words], { env });
    expect(done).toMatchObject({ code: 0, stderr: '' });
    await raw.report();
    const document = await world.backend.untilDocument(
      device,
      'its last report is known',
      ({ sequence }) => (sequence as { readonly seq: number }).seq === raw.seq,
    );
    expect(document).toMatchObject({ state: 'available', suspicions: [] });
  });
});
