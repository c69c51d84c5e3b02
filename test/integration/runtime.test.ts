/**
 * The whole, from end to end: devices behind a leaf and a backend on the hub, both written by hand from the wire contract,
 * and a node with Postgres between them.
 */
import { randomUUID } from 'node:crypto';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { partitionOf } from '../../src/wire/partition.ts';
import { type DatabaseEye, openEye } from '../contract/database-eye.ts';
import { expectJournalTold, linesIn } from '../nodes/journal.ts';
import { startNode } from '../nodes/node.ts';
import { RawBackend, type RawBody } from '../callers/raw-backend.ts';
import { RawDevice, type RawDeviceOptions } from '../devices/raw-device.ts';
import { createDatabase, startHub, startSite } from '../servers/servers.ts';

const parts = {} as {
  hub: Awaited<ReturnType<typeof startHub>>;
  depot: Awaited<ReturnType<typeof startSite>>;
  harbour: Awaited<ReturnType<typeof startSite>>;
  database: Awaited<ReturnType<typeof createDatabase>>;
  app: App;
  depotNats: NatsConnection;
  harbourNats: NatsConnection;
  backend: RawBackend;
  eye: DatabaseEye;
};
let devices = 0;

beforeAll(async () => {
  parts.hub = await startHub();
  parts.depot = await startSite(parts.hub);
  parts.harbour = await startSite(parts.hub, { name: 'harbour' });
  parts.database = await createDatabase();
  parts.app = await startNode({ hub: parts.hub, databaseUrl: parts.database.url });
  parts.depotNats = await connect({ servers: parts.depot.url });
  parts.harbourNats = await connect({ servers: parts.harbour.url });
  parts.backend = await RawBackend.connect(parts.hub);
  parts.eye = await openEye(parts.database.url);
});

beforeEach(() => {
  parts.backend.encoding = 'json';
});

afterAll(async () => {
  await parts.eye.close();
  await parts.backend.close();
  await Promise.all([parts.depotNats.close(), parts.harbourNats.close()]);
  await parts.app.stop();
  await parts.harbour.end();
  await parts.depot.end();
  await parts.hub.end();
  await parts.database.drop();
});

/** A device that nobody has heard of. */
function newDevice(options: Partial<RawDeviceOptions> = {}): Promise<RawDevice> {
  devices += 1;
  return RawDevice.start({ nats: parts.depotNats, device: `cp-${String(devices)}`, ...options });
}

/** A device that has been heard, and whose age is bounded by a round trip. */
async function knownDevice(options: Partial<RawDeviceOptions> = {}): Promise<RawDevice> {
  const device = await newDevice(options);
  await device.report();
  await untilDocument(device, 'its clock is verified', ({ clock }) => isVerified(clock));
  return device;
}

/** Of a document; a refusal has no clock. */
function isVerified(clock: unknown): boolean {
  return (clock as RawBody | undefined)?.verified === true;
}

/** Waits until the twin's document is as wanted, and returns it. */
function untilDocument(
  { device }: RawDevice,
  what: string,
  isWanted: (document: RawBody) => boolean,
): Promise<RawBody> {
  return parts.backend.untilDocument(device, what, isWanted);
}

async function restartNode(node: string): Promise<void> {
  await parts.app.stop();
  parts.app = await startNode({ hub: parts.hub, databaseUrl: parts.database.url, node });
}

describe.each(['json', 'msgpack'] as const)('a device and a backend that speak %s', (encoding) => {
  test('reserve, release, start, stop and report from end to end', async () => {
    const device = await knownDevice({ encoding });
    const { backend } = parts;
    backend.encoding = encoding;
    const id = randomUUID();
    const reserved = await backend.command(device.device, 'reserve', {
      id,
      args: { holdMs: 60_000, token: 'card-7' },
      by: 'anna',
    });
    expect(reserved).toMatchObject({ id, outcome: 'done', name: 'reserve', by: 'anna', reason: null });
    const command = await device.command('reserve');
    expect(command).toMatchObject({ id, n: reserved.n, boot: 1, holdMs: 60_000 });
    expect(command.args).toEqual({ holdMs: 60_000, token: 'card-7' });
    expect(command.notAfterUp).toBeGreaterThan(device.up);
    expect(command.epoch).toBeGreaterThan(0);
    const document = await backend.get(device.device);
    expect(document).toMatchObject({ state: 'reserved', quality: 'fresh', hold: { id, by: 'anna' } });
    expect(document.allowed).toEqual(['release', 'start', 'report', 'reboot']);

    const steps = [
      ['release', 'available'],
      ['start', 'charging'],
      ['stop', 'available'],
      ['report', 'available'],
    ] as const;
    for (const [name, state] of steps) {
      expect(await backend.command(device.device, name)).toMatchObject({ outcome: 'done', name });
      expect(await backend.get(device.device)).toMatchObject({ state, pending: [], hold: null });
    }
    const names = device.heard.filter(({ id: key }) => !key.startsWith('probe-')).map(({ name }) => name);
    expect(names).toEqual(['reserve', 'release', 'start', 'stop', 'report']);
  });

  test('the reply comes in the encoding of the request, the command in that of the report', async () => {
    const device = await knownDevice({ encoding });
    for (const asked of ['json', 'msgpack'] as const) {
      parts.backend.encoding = asked;
      const answer = await parts.backend.ask(`twin.${device.device}.get`, {});
      expect(answer).toMatchObject({ type: 'reply', encoding: asked, errorCode: null });
      // Its parser reads one encoding only.
      expect(await parts.backend.command(device.device, 'report')).toMatchObject({ outcome: 'done' });
    }
  });
});

describe('a refusal', () => {
  test('has a code, the state, what is allowed now, and a number in the service headers', async () => {
    const device = await knownDevice();
    const { device: name } = device;
    const ask = (command: string, body: RawBody) =>
      parts.backend.ask(`twin.${name}.command.${command}`, { id: randomUUID(), ...body });
    const allowed = ['reserve', 'start', 'report', 'reboot'];
    const refusals = [
      ['release', {}, 409, 'illegal-state'],
      ['reserve', { args: { holdMs: -1 } }, 400, 'bad-arguments'],
      ['reserve', { ifVersion: 0 }, 412, 'version-mismatch'],
      ['fly', {}, 404, 'unknown-command'],
    ] as const;
    for (const [command, body, errorCode, code] of refusals) {
      expect(await ask(command, body)).toMatchObject({
        errorCode,
        body: { outcome: 'refused', code, state: 'available', allowed },
      });
    }
    expect(device.told).toEqual([]);
  });

  test('names what was wrong with a request that is none', async () => {
    const { device } = await knownDevice();
    const bad = [
      [`twin.${device}.command.report`, { id: 'not-a-uuid' }],
      [`twin.${device}.command.report`, { id: randomUUID(), waitMs: 1e9 }],
      [`twin.${device}.ledger`, {}],
      [`twin.${device}.desired`, { patch: 7 }],
      [`twin.not@an@id.get`, {}],
    ] as const;
    for (const [subject, body] of bad) {
      const answer = await parts.backend.ask(subject, body);
      expect(answer).toMatchObject({ errorCode: 400, body: { outcome: 'refused', code: 'bad-arguments' } });
    }
  });

  test('of a device that nobody knows is final', async () => {
    const answer = await parts.backend.ask('twin.nobody.command.report', { id: randomUUID() });
    expect(answer).toMatchObject({
      errorCode: 404,
      body: { code: 'unknown-device', state: null, allowed: [] },
    });
    expect(await parts.backend.ask('twin.nobody.get', {})).toMatchObject({
      body: { code: 'unknown-device' },
    });
  });

  test('of a device that is registered and was never heard says so', async () => {
    await parts.eye.query(
      `insert into device (id, kind, site, registered) values ('cp-new', 'charge-point', 'depot', true)`,
    );
    await restartNode('node-under-test');
    expect(await parts.backend.get('cp-new')).toMatchObject({
      state: 'offline',
      lastContact: null,
      asOf: null,
    });
    const refused = await parts.backend.command('cp-new', 'reserve');
    expect(refused).toMatchObject({ outcome: 'refused', code: 'offline', state: 'offline' });
  });

  test('one command at a time: a second one is refused while the first may still start', async () => {
    const device = await knownDevice({ manner: 'probes' });
    const first = await parts.backend.command(device.device, 'reserve', { waitMs: 0 });
    expect(first).toMatchObject({ outcome: 'pending' });
    const second = await parts.backend.command(device.device, 'start');
    expect(second).toMatchObject({ outcome: 'refused', code: 'pending', allowed: [] });
    await device.answer(await device.command('reserve'), { outcome: 'rejected', reason: 'busy' });
    await untilDocument(device, 'nothing is pending', ({ pending }) => (pending as unknown[]).length === 0);
    expect(await parts.backend.ledger(device.device, String(first.id))).toMatchObject({
      outcome: 'rejected',
      reason: 'busy',
    });
    expect(device.told).toEqual([first.n]);
  });
});

describe('an id', () => {
  test('that is asked twice at once is executed once, and answered alike', async () => {
    const device = await knownDevice();
    const id = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => parts.backend.command(device.device, 'reserve', { id })),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ id, outcome: 'done' });
    expect(device.told).toEqual([answers[0]!.n]);
  });

  test('that is asked again after a restart, and on another node, is answered alike', async () => {
    const device = await knownDevice();
    const id = randomUUID();
    const first = await parts.backend.command(device.device, 'reserve', { id });
    for (const node of ['node-under-test', 'another-node']) {
      await restartNode(node);
      expect(await parts.backend.command(device.device, 'reserve', { id })).toEqual(first);
      expect(await parts.backend.ledger(device.device, id)).toEqual(first);
    }
    expect(device.told).toEqual([first.n]);
  });

  test('that names another command is refused, after a restart and on another node too, and the device is left alone', async () => {
    const device = await knownDevice();
    const id = randomUUID();
    const args = { holdMs: 60_000 };
    const { acceptedAt, n } = await parts.backend.command(device.device, 'reserve', { id, args });
    const firstUse = { name: 'reserve', args, by: null, asker: 'nats:backend', acceptedAt, outcome: 'done' };
    for (const node of ['node-under-test', 'another-node', 'node-under-test']) {
      const answer = await parts.backend.ask(`twin.${device.device}.command.release`, { id });
      const refusal = { outcome: 'refused', code: 'id-reused', id, state: 'reserved', firstUse };
      expect(answer).toMatchObject({ errorCode: 409, body: refusal });
      await restartNode(node);
    }
    expect(await parts.backend.command(device.device, 'reserve', { id, args })).toMatchObject({ n });
    expect(device.told).toEqual([n]);
  });

  test('is one device’s: the same id names another command of another device', async () => {
    const [one, other] = [await knownDevice(), await knownDevice()];
    const id = randomUUID();
    expect(await parts.backend.command(one.device, 'reserve', { id })).toMatchObject({ outcome: 'done' });
    expect(await parts.backend.command(other.device, 'report', { id })).toMatchObject({ outcome: 'done' });
  });

  test('that nobody ever used is not in the ledger: it was certainly not sent', async () => {
    const { device } = await knownDevice();
    const answer = await parts.backend.ask(`twin.${device}.ledger`, { id: randomUUID() });
    expect(answer).toMatchObject({ errorCode: 404, body: { outcome: 'refused', code: 'unknown-id' } });
  });
});

describe('the desired configuration', () => {
  test('changed twice while the device was silent is one difference, and is gone when the device has applied it', async () => {
    const device = await knownDevice();
    const subject = `twin.${device.device}.desired`;
    const first: RawBody = await parts.backend.askFor(subject, {
      patch: { maxA: 16, led: { night: 'off' } },
    });
    const version = first.version as number;
    expect(first).toEqual({ version, delta: { maxA: 16, led: { night: 'off' } } });
    const second = await parts.backend.askFor(subject, {
      patch: { maxA: 10, led: { day: 'on' } },
      ifVersion: version,
    });
    expect(second).toEqual({ version: version + 1, delta: { maxA: 10, led: { night: 'off', day: 'on' } } });
    const late = await parts.backend.ask(subject, { patch: { maxA: 32 }, ifVersion: version });
    expect(late).toMatchObject({ errorCode: 412, body: { outcome: 'refused', code: 'version-mismatch' } });
    await device.report({ config: { version: version + 1 } });
    const document = await untilDocument(
      device,
      'the configuration is applied',
      ({ reported, desired }) =>
        reported !== null && Object.keys((desired as RawBody).delta as RawBody).length === 0,
    );
    expect(document.desired).toMatchObject({ version: version + 1, values: { maxA: 10 } });
  });
});

describe('the fleet', () => {
  test('is found by kind, state and site, page by page', async () => {
    const found = await Promise.all(
      Array.from({ length: 5 }, (_, index) =>
        newDevice({ nats: parts.harbourNats, device: `kiosk-${String(index)}` }),
      ),
    );
    for (const device of found)
      await device.report({ kind: 'kiosk', state: 'available', sensors: { itemsInside: 1 } });
    await Promise.all(
      found.map((device) => untilDocument(device, 'it is known', ({ state }) => state === 'available')),
    );
    const query = { kind: 'kiosk', state: 'available', site: 'harbour', limit: 2 };
    const names: unknown[] = [];
    let cursor: unknown;
    do {
      const page = await parts.backend.askFor('fleet.find', {
        ...query,
        ...(cursor === undefined ? {} : { cursor }),
      });
      names.push(...(page.devices as RawBody[]).map(({ device }) => device));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(names).toEqual(found.map(({ device }) => device));
    expect(await parts.backend.askFor('fleet.find', { kind: 'car' })).toEqual({ devices: [] });
  });

  test('is served by a service that any tool finds', async () => {
    const ping = await parts.backend.askFor('$SRV.PING.corral', {});
    expect(ping).toMatchObject({ type: 'io.nats.micro.v1.ping_response', name: 'corral' });
    const info = await parts.backend.askFor(`$SRV.INFO.corral.${String(ping.id)}`, {});
    expect((info.endpoints as RawBody[]).map(({ subject }) => subject)).toEqual([
      'twin.*.get',
      'twin.*.command.*',
      'twin.*.ledger',
      'twin.*.desired',
      'fleet.find',
    ]);
    const device = await knownDevice();
    const before = await requestsServed('get');
    await parts.backend.get(device.device);
    expect(await requestsServed('get')).toBe(before + 1);
  });
});

async function requestsServed(endpoint: string): Promise<number> {
  const stats = await parts.backend.askFor('$SRV.STATS.corral', {});
  const found = (stats.endpoints as { name: string; num_requests: number }[]).find(
    ({ name }) => name === endpoint,
  );
  return found!.num_requests;
}

describe('first contact', () => {
  test('of a device that nobody knows: presence is right at once, and the inventory says unregistered', async () => {
    const device = await newDevice();
    await device.report({ firmware: '7.1' });
    const document = await untilDocument(device, 'it is known', ({ state }) => state === 'available');
    expect(document).toMatchObject({ kind: 'charge-point', site: 'depot', connected: true, firmware: '7.1' });
    const seen = (await (await fetch(`${parts.app.httpUrl}/v1/devices/${device.device}`)).json()) as RawBody;
    expect(seen).toMatchObject({ device: device.device, registered: false, state: 'available' });
  });

  test('of a device that sends data and never hears a command shows that its age cannot be proved', async () => {
    const device = await newDevice({ manner: 'deaf' });
    await device.report();
    const document = await untilDocument(device, 'it is known', ({ state }) => state === 'available');
    expect(document).toMatchObject({ quality: 'unknown', errorMs: null, clock: { verified: false } });
    const refused = await parts.backend.command(device.device, 'reserve');
    expect(refused).toMatchObject({ outcome: 'refused', code: 'stale', state: 'available' });
    expect(device.told).toEqual([]);
  });
});

describe('sites', () => {
  test('a second site cannot speak as the device: its report is a dead letter, and the twin is unmoved', async () => {
    const device = await knownDevice();
    const before = await parts.backend.get(device.device);
    const impostor = await RawDevice.start({
      nats: parts.harbourNats,
      device: device.device,
      manner: 'deaf',
    });
    impostor.boot = 9;
    const ack = await impostor.report({ state: 'charging' });
    const letter = await parts.eye.untilRow<{ reason: string; site: string }>(
      'the report is a dead letter',
      'select reason, site from dead_letter where sequence = $1',
      [ack.seq],
    );
    expect(letter).toEqual({ reason: 'foreign-site', site: 'harbour' });
    const { version, lastContact, sequence, state } = before;
    expect(await parts.backend.get(device.device)).toMatchObject({ version, lastContact, sequence, state });

    const operator = await RawBackend.connect(parts.hub, 'operator');
    const lines = await linesIn(operator.nats, 'DEADLETTER');
    await operator.close();
    expect(lines.find(({ body }) => body.sequence === ack.seq)).toMatchObject({
      subject: `deadletter.foreign-site.${String(partitionOf(device.device))}`,
      body: { site: 'harbour', device: device.device, reason: 'foreign-site' },
    });
    impostor.stop();
  });

  test('a command goes to the site of its device, and to no other', async () => {
    const device = await knownDevice();
    const eavesdropper = await RawDevice.start({
      nats: parts.harbourNats,
      device: device.device,
      manner: 'deaf',
    });
    const neighbour = await knownDevice({ nats: parts.harbourNats });
    const first = await parts.backend.command(device.device, 'start');
    expect(first).toMatchObject({ outcome: 'done' });
    // What leaves the node for harbour leaves in order: had there been anything before this, it would be here by now.
    expect(await parts.backend.command(neighbour.device, 'report')).toMatchObject({ outcome: 'done' });
    expect(eavesdropper.heard).toEqual([]);
    expect(device.told).toEqual([first.n]);
    eavesdropper.stop();
  });
});

describe('what is published', () => {
  test('tells every change and outcome of a device, in order, with its document', async () => {
    const device = await knownDevice();
    const { device: name } = device;
    const reserved = await parts.backend.command(name, 'reserve', { by: 'anna' });
    await parts.backend.command(name, 'start');
    await expectJournalTold(parts.hub, parts.eye);
    const lines = (await linesIn(parts.backend.nats, 'CHANGES')).filter(({ subject }) =>
      subject.startsWith(`twin.${name}.`),
    );
    const told = lines.map(({ subject, body }) =>
      subject.endsWith('.changed')
        ? `${String(body.from)} > ${String(body.to)}`
        : `${String(body.name)} ${String(body.outcome)}`,
    );
    expect(told).toEqual([
      'offline > available.idle',
      'available.idle > reserved.waiting',
      'reserve done',
      'reserved.waiting > charging.delivering',
      'start done',
    ]);
    const changed = lines[1]!.body;
    expect(changed).toMatchObject({ device: name, cause: { type: 'report' }, boot: 1 });
    expect(changed.twin).toMatchObject({
      device: name,
      state: 'reserved',
      hold: { id: reserved.id, by: 'anna' },
    });
    expect(lines[2]!.body).toMatchObject({ id: reserved.id, n: reserved.n, outcome: 'done' });
  });

  test('has in every partition the numbers of an epoch without a gap, each in its stream once', async () => {
    expect(await expectJournalTold(parts.hub, parts.eye)).toBeGreaterThan(50);
  });
});
