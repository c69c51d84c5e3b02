/** A caller writes the id of a command in any case, wherever he names it. */
import { expect, test } from 'vitest';
import { Pair } from './pair.ts';

const ID = '0b9c7a1e-5f0a-4d53-9a37-6a8f3f0f6a11';

test('a hold is released by the id under which it was reserved, in whatever case that is written', () => {
  const pair = new Pair().meet().reserve(ID);
  pair.ask('release', { id: 'l', args: { hold: ID.toUpperCase() } });
  expect(pair.refusals).toEqual([]);
  pair.answer();
  expect([pair.ledger.get('l')?.outcome, pair.document.hold]).toEqual(['done', null]);
});

test('a hold of another id is not, and neither is one whose id is no UUID in another case', () => {
  const pair = new Pair().meet().reserve('r1');
  pair.ask('release', { args: { hold: ID } });
  pair.ask('release', { args: { hold: 'R1' } });
  expect(pair.refusals).toEqual(['illegal-state', 'illegal-state']);
});

test('what is in flight beyond the device is given up by its id in whatever case', () => {
  const pair = new Pair().meet();
  pair.ask('start', { id: ID, args: { token: 't' } });
  pair.report({ commands: [{ n: pair.sent.n, outcome: 'undecided' }, ...pair.device.ring] });
  pair.pass((pair.ledger.get(ID)?.certainAt ?? 0) - pair.now + 1_000);
  pair.ask('abandon', { id: 'a', by: 'eva', args: { command: ID.toUpperCase(), reason: 'sold' } });
  expect(pair.refusals).toEqual([]);
  expect(pair.ledger.get(ID)).toMatchObject({ outcome: 'unknown', reason: 'abandoned' });
});
