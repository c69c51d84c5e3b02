/**
 * The database has forgotten a command that was asked for again under its id, so that it has a new number; the device knows it by its id, and
 * names the number under which it was executed. Ledger, twin and device agree.
 */
import { describe, expect, test } from 'vitest';
import { type RingEntry, UNDECIDED } from '../../../machines/report.ts';
import { epochAfter } from '../../../src/runtime/epoch.ts';
import { Pair } from './pair.ts';
import { T0 } from './stage.ts';

const MINUTE_MS = 60_000;

/**
 * A twin whose database was set back to before a command of this name was accepted, which is asked for again now: `first` is the number that
 * it had, `n` the one that it has.
 */
function askedAgain(name: string): { readonly pair: Pair; readonly first: number; readonly n: number } {
  const pair = new Pair({ epoch: epochAfter(0, T0) }).meet();
  const before = pair.twin;
  pair.ask(name, { id: 'x' });
  const first = pair.sent.n;
  pair.unhandled();
  pair.pass(MINUTE_MS);
  pair.unhandled();
  pair.twin = before;
  pair.ledger.clear();
  pair.epoch = epochAfter(pair.epoch, pair.now);
  pair.ask('report', { id: 'fresh' });
  pair.answer();
  pair.ask(name, { id: 'x' });
  const { n } = pair.sent;
  expect(n).toBeGreaterThan(first);
  pair.unhandled();
  return { pair, first, n };
}

/** The device says so of both numbers, in a report. */
function say(
  pair: Pair,
  { first, n }: { readonly first: number; readonly n: number },
  word: Omit<RingEntry, 'n'>,
): void {
  const others = pair.device.ring.filter((entry) => entry.n !== n && entry.n !== first);
  pair.device.ring = [{ n, ...word, executedAs: first }, ...others, { n: first, ...word }];
  pair.device.highestN = n;
  pair.report();
}

describe('a command that was executed under a number which the database has forgotten', () => {
  test('is done, and the proof says so', () => {
    const { pair, ...numbers } = askedAgain('start');
    say(pair, numbers, { outcome: 'done' });
    expect(pair.ledger.get('x')).toMatchObject({ outcome: 'done', n: numbers.n });
    expect(pair.ledger.get('x')?.proof).toContain(`executed before as n ${String(numbers.first)}`);
    expect(pair.reasons).toEqual([]);
  });

  test('has not lost the hold that it began then: that is over', () => {
    const { pair, ...numbers } = askedAgain('reserve');
    say(pair, numbers, { outcome: 'done' });
    expect(pair.ledger.get('x')?.outcome).toBe('done');
    expect(pair.document).toMatchObject({ state: 'available', hold: null, suspicions: [] });
    expect(pair.unhandled().map(({ name }) => name)).not.toContain('reserve');
  });

  test('is undecided as one command: one doubt, which one word ends', () => {
    const { pair, ...numbers } = askedAgain('start');
    say(pair, numbers, { outcome: UNDECIDED, reason: 'accepted' });
    pair.pass(MINUTE_MS);
    expect(pair.reasons).toEqual(['unconfirmed-command']);
    expect(pair.ledger.get('x')).toMatchObject({ outcome: 'unknown', reason: 'undecided' });
    say(pair, numbers, { outcome: 'done' });
    expect(pair.ledger.get('x')).toMatchObject({ outcome: 'done' });
    expect(pair.reasons).toEqual([]);
  });

  test('is given up as one command', () => {
    const { pair, ...numbers } = askedAgain('start');
    say(pair, numbers, { outcome: UNDECIDED });
    pair.pass(MINUTE_MS);
    pair.unhandled();
    pair.ask('abandon', { id: 'a', by: 'eva', args: { command: 'x', reason: 'the gateway burnt down' } });
    expect(pair.ledger.get('x')).toMatchObject({ outcome: 'unknown', reason: 'abandoned' });
    say(pair, numbers, { outcome: UNDECIDED });
    expect(pair.reasons).toEqual([]);
  });

  test('is unknown with the fence of the boot in which it was executed, though it was asked for again in a later one', () => {
    const { pair, ...numbers } = askedAgain('start');
    const { boot } = pair.device;
    const word = { outcome: 'unknown', reason: 'interrupted', fence: { boot: boot - 1 } };
    say(pair, numbers, word);
    expect(pair.ledger.get('x')).toMatchObject({
      outcome: 'unknown',
      reason: 'interrupted',
      closedAt: pair.now,
    });
    pair.pass(MINUTE_MS);
    expect(pair.reasons).toEqual([]);
  });
});
