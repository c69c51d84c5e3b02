/**
 * A command that the ledger does not know, since the database was set back or the device was forgotten, and that is in flight beyond the
 * device all the same: whoever asked for it may still get the bay, so nobody else is given it.
 */
import { describe, expect, test } from 'vitest';
import { RING_SIZE_MAX, type RingEntry, UNDECIDED } from '../../../machines/report.ts';
import { explain } from '../../../actors/explain.ts';
import { forgottenCommands } from '../../../actors/forgotten-command.ts';
import { RECENT_MAX } from '../../../actors/resolve.ts';
import { CLAIMED_N_MAX } from '../../../actors/ring.ts';
import { epochAfter } from '../../../src/runtime/epoch.ts';
import { Pair } from './pair.ts';
import { T0 } from './stage.ts';

const MINUTE_MS = 60_000;
const giving = (command: string) => ({ by: 'eva', args: { command, reason: 'the gateway burnt down' } });

/** What the gateway names of a number from now on, in each report. */
function say(pair: Pair, entry: RingEntry): void {
  const others = pair.device.ring.filter(({ n }) => n !== entry.n).slice(0, RING_SIZE_MAX - 1);
  pair.device.ring = [...others, entry].sort((one, other) => other.n - one.n);
  pair.device.highestN = Math.max(pair.device.highestN, entry.n);
  pair.report();
}

/** A `start` that the gateway passed on, and that the database has forgotten since; `n` is its number. */
function forgotten(): { readonly pair: Pair; readonly n: number } {
  const pair = new Pair({ epoch: epochAfter(0, T0) }).meet();
  const before = pair.twin;
  pair.ask('start', { id: 's' });
  const n = pair.twin.lastN;
  pair.unhandled();
  say(pair, { n, outcome: UNDECIDED, reason: 'accepted' });
  pair.pass(MINUTE_MS);
  pair.unhandled();
  pair.twin = before;
  pair.epoch = epochAfter(pair.epoch, pair.now);
  pair.report();
  return { pair, n };
}

describe('a forgotten command that its device names undecided', () => {
  test('keeps the doubt and the bay: nobody else is given it', () => {
    const { pair } = forgotten();
    expect(pair.document).toMatchObject({ state: 'suspect', quality: 'suspect' });
    expect(pair.reasons).toEqual(['forgotten-command']);
    for (const name of ['start', 'reserve']) pair.ask(name);
    expect(pair.refusals).toEqual(['suspect', 'suspect']);
    expect(pair.document.allowed).toEqual(['report', 'reboot', 'clear', 'abandon']);
  });

  test.each(['done', 'rejected'])('is no doubt any more once the device says `%s`', (outcome) => {
    const { pair, n } = forgotten();
    say(pair, { n, outcome });
    expect(pair.document).toMatchObject({ state: 'available', suspicions: [] });
  });

  test('is not ended by `clear`, and the proof says so', () => {
    const { pair } = forgotten();
    pair.ask('clear', { id: 'c', by: 'eva', args: { reason: 'looked at the bay' } });
    expect(pair.reasons).toEqual(['forgotten-command']);
    expect(pair.ledger.get('c')?.proof).toContain('still in doubt');
  });

  test('is given up by an operator, by its number, for good', () => {
    const { pair, n } = forgotten();
    const { transitions } = pair.ask('abandon', { id: 'a', ...giving(String(n)) });
    expect(pair.ledger.get('a')).toMatchObject({ outcome: 'done', by: 'eva' });
    expect(transitions[0]?.cause.detail).toContain(`gave up the command of n ${String(n)}`);
    expect(pair.document).toMatchObject({ state: 'available', suspicions: [] });
    for (let times = 0; times < 3 * RECENT_MAX; times += 1) {
      pair.pass(MINUTE_MS);
      pair.ask('report', { id: `later-${String(times)}` });
      pair.arrive();
      say(pair, { n, outcome: UNDECIDED });
    }
    expect(pair.reasons).toEqual([]);
  });

  test('is given up by no other number, nor where it is not named', () => {
    const { pair, n } = forgotten();
    pair.ask('abandon', giving(String(n + 1)));
    say(pair, { n, outcome: 'done' });
    pair.ask('abandon', giving(String(n)));
    expect(pair.refusals).toEqual(['bad-arguments', 'illegal-state']);
  });

  test('is explained: what giving it up would do', () => {
    const { pair, n } = forgotten();
    const { twin, kind, now, serverErrorMs } = pair;
    const nothing = { transitions: [], commands: [], rejected: [], unready: null };
    const { commands } = explain({ twin, kind, now, serverErrorMs, ...nothing });
    const sentence = commands.find(({ name }) => name === 'abandon')?.sentence;
    expect(sentence).toContain(`it would give up ${String(n)}`);
  });
});

test('a number that is believed is one of a forgotten command, and none above that', () => {
  const { twin } = new Pair().meet();
  const named = (n: number): readonly number[] =>
    forgottenCommands(twin, { commands: [{ n, outcome: UNDECIDED }] });
  expect(named(CLAIMED_N_MAX)).toEqual([CLAIMED_N_MAX]);
  expect(named(CLAIMED_N_MAX + 1)).toEqual([]);
});

test('a command that was given up is no forgotten one, however many came after it', () => {
  const pair = new Pair({ epoch: epochAfter(0, T0) }).meet();
  pair.ask('start', { id: 's' });
  const n = pair.twin.lastN;
  pair.unhandled();
  say(pair, { n, outcome: UNDECIDED });
  pair.pass(MINUTE_MS);
  pair.ask('abandon', { id: 'a', ...giving('s') });
  for (let times = 0; times < 3 * RECENT_MAX; times += 1) {
    pair.pass(MINUTE_MS);
    pair.ask('report', { id: `later-${String(times)}` });
    pair.arrive();
    say(pair, { n, outcome: UNDECIDED });
  }
  expect(pair.reasons).toEqual([]);
  say(pair, { n, outcome: 'done' });
  expect(pair.ledger.get('s')).toMatchObject({ outcome: 'done' });
});
