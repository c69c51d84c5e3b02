/**
 * A flood of large requests: it costs those who send it, and nobody else.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { REQUEST_BYTES_MAX } from '../../src/wire/request.ts';
import { RawClient, wireOf } from '../hostile/raw-client.ts';
import { until } from '../nodes/node.ts';
import type { RawDevice } from '../devices/raw-device.ts';
import { World } from '../servers/world.ts';

const FLOOD = 150;
const LARGE = 1_000_000;
/** The hub takes it, the node does not. */
const TOO_LARGE = 256 * 1024 + 1;
const ROUNDS = 30;

/** What the hub says of connections it no longer has. */
interface Closed {
  readonly connections: readonly { readonly name?: string; readonly reason?: string }[];
}

describe('150 requests of a megabyte', () => {
  let world: World;
  const raws: RawClient[] = [];
  beforeEach(async () => {
    world = await World.start();
    await world.startNode();
  });
  afterEach(async () => {
    for (const raw of raws.splice(0)) raw.close();
    await world.end();
  });

  const monitor = async <T>(path: string): Promise<T> =>
    (await (await fetch(`http://127.0.0.1:${String(world.hub.ports.monitor)}${path}`)).json()) as T;

  async function flood(): Promise<RawClient> {
    const client = await RawClient.connect(world.hub.url('booking'));
    raws.push(client);
    await client.send('SUB _INBOX.flood.* 1\r\n');
    return client;
  }
  /** Sends it all, as fast as the hub takes it. */
  async function send(client: RawClient, device: string, bytes: number): Promise<void> {
    const payload = new Uint8Array(bytes).fill(0x20);
    for (let index = 0; index < FLOOD; index += 1) {
      const reply = `_INBOX.flood.${String(index)}`;
      await client.send(wireOf({ subject: `twin.${device}.get`, reply, payload }));
    }
  }
  /** Whatever is going on: backends are answered, reports are heard, commands are executed. */
  async function goOn(device: RawDevice): Promise<void> {
    for (let round = 0; round < ROUNDS; round += 1) {
      expect(await world.backend.get(device.device)).toMatchObject({ device: device.device });
      expect(await device.report()).not.toHaveProperty('error');
    }
    expect(await world.backend.command(device.device, 'report')).toMatchObject({ outcome: 'done' });
  }
  async function nothingWasDropped(): Promise<void> {
    expect(await monitor<{ slow_consumers: number }>('/varz')).toMatchObject({ slow_consumers: 0 });
    const { connections } = await monitor<Closed>('/connz?state=closed');
    expect(connections.filter(({ name = '' }) => name.startsWith('corral '))).toEqual([]);
  }

  test('cost whoever sends them the connection, while others are answered, reports are heard and commands sent', async () => {
    const device = await world.knownDevice();
    const client = await flood();
    const sent = send(client, device.device, LARGE);
    await goOn(device);
    await sent;
    await until('the hub has hung up', async () =>
      client.isOpen ? { done: false, seen: client.heard.slice(-200) } : { done: true },
    );
    const { connections } = await monitor<Closed>('/connz?state=closed');
    expect(connections).toContainEqual(
      expect.objectContaining({ name: 'raw booking', reason: expect.stringMatching(/payload/i) as string }),
    );
    await nothingWasDropped();
  });

  test('less a little are refused with what is allowed, while others are answered, reports are heard and commands sent', async () => {
    const device = await world.knownDevice();
    const client = await flood();
    const sent = send(client, device.device, TOO_LARGE);
    await goOn(device);
    await sent;
    await client.match(new RegExp(`_INBOX\\.flood\\.${String(FLOOD - 1)} `));
    await client.isHeard();
    expect(client.heard.split('Nats-Service-Error-Code: 400').length - 1).toBe(FLOOD);
    expect(client.heard).toContain(`a get request may have ${String(REQUEST_BYTES_MAX.get)} bytes`);
    await nothingWasDropped();
  });

  test('four patches of 400 KB are each refused with what is allowed, and change nothing', async () => {
    const { device } = await world.knownDevice();
    const before = await world.backend.get(device);
    for (let number = 0; number < 4; number += 1) {
      const patch = { [`key${String(number)}`]: 'x'.repeat(400_000) };
      const answer = await world.backend.ask(`twin.${device}.desired`, { patch });
      expect(answer).toMatchObject({ type: 'reply', errorCode: 400, body: { code: 'bad-arguments' } });
      expect(JSON.stringify(answer)).toContain('bytes');
    }
    expect(await world.backend.get(device)).toMatchObject({ desired: before.desired });
  });
});
