/**
 * A flood of large requests: it costs those who send it, and nobody else.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { REQUEST_BYTES_MAX } from '../../src/wire/request.ts';
import { RawClient, wireOf } from '../raw-client.ts';
import { World } from '../world.ts';

const FLOOD = 150;
const LARGE = 1_000_000;
const ROUNDS = 30;

/** What the hub says of connections it no longer has. */
interface Closed {
  readonly connections: readonly { readonly name?: string; readonly reason?: string }[];
}

describe('150 requests of a megabyte each', () => {
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

  test('are refused with what is allowed, while other backends are answered, reports are heard and commands sent', async () => {
    const device = await world.knownDevice();
    const { device: id } = device;
    const flood = await RawClient.connect(world.hub.url('booking'));
    raws.push(flood);
    await flood.send('SUB _INBOX.flood.* 1\r\n');
    const payload = new Uint8Array(LARGE).fill(0x20);
    const flooding = (async () => {
      for (let index = 0; index < FLOOD; index += 1)
        await flood.send(
          wireOf({ subject: `twin.${id}.get`, reply: `_INBOX.flood.${String(index)}`, payload }),
        );
    })();
    const versions: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { version } = await world.backend.get(id);
      versions.push(Number(version));
      expect(await device.report()).not.toHaveProperty('error');
    }
    await flooding;
    expect(await world.backend.command(id, 'report')).toMatchObject({ outcome: 'done' });
    await flood.match(new RegExp(`_INBOX\\.flood\\.${String(FLOOD - 1)} `));
    const refusals = flood.heard.split('Nats-Service-Error-Code: 400').length - 1;
    expect(refusals).toBe(FLOOD);
    expect(flood.heard).toContain(`a request may have ${String(REQUEST_BYTES_MAX)} bytes`);
    expect(versions.every((version) => version > 0)).toBe(true);
    expect(await monitor<{ slow_consumers: number }>('/varz')).toMatchObject({ slow_consumers: 0 });
    const { connections } = await monitor<Closed>('/connz?state=closed');
    expect(connections.filter(({ name = '' }) => name.startsWith('corral '))).toEqual([]);
  });
});
