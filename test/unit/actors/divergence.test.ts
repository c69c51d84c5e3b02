/**
 * Divergences: both views, how long they last, and what each policy does about them. With the real kinds: what a policy is, is
 * theirs to say.
 */
import { describe, expect, test } from 'vitest';
import { car } from '../../../machines/car.ts';
import { chargePoint } from '../../../machines/charge-point.ts';
import type { DivergencePolicy, DivergenceSort } from '../../../machines/divergence.ts';
import type { Kind } from '../../../machines/kind.ts';
import { PROBE_INTERVAL_MS } from '../../../actors/probe.ts';
import { Pair } from './pair.ts';
import { T0 } from './stage.ts';

/** A charge point whose kind has this policy for one sort. */
function withPolicy(sort: DivergenceSort, policy: DivergencePolicy): Kind {
  return { ...chargePoint, divergence: { ...chargePoint.divergence, [sort]: policy } };
}

/** A pair whose device forgot the reservation `r` of anna in a restart. */
function lostByRestart(policy: DivergencePolicy): Pair {
  const pair = new Pair({ kind: withPolicy('lost-hold', policy) }).meet();
  pair.pass(PROBE_INTERVAL_MS);
  pair.report();
  pair.answer();
  pair.ask('reserve', { id: 'r', by: 'anna', args: { holdMs: 900_000, token: 'A1' } });
  pair.answer();
  pair.pass(30_000);
  pair.device.reboot(pair.now, 'nothing');
  pair.device.highestN = 0;
  pair.report();
  return pair;
}

const causes = (pair: Pair): readonly string[] =>
  pair.decisions.flatMap(({ transitions }) => transitions.map(({ cause }) => cause.detail));

describe('a divergence', () => {
  test('tells what the twin expected, what the device says, and since when', () => {
    const pair = lostByRestart('trust-device');
    expect(pair.document.suspicions).toEqual([
      {
        reason: 'divergence',
        since: pair.now,
        detail: 'the hold r is over: lost-by-restart, before its time, and no command ended it',
        divergence: {
          sort: 'lost-hold',
          hold: 'r',
          by: 'anna',
          expected: 'held for r',
          reported: 'available, no hold',
          until: T0 + PROBE_INTERVAL_MS + 900_000,
          policy: 'trust-device',
          reassertedBy: null,
        },
      },
    ]);
  });

  test('is in the journal with both views when it begins, and with how long it lasted when it ends', () => {
    const pair = lostByRestart('trust-device');
    expect(causes(pair).at(-1)).toContain(
      'divergence lost-hold: expected held for r, reported available, no hold',
    );
    pair.pass(12_345);
    pair.report();
    expect(causes(pair).at(-1)).toContain('the divergence lost-hold of r is over after 12345 ms');
  });

  test('is in the journal also when the state does not change by it', () => {
    const pair = new Pair({ kind: withPolicy('lost-hold', 'ask-person') }).meet().reserve('r');
    pair.report({ state: 'charging', sensors: { cableConnected: false }, since: { cableConnected: 60_000 } });
    const lines = pair.journal.length;
    pair.report({
      state: 'charging',
      sensors: { cableConnected: false },
      since: { cableConnected: 60_000 },
      hold: null,
    });
    expect(pair.document.state).toBe('suspect');
    expect(pair.journal.length).toBe(lines + 1);
    expect(causes(pair).at(-1)).toContain('the divergence foreign-use of r is over after');
  });

  test('of a twin read from the store goes on with what is known of it', () => {
    const pair = lostByRestart('ask-person');
    pair.twin = JSON.parse(JSON.stringify(pair.twin)) as Pair['twin'];
    pair.pass(1_000);
    pair.report();
    expect(pair.twin.suspicions).toMatchObject([
      { since: pair.now - 1_000, divergence: { sort: 'lost-hold' } },
    ]);
  });
});

describe('a kind that trusts the device', () => {
  test('lets a lost hold be lost with the next report', () => {
    const pair = lostByRestart('trust-device');
    pair.report();
    expect(pair.document).toMatchObject({ state: 'available', hold: null, suspicions: [] });
  });
});

describe('a kind that asks a person', () => {
  test('keeps the device suspect until an engineer clears it', () => {
    const pair = lostByRestart('ask-person');
    for (let minute = 0; minute < 3; minute += 1) {
      pair.pass(60_000);
      pair.answer();
      expect(pair.reasons).toEqual(['divergence']);
    }
    pair.ask('clear', { id: 'c', by: 'eva', args: { reason: 'sign says free, told anna' } });
    expect(pair.document).toMatchObject({ state: 'available', suspicions: [] });
    pair.report();
    expect(pair.document.suspicions, 'nothing shows it again').toEqual([]);
  });

  test('or until the views agree again', () => {
    const pair = lostByRestart('ask-person');
    pair.report({ state: 'reserved', hold: { id: 'r', leftMs: 500_000 } });
    expect(pair.document).toMatchObject({ state: 'reserved', hold: { id: 'r' }, suspicions: [] });
  });

  test('or until the device would have let go of the hold by itself', () => {
    const pair = lostByRestart('ask-person');
    pair.pass(600_000);
    pair.report();
    expect(pair.reasons).toEqual(['divergence']);
    pair.pass(300_000);
    pair.report();
    expect(pair.document).toMatchObject({ state: 'available', suspicions: [] });
  });

  test('keeps a car suspect that somebody else drove, also when it is back', () => {
    const pair = new Pair({ kind: car }).meet();
    const shut = { sensors: { locked: true } };
    pair.report(shut);
    pair.ask('reserve', { id: 'r', args: { holdMs: 600_000 } });
    pair.arrive();
    pair.report(shut);
    pair.report({ ...shut, state: 'rented' });
    expect(pair.twin.suspicions).toMatchObject([
      {
        divergence: { sort: 'foreign-use', policy: 'ask-person', expected: 'kept for r', reported: 'rented' },
      },
    ]);
    pair.report({ ...shut, state: 'available', hold: null });
    expect(pair.reasons, 'its hold is gone, and nobody has looked').toEqual(['divergence']);
  });
});

describe('a kind that re-asserts', () => {
  test('reserves again for what is left of a lost hold, once the device has answered', () => {
    const pair = lostByRestart('re-assert');
    expect(pair.sent.name, 'nothing bounds how old that is').toBe('report');
    pair.pass(10_000);
    pair.answer();
    const entry = [...pair.ledger.values()].at(-1)!;
    expect(pair.sent).toMatchObject({ name: 'reserve', args: { holdMs: 860_000, token: 'A1' }, boot: 2 });
    expect(entry).toMatchObject({ by: 'corral', asker: null, outcome: 'pending', holdMs: 860_000 });
    expect(causes(pair).at(-1)).toContain('re-asserts against the lost-hold of r');
    pair.answer();
    expect(pair.document).toMatchObject({
      state: 'reserved',
      hold: { id: entry.id, by: 'anna' },
      suspicions: [],
    });
    expect(causes(pair).at(-1)).toContain('the divergence lost-hold of r is over after 10000 ms');
  });

  test('keeps everybody else from the device until then', () => {
    const pair = lostByRestart('re-assert');
    pair.ask('reserve', { by: 'bob' });
    expect(pair.refusals).toEqual(['suspect']);
  });

  test('sends it once: a device that refuses is trusted', () => {
    const pair = lostByRestart('re-assert');
    pair.answer();
    const { n, id } = pair.sent;
    pair.unhandled();
    pair.report({ commands: [{ n, outcome: 'rejected', reason: 'busy' }, ...pair.device.ring] });
    expect(pair.ledger.get(id)?.outcome).toBe('rejected');
    expect(pair.document).toMatchObject({ state: 'available', suspicions: [] });
    pair.pass(60_000);
    pair.report();
    expect(pair.commands.filter(({ name }) => name === 'reserve')).toHaveLength(2);
  });

  test('does not re-assert what it re-asserted itself', () => {
    const pair = lostByRestart('re-assert');
    pair.answer();
    pair.answer();
    expect(pair.document.state).toBe('reserved');
    pair.report({ state: 'available', hold: null });
    expect(pair.twin.suspicions).toMatchObject([{ divergence: { policy: 'trust-device' } }]);
    pair.report({ state: 'available', hold: null });
    expect(pair.document).toMatchObject({ state: 'available', suspicions: [] });
  });

  test('not where the device is in use, out of service, or little is left', () => {
    for (const state of ['charging', 'faulted']) {
      const pair = lostByRestart('re-assert');
      pair.arrive();
      pair.report({ state });
      expect(pair.sent.name).toBe('report');
      expect(pair.document.suspicions).toEqual([]);
    }
    const late = lostByRestart('re-assert');
    late.pass(850_000);
    late.answer();
    expect(late.sent.name).toBe('report');
    expect(late.document).toMatchObject({ state: 'available', suspicions: [] });
  });

  test('not where its command is forgotten: nobody knows any more for which card it was', () => {
    const pair = new Pair().meet().reserve('r');
    pair.twin = { ...pair.twin, recent: [] };
    pair.pass(1_000);
    pair.device.reboot(pair.now, 'nothing');
    pair.report();
    expect(pair.twin.suspicions).toMatchObject([
      { divergence: { sort: 'lost-hold', policy: 'trust-device' } },
    ]);
  });

  test('not while the node is still catching up with the stream', () => {
    const pair = lostByRestart('re-assert');
    pair.arrive();
    pair.hearingSince = null;
    pair.report();
    expect(pair.sent.name).toBe('report');
  });

  test('does not reserve again what was released by a word that the store has forgotten', () => {
    for (const isCaughtUp of [false, true]) {
      const pair = new Pair({ epoch: T0 }).meet();
      pair.pass(PROBE_INTERVAL_MS);
      pair.report();
      pair.answer();
      pair.reserve('r');
      const forgotten = pair.twin;
      pair.ask('release', { id: 'forgotten', args: { hold: 'r' } });
      pair.arrive();
      const [answer, next] = [pair.measure(), pair.measure()];
      const storedAt = pair.now;
      pair.twin = forgotten;
      pair.epoch += 60_000;
      pair.pass(5_000);
      // What the device said since is read again by the next owner, before or after it may send anything.
      if (!isCaughtUp) [pair.readThroughAt, pair.hearingSince] = [null, null];
      else pair.readThroughAt = pair.now;
      pair.hear(answer, storedAt);
      pair.hear(next, storedAt);
      [pair.readThroughAt, pair.hearingSince] = [pair.now, pair.now];
      const sent = pair.commands.length;
      pair.pass(1_000);
      pair.report();
      pair.answer();
      const names = pair.commands.slice(sent).map(({ name }) => name);
      expect(names, `caught up: ${String(isCaughtUp)}`).not.toContain('reserve');
      expect(pair.document).toMatchObject({ state: 'available', hold: null, suspicions: [] });
    }
  });

  test('does not finish what an owner before began to re-assert: it may have been settled since', () => {
    const pair = lostByRestart('re-assert');
    const forgotten = pair.twin;
    expect(pair.twin.suspicions).toMatchObject([{ divergence: { policy: 're-assert', reassertedBy: null } }]);
    pair.pass(10_000);
    pair.twin = forgotten;
    pair.readThroughAt = pair.now;
    pair.answer();
    expect(pair.sent.name).toBe('report');
  });

  test('reserves again what the device has shown since the partition was taken', () => {
    const pair = new Pair({ epoch: T0 }).meet();
    pair.pass(PROBE_INTERVAL_MS);
    pair.report();
    pair.answer();
    pair.reserve('r');
    pair.epoch += 60_000;
    pair.readThroughAt = pair.now;
    pair.pass(1_000);
    pair.report();
    pair.pass(1_000);
    pair.device.reboot(pair.now, 'nothing');
    pair.device.highestN = 0;
    pair.report();
    pair.answer();
    expect(pair.sent).toMatchObject({ name: 'reserve' });
  });

  test('releases a hold that the ledger knows was not executed, and no other', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.unhandled();
    pair.pass(60_000);
    pair.unhandled();
    pair.report();
    expect(pair.ledger.get('r')?.outcome).toBe('expired');
    const ghost = { state: 'reserved', hold: { id: 'r', leftMs: 500_000 } };
    pair.report(ghost);
    expect(pair.sent).toMatchObject({ name: 'release', args: { hold: 'r' } });
    const { n, id } = pair.sent;
    expect(pair.ledger.get(id)).toMatchObject({ by: 'corral' });
    pair.report({ commands: [{ n, outcome: 'done' }] });
    expect(pair.document).toMatchObject({ state: 'available', hold: null, suspicions: [] });
    const foreign = new Pair().meet();
    foreign.report({ state: 'reserved', hold: { id: 'elsewhere', leftMs: 500_000 } });
    expect(foreign.sent.name).toBe('report');
    expect(foreign.twin.suspicions).toMatchObject([
      { divergence: { sort: 'ghost-hold', policy: 'trust-device' } },
    ]);
  });

  test('releases a hold that was brought back', () => {
    const pair = new Pair().meet().reserve('r');
    pair.ask('release', { id: 'c' });
    pair.answer();
    pair.report({ state: 'reserved', hold: { id: 'r', leftMs: 500_000 } });
    expect(pair.twin.suspicions).toMatchObject([{ divergence: { sort: 'resurrected-hold' } }]);
    expect(pair.sent).toMatchObject({ name: 'release', args: { hold: 'r' } });
  });

  test('asks for what was begun and never seen: a ghost reservation', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r', args: { holdMs: 300_000 } });
    const { n } = pair.sent;
    pair.unhandled();
    pair.report({ commands: [{ n, outcome: 'done' }, ...pair.device.ring] });
    expect(pair.twin.suspicions).toMatchObject([{ divergence: { sort: 'lost-hold', hold: 'r' } }]);
    expect(pair.sent).toMatchObject({ name: 'reserve', args: { holdMs: 300_000 } });
  });
});

describe('a release that names its hold', () => {
  test('ends that one, and is refused where it is held for another', () => {
    const pair = new Pair().meet().reserve('r');
    pair.ask('release', { args: { hold: 'old' } });
    expect(pair.refusals).toEqual(['illegal-state']);
    pair.ask('release', { id: 'c', args: { hold: 'r' } });
    pair.answer();
    expect(pair.ledger.get('c')?.outcome).toBe('done');
  });
});
