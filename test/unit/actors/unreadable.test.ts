/** A device of which one value in the ring, or its hold, cannot be read: the rest of what it says is heard, and what cannot be read proves nothing. */
import { describe, expect, test } from 'vitest';
import type { Report } from '../../../machines/report.ts';
import { encode } from '../../../src/wire/codec.ts';
import { readReports } from '../../../src/wire/report.ts';
import type { Decision } from '../../../actors/decision.ts';
import { Pair } from './pair.ts';

/** The twin hears what the bytes of a report with these values are read as. */
function say(pair: Pair, given: Readonly<Record<string, unknown>>): Decision {
  const read = readReports('cp-1', encode({ ...pair.measure(), ...given }, 'json'));
  if (!read.ok) throw new Error(read.detail);
  const [report] = read.reports;
  if (report === undefined) throw new Error(JSON.stringify(read.problems));
  return pair.hear(report);
}

/** The ring of the device, with another entry for the command. */
function ringWith(pair: Pair, n: number, entry: unknown): readonly unknown[] {
  return pair.device.ring.map((known) => (known.n === n ? entry : known));
}

/** A `reserve` that the device was sent and has executed. */
function reserved(): { readonly pair: Pair; readonly n: number } {
  const pair = new Pair().meet();
  pair.ask('reserve', { id: 'r', args: { holdMs: 60_000 } });
  pair.arrive();
  return { pair, n: pair.sent.n };
}

/** A `start` that was lost on the way, and cannot start any more. */
function lostStart(): { readonly pair: Pair; readonly n: number } {
  const pair = new Pair().meet();
  pair.ask('start', { id: 's', args: { token: 't' } });
  const { n } = pair.sent;
  pair.pass((pair.ledger.get('s')?.certainAt ?? 0) - pair.now + 1_000);
  pair.unhandled();
  return { pair, n };
}

describe('a ring with one value that cannot be read', () => {
  test.each([17, 'no: '.repeat(66), { code: 4 }])(
    'tells an outcome without the reason that does not fit: %j',
    (reason) => {
      const { pair, n } = reserved();
      say(pair, { commands: ringWith(pair, n, { n, outcome: 'done', reason }) });
      expect(pair.ledger.get('r')).toMatchObject({ outcome: 'done' });
      expect(pair.document.unreadable).toEqual(['commands.reason']);
      expect(pair.reasons).toEqual([]);
    },
  );

  test.each([17, `other-boot: ${'x'.repeat(256)}`])(
    'is no refusal where the reason does not fit, which may be that of the protocol: %j',
    (reason) => {
      const { pair, n } = reserved();
      say(pair, { commands: ringWith(pair, n, { n, outcome: 'rejected', reason }), hold: null });
      expect(pair.ledger.get('r')?.outcome).not.toBe('rejected');
      expect(pair.document.unreadable).toEqual(['commands.reason', 'commands']);
    },
  );

  test.each([
    [{ outcome: 'rejected', reason: 'busy' }, { outcome: 'done' }],
    [{ outcome: 'done' }, { outcome: 'rejected', reason: 'busy' }],
    [{ outcome: 'rejected', reason: 'too-late' }, { outcome: 'done' }],
    [{ outcome: 'rejected', reason: 'busy' }, { outcome: 'undecided' }],
  ])('proves nothing of a number that has two words: %j and %j', (one, other) => {
    const { pair, n } = lostStart();
    const others = pair.device.ring.filter((entry) => entry.n !== n);
    say(pair, { commands: [{ n, ...one }, { n, ...other }, ...others] });
    expect(['pending', 'unknown']).toContain(pair.ledger.get('s')?.outcome);
    expect(pair.document.unreadable).toEqual(['commands']);
    expect(pair.reasons).not.toContain('identity-conflict');
  });

  test('hears an entry that comes twice once', () => {
    const { pair, n } = reserved();
    say(pair, { commands: [{ n, outcome: 'done' }, ...pair.device.ring] });
    expect(pair.ledger.get('r')).toMatchObject({ outcome: 'done' });
    expect(pair.document.unreadable).toBeUndefined();
  });

  test.each([
    { outcome: 'done' },
    { n: '7', outcome: 'done' },
    { n: 1.5, outcome: 'done' },
    { n: 1, outcome: null },
    { n: 1, outcome: 3 },
    { n: 1, outcome: 'x'.repeat(65) },
    'done',
  ])('names the other commands all the same: %j', (bad) => {
    const { pair } = reserved();
    say(pair, { commands: [bad, ...pair.device.ring.slice(0, 7)] });
    expect(pair.ledger.get('r')?.outcome).toBe('done');
    expect(pair.document.unreadable).toEqual(['commands']);
    expect([pair.document.state, pair.document.quality, pair.reasons]).toEqual(['reserved', 'fresh', []]);
  });

  test('of more entries than it may have names those of the highest numbers', () => {
    const { pair } = reserved();
    const many = Array.from({ length: 9 }, (_, n) => ({ n: n + 1, outcome: 'done' })).filter(
      ({ n }) => !pair.device.ring.some((known) => known.n === n),
    );
    const commands = [...many, ...pair.device.ring].slice(-9);
    say(pair, { commands });
    expect(pair.ledger.get('r')?.outcome).toBe('done');
  });

  test('proves by silence only where it can be read whole: the entry may be about the very command', () => {
    const { pair } = lostStart();
    say(pair, { commands: [{ n: 'x', outcome: 'done' }, ...pair.device.ring] });
    expect(pair.ledger.get('s')?.outcome).toBe('unknown');
    expect(pair.reasons).toEqual(['unconfirmed-command']);
    pair.report();
    expect(pair.ledger.get('s')).toMatchObject({ outcome: 'expired', reason: 'not-executed' });
  });

  test('is not taken for one that never let go of anything: an entry of it was not counted', () => {
    const { pair, n } = lostStart();
    const refused = { n, outcome: 'rejected', reason: 'too-late' };
    const later = Array.from({ length: 6 }, (_, step) => ({ n: n + 6 - step, outcome: 'done' }));
    say(pair, { commands: [{ n: null, outcome: 'done' }, ...later, refused] });
    expect(pair.ledger.get('s')).toMatchObject({ outcome: 'unknown', reason: 'unprovable' });
  });

  test('does not show that the device hears nothing: the answer may be in what cannot be read', () => {
    const pair = new Pair().meet();
    const bad = { commands: [{ n: 'x', outcome: 'done' }] };
    for (let asked = 0; asked < 5; asked += 1) {
      pair.pass(61_000);
      say(pair, bad);
      pair.unhandled();
    }
    expect(pair.twin.ignoredCommands).toBe(0);
  });

  test('ends no doubt about a command that it may still name', () => {
    const pair = new Pair().meet();
    const forgotten = { n: 1, outcome: 'undecided' };
    const number = Math.min(...pair.device.ring.map(({ n }) => n)) - 1;
    say(pair, { commands: [...pair.device.ring, { ...forgotten, n: number }] });
    expect(pair.reasons).toEqual(['forgotten-command']);
    say(pair, { commands: [...pair.device.ring, { ...forgotten, n: String(number) }] });
    expect(pair.reasons).toEqual(['forgotten-command']);
    say(pair, { commands: [...pair.device.ring, { n: number, outcome: 'done' }, 5] });
    expect(pair.reasons).toEqual([]);
  });
});

describe('a hold that cannot be read', () => {
  const bad: readonly unknown[] = [
    { id: 'r', leftMs: 59_999.5 },
    { id: 'r', leftMs: -1 },
    { id: 'r', leftMs: null },
    {},
    'r',
    7,
  ];

  test.each(bad)(
    'silences nobody: contact, order, state and ring are heard, and it is marked: %j',
    (hold) => {
      const { pair } = reserved();
      pair.pass(1_000);
      expect(say(pair, { hold }).disposition).toBe('latest');
      expect(pair.ledger.get('r')?.outcome).toBe('done');
      expect(pair.document).toMatchObject({ lastContact: pair.now, state: 'reserved', unreadable: ['hold'] });
      expect(pair.reasons).toEqual([]);
    },
  );

  test.each(bad)('is not the word that nothing is held: what was held goes on, for its time: %j', (hold) => {
    const pair = new Pair().meet().reserve('r', 60_000);
    const held = pair.document.hold;
    pair.pass(1_000);
    say(pair, { hold });
    expect(pair.document.hold).toMatchObject({ id: 'r', certainUntil: held?.certainUntil });
    expect(pair.reasons).toEqual([]);
    pair.report();
    expect([pair.document.hold?.id, pair.document.state]).toEqual(['r', 'reserved']);
  });

  test('is no lost hold when a report after it shows none', () => {
    const pair = new Pair().meet().reserve('r', 900_000);
    pair.pass(1_000);
    say(pair, { hold: {} });
    pair.pass(1_000);
    pair.report({ hold: null, state: 'available' });
    expect([pair.document.hold, pair.document.state, pair.reasons]).toEqual([null, 'available', []]);
    expect(pair.decisions.at(-1)?.transitions[0]?.cause.detail).toContain('the hold r is over: unseen');
  });

  test('may be another one than that which has certainly ended: the device still says that it is reserved', () => {
    const pair = new Pair().meet().reserve('r', 60_000);
    pair.pass(1_000);
    say(pair, { hold: { id: 'r2', leftMs: 1e6 + 0.5 } });
    pair.pass(120_000);
    expect(pair.document.hold).toBeNull();
    expect(pair.document.state).toBe('reserved');
    expect(pair.document.unreadable).toEqual(['hold']);
  });

  test('ends with the release that the ring beside it names done', () => {
    const pair = new Pair().meet().reserve('r');
    pair.ask('release', { id: 'l' });
    pair.arrive();
    say(pair, { hold: {} });
    expect(pair.ledger.get('l')?.outcome).toBe('done');
    expect([pair.document.hold, pair.document.state, pair.reasons]).toEqual([null, 'available', []]);
  });

  test('ends no divergence, and nothing is re-asserted on its strength', () => {
    const pair = new Pair().meet();
    const ghost: Partial<Report> = { state: 'reserved', hold: { id: 'ghost', leftMs: 600_000 } };
    pair.readThroughAt = null;
    pair.report(ghost);
    expect(pair.reasons).toEqual(['divergence']);
    const sent = pair.commands.length;
    pair.readThroughAt = pair.now;
    say(pair, { ...ghost, hold: { id: 'ghost', leftMs: 0.5 } });
    expect(pair.reasons).toEqual(['divergence']);
    expect(pair.commands.length).toBe(sent);
    pair.report();
    expect(pair.reasons).toEqual([]);
  });
});
