/**
 * Sending: deadlines on the device's own clock, resends under the same number, and numbers that only go up.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import { CLAIMED_N_MAX } from '../../../actors/ring.ts';
import { Pair } from './pair.ts';
import { T0 } from './stage.ts';

const { resendMs, driftPpm } = chargePoint.limits;
const windowMs = chargePoint.commands.reserve!.startWindowMs!;

describe('a deadline', () => {
  test('is the window from now, on the uptime of the device, in its boot', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r', args: { holdMs: 60_000 } });
    expect(pair.sent).toMatchObject({ n: 2, boot: 1, notAfterUp: 60_000 + windowMs, holdMs: 60_000 });
  });

  test('counts the time since the newest report was measured', () => {
    const pair = new Pair().meet();
    pair.pass(30_000);
    pair.ask('reserve', { id: 'r' });
    expect(pair.sent.notAfterUp).toBe(90_000 + windowMs);
  });

  test('is earlier, never later, when the newest report sat in a buffer: the device says too-late', () => {
    const pair = new Pair().meet();
    const buffered = pair.measure();
    pair.now += 50_000;
    pair.device.reboot(pair.now, 'everything');
    pair.now += 20_000;
    const delayed = pair.measure();
    pair.now += 30_000;
    pair.hear(buffered);
    pair.hear(delayed);
    pair.ask('release', { id: 'r' });
    expect(pair.refusals, 'nothing to release').toEqual(['illegal-state']);
    pair.pass(60_000);
    pair.ask('start', { id: 's' });
    pair.answer();
    const { notAfterUp } = pair.sent;
    expect(pair.sent.name).toBe('start');
    expect(notAfterUp).toBeLessThanOrEqual(pair.device.up(pair.now) + windowMs);
  });

  test('gives certainAt: after it the command cannot start, by the slowest clock the kind allows and the error of the servers', () => {
    const pair = new Pair({ serverErrorMs: 50 }).meet();
    pair.ask('reserve', { id: 'r' });
    const { certainAt } = pair.ledger.get('r')!;
    expect(certainAt).toBeGreaterThanOrEqual(T0 + windowMs / (1 - driftPpm * 1e-6) + 50);
    expect(certainAt).toBeLessThan(T0 + windowMs + 100);
  });

  test('holds for any clock within its drift: the device never starts after certainAt', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1 - 200e-6, max: 1 + 200e-6, noNaN: true }),
        fc.nat(43_200_000),
        fc.nat(59_000),
        fc.nat(120_000),
        (pace, uptimeMs, idleMs, delayMs) => {
          const pair = new Pair({ pace, startsAt: T0 - uptimeMs }).meet();
          pair.pass(idleMs);
          pair.ask('start', { id: 's' });
          const entry = pair.ledger.get('s');
          expect(entry).toBeDefined();
          pair.now += delayMs;
          pair.arrive();
          const started = pair.device.executed.find(({ id }) => id === 's');
          if (started !== undefined) expect(started.at).toBeLessThanOrEqual(entry!.certainAt);
          else expect(pair.now).toBeGreaterThan(T0 + idleMs + windowMs - 100);
        },
      ),
    );
  });
});

describe('a resend', () => {
  test('goes out under the same n and with the same deadline, until it may no longer start', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    const first = pair.sent;
    pair.epoch = 4;
    pair.pass(10 * windowMs);
    const sent = pair.commands.filter(({ id }) => id === 'r');
    expect(sent).toHaveLength(1 + Math.ceil(windowMs / resendMs));
    for (const again of sent.slice(1)) expect(again).toEqual({ ...first, epoch: 4 });
  });

  test('stops when the command is resolved', () => {
    const pair = new Pair().meet().reserve('r');
    const sent = pair.commands.length;
    pair.pass(10 * resendMs);
    expect(pair.commands.length).toBe(sent);
  });
});

describe('numbers', () => {
  test('grow by one with everything that is sent', () => {
    const pair = new Pair().meet().reserve('r');
    pair.ask('release');
    expect(pair.commands.map(({ n }) => n)).toEqual([1, 2, 3]);
  });

  test('go on from what the device has heard before: it would refuse lower ones', () => {
    const pair = new Pair();
    pair.device.highestN = 57;
    pair.device.ring = [{ n: 57, outcome: 'done' }];
    pair.meet();
    pair.ask('reserve', { id: 'r' });
    expect(pair.sent.n).toBe(59);
    pair.answer();
    expect(pair.ledger.get('r')?.outcome).toBe('done');
  });

  test('a device cannot push them beyond what can be counted', () => {
    const pair = new Pair();
    for (const n of [CLAIMED_N_MAX + 1, Number.MAX_SAFE_INTEGER])
      pair.report({ commands: [{ n, outcome: 'done' }] });
    expect(pair.twin.lastN).toBe(1);
  });
});

test('a hold is as long as asked for, at most as long as the kind allows, and its default otherwise', () => {
  const { defaultMs, longestMs } = chargePoint.commands.reserve!.hold!;
  for (const [args, holdMs] of [
    [{}, defaultMs],
    [{ holdMs: 7_000 }, 7_000],
    [{ holdMs: longestMs }, longestMs],
  ] as const) {
    const pair = new Pair().meet();
    pair.ask('reserve', { args });
    expect(pair.sent.holdMs).toBe(holdMs);
  }
});
