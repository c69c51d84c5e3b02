/**
 * What a twin says of itself: how far it can be trusted, since when it is so, and why.
 */
import { describe, expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import { applyMergePatch } from '../../../actors/desired.ts';
import { assertInvariants, InvariantError } from '../../../actors/invariants.ts';
import type { Twin } from '../../../actors/twin.ts';
import { Pair } from './pair.ts';
import { Stage, T0 } from './stage.ts';

const { freshMs, silenceMs } = chargePoint.limits;

describe('quality', () => {
  test('is unknown before the first contact, and until a round trip bounds the age', () => {
    const pair = new Pair();
    expect(pair.document.quality).toBe('unknown');
    pair.report();
    expect(pair.document.quality).toBe('unknown');
  });

  test('is fresh while the age is proved to be within the limit, and stale after', () => {
    const pair = new Pair().meet();
    pair.now += freshMs;
    expect(pair.document.quality).toBe('fresh');
    pair.now += 1;
    expect(pair.document.quality).toBe('stale');
  });

  test('is stale, not unknown, once the age is certainly beyond the limit', () => {
    const pair = new Pair();
    pair.report();
    pair.now += freshMs + 1;
    expect(pair.document.quality).toBe('stale');
  });

  test('is judged by when it was measured: what has just arrived may be old', () => {
    const pair = new Pair().meet();
    pair.now += 1_000;
    const old = pair.measure();
    pair.now += 5 * 3_600_000;
    pair.hear(old);
    expect(pair.document).toMatchObject({ quality: 'stale', lastContact: pair.now });
    expect(pair.document.ageMs).toBeGreaterThan(5 * 3_600_000 - 10_000);
  });

  test('is suspect while anything speaks against it, however fresh', () => {
    const pair = new Pair().meet();
    pair.report({ state: 'charging', sensors: { cableConnected: false }, since: { cableConnected: 90_000 } });
    expect(pair.document).toMatchObject({ state: 'suspect', quality: 'suspect' });
  });

  test('allows for the error between the clocks of servers', () => {
    const pair = new Pair({ serverErrorMs: 1_000 }).meet();
    pair.now += freshMs - 1_000;
    expect(pair.document.quality).toBe('stale');
  });
});

describe('a suspicion', () => {
  const cableOff = { state: 'charging', sensors: { cableConnected: false } };

  test('keeps its beginning while it goes on, and is left by a report that no longer shows it', () => {
    const pair = new Pair().meet();
    pair.report({ ...cableOff, since: { cableConnected: 90_000 } });
    pair.now += 30_000;
    pair.report({ ...cableOff, since: { cableConnected: 120_000 } });
    expect(pair.twin.suspicions).toMatchObject([{ reason: 'charging-without-cable', since: T0 }]);
    const { transitions } = pair.report();
    expect(transitions).toMatchObject([{ from: 'suspect.doubted', to: 'available.idle' }]);
    expect(pair.reasons).toEqual([]);
  });

  test('is not left by a report that is older or was heard before', () => {
    const pair = new Pair().meet();
    const older = pair.measure();
    pair.report({ ...cableOff, since: { cableConnected: 90_000 } });
    pair.hear(older);
    pair.hear(older);
    expect(pair.document.state).toBe('suspect');
  });

  test('that does not change is the same object: nothing is written for it', () => {
    const pair = new Pair().meet();
    pair.report({ ...cableOff, since: { cableConnected: 90_000 } });
    const { suspicions } = pair.twin;
    pair.now += 1_000;
    pair.report({ ...cableOff, since: { cableConnected: 91_000 } });
    expect(pair.twin.suspicions).toBe(suspicions);
  });

  test('of two commands is one each', () => {
    const commands = { ...chargePoint.commands, halt: chargePoint.commands.stop! };
    const kind = { ...chargePoint, commands };
    const pair = new Pair({ kind }).meet();
    pair.ask('start', { id: 'a' });
    pair.unhandled();
    pair.pass(30_000);
    const [entry] = pair.twin.open;
    pair.twin = { ...pair.twin, open: [entry!, { ...entry!, id: 'b', n: entry!.n + 1 }], lastN: 3 };
    pair.report({ commands: [], up: entry!.notAfterUp! });
    const { suspicions } = pair.twin;
    expect(suspicions.map(({ reason }) => reason)).toEqual(['unconfirmed-command', 'unconfirmed-command']);
    pair.report({ commands: [], up: entry!.notAfterUp! });
    expect(pair.twin.suspicions).toBe(suspicions);
  });
});

describe('the journal', () => {
  test('says from what, to what, why, when it was measured and when that was recorded', () => {
    const pair = new Pair().meet();
    pair.device.use(pair.now, true);
    const report = pair.measure();
    pair.now += 20_000;
    const [transition] = pair.hear(report).transitions;
    expect(transition).toMatchObject({
      device: 'cp-1',
      from: 'available.idle',
      to: 'charging.delivering',
      recordedAt: pair.now,
      cause: { type: 'report', detail: 'report 1/3 says charging' },
      boot: 1,
      seq: 3,
      incarnation: 1,
      version: pair.twin.version,
    });
    expect(Math.abs(transition!.measuredAt - T0)).toBeLessThanOrEqual(transition!.errorMs!);
    expect(pair.document.since).toBe(Math.round(transition!.measuredAt));
  });

  test('has no line where the state stays the same, and since stays while only a sub-state changes', () => {
    const pair = new Pair().meet();
    const { since } = pair.document;
    pair.now += 5_000;
    expect(pair.report().transitions).toEqual([]);
    expect(pair.report({ sensors: { carPresent: true } }).transitions).toMatchObject([
      { from: 'available.idle', to: 'available.occupied' },
    ]);
    expect(pair.document.since).toBe(since);
  });
});

describe('the version', () => {
  test('grows by one with every decision that changes the twin, and by none otherwise', () => {
    const pair = new Pair();
    expect(pair.twin.version).toBe(0);
    pair.report();
    expect(pair.twin.version).toBe(1);
    pair.wake();
    expect(pair.twin.version).toBe(1);
    pair.ask('dance');
    expect(pair.twin.version).toBe(1);
  });
});

describe('desired configuration', () => {
  const replyTo = { subject: '_INBOX.d', encoding: 'json' } as const;
  const desire = (stage: Stage, patch: Record<string, unknown>, ifVersion: number | null = null): void => {
    stage.tell({ type: 'desired', request: { patch, ifVersion, replyTo } });
  };

  test('case 37: changed twice while the device was offline is one reconcile, and nothing is reverted', () => {
    const pair = new Pair().meet();
    pair.report({ config: { version: 0 } });
    pair.pass(silenceMs);
    desire(pair, { limitW: 11_000, light: 'on' });
    desire(pair, { light: null, name: 'B7' });
    expect(pair.document.desired).toEqual({
      version: 2,
      values: { limitW: 11_000, name: 'B7' },
      delta: { limitW: 11_000, name: 'B7' },
    });
    pair.report({ config: { version: 1 } });
    expect(pair.document.desired.delta).toEqual({ limitW: 11_000, name: 'B7' });
    pair.report({ config: { version: 2 } });
    expect(pair.document.desired.delta).toEqual({});
    pair.report({ config: { version: pair.twin.desired.version + 1 } });
    expect(pair.document.desired.delta, 'of another database').toEqual({ limitW: 11_000, name: 'B7' });
  });

  test('is refused at another version than the caller has seen', () => {
    const stage = new Stage();
    desire(stage, { a: 1 });
    desire(stage, { a: 2 }, 0);
    expect(stage.refusals).toEqual(['version-mismatch']);
    desire(stage, { a: 2 }, 1);
    expect(stage.twin.desired).toEqual({ version: 2, values: { a: 2 } });
  });

  test('is patched as RFC 7396 says (its appendix A)', () => {
    const patched = (values: unknown, patch: unknown): unknown =>
      applyMergePatch(values as Record<string, unknown>, patch as Record<string, unknown>);
    expect(patched({ a: 'b' }, { a: 'c' })).toEqual({ a: 'c' });
    expect(patched({ a: 'b' }, { b: 'c' })).toEqual({ a: 'b', b: 'c' });
    expect(patched({ a: 'b' }, { a: null })).toEqual({});
    expect(patched({ a: 'b', b: 'c' }, { a: null })).toEqual({ b: 'c' });
    expect(patched({ a: ['b'] }, { a: 'c' })).toEqual({ a: 'c' });
    expect(patched({ a: 'c' }, { a: ['b'] })).toEqual({ a: ['b'] });
    expect(patched({ a: { b: 'c' } }, { a: { b: 'd', c: null } })).toEqual({ a: { b: 'd' } });
    expect(patched({ a: [{ b: 'c' }] }, { a: [1] })).toEqual({ a: [1] });
    expect(patched({ e: null }, { a: 1 })).toEqual({ e: null, a: 1 });
    expect(patched({}, { a: { bb: { ccc: null } } })).toEqual({ a: { bb: {} } });
  });

  test('takes whatever keys a caller thinks of as keys', () => {
    const patch = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}') as Record<
      string,
      unknown
    >;
    const values = applyMergePatch({}, patch);
    expect(Object.keys(values)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('an invariant', () => {
  const broken: readonly (readonly [string, (twin: Twin) => Twin])[] = [
    ['I2', (twin) => ({ ...twin, clock: null })],
    ['I3', (twin) => ({ ...twin, clock: { ...twin.clock!, boot: 9 } })],
    ['I3', (twin) => ({ ...twin, incarnation: 2 })],
    ['I4', (twin) => ({ ...twin, sequence: { ...twin.sequence, ranges: [1, 1, 9] } })],
    ['I5', (twin) => ({ ...twin, lastN: 0 })],
    ['I5', (twin) => ({ ...twin, open: [twin.open[0]!, { ...twin.open[0]!, n: 1 }] })],
    ['I5', (twin) => ({ ...twin, open: Array.from({ length: 9 }, (_, n) => ({ ...twin.open[0]!, n })) })],
    ['I6', (twin) => ({ ...twin, suspicions: [{ reason: 'divergence', since: T0, detail: '' }] })],
  ];

  test.each(broken)('%s that is broken is a programmer’s error that names the device', (name, breakIt) => {
    const pair = new Pair().meet();
    pair.ask('reserve');
    expect(() => assertInvariants(pair.twin)).not.toThrow();
    const assert = (): void => assertInvariants(breakIt(pair.twin));
    expect(assert).toThrow(InvariantError);
    expect(assert).toThrow(`twin cp-1 breaks ${name}`);
  });
});
