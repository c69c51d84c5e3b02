/**
 * How fleets really fail, where the point is what becomes of it on the wire, in the database and over HTTP.
 */
import { randomUUID } from 'node:crypto';
import { headers } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { linesIn } from '../nodes/journal.ts';
import { until } from '../nodes/node.ts';
import { impatientChargePoint, startNodeWithKinds } from '../nodes/node-with-kinds.ts';
import type { RawBody } from '../callers/raw-backend.ts';
import { RawDevice, type RawReport } from '../devices/raw-device.ts';
import { World } from '../servers/world.ts';

let world: World;

/** Positions of a device in the history, in its order, with whether each came late. */
async function historyOf({ device }: RawDevice): Promise<readonly string[]> {
  const rows = await world.eye.query<{ line: string }>(
    `select incarnation || '/' || boot || '/' || seq || case when is_late then ' late' else '' end as line
      from history where device = $1 order by incarnation, boot, seq`,
    [device],
  );
  return rows.map(({ line }) => line);
}

/** Waits until the twin has heard a report, late or not. */
async function untilFiled({ device }: RawDevice, boot: number, seq: number): Promise<void> {
  const sql = 'select 1 from history where device = $1 and boot = $2 and seq = $3';
  await world.eye.untilRow(`report ${String(boot)}/${String(seq)} is filed`, sql, [device, boot, seq]);
}

describe('commands', () => {
  /** As long as a command may start here, ms. */
  const START_WINDOW_MS = 800;
  const HEARTBEAT_MS = 100;

  beforeAll(async () => {
    world = await World.start();
    const kind = impatientChargePoint({ resendMs: 200 }, { startWindowMs: START_WINDOW_MS });
    await startNodeWithKinds(world, [kind]);
  });

  afterAll(async () => {
    await world.end();
  });

  /** A reserve that nobody answers, until nobody knows what became of it. */
  async function untilUnknown(device: RawDevice, id: string): Promise<RawBody> {
    const first = await world.backend.command(device.device, 'reserve', { id, waitMs: 0 });
    expect(first).toMatchObject({ outcome: 'pending', reason: null });
    const { notAfterUp = 0 } = await device.command('reserve');
    const entry = await until('the outcome is unknown', async () => {
      // It is alive. That it does not name the command proves nothing, as long as it may still start.
      if (device.up + HEARTBEAT_MS < notAfterUp) await device.report();
      const seen = await world.backend.ledger(device.device, id);
      return seen.outcome === 'unknown'
        ? { done: true, value: seen }
        : { done: false, seen: JSON.stringify(seen) };
    });
    return entry!;
  }

  const outcomesOf = async (id: string): Promise<readonly string[]> => {
    const lines = await linesIn(world.backend.nats, 'CHANGES');
    return lines.filter(({ body }) => body.id === id).map(({ body }) => String(body.outcome));
  };

  test('a timeout while heartbeats flow is unknown, never failed; the reply that comes after it still counts', async () => {
    const device = await world.knownDevice({ manner: 'probes' });
    const id = randomUUID();
    const unknown = await untilUnknown(device, id);
    expect(unknown).toMatchObject({ reason: 'no-answer', closedAt: null });
    expect(await world.backend.get(device.device)).toMatchObject({
      state: 'suspect',
      quality: 'suspect',
      suspicions: [{ reason: 'unconfirmed-command' }],
    });
    expect(await world.backend.command(device.device, 'start')).toMatchObject({
      outcome: 'refused',
      code: 'suspect',
      state: 'suspect',
    });

    const command = await device.command('reserve');
    await device.execute(command);
    const document = await world.backend.untilDocument(
      device.device,
      'it is reserved',
      ({ state }) => state === 'reserved',
    );
    expect(document).toMatchObject({ suspicions: [], pending: [], hold: { id } });
    expect(await world.backend.ledger(device.device, id)).toMatchObject({ outcome: 'done', reason: null });
    expect(await outcomesOf(id)).toEqual(['unknown', 'done']);
  });

  test('a retry after unknown with the same id never executes twice', async () => {
    const device = await world.knownDevice({ manner: 'probes' });
    const id = randomUUID();
    const unknown = await untilUnknown(device, id);
    const sent = device.heard.length;
    expect(await world.backend.command(device.device, 'reserve', { id })).toEqual(unknown);
    expect(device.heard.slice(sent)).toEqual([]);
    expect(device.told).toEqual([unknown.n]);
  });

  test('that it was not executed is told late as well, once it is proved', async () => {
    const device = await world.knownDevice({ manner: 'probes' });
    const id = randomUUID();
    await untilUnknown(device, id);
    // Its ring is there, its uptime is beyond the deadline, and the command is not in it.
    await device.report();
    await world.backend.untilDocument(device.device, 'it is available', ({ state }) => state === 'available');
    expect(await world.backend.ledger(device.device, id)).toMatchObject({ outcome: 'expired' });
    expect(await outcomesOf(id)).toEqual(['unknown', 'expired']);
    expect(
      await world.backend.command(device.device, 'reserve', { id: randomUUID(), waitMs: 0 }),
    ).toMatchObject({
      outcome: 'pending',
    });
  });

  test("the device's reservation becomes visible in a report before the command's answer does", async () => {
    const device = await world.knownDevice({ manner: 'probes' });
    const id = randomUUID();
    const reserving = world.backend.command(device.device, 'reserve', { id, by: 'anna' });
    const command = await device.command('reserve');
    await device.report({ state: 'reserved', hold: { id, leftMs: 60_000 } });
    const document = await world.backend.untilDocument(
      device.device,
      'it is reserved',
      ({ state }) => state === 'reserved',
    );
    expect(document).toMatchObject({ hold: { id, by: 'anna' }, suspicions: [] });
    await device.answer(command);
    expect(await reserving).toMatchObject({ id, outcome: 'done' });
  });
});

describe('time and order', () => {
  let app: App;

  beforeAll(async () => {
    world = await World.start();
    app = await world.hostNode();
  });

  afterAll(async () => {
    await world.end();
  });

  const overHttp = async (path: string): Promise<RawBody> => {
    const response = await fetch(`${app.httpUrl}/v1/devices/${path}`);
    expect(response.status, path).toBe(200);
    return (await response.json()) as RawBody;
  };

  test('a wall clock one hour ahead, in 1970, in year 1, in 2036, jumping back, or absurd pins nothing and blocks nobody', async () => {
    const device = await world.knownDevice();
    const clocks = [
      Date.now() + 3_600_000,
      0,
      Date.UTC(1, 0, 1) - 62e12,
      Date.UTC(2036, 1, 7),
      -1,
      1e300,
      1.5,
    ];
    for (const at of clocks) {
      await device.publish({ ...device.make({ state: 'charging' }), at });
      await device.publish({ ...device.make({ state: 'available' }), at });
    }
    await untilFiled(device, 1, device.seq);
    const stored = await historyOf(device);
    expect(stored.filter((line) => line.endsWith('late'))).toEqual([]);
    expect(stored).toHaveLength(device.seq);
    const document = await world.backend.get(device.device);
    expect(document).toMatchObject({ state: 'available', quality: 'fresh' });
    expect(document.asOf).toBeGreaterThan(Date.now() - 30_000);
    expect(await world.backend.command(device.device, 'reserve')).toMatchObject({ outcome: 'done' });
    expect(await overHttp(device.device)).toMatchObject({ state: 'reserved' });
    for (const page of ['reports', 'timeline', 'journal', 'commands'])
      await overHttp(`${device.device}/${page}`);
  });

  test('the same report sent twice, and the same content with a new message id: once', async () => {
    const device = await world.knownDevice();
    const report = device.make({ state: 'charging' });
    for (const id of [null, 'a', 'a', 'b']) {
      const heads = headers();
      if (id !== null) heads.set('Nats-Msg-Id', id);
      const payload = JSON.stringify(report);
      await world.gateway.request(`device.${device.device}.report`, payload, {
        timeout: 5_000,
        headers: heads,
      });
    }
    await device.report();
    await untilFiled(device, 1, device.seq);
    const lines = await historyOf(device);
    expect(lines).toEqual(Array.from({ length: device.seq }, (_, index) => `1/1/${String(index + 1)}`));
    const { sequence } = await world.backend.get(device.device);
    expect((sequence as RawBody).duplicates).toBeGreaterThanOrEqual(2);
  });

  test('five hours of buffered reports arrive at once: history is right, known state never goes back, nothing else is delayed', async () => {
    const REPORTS = 5_000;
    const upNow = 5 * 3_600_000;
    const device = await world.newDevice({ upMs: upNow });
    const neighbour = await world.knownDevice();
    const made: RawReport[] = Array.from({ length: REPORTS }, (_, index) => ({
      ...device.make({ state: index % 2 === 0 ? 'charging' : 'available' }),
      up: ((index + 1) * upNow) / REPORTS,
    }));
    const current = made.pop()!;
    await device.publish(current);
    await world.backend.untilDocument(device.device, 'it is known', ({ state }) => state === 'available');
    const frames = Array.from({ length: 5 }, (_, index) => made.slice(index * 1_000, (index + 1) * 1_000));
    const delivering = Promise.all(frames.map((frame) => device.publish(frame)));
    expect(await world.backend.command(neighbour.device, 'reserve')).toMatchObject({ outcome: 'done' });
    await delivering;
    await world.eye.untilRow(
      'every report is filed',
      'select 1 from (select count(*) as n from history where device = $1) counted where n >= $2',
      [device.device, REPORTS],
    );
    // What answers the probe has a seq of its own, and is no part of the five hours.
    const rows = await world.eye.query<{ seq: number; state: string; is_late: boolean; at: number }>(
      `select seq::int, state, is_late, (extract(epoch from measured_at) * 1000)::float8 as at
        from history where device = $1 and seq <= $2 order by seq`,
      [device.device, REPORTS],
    );
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: REPORTS }, (_, index) => index + 1));
    expect(rows.filter(({ is_late: isLate }) => !isLate).map(({ seq }) => seq)).toEqual([REPORTS]);
    const last = rows.at(-1)!;
    for (const [index, { at, state }] of rows.entries()) {
      expect(last.at - at).toBeCloseTo(((REPORTS - 1 - index) * upNow) / REPORTS, 0);
      expect(state).toBe(index % 2 === 0 ? 'charging' : 'available');
    }
    const moves = await world.eye.query('select 1 from journal where device = $1', [device.device]);
    expect(moves).toHaveLength(1);
  });

  test('disconnect and reconnect arrive swapped: what the old connection still says changes nothing', async () => {
    const device = await world.knownDevice();
    const old = device.make({ state: 'charging' });
    const oldConnection = await connect({ servers: world.site.url });
    await device.report({ state: 'available' });
    await oldConnection.request(`device.${device.device}.report`, JSON.stringify(old), { timeout: 5_000 });
    await untilFiled(device, 1, Number(old.seq));
    await oldConnection.close();
    expect(await world.backend.get(device.device)).toMatchObject({
      state: 'available',
      connected: true,
      sequence: { seq: device.seq, late: 1, missing: 0 },
    });
  });

  test('a device comes back from repair with its storage wiped: it is heard, and history keeps both lives apart', async () => {
    const device = await world.newDevice({ manner: 'deaf' });
    device.boot = 7;
    await device.report();
    await untilFiled(device, 7, 1);
    device.restart({ wipes: true });
    device.manner = 'obeys';
    await device.report({ firmware: '2.0' });
    // Nobody knows yet whether this is an old report or a device that counts anew: the answer to the probe tells.
    const reserved = await until('it is known who speaks', async () => {
      const answer = await world.backend.command(device.device, 'reserve');
      return answer.outcome === 'done'
        ? { done: true, value: answer }
        : { done: false, seen: JSON.stringify(answer) };
    });
    const document = await world.backend.get(device.device);
    expect(document).toMatchObject({
      state: 'reserved',
      sequence: { incarnation: 2, boot: 1 },
      firmware: '2.0',
    });
    expect(device.told.at(-1)).toBe(reserved!.n);
    const lines = await historyOf(device);
    expect(lines).toContain('1/7/1');
    expect(lines).toContain(`2/1/${String(device.seq)}`);
  });

  test('two devices with one identity: detected, not ping-pong', async () => {
    const device = await world.knownDevice();
    const other = await RawDevice.start({ nats: world.gateway, device: device.device, manner: 'deaf' });
    other.boot = device.boot;
    other.seq = device.seq - 1;
    await other.report({ state: 'charging' });
    const document = await world.backend.untilDocument(
      device.device,
      'there is a conflict',
      ({ suspicions }) => (suspicions as unknown[]).length > 0,
    );
    expect(document).toMatchObject({ state: 'suspect', suspicions: [{ reason: 'identity-conflict' }] });
    expect(await world.backend.command(device.device, 'reserve')).toMatchObject({ code: 'suspect' });
    other.stop();
  });
});
