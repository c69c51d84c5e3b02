/**
 * Probes: when a twin asks of itself, and what it learns.
 */
import { describe, expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import { UNRESPONSIVE_AFTER, PROBE_INTERVAL_MS } from '../../../actors/probe.ts';
import { Pair } from './pair.ts';

const { probeTimeoutMs, freshMs, driftPpm } = chargePoint.limits;

const probesOf = (pair: Pair): number => pair.commands.filter(({ id }) => id.startsWith('probe-')).length;

describe('a twin asks of itself', () => {
  test('when no round trip bounds how old its knowledge is', () => {
    const pair = new Pair();
    pair.report();
    expect(pair.sent).toEqual({ n: 1, epoch: 1, id: 'probe-1', name: 'report', args: {} });
  });

  test('again in the next boot', () => {
    const pair = new Pair().meet();
    pair.pass(PROBE_INTERVAL_MS);
    pair.device.reboot(pair.now, 'everything');
    pair.report();
    expect(probesOf(pair)).toBe(2);
  });

  test('again when drift has worn the round trip out', () => {
    const pair = new Pair().meet();
    const wornAfterMs = (freshMs / 2 / driftPpm) * 1e6;
    pair.hearingSince = null;
    pair.now += wornAfterMs * 0.99;
    pair.hearingSince = pair.now;
    pair.report();
    expect(probesOf(pair)).toBe(1);
    pair.now += wornAfterMs * 0.02;
    pair.report();
    expect(probesOf(pair)).toBe(2);
  });

  test('while nothing proves what became of a command: it does not depend on the device’s own next report', () => {
    const pair = new Pair().meet();
    pair.pass(PROBE_INTERVAL_MS);
    pair.report();
    pair.answer();
    pair.ask('reserve', { id: 'r' });
    pair.unhandled();
    pair.pass(10 * PROBE_INTERVAL_MS);
    expect(pair.ledger.get('r')).toMatchObject({ outcome: 'unknown', closedAt: null });
    expect(probesOf(pair), 'in a bounded rhythm').toBeGreaterThan(5);
    expect(probesOf(pair)).toBeLessThanOrEqual(12);
    const numbers = new Set(pair.commands.slice(-5).map(({ n }) => n));
    expect(numbers.size, 'under one number: copies that arrive together push nothing out of the ring').toBe(
      1,
    );
    pair.answer();
    expect(pair.ledger.get('r')).toMatchObject({ outcome: 'expired', reason: 'too-late' });
    const asked = probesOf(pair);
    pair.pass(10 * PROBE_INTERVAL_MS);
    expect(probesOf(pair), 'and no longer').toBe(asked);
  });

  test('not while nothing is open', () => {
    const pair = new Pair().meet();
    for (let minute = 0; minute < 60; minute += 1) {
      pair.pass(60_000);
      pair.report();
    }
    expect(probesOf(pair)).toBe(1);
  });

  test('not sooner than PROBE_INTERVAL_MS after it did so last', () => {
    const pair = new Pair();
    for (let second = 0; second < 60; second += 1) {
      pair.report();
      pair.pass(1_000);
    }
    expect(probesOf(pair)).toBe(1);
    pair.report();
    expect(probesOf(pair)).toBe(2);
  });

  test('not while it catches up with the stream', () => {
    const pair = new Pair();
    pair.hearingSince = null;
    pair.report();
    expect(pair.commands).toEqual([]);
  });

  test('not while a command is in flight: its number would be passed over', () => {
    const pair = new Pair().meet();
    pair.pass(PROBE_INTERVAL_MS);
    pair.report();
    pair.ask('reserve', { id: 'r' });
    pair.device.reboot(pair.now, 'everything');
    const sent = pair.commands.length;
    pair.hear({ boot: 1, seq: 99, up: 121_000, state: 'available', sensors: {} });
    expect(pair.commands.length).toBe(sent);
  });
});

describe('an answer', () => {
  test('bounds how old the knowledge is: measured after the probe was sent', () => {
    const pair = new Pair();
    pair.report();
    pair.now += 300;
    pair.answer();
    expect(pair.document).toMatchObject({ quality: 'fresh', errorMs: 150, clock: { verified: true } });
  });

  test('allows for the error between the clocks of servers', () => {
    const pair = new Pair({ serverErrorMs: 50 });
    pair.report();
    pair.now += 300;
    pair.answer();
    expect(pair.document.errorMs).toBe(175);
  });

  test('that comes after its time bounds it all the same', () => {
    const pair = new Pair();
    pair.report();
    pair.pass(probeTimeoutMs + 1_000);
    pair.answer();
    expect(pair.document.clock.verified).toBe(true);
    expect(pair.twin.probe?.status).toBe('answered');
  });

  test('counts once: a later report that still names it is no tighter bound', () => {
    const pair = new Pair().meet();
    const { clock } = pair.twin;
    pair.now += 60_000;
    pair.report();
    expect(pair.twin.clock?.earliest).toEqual(clock?.earliest);
  });

  test('to a backend’s command serves as well', () => {
    const pair = new Pair();
    pair.report();
    pair.unhandled();
    pair.ask('report');
    pair.answer();
    expect(pair.document.clock.verified).toBe(true);
  });
});

describe('what the device lets pass', () => {
  test('is counted once a probe, when the device is heard after its time', () => {
    const pair = new Pair();
    pair.report();
    pair.pass(probeTimeoutMs);
    expect(pair.twin.ignoredCommands, 'not heard: nothing is known').toBe(0);
    pair.now += 1;
    pair.report();
    pair.report();
    expect(pair.twin.ignoredCommands).toBe(1);
  });

  test('is counted for a command that was proved not to be executed', () => {
    const pair = new Pair().meet();
    pair.ask('reserve');
    pair.unhandled();
    pair.pass(60_000);
    pair.report();
    expect(pair.twin.ignoredCommands).toBe(1);
  });

  test('makes the twin ask, and after DEAF_AFTER it says that the device is not responsive', () => {
    const pair = new Pair().meet();
    for (let count = 1; count <= UNRESPONSIVE_AFTER; count += 1) {
      expect(pair.document.responsive).toBe(true);
      pair.pass(PROBE_INTERVAL_MS);
      if (count === 1) {
        pair.report();
        pair.ask('start');
        pair.pass(30_000);
      }
      pair.report();
    }
    expect(pair.document).toMatchObject({ state: 'available', responsive: false });
  });
});
