/**
 * Holds: leases that the device ends by itself, and which the server never takes for ended too early.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import { HOLD_CHARGED_MS } from '../../../actors/holds.ts';
import { Pair } from './pair.ts';
import { T0 } from './stage.ts';

describe('a hold', () => {
  test('is what the newest report shows: whose, since when, until when', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r', by: 'anna', args: { holdMs: 60_000 } });
    pair.answer();
    expect(pair.twin.hold).toMatchObject({ id: 'r', by: 'anna', since: T0, until: T0 + 60_000 });
    expect(pair.twin.hold!.certainUntil).toBeGreaterThan(T0 + 60_000);
    pair.now += 10_000;
    pair.report();
    expect(pair.twin.hold, 'it goes on').toMatchObject({ by: 'anna', since: T0 });
  });

  test('keeps its holder’s name also when its command has long been forgotten', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r', by: 'anna' });
    pair.answer();
    pair.twin = { ...pair.twin, recent: [] };
    pair.now += 10_000;
    pair.report();
    expect(pair.document).toMatchObject({ hold: { id: 'r', by: 'anna' }, suspicions: [] });
  });

  test('is free for another only when the device has certainly let go, by any clock within its drift, however late its reports come', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1 - 200e-6, max: 1 + 200e-6, noNaN: true }),
        fc.integer({ min: 1_000, max: 3_600_000 }),
        fc.array(fc.tuple(fc.nat(600_000), fc.nat(100_000)), { maxLength: 12 }),
        (pace, holdMs, reports) => {
          const pair = new Pair({ pace, startsAt: T0 - 5_000_000 }).meet().reserve('r', holdMs);
          const free = (): boolean => pair.twin.hold === null;
          for (const [afterMs, delayMs] of reports) {
            pair.pass(afterMs);
            const report = pair.measure();
            pair.pass(delayMs);
            pair.hear(report);
            const held = pair.device.holdAt(pair.now) !== null;
            if (free()) expect(held).toBe(false);
          }
          pair.pass(2 * holdMs + 10_000);
          expect(free()).toBe(true);
        },
      ),
    );
  });

  test('ends in the known state by expiry, whichever way the reports of it went', () => {
    const pair = new Pair().meet().reserve('r', 60_000);
    pair.pass(60_100);
    expect(pair.journal.at(-1)).toBe('reserved.waiting > available.idle');
    const { seq } = pair.twin.newest!;
    pair.hear({ ...pair.twin.newest!.report, seq });
    expect(pair.document.state, 'a copy of the last report brings nothing back').toBe('available');
  });

  test('replaced by another one is over', () => {
    const pair = new Pair().meet().reserve('a', 60_000);
    pair.report({ hold: { id: 'b', leftMs: 5_000 } });
    expect(pair.document).toMatchObject({ hold: { id: 'b' }, suspicions: [{ reason: 'divergence' }] });
  });
});

describe('across a restart', () => {
  test('a hold that was nearly over may end early: the device charges it ahead', () => {
    const pair = new Pair().meet().reserve('r', HOLD_CHARGED_MS);
    pair.now += 1_000;
    pair.device.reboot(pair.now, 'nothing');
    pair.report();
    expect(pair.document).toMatchObject({ state: 'available', hold: null, suspicions: [] });
  });

  test('a hold that is kept goes on', () => {
    const pair = new Pair().meet().reserve('r', 900_000);
    pair.now += 1_000;
    pair.device.reboot(pair.now, 'everything');
    pair.report();
    expect(pair.document).toMatchObject({ state: 'reserved', hold: { id: 'r' }, suspicions: [] });
  });
});

describe('a divergence', () => {
  test('is a hold of a command that was proved not to be executed', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.unhandled();
    pair.pass(60_000);
    pair.report();
    expect(pair.ledger.get('r')?.outcome).toBe('expired');
    pair.report({ state: 'reserved', hold: { id: 'r', leftMs: 5_000 } });
    expect(pair.document.suspicions).toMatchObject([
      { reason: 'divergence', detail: 'the device holds itself for r, which it has not executed: expired' },
    ]);
  });

  test('is a hold of a device that says it is available: nobody else gets it', () => {
    const pair = new Pair().meet().reserve('r');
    pair.report({ state: 'available' });
    expect(pair.reasons).toEqual(['divergence']);
    pair.ask('reserve');
    expect(pair.refusals).toEqual(['suspect']);
  });

  test('is not a hold that a device out of service still keeps', () => {
    const pair = new Pair().meet().reserve('r');
    pair.report({ state: 'unavailable' });
    expect(pair.document).toMatchObject({ state: 'suspect', hold: { id: 'r' }, suspicions: [] });
  });

  test('is not a hold that its holder ended by a command whose answer is still to come', () => {
    const pair = new Pair().meet().reserve('r');
    pair.ask('release');
    pair.arrive();
    const { commands } = pair.twin.newest!.report;
    pair.report({ commands: commands! });
    expect(pair.reasons).toEqual([]);
  });
});

test('a hold of absurd length is taken as it is said, and crashes nothing', () => {
  const pair = new Pair().meet();
  pair.report({ state: 'reserved', hold: { id: 'r', leftMs: Number.MAX_SAFE_INTEGER } });
  expect(pair.document.hold?.certainUntil).toBeGreaterThan(Number.MAX_SAFE_INTEGER / 2);
  expect(pair.wakeAt()).toBeLessThanOrEqual(pair.now + chargePoint.limits.silenceMs);
});
