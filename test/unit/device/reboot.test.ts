import { beforeEach, describe, expect, test } from 'vitest';
import { DeviceWorld, quiet } from './device-world.ts';

let world: DeviceWorld;

beforeEach(async () => {
  world = new DeviceWorld();
  await world.boot();
});

describe('`reboot`', () => {
  test('ends the boot without a report, and the first report of the next one names it done', async () => {
    await world.time.pass(1_000);
    await world.command({ n: 4, name: 'reboot' });
    await quiet();
    const [, ...later] = world.hub.reports;
    expect(later[0]).toMatchObject({ boot: 2, seq: 1, commands: [{ n: 4, outcome: 'done' }] });
    expect(world.hardware.executions, 'the body is not asked to act').toEqual([]);
  });

  test('keeps the hold and what was not delivered', async () => {
    await world.command({ n: 3, name: 'reserve', holdMs: 600_000 });
    world.hub.mood = 'mute';
    world.hardware.use({ level: 7 });
    await quiet();
    await world.command({ n: 4, name: 'reboot' });
    await quiet();
    world.hub.mood = 'ok';
    await world.time.pass(30_000);
    expect(world.report).toMatchObject({ boot: 2, hold: { id: 'id-3' } });
    expect(world.hub.reports.some(({ sensors }) => sensors.level === 7)).toBe(true);
  });

  test('is never executed twice: a copy in the next boot is answered from the ring', async () => {
    const command = { n: 4, name: 'reboot', boot: 1, notAfterUp: 1e9 };
    await world.command(command);
    await quiet();
    await world.command(command);
    expect(world.report).toMatchObject({ boot: 2, seq: 2, commands: [{ n: 4, outcome: 'done' }] });
  });

  test('that was stored as begun when the power went is done: the device has started anew', async () => {
    world.storageMs = 50;
    const asked = world.command({ n: 4, name: 'reboot' });
    await world.time.pass(60);
    await asked;
    world.crash();
    await world.boot();
    await world.time.pass(200);
    expect(world.report.commands).toEqual([{ n: 4, outcome: 'done' }]);
  });

  test('that comes too late is refused like any other command, also when storing it took too long', async () => {
    await world.time.pass(1_000);
    await world.command({ n: 4, name: 'reboot', notAfterUp: 500 });
    expect(world.report).toMatchObject({ boot: 1, commands: [{ n: 4, reason: 'too-late' }] });
    world.storageMs = 300;
    const asked = world.command({ n: 5, name: 'reboot', notAfterUp: 1_100 });
    await world.time.pass(2_000);
    await asked;
    expect(world.report).toMatchObject({ boot: 1, commands: [{ n: 5, reason: 'too-late' }, { n: 4 }] });
  });

  test('is refused by a device in use', async () => {
    await world.command({ n: 4, name: 'start' });
    await world.command({ n: 5, name: 'reboot' });
    expect(world.report.commands?.[0]).toEqual({ n: 5, outcome: 'rejected', reason: 'busy' });
  });
});
