/**
 * Commands that are in flight beyond their device: a gateway has passed them on, and cannot tell yet what became of them (`undecided`).
 * However long that lasts they keep the doubt and the bay, until the device amends its word, or an operator gives them up.
 */
import { describe, expect, test } from 'vitest';
import { car } from '../../../machines/car.ts';
import { RING_SIZE_MAX, type RingEntry, UNDECIDED } from '../../../machines/report.ts';
import { PROBE_INTERVAL_MS } from '../../../actors/probe.ts';
import { Pair } from './pair.ts';

const HOUR_MS = 3_600_000;
const word = { by: 'eva', args: { reason: 'looked at the bay' } };

/** The gateway names the last command that was sent with this word. */
function say(pair: Pair, entry: Omit<RingEntry, 'n'>, n = pair.twin.lastN): void {
  amend(pair, { n, ...entry });
  pair.report();
}

function amend(pair: Pair, entry: RingEntry): void {
  const { ring } = pair.device;
  pair.device.ring = ring.some(({ n }) => n === entry.n)
    ? ring.map((known) => (known.n === entry.n ? entry : known))
    : [entry, ...ring].slice(0, RING_SIZE_MAX);
  pair.device.highestN = Math.max(pair.device.highestN, entry.n);
}

/** A `start` that the gateway took and passed on to its station; `n` is its number. */
function passedOn(pair = new Pair().meet()): { readonly pair: Pair; readonly n: number } {
  pair.ask('start', { id: 's' });
  const n = pair.twin.lastN;
  pair.unhandled();
  say(pair, { outcome: UNDECIDED, reason: 'no-answer' });
  return { pair, n };
}

/** The same, an hour after its `certainAt`: the gateway has answered all the time, and keeps the entry in its ring. */
function longUndecided(): { readonly pair: Pair; readonly n: number } {
  const { pair, n } = passedOn();
  for (let minute = 0; minute < 60; minute += 1) {
    pair.pass(60_000);
    pair.arrive();
    const others = pair.device.ring.filter((entry) => entry.n !== n).slice(0, RING_SIZE_MAX - 1);
    pair.device.ring = [...others, { n, outcome: UNDECIDED }];
    pair.report();
  }
  return { pair, n };
}

describe('an undecided command', () => {
  test('stays pending until its `certainAt`, and is not sent again', () => {
    const { pair } = passedOn();
    pair.pass(15_000);
    expect(pair.unhandled()).toEqual([]);
    expect(pair.ledger.get('s')).toMatchObject({ outcome: 'pending', reason: UNDECIDED, closedAt: null });
    expect(pair.document.pending).toMatchObject([{ id: 's', outcome: 'pending', undecided: true }]);
  });

  test('is unknown from its `certainAt` on, with a reason of its own, and keeps the doubt however long', () => {
    const { pair } = longUndecided();
    expect(pair.ledger.get('s')).toMatchObject({ outcome: 'unknown', reason: UNDECIDED, closedAt: null });
    expect(pair.document).toMatchObject({ state: 'suspect', quality: 'suspect' });
    expect(pair.reasons).toEqual(['unconfirmed-command']);
  });

  test('is in everybody’s way for as long: other commands are refused as `pending`', () => {
    const { pair } = longUndecided();
    expect(pair.document.allowed).toEqual(['clear', 'abandon']);
    for (const name of ['start', 'reserve', 'stop', 'reboot']) pair.ask(name);
    expect(pair.refusals).toEqual(['pending', 'pending', 'pending', 'pending']);
  });

  test('is in the way as well where it is named only after its `certainAt`', () => {
    const pair = new Pair().meet();
    pair.ask('start', { id: 's' });
    pair.unhandled();
    pair.pass(30_000);
    expect(pair.ledger.get('s')).toMatchObject({ outcome: 'unknown', reason: 'no-answer' });
    amend(pair, { n: pair.twin.open[0]?.n ?? 0, outcome: UNDECIDED });
    expect(pair.report().outcomes).toMatchObject([{ id: 's', outcome: 'unknown', reason: UNDECIDED }]);
    pair.ask('reboot');
    expect(pair.refusals).toEqual(['pending']);
  });

  test('never reads as rejected, nor as expired: not by what goes on, by later numbers, by another boot or a lost ring', () => {
    const { pair, n } = longUndecided();
    pair.device.reboot(pair.now, 'everything');
    pair.report();
    amend(pair, { n: n + 500, outcome: 'done' });
    pair.report();
    pair.device.ring = [];
    pair.report();
    pair.device.reboot(pair.now, 'nothing');
    pair.report();
    expect(pair.ledger.get('s')).toMatchObject({ outcome: 'unknown', reason: UNDECIDED, closedAt: null });
    expect(pair.reasons).toEqual(['unconfirmed-command']);
  });

  test('outlives a new incarnation: what is beyond the device is not in its memory', () => {
    const { pair } = longUndecided();
    pair.device.wipe(pair.now);
    pair.report();
    pair.pass(PROBE_INTERVAL_MS);
    pair.answer();
    expect(pair.twin.incarnation).toBe(2);
    expect(pair.ledger.get('s')).toMatchObject({ outcome: 'unknown', reason: UNDECIDED, closedAt: null });
    expect(pair.reasons).toContain('unconfirmed-command');
  });

  test('a `release` is not refuted by the hold that goes on', () => {
    const pair = new Pair().meet().reserve('r');
    pair.ask('release', { id: 'e' });
    pair.unhandled();
    say(pair, { outcome: UNDECIDED });
    pair.pass(120_000);
    pair.answer();
    expect(pair.ledger.get('e')).toMatchObject({ outcome: 'unknown', reason: UNDECIDED, closedAt: null });
  });

  test('a device that lets probes pass is still found out, though it names the command in each report', () => {
    const { pair } = passedOn();
    for (let minute = 0; minute < 8; minute += 1) {
      pair.pass(60_000);
      pair.report();
    }
    expect(pair.document.responsive).toBe(false);
  });

  test('is never evicted in the eyes of the twin: it tells nothing of what has left the ring since', () => {
    const pair = new Pair({ kind: car, ring: 'number' }).meet();
    pair.ask('start', { id: 's' });
    const n = pair.twin.lastN;
    pair.unhandled();
    pair.pass(30_000);
    pair.ask('reboot', { id: 'b' });
    const later = pair.twin.lastN;
    pair.unhandled();
    // Seven numbers came after the reboot, which was executed; only what is undecided is older than that.
    pair.device.boot += 1;
    pair.device.seq = 0;
    const after = Array.from({ length: RING_SIZE_MAX - 1 }, (_, index) => ({
      n: later + RING_SIZE_MAX - index,
      outcome: 'done',
    }));
    pair.device.ring = [...after, { n, outcome: UNDECIDED }];
    pair.report();
    expect(pair.ledger.get('b')?.outcome).not.toBe('expired');
  });
});

describe('the word that a device amends', () => {
  test.each([
    [{ outcome: 'done' }, { outcome: 'done', reason: null }],
    [
      { outcome: 'rejected', reason: 'no-session' },
      { outcome: 'rejected', reason: 'no-session' },
    ],
  ])('%j closes the command, and ends the doubt', (entry, expected) => {
    const { pair, n } = longUndecided();
    say(pair, entry, n);
    expect(pair.ledger.get('s')).toMatchObject({ ...expected, closedAt: pair.now });
    expect(pair.document).toMatchObject({ state: 'available', suspicions: [], pending: [] });
  });

  test('`unknown` counts with the fence that the boot in which it was sent on has ended', () => {
    const { pair, n } = longUndecided();
    const { boot } = pair.device;
    say(pair, { outcome: 'unknown', reason: 'interrupted' }, n);
    say(pair, { outcome: 'unknown', reason: 'interrupted', fence: { boot } }, n);
    expect(pair.reasons).toEqual(['unconfirmed-command']);
    pair.device.reboot(pair.now, 'everything');
    amend(pair, { n, outcome: 'unknown', reason: 'interrupted', fence: { boot } });
    pair.report();
    expect(pair.ledger.get('s')).toMatchObject({ outcome: 'unknown', reason: 'interrupted' });
    expect(pair.ledger.get('s')?.closedAt).toBe(pair.now);
    expect(pair.reasons).toEqual([]);
  });

  test('`other-boot` of a device that has not forgotten what it said is the word that it was never sent on', () => {
    const { pair, n } = longUndecided();
    say(pair, { outcome: 'rejected', reason: 'other-boot' }, n);
    expect(pair.ledger.get('s')).toMatchObject({ outcome: 'expired', reason: 'other-boot' });
  });
});

describe('its hold', () => {
  test('has no `certainUntil`: the station may begin it at any time, and time alone does not end it', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r', args: { holdMs: 60_000 } });
    pair.arrive();
    say(pair, { outcome: UNDECIDED });
    expect(pair.document.hold).toMatchObject({ id: 'r', certainUntil: null });
    pair.pass(HOUR_MS);
    expect(pair.document.hold).toMatchObject({ id: 'r', certainUntil: null });
    expect(pair.document.state).toBe('offline');
  });

  test('has one again when the device says `done`', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r', args: { holdMs: 60_000 } });
    const n = pair.twin.lastN;
    pair.arrive();
    say(pair, { outcome: UNDECIDED }, n);
    say(pair, { outcome: 'done' }, n);
    expect(pair.document.hold?.certainUntil).toBeGreaterThan(pair.now);
    expect(pair.ledger.get('r')?.outcome).toBe('done');
  });

  describe('that the device keeps, since it cannot tell, proves nothing of it:', () => {
    const cannotTell = { outcome: 'unknown', reason: 'interrupted' };

    /** A `reserve` that the device holds for and names undecided; `n` is its number. */
    function held(): { readonly pair: Pair; readonly n: number; readonly boot: number } {
      const pair = new Pair().meet();
      pair.ask('reserve', { id: 'r', args: { holdMs: HOUR_MS } });
      const n = pair.twin.lastN;
      pair.arrive();
      say(pair, { outcome: UNDECIDED }, n);
      return { pair, n, boot: pair.device.boot };
    }

    /** The ring does not name it any more, and the hold is shown. */
    function forgets(pair: Pair, n: number): void {
      pair.device.ring = pair.device.ring.filter((entry) => entry.n !== n);
      const report = pair.measure();
      expect(report.hold?.id).toBe('r');
      pair.hear(report);
    }

    test('its last word stays, also when the ring has no place for it any more', () => {
      const { pair, n, boot } = held();
      pair.device.reboot(pair.now, 'everything');
      say(pair, { ...cannotTell, fence: { boot } }, n);
      forgets(pair, n);
      expect(pair.ledger.get('r')).toMatchObject({ outcome: 'unknown', reason: 'interrupted' });
      expect(pair.document.hold).toMatchObject({ id: 'r' });
      expect(pair.reasons).toEqual([]);
    });

    test('and neither does it beside a word that is not the last yet', () => {
      const pair = new Pair().meet();
      pair.ask('reserve', { id: 'r', args: { holdMs: HOUR_MS } });
      const n = pair.twin.lastN;
      pair.arrive();
      say(pair, { ...cannotTell, fence: { boot: pair.device.boot } }, n);
      expect(pair.ledger.get('r')).toMatchObject({ outcome: 'pending', closedAt: null });
    });

    test('nor of what an operator has given up', () => {
      const { pair, n } = held();
      pair.pass(60_000);
      pair.ask('abandon', { id: 'a', by: 'eva', args: { command: 'r', reason: 'the gateway burnt down' } });
      forgets(pair, n);
      expect(pair.ledger.get('r')).toMatchObject({ outcome: 'unknown', reason: 'abandoned' });
    });
  });
});

describe('`clear`', () => {
  test('does not close it: the doubt stays, and the proof says so', () => {
    const { pair } = longUndecided();
    pair.ask('clear', { id: 'c', ...word });
    expect(pair.ledger.get('s')).toMatchObject({ outcome: 'unknown', reason: UNDECIDED, closedAt: null });
    expect(pair.reasons).toEqual(['unconfirmed-command']);
    expect(pair.ledger.get('c')?.proof).toContain('in flight beyond the device');
  });
});

describe('`abandon`', () => {
  const giving = { by: 'eva', args: { command: 's', reason: 'the gateway burnt down' } };

  test('gives it up, with a reason of its own, in the journal with who and why, and nothing is sent', () => {
    const { pair } = longUndecided();
    const sent = pair.commands.length;
    const { transitions } = pair.ask('abandon', { id: 'a', ...giving });
    expect(pair.ledger.get('s')).toMatchObject({
      outcome: 'unknown',
      reason: 'abandoned',
      closedAt: pair.now,
    });
    expect(pair.ledger.get('s')?.proof).toBe('engineer: eva: the gateway burnt down');
    const [at, proof] = [pair.now, 'engineer: eva: the gateway burnt down'];
    const closed = { certainAt: at, decidedAt: at, closedAt: at };
    expect(pair.ledger.get('a')).toMatchObject({ outcome: 'done', by: 'eva', proof, ...closed });
    expect(transitions.map(({ cause }) => cause)).toMatchObject([{ type: 'engineer' }]);
    expect(transitions[0]?.cause.detail).toContain('eva: the gateway burnt down; gave up start s');
    expect(pair.document).toMatchObject({ state: 'available', suspicions: [], pending: [] });
    expect(pair.commands).toHaveLength(sent);
  });

  test('is taken of a device that has fallen silent', () => {
    const { pair } = passedOn();
    pair.pass(HOUR_MS);
    expect(pair.document.allowed).toEqual(['clear', 'renew-identity', 'abandon']);
    pair.ask('abandon', { id: 'a', ...giving });
    expect(pair.ledger.get('s')).toMatchObject({ reason: 'abandoned' });
    expect(pair.document.state).toBe('offline');
  });

  test('takes the word of the device all the same when the gateway does come back', () => {
    const { pair, n } = longUndecided();
    pair.ask('abandon', { id: 'a', ...giving });
    say(pair, { outcome: UNDECIDED }, n);
    expect(pair.document).toMatchObject({ state: 'available', suspicions: [] });
    say(pair, { outcome: 'done' }, n);
    expect(pair.ledger.get('s')).toMatchObject({ outcome: 'done' });
  });

  test('is refused where nothing is undecided, where it names another command, and without `by`', () => {
    const { pair } = passedOn();
    pair.ask('abandon', giving);
    pair.pass(30_000);
    pair.ask('abandon', { by: 'eva', args: { command: 'other', reason: 'looked' } });
    pair.ask('abandon', { args: giving.args });
    expect(pair.refusals).toEqual(['illegal-state', 'bad-arguments', 'bad-arguments']);
  });
});
