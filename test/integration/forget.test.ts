/**
 * A device is forgotten while it lives: what the store held of it is gone, what still comes of it is refused, and whoever watches is told.
 * On real servers.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { connectCorral } from '../../src/client/corral.ts';
import { corralCommand } from '../callers/corral-command.ts';
import { startNode, until } from '../nodes/node.ts';
import type { RawDevice } from '../devices/raw-device.ts';
import { World } from '../servers/world.ts';

const TOKEN = 'operator-of-this-test';
const DAY_MS = 86_400_000;

let world: World;
let node: App;

beforeEach(async () => {
  world = await World.start();
  node = await hostNode();
});
afterEach(async () => {
  await world.end();
});

async function hostNode(): Promise<App> {
  const { hub, databaseUrl } = world;
  const env = { CORRAL_HTTP_OPERATE_TOKENS: `eva:${TOKEN}` };
  const started = await startNode({ hub, databaseUrl, env });
  world.add(() => started.stop());
  return started;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function forget(device: string, token = TOKEN): Promise<Answer> {
  const response = await fetch(`${node.httpUrl}/v1/devices/${device}/forget`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'sold', by: 'legal' }),
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

async function read(path: string): Promise<Answer> {
  const response = await fetch(`${node.httpUrl}${path}`);
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

/** Asks until all is erased. */
async function forgetWhole(device: string): Promise<Answer['body']> {
  const body = await until('all is erased', async () => {
    const answer = await forget(device);
    return answer.status === 200
      ? { done: true, value: answer.body }
      : { done: false, seen: JSON.stringify(answer) };
  });
  return body!;
}

async function keyOf(device: string): Promise<number> {
  const [row] = await world.eye.query<{ key: number }>('select key from device where id = $1', [device]);
  return row!.key;
}

/** How many rows of every table name the device by its key. */
async function rowsOf(key: number): Promise<Readonly<Record<string, number>>> {
  const tables = await world.eye.query<{ name: string }>(
    `select c.relname as name from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      where a.attname = 'device' and a.atttypid = 'integer'::regtype and c.relkind in ('r', 'p') and not c.relispartition
        and n.nspname = 'public'`,
  );
  const counts: Record<string, number> = {};
  for (const { name } of tables) {
    const [row] = await world.eye.query<{ n: number }>(
      `select count(*)::int as n from ${name} where device = $1`,
      [key],
    );
    if (row!.n > 0) counts[name] = row!.n;
  }
  return counts;
}

/** A device that has lived: it was reserved, and has parts. */
async function livedDevice(): Promise<RawDevice> {
  const device = await world.knownDevice();
  await device.report({ components: [{ slot: 'modem', model: 'EC25', serial: '86' }] });
  const reserved = { args: { holdMs: 600_000 }, waitMs: 20_000, by: 'alice' };
  expect(await world.backend.command(device.device, 'reserve', reserved)).toMatchObject({ outcome: 'done' });
  return device;
}

function untilRefused(device: string): Promise<unknown> {
  return world.eye.untilRow(
    'what still comes is refused',
    `select 1 from dead_letter where device = $1 and reason = 'forgotten'`,
    [device],
  );
}

describe('a device that is forgotten', () => {
  test('leaves nothing in the store, and what it says afterwards is refused', async () => {
    const raw = await livedDevice();
    const { device } = raw;
    const key = await keyOf(device);
    expect(await rowsOf(key)).toMatchObject({ twin: 1, command: 1, component: 1 });
    const first = await forget(device);
    expect(first.body).toMatchObject({
      device,
      site: 'depot',
      asker: 'http:eva',
      by: 'legal',
      reason: 'sold',
      isRepeated: false,
    });
    const again = await forgetWhole(device);
    expect(again).toMatchObject({ isRepeated: true, forgottenAt: first.body.forgottenAt });
    expect(await rowsOf(key)).toEqual({});
    expect(await world.eye.query('select from device where id = $1', [device])).toEqual([]);
    await raw.report();
    await untilRefused(device);
    expect(await rowsOf(key)).toEqual({});
    expect(await world.backend.get(device)).toMatchObject({ outcome: 'refused', code: 'forgotten' });
    expect(await world.backend.command(device, 'reserve')).toMatchObject({ code: 'forgotten' });
    expect(await read(`/v1/devices/${device}`)).toMatchObject({ status: 410, body: { code: 'forgotten' } });
    expect(await read('/v1/devices')).toMatchObject({ body: { devices: [] } });
  });

  test('is said to be held still by streams for a week, and by backups', async () => {
    const { device } = await world.knownDevice();
    const { body } = await forget(device);
    const until7 = new Date(Date.parse(body.forgottenAt as string) + 7 * DAY_MS).toISOString();
    expect(body.stillHeld).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ where: 'stream DEVICES-depot', until: until7 }),
        expect.objectContaining({ where: 'stream CHANGES', until: until7 }),
        expect.objectContaining({ where: 'backups and archived log of Postgres', until: null }),
      ]),
    );
  });

  test('is told to whoever watches, as the last word about it', async () => {
    const { device } = await world.knownDevice();
    const client = await connectCorral({ url: world.hub.url('backend') });
    world.add(() => client.close());
    const watch = await client.watch({ devices: [device] });
    await forget(device);
    for await (const event of watch) {
      if (event.type !== 'forgotten') continue;
      expect(event).toMatchObject({ device, forgotten: { reason: 'sold', site: 'depot' } });
      break;
    }
  });

  test('while a command is under way is forgotten all the same, and says until when that may be executed', async () => {
    const raw = await world.knownDevice({ manner: 'probes' });
    const { device } = raw;
    const waiting = world.backend.command(device, 'reserve', { args: { holdMs: 60_000 }, waitMs: 60_000 });
    await raw.command('reserve');
    const { body } = await forget(device);
    expect(body.inFlight).toBe('until');
    expect(Date.parse(body.inFlightUntil as string)).toBeGreaterThan(Date.parse(body.forgottenAt as string));
    expect(await waiting).toMatchObject({ outcome: 'failed', code: 'outcome-unreadable' });
    await forgetWhole(device);
    expect(await world.eye.query('select from command')).toEqual([]);
  });

  test('while it talks all the time leaves nothing behind, and disturbs no other', async () => {
    const raw = await world.knownDevice();
    const other = await world.knownDevice();
    raw.manner = 'deaf';
    other.manner = 'deaf';
    const key = await keyOf(raw.device);
    let isOver = false;
    const talk = async (device: RawDevice): Promise<void> => {
      while (!isOver) await device.report();
    };
    const talking = [talk(raw), talk(other)];
    await forgetWhole(raw.device);
    await untilRefused(raw.device);
    isOver = true;
    await Promise.all(talking);
    await world.backend.untilDocument(other.device, 'all of the other is heard', ({ sequence }) => {
      return (sequence as { seq: number }).seq === other.seq;
    });
    expect(await rowsOf(key)).toEqual({});
    expect(await world.eye.query('select id from device')).toEqual([{ id: other.device }]);
    const reports = await world.eye.query<{ n: number }>('select count(*)::int as n from report');
    expect(reports).toEqual([{ n: other.seq }]);
  });

  test('is refused by the next owner as well', async () => {
    const raw = await world.knownDevice();
    await forget(raw.device);
    await node.stop();
    node = await hostNode();
    await raw.report();
    await untilRefused(raw.device);
    expect(await forget(raw.device)).toMatchObject({ body: { isRepeated: true } });
  });

  test('is known again once somebody registers it, and begins anew', async () => {
    const raw = await livedDevice();
    const { device } = raw;
    await forgetWhole(device);
    await world.eye.query(
      `insert into device (id, kind, site, registered) values ($1, 'charge-point', 'depot', true)`,
      [device],
    );
    await until('the owner has heard of it', async () => {
      const document = await world.backend.get(device);
      return document.device === device ? { done: true } : { done: false, seen: JSON.stringify(document) };
    });
    const before = raw.seq;
    await raw.report();
    await world.backend.untilDocument(device, 'it is heard', ({ state }) => state !== 'offline');
    const { reports } = (await read(`/v1/devices/${device}/reports`)).body as { reports: { seq: number }[] };
    // Its answer to the first question of its new twin may be among them.
    expect(reports.length).toBeGreaterThan(0);
    expect(reports.filter(({ seq }) => seq <= before)).toEqual([]);
    expect(await read(`/v1/devices/${device}/commands`)).toMatchObject({ body: { commands: [] } });
  });

  test('that nobody knows is not forgotten, and neither is one without a token that may operate', async () => {
    expect(await forget('nobody')).toMatchObject({ status: 404, body: { code: 'unknown-device' } });
    const { device } = await world.knownDevice();
    expect(await forget(device, 'wrong')).toMatchObject({ status: 401 });
    expect(await world.backend.get(device)).toMatchObject({ device });
  });

  test('is forgotten by `corral forget`, which says what is still held', async () => {
    const { device } = await world.knownDevice();
    const env = { CORRAL_HTTP_URL: node.httpUrl, CORRAL_TOKEN: TOKEN };
    const { code, stdout } = await corralCommand(['forget', device, '--why', 'sold', '--by', 'legal'], {
      env,
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/asked by .*http:eva for legal/);
    expect(stdout).toMatch(/may still execute a command .* no /);
    expect(stdout).toMatch(/still in stream DEVICES-depot .*its reports, as they came, until /);
    const { code: again, stderr } = await corralCommand(['forget', 'nobody', '--why', 'x'], { env });
    expect({ again, stderr }).toMatchObject({
      again: 1,
      stderr: expect.stringContaining('unknown-device') as string,
    });
  });
});
