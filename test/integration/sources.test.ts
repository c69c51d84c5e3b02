/**
 * Devices behind a gateway, on real servers: what happens to the gateway is told apart from what happens to them.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TwinDocument } from '../../src/contract/twin-document.ts';
import { until } from '../nodes/node.ts';
import { impatientChargePoint, type NodeWithKinds, startNodeWithKinds } from '../nodes/node-with-kinds.ts';
import type { RawDevice } from '../devices/raw-device.ts';
import { World } from '../servers/world.ts';

const HEARTBEAT_MS = 250;
/** Short enough to be waited for, and long beside the heartbeat on a busy machine. */
const SILENCE_MS = 4_000;
const DEVICES = 8;

const kind = impatientChargePoint({ silenceMs: SILENCE_MS });

let world: World;
let node: NodeWithKinds;
let gateway: RawDevice;
let devices: readonly RawDevice[];
let stopHeartbeat: () => Promise<void>;

beforeEach(async () => {
  world = await World.start();
  node = await startNodeWithKinds(world, [kind]);
  gateway = await world.newDevice({ device: 'gw', manner: 'probes' });
  const all: RawDevice[] = [];
  for (let index = 0; index < DEVICES; index += 1) {
    const device = await world.newDevice({ device: `socket-${String(index)}`, manner: 'probes' });
    device.body = { ...device.body, via: { id: 'gw', session: gateway.boot } };
    all.push(device);
  }
  devices = all;
  stopHeartbeat = speak(gateway, ...devices);
  await untilEach('it is known', ({ clock }) => clock.verified);
});
afterEach(async () => {
  await stopHeartbeat();
  await world.end();
});

/** They report again and again, until the function that is returned was called. */
function speak(...speakers: readonly RawDevice[]): () => Promise<void> {
  const life = { isStopped: false };
  const speaking = (async () => {
    while (!life.isStopped) {
      await Promise.all(speakers.map((speaker) => speaker.report()));
      await new Promise((resolve) => setTimeout(resolve, HEARTBEAT_MS));
    }
  })();
  return async () => {
    life.isStopped = true;
    await speaking;
  };
}

async function untilDocument(
  device: string,
  what: string,
  is: (document: TwinDocument) => boolean,
): Promise<void> {
  await world.backend.untilDocument(device, what, (document) => 'clock' in document && is(document as never));
}

async function untilEach(what: string, is: (document: TwinDocument) => boolean): Promise<void> {
  for (const { device } of devices) await untilDocument(device, what, is);
}

/** States that devices of the gateway were ever taken for. */
async function statesOf(pattern: string): Promise<readonly string[]> {
  const rows = await world.eye.query<{ state: string }>(
    `select distinct split_part(to_path, '.', 1) as state from transition t join device d on d.key = t.device
     where d.id like $1 order by 1`,
    [pattern],
  );
  return rows.map(({ state }) => state);
}

describe('while their gateway is away, its devices', () => {
  test('are unknown for that reason, none is offline, and each comes right as it is heard', async () => {
    await stopHeartbeat();
    await untilDocument('gw', 'it is offline', ({ state }) => state === 'offline');
    await untilEach(
      'it is unknown because of its gateway',
      ({ quality, suspicions }) => quality === 'unknown' && suspicions[0]?.reason === 'source-away',
    );
    expect(await statesOf('socket-%')).toEqual(['available', 'suspect']);
    const [first, second] = devices as [RawDevice, RawDevice];
    expect(await world.backend.command(first.device, 'start', {})).toMatchObject({ code: 'suspect' });
    stopHeartbeat = speak(gateway, first);
    await untilDocument(first.device, 'it is right', ({ state }) => state === 'available');
    await untilDocument(second.device, 'its gateway is back', ({ via }) => via?.doubt === 'back');
    await untilDocument(second.device, 'it is silent by itself', ({ state }) => state === 'offline');
  });

  test('are so for the next owner as well', async () => {
    await stopHeartbeat();
    await untilEach('its gateway is away', ({ via }) => via?.doubt === 'away');
    await node.stop();
    await startNodeWithKinds(world, [kind]);
    const [first] = devices as [RawDevice];
    stopHeartbeat = speak(gateway, first);
    await untilDocument(first.device, 'it is right', ({ state }) => state === 'available');
    expect(await statesOf('socket-%')).toEqual(['available', 'suspect']);
  });
});

test('a device that is silent by itself is offline, as ever', async () => {
  await stopHeartbeat();
  const [silent, ...others] = devices as [RawDevice, ...RawDevice[]];
  stopHeartbeat = speak(gateway, ...others);
  await untilDocument(silent.device, 'it is offline', ({ state }) => state === 'offline');
  expect(await statesOf('socket-%')).toEqual(['available', 'offline']);
});

test('in a new session of the gateway, what was said before is not fresh until the device is heard', async () => {
  await stopHeartbeat();
  gateway.restart();
  await gateway.report();
  await untilEach(
    'that session has ended',
    ({ via, quality }) => via?.doubt === 'session' && quality === 'unknown',
  );
  for (const device of devices) device.body = { ...device.body, via: { id: 'gw', session: gateway.boot } };
  stopHeartbeat = speak(gateway, ...devices);
  await untilEach(
    'it is heard in this one',
    ({ via }) => via?.session === gateway.boot && via.doubt === null,
  );
});

test('an old snapshot that the gateway plays again is one finding about it, and none about its devices', async () => {
  for (const state of ['charging', 'available', 'charging', 'available']) {
    for (const device of devices) device.body = { ...device.body, state };
    for (const device of devices) await device.report();
  }
  await untilDocument(
    'gw',
    'it was found',
    ({ suspicions }) => suspicions[0]?.reason === 'snapshot-replayed',
  );
  await untilEach(
    'nothing of it counts',
    ({ via, quality }) => via?.doubt === 'replay' && quality === 'unknown',
  );
  for (const { device } of devices) {
    await untilDocument(device, 'it is not doubted', ({ suspicions }) => suspicions.length === 0);
    expect(await world.backend.command(device, 'start', {})).toMatchObject({ code: 'suspect' });
  }
  const lines = await world.eye.query(
    `select 1 from transition t join device d on d.key = t.device where to_path like 'suspect%'`,
    [],
  );
  expect(lines).toHaveLength(1);
  await until('the gateway is steady again', async () => {
    const found = await world.eye.query<{ path: string }>(
      `select path from twin t join device d on d.key = t.device where d.id = 'gw'`,
      [],
    );
    const path = found[0]?.path ?? '';
    return path.startsWith('available') ? { done: true } : { done: false, seen: path };
  });
  await untilEach('it counts again', ({ via, state }) => via?.doubt === null && state === 'available');
});
