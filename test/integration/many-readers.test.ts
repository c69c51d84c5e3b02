/**
 * Whoever reads as much as he may: everybody else gets on. What is asked for waits in the database here, behind a lock of the test's own, so
 * that all of it is under way at once.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { until } from '../nodes/node.ts';
import type { RawDevice } from '../devices/raw-device.ts';
import { World } from '../servers/world.ts';

/** What is read of a twin's age waits while the test holds the lock. */
const GATE = `create or replace function ms_of(moment timestamptz) returns double precision language plpgsql as $$
begin
  perform pg_advisory_lock_shared(4711);
  perform pg_advisory_unlock_shared(4711);
  return (extract(epoch from moment) * 1000)::double precision;
end $$`;

const MANY = 300;

let world: World;
let node: App;
let device: RawDevice;

beforeEach(async () => {
  world = await World.start();
  node = await world.hostNode();
  device = await world.knownDevice();
  await world.eye.query(GATE);
  await world.eye.query('select pg_advisory_lock(4711)');
});
afterEach(async () => {
  await world.end();
});

/** Ready, reports are committed and leases kept, and a command is looked up in the ledger, sent and decided. */
async function othersGetOn(): Promise<void> {
  expect(await node.health.check()).toContainEqual({ part: 'store', ok: true, detail: 'answers' });
  expect(await world.backend.command(device.device, 'report', { waitMs: 10_000 })).toMatchObject({
    outcome: 'done',
  });
  const missing = (await node.health.check()).filter(({ ok }) => !ok);
  expect(missing).toEqual([]);
}

test('however many look for devices at once, the node is ready, reports and commands go on, HTTP answers, and who is one too many is told', async () => {
  const finds = Array.from({ length: MANY }, () =>
    world.backend.ask('fleet.find', { quality: 'stale', limit: 1 }, 60_000),
  );
  let refused = 0;
  for (const find of finds)
    void find.then(({ type }) => {
      if (type === 'reply') refused += 1;
    });
  await until('those who are too many are refused', async () => ({
    done: refused >= MANY - 100,
    seen: String(refused),
  }));
  await othersGetOn();
  expect((await fetch(`${node.httpUrl}/v1/devices/${device.device}`)).status).toBe(200);

  await world.eye.query('select pg_advisory_unlock(4711)');
  const answers = await Promise.all(finds);
  const found = answers.filter((answer) => answer.type === 'reply' && 'devices' in answer.body);
  expect(found.length).toBeGreaterThan(0);
  for (const answer of answers.filter((each) => !found.includes(each))) {
    expect(answer).toMatchObject({ errorCode: 503, body: { code: 'unavailable' } });
    expect(JSON.stringify(answer)).toMatch(/others look for devices.*ask again/);
  }
  expect(await world.backend.askFor('fleet.find', { limit: 1 })).toMatchObject({ devices: [{}] });
});

test('however many read over HTTP at once, the node is ready, reports and commands go on, backends find, and who is one too many is told', async () => {
  const reads = Array.from({ length: MANY }, async () => {
    const response = await fetch(`${node.httpUrl}/v1/devices?quality=stale`);
    return { status: response.status, body: (await response.json()) as Readonly<Record<string, unknown>> };
  });
  const refusals: unknown[] = [];
  for (const read of reads)
    void read.then((answer) => {
      if (answer.status !== 200) refusals.push(answer);
    });
  await until('those who are too many are refused', async () => ({
    done: refusals.length > 0,
    seen: String(refusals.length),
  }));
  expect(refusals[0]).toMatchObject({
    status: 503,
    body: { code: 'busy', detail: expect.stringMatching(/wait for the store/) as string },
  });
  await othersGetOn();
  expect(await world.backend.askFor('fleet.find', { limit: 1 })).toMatchObject({ devices: [{}] });

  await world.eye.query('select pg_advisory_unlock(4711)');
  const answers = await Promise.all(reads);
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
  expect((await fetch(`${node.httpUrl}/v1/devices?quality=stale`)).status).toBe(200);
});
