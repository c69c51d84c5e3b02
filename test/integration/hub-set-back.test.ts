/**
 * A hub whose disk goes back, as after a power cut or a snapshot of its machine: acknowledged messages are gone, and their sequences are
 * given again. On real servers, with a copy of the hub's own folder.
 */
import { afterEach, describe, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { until } from '../nodes/node.ts';
import type { RawDevice } from '../devices/raw-device.ts';
import { World } from '../servers/world.ts';

let world: World;

afterEach(async () => {
  await world.end();
});

/** Reports so many times, and waits for the acks only. */
async function say(device: RawDevice, reports: number): Promise<void> {
  for (let report = 0; report < reports; report += 1) await device.report();
}

/** Waits until the hub takes what a device says: its next report, until that is acknowledged. */
async function untilHeard(device: RawDevice): Promise<void> {
  const report = device.make();
  await until('the hub takes a report', () =>
    device.publish(report).then(
      () => ({ done: true }),
      (error: unknown) => ({ done: false, seen: String(error instanceof Error ? error.message : error) }),
    ),
  );
}

async function counted({ httpUrl }: App, metric: string): Promise<number> {
  const metrics = await (await fetch(`${httpUrl}/metrics`)).text();
  return Number(new RegExp(`^${metric} (\\d+)$`, 'm').exec(metrics)?.[1]);
}

describe('the tail of a stream, because the hub was set back', () => {
  test('is noticed by a running node, which reads what is stored afterwards, and nothing again', async () => {
    world = await World.start();
    const app = await world.hostNode();
    const device = await world.knownDevice({ manner: 'probes' });
    await say(device, 300);
    await world.untilStored(device.seq);
    await world.hub.keepStore();
    await untilHeard(device);
    await say(device, 100);
    await world.untilStored(device.seq);
    await world.hub.setStoreBack();
    await untilHeard(device);
    await say(device, 40);
    await world.untilStored(device.seq);
    const { sequence } = await world.backend.get(device.device);
    expect(sequence).toMatchObject({ seq: device.seq, missing: 0, duplicates: 0 });
    expect(await counted(app, 'corral_stream_tail_lost_total')).toBe(101);
    expect(await counted(app, 'corral_stream_gone_total')).toBe(0);
  });

  test.each([
    ['is shorter than it was', 10],
    ['has grown beyond that', 200],
  ])(
    'is noticed by a node that was down, also when it %s: what was stored since is read',
    async (_how, more) => {
      world = await World.start();
      const before = await world.hostNode();
      const device = await world.knownDevice({ manner: 'probes' });
      await world.hub.keepStore();
      await untilHeard(device);
      await say(device, 100);
      await world.untilStored(device.seq);
      await before.stop();
      await world.hub.setStoreBack();
      await untilHeard(device);
      await say(device, more);
      const { seq } = device;
      const app = await world.hostNode();
      await world.untilStored(seq);
      const { sequence } = await world.backend.get(device.device);
      expect(sequence).toMatchObject({ seq, missing: 0, duplicates: 0 });
      expect(await counted(app, 'corral_stream_tail_lost_total')).toBe(101);
      expect(await counted(app, 'corral_stream_gone_total')).toBe(0);
    },
  );
});
