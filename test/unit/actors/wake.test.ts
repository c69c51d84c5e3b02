/**
 * What is due when nothing comes.
 */
import { describe, expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import { PROBE_INTERVAL_MS } from '../../../actors/probe.ts';
import { Pair } from './pair.ts';
import { T0 } from './stage.ts';

const { silenceMs, probeTimeoutMs, resendMs } = chargePoint.limits;

describe('a twin that was never heard', () => {
  test('asks to be woken for nothing', () => {
    expect(new Pair().wakeAt()).toBe(Infinity);
  });
});

describe('silence', () => {
  test('is counted from the last contact, and leads to offline at its limit', () => {
    const pair = new Pair().meet();
    expect(pair.wakeAt()).toBe(T0 + silenceMs);
    pair.pass(silenceMs - 1);
    expect(pair.document.state).toBe('available');
    const [decision] = pair.pass(1);
    expect(decision?.transitions).toMatchObject([
      {
        from: 'available.idle',
        to: 'offline',
        measuredAt: pair.now,
        errorMs: 0,
        recordedAt: pair.now,
        cause: { type: 'silence', detail: `nothing was heard for ${String(silenceMs)} ms` },
      },
    ]);
    expect(pair.document.since).toBe(pair.now);
  });

  test('is broken by a report of any age, and by one that was heard before', () => {
    const pair = new Pair().meet();
    const report = pair.measure();
    pair.hear(report);
    pair.pass(silenceMs - 1);
    pair.hear(report);
    pair.pass(silenceMs - 1);
    expect(pair.document.state).toBe('available');
  });

  test('takes a suspect device offline as well, and its suspicions stay', () => {
    const pair = new Pair().meet();
    pair.ask('start');
    pair.unhandled();
    pair.pass(silenceMs);
    expect(pair.document).toMatchObject({
      state: 'offline',
      suspicions: [{ reason: 'unconfirmed-command' }],
    });
  });

  test('ends with the next report, which is believed if nothing speaks against it', () => {
    const pair = new Pair().meet();
    pair.pass(silenceMs);
    pair.device.use(pair.now, true);
    expect(pair.report().transitions).toMatchObject([{ from: 'offline', to: 'charging.delivering' }]);
  });
});

describe('while the node does not hear', () => {
  test('only what backends were promised, and holds, are due', () => {
    const pair = new Pair().meet().reserve('r', 60_000);
    pair.ask('release', { id: 'c' });
    pair.hearingSince = null;
    expect(pair.wakeAt()).toBe(pair.twin.hold!.certainUntil);
    pair.pass(silenceMs * 10);
    expect(pair.ledger.get('c')?.outcome).toBe('pending');
    expect(pair.document.hold).toBeNull();
  });

  test('what was due meanwhile is due when it hears again, but not silence', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.hearingSince = null;
    pair.pass(silenceMs * 10);
    pair.hearingSince = pair.now;
    expect(pair.wakeAt()).toBeLessThan(pair.now);
    pair.pass(0);
    expect(pair.ledger.get('r')?.outcome).toBe('unknown');
    expect(pair.document.state).toBe('suspect');
    expect(pair.wakeAt(), 'the answer to its question is waited for').toBe(pair.now + probeTimeoutMs);
    pair.pass(probeTimeoutMs);
    expect(pair.wakeAt()).toBe(pair.now - probeTimeoutMs + PROBE_INTERVAL_MS);
  });
});

describe('certainAt', () => {
  test('makes a command unknown and the twin suspect, in one decision', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    const decisions = pair.pass(60_000);
    const decision = decisions.find(({ outcomes }) => outcomes.length > 0);
    expect(decision?.outcomes).toMatchObject([{ id: 'r', outcome: 'unknown', closedAt: null }]);
    expect(decision?.transitions).toMatchObject([
      {
        to: 'suspect.doubted',
        cause: { type: 'deadline', detail: 'certainAt of reserve r has passed without an answer' },
      },
    ]);
    expect(decision?.twin.suspicions).toMatchObject([{ reason: 'unconfirmed-command' }]);
  });

  test('of an offline device leaves it offline', () => {
    const pair = new Pair({
      kind: { ...chargePoint, limits: { ...chargePoint.limits, silenceMs: 10_000 } },
    }).meet();
    pair.ask('reserve');
    pair.pass(60_000);
    expect(pair.document.state).toBe('offline');
    expect(pair.reasons).toEqual(['unconfirmed-command']);
  });
});

describe('a wake-up', () => {
  test('that finds nothing due changes nothing', () => {
    const pair = new Pair().meet();
    const before = pair.twin;
    const decision = pair.wake();
    expect(decision.twin).toBe(before);
    expect(decision).toMatchObject({
      transitions: [],
      ledger: [],
      effects: [],
      filed: null,
      disposition: null,
    });
  });

  test('comes for a probe, a resend, a deadline, a hold and silence, each at its time', () => {
    const pair = new Pair();
    pair.report();
    expect(pair.wakeAt()).toBe(T0 + probeTimeoutMs);
    pair.answer();
    pair.ask('reserve', { args: { holdMs: 100_000 } });
    expect(pair.wakeAt()).toBe(T0 + resendMs);
    pair.answer();
    expect(pair.wakeAt()).toBe(pair.twin.hold!.certainUntil);
    pair.pass(100_100);
    expect(pair.wakeAt()).toBe(T0 + silenceMs);
  });

  test('does all that is due at once, however late it comes', () => {
    const pair = new Pair().meet().reserve('r', 60_000);
    pair.ask('release', { id: 'c' });
    pair.unhandled();
    pair.now += silenceMs * 5;
    const decision = pair.wake();
    expect(decision.transitions.map(({ to }) => to)).toEqual(['available.idle', 'offline']);
    expect(decision.outcomes).toMatchObject([{ id: 'c', outcome: 'unknown' }]);
    expect(pair.sent, 'it asks what became of it').toMatchObject({ name: 'report' });
    pair.pass(probeTimeoutMs);
    expect(pair.wakeAt()).toBe(pair.now - probeTimeoutMs + PROBE_INTERVAL_MS);
  });
});
