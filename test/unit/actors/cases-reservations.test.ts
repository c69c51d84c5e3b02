/**
 * Cases 11 to 15: how reservations really fail in fleets, as far as one twin decides about it.
 */
import { describe, expect, test } from 'vitest';
import type { Twin } from '../../../actors/twin.ts';
import { Pair } from './pair.ts';

/** Causes of the journal lines that lead out of `reserved`. */
function waysOut(pair: Pair): readonly string[] {
  return pair.decisions.flatMap(({ transitions }) =>
    transitions.filter(({ from }) => from.startsWith('reserved')).map(({ cause }) => cause.detail),
  );
}

describe('case 11', () => {
  test('an expired reservation is gone, also when the server was down at its expiry', () => {
    const pair = new Pair().meet().reserve('r', 60_000);
    expect(pair.document.state).toBe('reserved');
    pair.twin = JSON.parse(JSON.stringify(pair.twin)) as Twin;
    pair.now += 3_600_000;
    pair.hearingSince = null;
    pair.pass(0);
    expect(pair.document).toMatchObject({ hold: null, state: 'available' });
    expect(waysOut(pair)).toEqual(['the device has certainly ended its hold by itself']);
  });

  test('a reservation is not given up before the device has certainly let go', () => {
    const pair = new Pair({ serverErrorMs: 50 }).meet().reserve('r', 60_000);
    pair.pass(60_040);
    expect(pair.document.state).toBe('reserved');
    pair.pass(100);
    expect(pair.document.state).toBe('available');
    expect(pair.device.holdAt(pair.now)).toBeNull();
  });

  test('a report that arrives when its hold has certainly ended brings no reservation back', () => {
    const pair = new Pair().meet().reserve('r', 60_000);
    pair.pass(30_000);
    const delayed = pair.measure();
    pair.pass(60_000);
    pair.hear(delayed);
    expect(pair.document).toMatchObject({ state: 'available', hold: null });
  });
});

describe('case 12', () => {
  test('a reserved device that goes out of service ends the reservation, with a reason', () => {
    const pair = new Pair().meet().reserve('r');
    pair.device.use(pair.now, true);
    pair.device.state = 'faulted';
    pair.report();
    expect(pair.document).toMatchObject({ state: 'suspect', hold: null });
    expect(waysOut(pair)).toEqual(['report 1/4 says faulted; the hold r is over: out-of-service']);
  });

  test('a reserved device that is used by its holder ends the reservation, with a reason', () => {
    const pair = new Pair().meet().reserve('r');
    pair.device.use(pair.now, true);
    pair.report();
    expect(pair.document).toMatchObject({ state: 'charging', hold: null, suspicions: [] });
    expect(waysOut(pair)).toEqual(['report 1/4 says charging; the hold r is over: used']);
  });

  test.each([
    ['done', 1],
    ['still under way', 0],
  ])('a command that uses the hold ends it as used, and is named; %s', (_how, answers) => {
    const pair = new Pair().meet().reserve('r');
    pair.ask('start', { id: 'of-start' });
    if (answers > 0) pair.answer();
    else {
      pair.device.use(pair.now, true);
      pair.report();
    }
    expect(pair.document).toMatchObject({ state: 'charging', hold: null, suspicions: [] });
    expect(waysOut(pair)).toEqual([
      expect.stringMatching(/^report 1\/\d says charging; the hold r is over: used by start of-start$/),
    ]);
  });

  test('a release ends it as released, and time as run out: no divergence', () => {
    const released = new Pair().meet().reserve('r');
    released.ask('release');
    released.answer();
    expect(released.document).toMatchObject({ state: 'available', hold: null, suspicions: [] });
    expect(waysOut(released)).toEqual(['report 1/4 says available; the hold r is over: released']);
    const ranOut = new Pair().meet().reserve('r', 10_000);
    ranOut.now += 10_000;
    ranOut.report();
    expect(ranOut.document).toMatchObject({ state: 'available', hold: null, suspicions: [] });
    expect(waysOut(ranOut)).toEqual(['report 1/4 says available; the hold r is over: ran-out']);
  });
});

describe('case 13', () => {
  test('the device forgets its reservation on reboot: a divergence, made visible', () => {
    const pair = new Pair().meet().reserve('r');
    pair.now += 30_000;
    pair.device.reboot(pair.now, 'nothing');
    pair.report();
    expect(pair.document.state).toBe('suspect');
    expect(pair.document.suspicions).toMatchObject([
      {
        reason: 'divergence',
        detail: 'the hold r is over: lost-by-restart, before its time, and no command ended it',
      },
    ]);
  });

  test('the device drops its reservation without a reboot: a divergence, made visible', () => {
    const pair = new Pair().meet().reserve('r');
    const { hold: _kept, ...report } = pair.measure({ state: 'available' });
    pair.hear(report);
    expect(pair.document.suspicions).toMatchObject([{ reason: 'divergence' }]);
  });

  test('reports are missing in between, so that anything may have ended it: no divergence', () => {
    const pair = new Pair().meet().reserve('r');
    pair.device.use(pair.now, true);
    pair.measure();
    pair.device.leave(pair.now);
    pair.report();
    expect(pair.document).toMatchObject({ state: 'available', hold: null, suspicions: [] });
    expect(waysOut(pair)).toEqual(['report 1/5 says available; the hold r is over: unseen']);
  });

  test('the device brings a cancelled reservation back: a divergence, for as long as it shows it', () => {
    const pair = new Pair().meet().reserve('r');
    pair.ask('release', { id: 'c' });
    pair.answer();
    const ghost = { state: 'reserved', hold: { id: 'r', leftMs: 500_000 } };
    pair.device.reboot(pair.now, 'everything');
    pair.report(ghost);
    expect(pair.document.suspicions).toMatchObject([
      { reason: 'divergence', detail: 'the device holds itself for r, which release c ended' },
    ]);
    const { since } = pair.twin.suspicions[0]!;
    pair.now += 60_000;
    pair.report(ghost);
    expect(pair.twin.suspicions[0], 'it shows since when').toMatchObject({ reason: 'divergence', since });
    pair.report();
    expect(pair.document).toMatchObject({ state: 'available', suspicions: [] });
  });

  test('a hold that the ledger never heard of is a divergence, and stays one while it is shown', () => {
    const pair = new Pair().meet();
    for (const leftMs of [60_000, 50_000]) {
      pair.report({ state: 'reserved', hold: { id: 'elsewhere', leftMs } });
      expect(pair.reasons).toEqual(['divergence']);
      pair.now += 10_000;
    }
    pair.report();
    expect(pair.document).toMatchObject({ state: 'available', suspicions: [] });
  });
});

describe('case 14', () => {
  test('the wrong person uses a reserved device: divergence, not silence', () => {
    const pair = new Pair().meet().reserve('r');
    pair.device.use(pair.now, false);
    pair.report();
    expect(pair.document.state).toBe('suspect');
    expect(pair.document.suspicions).toMatchObject([
      { reason: 'divergence', detail: 'the device holds itself for r, and says charging' },
    ]);
    pair.device.leave(pair.now);
    pair.report();
    expect(pair.document).toMatchObject({ state: 'reserved', hold: { id: 'r' }, suspicions: [] });
  });
});

describe('case 15', () => {
  test.each([3_600_000, -3_600_000])(
    "expiry is judged by two clocks that disagree by an hour (%i ms): never two holders, whatever the device's wall clock says",
    (disagreeMs) => {
      const pair = new Pair();
      const heard = (): void => {
        pair.report({ at: pair.now + disagreeMs });
      };
      heard();
      pair.arrive();
      heard();
      pair.ask('reserve', { id: 'a', args: { holdMs: 60_000 } });
      pair.arrive();
      heard();
      for (let minute = 0; minute < 20; minute += 1) {
        pair.pass(10_000);
        pair.ask('reserve', { id: `b-${minute}`, args: { holdMs: 30_000 } });
        const accepted = pair.ledger.has(`b-${minute}`);
        if (accepted) expect(pair.device.holdAt(pair.now)).toBeNull();
        pair.arrive();
        heard();
      }
      expect(pair.device.grants.length, 'others got it afterwards').toBeGreaterThan(2);
      let before = -Infinity;
      for (const { from, until } of pair.device.grants) {
        expect(from).toBeGreaterThanOrEqual(before);
        before = until ?? Infinity;
      }
    },
  );
});
