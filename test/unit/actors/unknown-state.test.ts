/** A device says a state that its kind does not know, as after an update of its firmware. */
import { describe, expect, test } from 'vitest';
import { kinds } from '../../../machines/kinds.ts';
import { NOT_CONNECTED } from '../../../machines/report.ts';
import { Pair } from './pair.ts';

describe.each(kinds)('a $name that says a state that nobody knows', (kind) => {
  const said = { state: 'Preparing' };

  test('is suspect, and the machine keeps the state that it had', () => {
    const pair = new Pair({ kind }).meet();
    const { path } = pair.twin;
    pair.report(said);
    expect([pair.document.state, pair.reasons]).toEqual(['suspect', ['unknown-state']]);
    expect(pair.twin.suspicions[0]?.detail).toContain('"Preparing"');
    pair.report();
    expect([pair.twin.path, pair.reasons]).toEqual([path, []]);
  });

  test('is heard all the same: its contact, its order, its commands and its round trips', () => {
    const pair = new Pair({ kind }).meet();
    pair.ask('report', { id: 'r' });
    pair.arrive();
    pair.pass(1_000);
    expect(pair.report(said).disposition).toBe('latest');
    expect(pair.ledger.get('r')?.outcome).toBe('done');
    expect(pair.document.lastContact).toBe(pair.now);
    expect(pair.document.sequence.missing).toBe(0);
  });

  test('at its first contact has a twin', () => {
    const pair = new Pair({ kind });
    pair.report(said);
    expect(pair.document.state).toBe('suspect');
    pair.report();
    expect(pair.document.state).toBe('available');
  });

  test('is not made trustworthy by a word', () => {
    const pair = new Pair({ kind }).meet();
    pair.report(said);
    pair.ask('clear', { args: { reason: 'it looks fine' } });
    expect(pair.reasons).toEqual(['unknown-state']);
  });
});

test('a gateway without a connection says nothing of its device: that is in doubt under a reason of its own, until it is back', () => {
  const pair = new Pair().meet();
  pair.report({ state: NOT_CONNECTED, sensors: {} });
  expect([pair.document.state, pair.reasons]).toEqual(['suspect', ['not-connected']]);
  pair.ask('clear', { by: 'eva', args: { reason: 'it looks fine' } });
  expect(pair.reasons).toEqual(['not-connected']);
  pair.report();
  expect([pair.document.state, pair.reasons]).toEqual(['available', []]);
});

test('a hold is neither used nor lost by a state that nobody knows', () => {
  const pair = new Pair().meet().reserve('r1');
  pair.report({ state: 'Preparing' });
  expect(pair.twin.hold?.id).toBe('r1');
  expect(pair.reasons).toEqual(['unknown-state']);
  pair.report();
  expect([pair.document.state, pair.reasons]).toEqual(['reserved', []]);
});
