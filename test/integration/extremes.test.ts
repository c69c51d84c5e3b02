/**
 * Extremes of the numbers in a device's messages, on real servers: none ends in an error of ours, none lasts, and nobody else notices.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { UPTIME_MAX } from '../../machines/report.ts';
import { RawBackend } from '../callers/raw-backend.ts';
import type { RawDevice, RawReport } from '../devices/raw-device.ts';
import { World } from '../servers/world.ts';

const MOST = Number.MAX_SAFE_INTEGER;
/** Read by every question about one device. */
const PATHS = ['', '/timeline', '/reports', '/sensors', '/explain', '/commands', '/journal'];

let world: World;
let app: App;

beforeAll(async () => {
  world = await World.start();
  app = await world.hostNode();
});
afterAll(() => world.end());

/** The text of the device's dead letters. */
async function deadLettersOf({ device }: RawDevice): Promise<readonly string[]> {
  const rows = await world.eye.query<{ detail: string }>(
    'select detail from dead_letter where device = $1 order by sequence',
    [device],
  );
  return rows.map(({ detail }) => detail);
}

/** It is as a device is of which nothing strange was ever heard, and every question about it is answered. */
async function expectOrdinary(device: RawDevice): Promise<void> {
  const { document } = await settled(device);
  expect(document).toMatchObject({ state: 'available', quality: 'fresh', hold: null, suspicions: [] });
  expect(Math.abs(Date.now() - Number(document.asOf))).toBeLessThan(3_600_000);
  for (const path of [...PATHS, `/at?time=${new Date().toISOString()}`]) {
    const { status } = await fetch(`${app.httpUrl}/v1/devices/${device.device}${path}`);
    expect({ path, status }).toEqual({ path, status: 200 });
  }
  expect(await world.backend.command(device.device, 'report', { waitMs: 60_000 })).toMatchObject({
    outcome: 'done',
  });
}

async function settled(device: RawDevice): Promise<{ readonly document: RawReport }> {
  await device.report({ state: 'available', hold: null, sensors: { meterWh: 1 }, since: {} });
  const document = await world.backend.untilDocument(
    device.device,
    'its last report is known, and its age',
    ({ sequence, quality }) =>
      (sequence as { readonly seq: number }).seq === device.seq && quality === 'fresh',
  );
  return { document };
}

const held = (leftMs: number): RawReport => ({ state: 'reserved', hold: { id: 'somebody', leftMs } });

describe.each(['json', 'msgpack'] as const)('in %s', (encoding) => {
  test.each<[string, RawReport]>([
    ['at is the highest number', { at: MOST }],
    ['at is beyond all times', { at: 1e308 }],
    ['at is before all times', { at: -1e308 }],
    ['at is negative zero', { at: -0 }],
    ['leftMs is the highest number', held(MOST)],
    ['leftMs is 0', held(0)],
    ['leftMs is negative', held(-1)],
    ['since is the highest number', { sensors: { cableConnected: true }, since: { cableConnected: MOST } }],
    ['a sensor is beyond all that is measured', { sensors: { meterWh: 1e308, temperatureC: -1e308 } }],
    ['a sensor is next to nothing', { sensors: { meterWh: 5e-324, temperatureC: -0 } }],
    ['the configuration is of the highest version', { config: { version: MOST } }],
    ['since is beyond all', { since: { cableConnected: 1e308 } }],
    ['version is beyond all', { config: { version: 1e308 } }],
    ['a ring names number 0', { commands: [{ n: 0, outcome: 'done' }] }],
  ])('a report whose %s is heard, and the next one is as if it had not been', async (_, given) => {
    const device = await world.knownDevice({ encoding, manner: 'probes' });
    await device.publish({ ...device.make(), ...given });
    await expectOrdinary(device);
    expect(await deadLettersOf(device)).toEqual([]);
    expect((await world.backend.get(device.device)).sequence).toMatchObject({ incarnation: 1, missing: 0 });
  });

  test.each<[string, RawReport, RegExp]>([
    ['up is longer than a device can be on', { up: UPTIME_MAX + 1 }, /\/up: expected .* 1099511627776/],
    ['up is the highest number', { up: MOST }, /\/up: expected/],
  ])('a report whose %s is refused with the reason, and changes nothing', async (_, given, reason) => {
    const device = await world.knownDevice({ encoding, manner: 'probes' });
    await device.publish({ ...device.make(), ...given });
    // Nobody misses what was refused: its number is used again.
    device.seq -= 1;
    await expectOrdinary(device);
    expect(await deadLettersOf(device)).toEqual([expect.stringMatching(reason)]);
  });
});

test.each<[string, unknown]>([
  ['not a number', NaN],
  ['infinite', Infinity],
  ['a whole number above 2^53', 2n ** 63n],
  ['a whole number below -2^53', -(2n ** 62n)],
])('a MessagePack number that is %s is refused wherever it stands', async (_, number) => {
  const device = await world.knownDevice({ encoding: 'msgpack', manner: 'probes' });
  const places: RawReport[] = [
    { at: number },
    { up: number },
    { sensors: { meterWh: number } },
    { since: { cableConnected: number } },
    { hold: { id: 'somebody', leftMs: number } },
    { note: [{ deep: number }] },
  ];
  for (const place of places) {
    await device.publish({ ...device.make(), ...place });
    device.seq -= 1;
  }
  await expectOrdinary(device);
  const refused = expect.stringMatching(/cannot be kept|\d+ bits|2\^53/) as string;
  expect(await deadLettersOf(device)).toEqual(places.map(() => refused));
});

describe('a request', () => {
  const extremes = [0, -0, -1, 0.5, MOST, 2 ** 53, 1e308, -1e308, NaN, Infinity, 2n ** 63n, -(2n ** 62n)];

  test.each<[string, (device: string, number: unknown) => [subject: string, body: RawReport]]>([
    ['waitMs', (device, waitMs) => [`twin.${device}.command.report`, { waitMs }]],
    ['ifVersion', (device, ifVersion) => [`twin.${device}.command.report`, { ifVersion }]],
    ['holdMs', (device, holdMs) => [`twin.${device}.command.reserve`, { args: { holdMs } }]],
    ['a desired value', (device, limitA) => [`twin.${device}.desired`, { patch: { limitA } }]],
    [
      'ifVersion of what is desired',
      (device, ifVersion) => [`twin.${device}.desired`, { patch: {}, ifVersion }],
    ],
    ['limit', (_, limit) => ['fleet.find', { limit }]],
  ])('is answered, and never by an error of ours, whatever number its %s is', async (_, ask) => {
    const device = await world.knownDevice();
    const backend = await RawBackend.connect(world.hub);
    world.add(() => backend.close());
    for (const encoding of ['msgpack', 'json'] as const) {
      backend.encoding = encoding;
      for (const number of extremes.filter((each) => encoding === 'msgpack' || typeof each === 'number')) {
        const [subject, body] = ask(device.device, number);
        const asked = subject.includes('.command.') ? { id: randomUUID(), waitMs: 0, ...body } : body;
        const answer = await backend.ask(subject, asked, 60_000);
        const { errorCode } = answer.type === 'reply' ? answer : { errorCode: 500 };
        expect({ subject, number, isOurs: (errorCode ?? 200) >= 500 }).toEqual({
          subject,
          number,
          isOurs: false,
        });
        if (subject.endsWith('.reserve')) await world.backend.command(device.device, 'release');
      }
    }
    await expectOrdinary(device);
  });
});
