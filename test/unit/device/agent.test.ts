import { beforeEach, describe, expect, test } from 'vitest';
import { AGENT_LIMITS } from '../../../src/device/limits.ts';
import { encode } from '../../../src/wire/codec.ts';
import { DeviceWorld, quiet } from './device-world.ts';

let world: DeviceWorld;

/** The last word on command 1, which was sent on in boot 1, where nothing shows any more what became of it. */
const INTERRUPTED = { n: 1, outcome: 'unknown', reason: 'interrupted', fence: { boot: 1 } };

beforeEach(async () => {
  world = new DeviceWorld();
  await world.boot();
});

describe('a report', () => {
  test('is sent when a boot begins, with the inventory scan', () => {
    expect(world.hub.reports).toHaveLength(1);
    expect(world.hub.reports[0]).toMatchObject({
      boot: 1,
      seq: 1,
      up: 0,
      state: 'available',
      commands: [],
      components: [{ slot: 'modem', model: 'M1', serial: '42' }],
    });
  });

  test('is sent on every change, without the scan', async () => {
    await world.time.pass(1_000);
    world.hardware.use({ doorOpen: true });
    await quiet();
    expect(world.hub.reports[1]).toMatchObject({ boot: 1, seq: 2, up: 1_000, sensors: { doorOpen: true } });
    expect(world.hub.reports[1]).not.toHaveProperty('components');
  });

  test('is sent when nothing changed for the length of a heartbeat', async () => {
    await world.time.pass(AGENT_LIMITS.heartbeatMs - 1);
    expect(world.hub.reports).toHaveLength(1);
    await world.time.pass(1);
    expect(world.hub.reports).toHaveLength(2);
    expect(world.hub.reports[1]?.up).toBe(AGENT_LIMITS.heartbeatMs);
  });

  test('is not followed by a heartbeat sooner than its own length', async () => {
    await world.time.pass(50_000);
    world.hardware.use({ level: 3 });
    await world.time.pass(AGENT_LIMITS.heartbeatMs - 1);
    expect(world.hub.reports).toHaveLength(2);
  });

  test('says since when each binary sensor is as it is, and of no other', async () => {
    await world.time.pass(1_000);
    world.hardware.use({ doorOpen: true, level: 5 });
    await world.time.pass(4_000);
    world.hardware.use({ level: 6 });
    await quiet();
    expect(world.report.since).toEqual({ on: 5_000, doorOpen: 4_000 });
  });

  test('tells the time of a change that happened while another report was being stored', async () => {
    world.storageMs = 300;
    world.hardware.use({ level: 1 });
    await world.time.pass(100);
    world.hardware.use({ doorOpen: true });
    await world.time.pass(1_000);
    expect(world.report).toMatchObject({ up: 300, since: { doorOpen: 200 } });
  });

  test('has left before it was sent only when it was stored', async () => {
    world.storageMs = 500;
    world.hardware.use({ level: 1 });
    await world.time.pass(499);
    expect(world.hub.reports).toHaveLength(1);
    await world.time.pass(1);
    expect(world.hub.reports).toHaveLength(2);
  });

  test('is the same plain data whether it is sent at once or read from the disk', async () => {
    world.hub.mood = 'mute';
    world.hardware.use({ level: Number.NaN, note: undefined });
    await world.time.pass(1_000);
    world.hub.mood = 'ok';
    await world.boot();
    await world.time.pass(1_000);
    const copies = world.hub.reports.filter(({ boot, seq }) => boot === 1 && seq === 2);
    expect(copies.length).toBeGreaterThan(1);
    for (const copy of copies) expect(copy).toEqual(copies[0]);
  });
});

describe('an outcome', () => {
  test('is named by a report that is sent at once', async () => {
    await world.command({ n: 1, name: 'start' });
    expect(world.hardware.executions).toHaveLength(1);
    expect(world.hub.reports.at(-1)).toMatchObject({
      state: 'charging',
      commands: [{ n: 1, outcome: 'done' }],
    });
  });

  test('is named by a report that is sent at once when it is a refusal', async () => {
    await world.command({ n: 1, name: 'start', boot: 7 });
    expect(world.hub.reports.at(-1)?.commands).toEqual([{ n: 1, outcome: 'rejected', reason: 'other-boot' }]);
    expect(world.hardware.executions).toHaveLength(0);
  });

  test('is repeated by a report at once, and the command is not executed again', async () => {
    await world.command({ n: 1, name: 'start' });
    await world.command({ n: 1, name: 'start' });
    expect(world.hardware.executions).toHaveLength(1);
    expect(world.hub.reports).toHaveLength(3);
    expect(world.hub.reports.at(-1)?.commands).toEqual([{ n: 1, outcome: 'done' }]);
  });

  test('of a command that arrives twice while it is being executed is one', async () => {
    world.storageMs = 100;
    await world.command({ n: 1, name: 'start' });
    await world.command({ n: 1, name: 'start' });
    await world.time.pass(1_000);
    expect(world.hardware.executions).toHaveLength(1);
  });

  test('is the hardware’s own when it cannot do it', async () => {
    world.hardware.results.push({ outcome: 'rejected', reason: 'jammed' });
    await world.command({ n: 1, name: 'start' });
    expect(world.report.commands).toEqual([{ n: 1, outcome: 'rejected', reason: 'jammed' }]);
  });

  test('is undecided when the hardware fails in the middle', async () => {
    world.hardware.results.push('throws');
    await world.command({ n: 1, name: 'start' });
    expect(world.report.commands).toEqual([{ n: 1, outcome: 'undecided', reason: 'fault' }]);
  });

  test('is undecided when the hardware does not answer, and nothing is reported while it is waited for', async () => {
    world.hardware.results.push('hangs');
    await world.command({ n: 1, name: 'start' });
    await world.command({ n: 2, name: 'report' });
    world.hardware.use({ level: 4 });
    await world.time.pass(AGENT_LIMITS.actMs - 1);
    expect(world.hub.reports).toHaveLength(1);
    await world.time.pass(1);
    expect(world.hub.reports[1]?.commands).toEqual([{ n: 1, outcome: 'undecided', reason: 'no-answer' }]);
    expect(world.report.commands?.[0]).toEqual({ n: 2, outcome: 'done' });
  });

  test('is too late when the deadline passed while its beginning was stored', async () => {
    world.storageMs = 300;
    await world.command({ n: 1, name: 'start', notAfterUp: 200 });
    await world.time.pass(1_000);
    expect(world.hardware.executions).toHaveLength(0);
    expect(world.report.commands).toEqual([{ n: 1, outcome: 'rejected', reason: 'too-late' }]);
  });

  test('survives a restart', async () => {
    await world.command({ n: 5, name: 'start', epoch: 3 });
    await world.boot();
    expect(world.report).toMatchObject({ boot: 2, seq: 1, commands: [{ n: 5, outcome: 'done' }] });
    await world.command({ n: 4, name: 'stop' });
    await world.command({ n: 6, name: 'stop', epoch: 2 });
    expect(world.report.commands?.slice(0, 3)).toEqual([
      { n: 6, outcome: 'rejected', reason: 'stale-epoch' },
      { n: 5, outcome: 'done' },
      { n: 4, outcome: 'rejected', reason: 'superseded' },
    ]);
  });

  test('is lost with the storage, and the boots count from 1 again', async () => {
    await world.command({ n: 5, name: 'start', epoch: 3 });
    await world.boot();
    world.medium.wipe();
    await world.boot();
    expect(world.report).toMatchObject({ boot: 1, seq: 1, commands: [] });
  });
});

describe('a message that is no command', () => {
  test.each([
    ['nothing', new Uint8Array()],
    ['noise', new Uint8Array([0xc1, 0xff, 0x00])],
    ['a list', encode([1, 2, 3], 'json')],
    ['no number', encode({ epoch: 1, id: 'a', name: 'start' }, 'json')],
    ['a number that is none', encode({ n: '1', epoch: 1, id: 'a', name: 'start' }, 'json')],
    ['a negative deadline', encode({ n: 1, epoch: 1, id: 'a', name: 'start', notAfterUp: -1 }, 'json')],
  ])('is ignored and counted: %s', async (_, payload) => {
    await world.payload(payload);
    expect(world.agent?.status().unreadableCommands).toBe(1);
    expect(world.hub.reports).toHaveLength(1);
    expect(world.isAlive).toBe(true);
  });

  test('does not stand in the way of one that is', async () => {
    await world.payload(new Uint8Array([1]));
    await world.command({ n: 1, name: 'report' });
    expect(world.report.commands).toEqual([{ n: 1, outcome: 'done' }]);
  });

  test('beyond what may wait is lost and counted', async () => {
    world.limits = { ...AGENT_LIMITS, commandQueueMax: 2 };
    await world.boot();
    world.storageMs = 100;
    for (let n = 1; n <= 5; n += 1) await world.command({ n, name: 'report' });
    await world.time.pass(1_000);
    expect(world.report.commands?.map(({ n }) => n)).toEqual([3, 2, 1]);
    expect(world.agent?.status().lostCommands).toBe(2);
  });
});

describe('a hold', () => {
  test('is reported with the time that is left of it', async () => {
    await world.command({ n: 1, name: 'reserve', id: 'r', holdMs: 90_000 });
    expect(world.report).toMatchObject({ state: 'reserved', hold: { id: 'r', leftMs: 90_000 } });
    await world.time.pass(60_000);
    expect(world.report).toMatchObject({ state: 'reserved', hold: { id: 'r', leftMs: 30_000 } });
  });

  test('ends by itself without any message, and the device says so at once', async () => {
    await world.command({ n: 1, name: 'reserve', holdMs: 90_000 });
    world.hub.listener = null;
    await world.time.pass(89_999);
    expect(world.report.state).toBe('reserved');
    await world.time.pass(1);
    expect(world.report).toMatchObject({ state: 'available', up: 90_000 });
    expect(world.report).not.toHaveProperty('hold');
  });

  test('ends with its time even while the disk is too slow to say so', async () => {
    await world.command({ n: 1, name: 'reserve', holdMs: 90_000 });
    world.storageMs = 20_000;
    await world.time.pass(89_000);
    await world.command({ n: 2, name: 'report' });
    await world.time.pass(1_000);
    expect(world.agent?.status().hold).toBeNull();
  });

  test('ends when its holder comes, and the device is free for the next one', async () => {
    await world.command({ n: 1, name: 'reserve', holdMs: 90_000 });
    world.hardware.use({ doorOpen: true }, { endsHold: true });
    await quiet();
    expect(world.report).not.toHaveProperty('hold');
    await world.command({ n: 2, name: 'reserve', id: 's', holdMs: 1_000 });
    expect(world.report.hold).toEqual({ id: 's', leftMs: 1_000 });
  });

  test('goes on after a restart and still ends by itself', async () => {
    await world.command({ n: 1, name: 'reserve', id: 'r', holdMs: 90_000 });
    await world.time.pass(45_000);
    await world.boot();
    expect(world.report).toMatchObject({ boot: 2, state: 'reserved', hold: { id: 'r', leftMs: 30_000 } });
    await world.time.pass(30_000);
    expect(world.report).toMatchObject({ state: 'available', up: 30_000 });
  });
});

describe('a crash', () => {
  test('before anything was stored leaves a command that never happened', async () => {
    world.crashSoon(0);
    await world.command({ n: 1, name: 'start' });
    await world.boot();
    expect(world.report.commands).toEqual([]);
    expect(world.hardware.executions).toHaveLength(0);
  });

  test('between the record and the act leaves a command that is named as not executed', async () => {
    world.crashSoon(1);
    await world.command({ n: 1, name: 'start' });
    await world.boot();
    expect(world.hardware.executions).toHaveLength(0);
    expect(world.report.commands).toEqual([{ n: 1, outcome: 'rejected', reason: 'interrupted' }]);
  });

  test('between the act and its record leaves a command that is named as done, and done once', async () => {
    world.crashSoon(3);
    await world.command({ n: 1, name: 'start' });
    await world.boot();
    await world.command({ n: 1, name: 'start', boot: 1 });
    expect(world.hardware.executions).toHaveLength(1);
    expect(world.report.commands).toEqual([{ n: 1, outcome: 'done' }]);
  });

  test('between the act and its record is named unknown where the hardware does not show it', async () => {
    world.hardware.isTransparent = false;
    world.crashSoon(3);
    await world.command({ n: 1, name: 'start' });
    await world.boot();
    expect(world.report.commands).toEqual([INTERRUPTED]);
  });

  test('between the act and its record is named unknown where the hardware fails to answer', async () => {
    world.crashSoon(3);
    await world.command({ n: 1, name: 'start' });
    world.hardware.isTransparent = 'broken';
    await world.boot();
    expect(world.report.commands).toEqual([INTERRUPTED]);
  });

  test('before the first report of a boot is stored leaves the boot number to the next', async () => {
    await world.boot(2);
    expect(world.agent).toBeNull();
    await world.boot();
    expect(world.report).toMatchObject({ boot: 2, seq: 1 });
  });
});

describe('an agent', () => {
  test('ends when its storage fails, and says why', async () => {
    const storage = {
      load: async () => ({
        memory: (await import('../../../src/device/device-state.ts')).BLANK_MEMORY,
        pending: [],
        unreadable: 0,
      }),
      append: async () => {
        if (fails) throw new Error('no space left on device');
      },
      close: async () => undefined,
    };
    let fails = false;
    world.options = { storage };
    await world.boot();
    fails = true;
    world.hardware.use({ level: 1 });
    await quiet();
    await expect(world.agent?.ended).resolves.toMatchObject({ message: 'no space left on device' });
    await world.command({ n: 1, name: 'start' });
    expect(world.hardware.executions).toHaveLength(0);
  });

  test('ends also when its storage fails while it is being stopped, and says why', async () => {
    const { BLANK_MEMORY } = await import('../../../src/device/device-state.ts');
    let failNow: (() => void) | null = null;
    let isSlow = false;
    world.options = {
      storage: {
        load: async () => ({ memory: BLANK_MEMORY, pending: [], unreadable: 0 }),
        append: () =>
          new Promise((resolve, reject) => {
            if (isSlow) failNow = () => reject(new Error('no space left on device'));
            else resolve();
          }),
        close: async () => undefined,
      },
    };
    await world.boot();
    isSlow = true;
    world.hardware.use({ level: 1 });
    const stopped = world.agent!.stop();
    await quiet();
    failNow!();
    await stopped;
    await expect(world.agent!.ended).resolves.toMatchObject({ message: 'no space left on device' });
  });

  test('does not start when its storage cannot be read', async () => {
    const { startAgent } = await import('../../../src/device/agent.ts');
    const options = {
      load: async () => Promise.reject(new Error('unreadable')),
      append: async () => undefined,
      close: async () => undefined,
    };
    await expect(
      startAgent({
        device: 'cp-001',
        kind: null,
        encoding: 'json',
        order: 'fifo',
        limits: AGENT_LIMITS,
        clock: { uptime: () => 0, wall: () => null, after: () => () => undefined },
        storage: options,
        link: { publish: async () => undefined, listen: () => async () => undefined },
        body: {
          read: () => ({ state: 'available', sensors: {} }),
          judge: () => ({ type: 'refuse', reason: 'busy' }),
          act: async () => ({ outcome: 'done' }),
          wasExecuted: async () => null,
          scan: () => null,
          watch: () => () => undefined,
        },
      }),
    ).rejects.toThrow('unreadable');
  });

  test('stops in order, as often as it is asked to, and goes on at the next boot', async () => {
    world.hub.mood = 'deaf';
    world.hardware.use({ level: 1 });
    await quiet();
    const stopped = Promise.all([world.agent?.stop(), world.agent?.stop()]);
    await stopped;
    await expect(world.agent?.ended).resolves.toBeNull();
    world.hardware.use({ level: 2 });
    world.hub.mood = 'ok';
    await world.boot();
    await world.agent?.delivered();
    expect(world.hub.reports.map(({ boot, seq }) => [boot, seq])).toEqual([
      [1, 1],
      [2, 1],
      [1, 2],
    ]);
  });
});
