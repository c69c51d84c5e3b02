/**
 * An id names one command of one device for good.
 */
import { Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import { chargePoint } from '../../../machines/charge-point.ts';
import { Pair } from './pair.ts';

/** Takes whatever it is given. */
const anyArguments = Type.Object({});

describe('an id that names another command', () => {
  test('is refused, with what it was first used for as that stands, and the device is left alone', () => {
    const pair = new Pair().meet().reserve('x', 60_000);
    const acceptedAt = pair.ledger.get('x')!.acceptedAt;
    const sent = pair.commands.length;
    pair.ask('release', { id: 'x', waitMs: 5_000 });
    const args = { holdMs: 60_000 };
    const { asker } = pair.ledger.get('x')!;
    expect(asker).toMatch(/^nats:/);
    const firstUse = { name: 'reserve', args, by: null, asker, acceptedAt, outcome: 'done' };
    const refusal = { code: 'id-reused', id: 'x', state: 'reserved', firstUse };
    expect(pair.replies.at(-1)?.reply).toMatchObject({ type: 'refused', refusal });
    expect(pair.commands.length).toBe(sent);
    expect(pair.ledger.get('x')).toMatchObject({ name: 'reserve', outcome: 'done' });
    expect(pair.document.state).toBe('reserved');
  });

  test.each([
    ['another value', { holdMs: 60_001 }],
    ['an argument less', {}],
    ['an argument more', { holdMs: 60_000, token: 'A1' }],
  ])('is refused for the same name with %s', (_, args) => {
    const pair = new Pair().meet().reserve('x', 60_000);
    pair.ask('reserve', { id: 'x', args });
    expect(pair.refusals).toEqual(['id-reused']);
  });

  test('is the same again where only the order of keys and the way a number is written differ', () => {
    const kind = {
      ...chargePoint,
      commands: {
        ...chargePoint.commands,
        reserve: { ...chargePoint.commands.reserve!, args: anyArguments },
      },
    };
    const pair = new Pair({ kind }).meet();
    pair.ask('reserve', { id: 'x', args: { a: 1, b: { c: [1, 2], d: null }, e: 0 } });
    pair.ask('reserve', { id: 'x', args: { e: -0, b: { d: null, c: [1.0, 2] }, a: 1 } });
    expect(pair.refusals).toEqual([]);
    pair.ask('reserve', { id: 'x', args: { a: 1, b: { c: [2, 1], d: null }, e: 0 } });
    pair.ask('reserve', { id: 'x', args: { a: 1, b: { c: { 0: 1, 1: 2 }, d: null }, e: 0 } });
    pair.ask('reserve', { id: 'x', args: { a: '1', b: { c: [1, 2], d: null }, e: 0 } });
    expect(pair.refusals).toEqual(['id-reused', 'id-reused', 'id-reused']);
  });

  test('is refused by what the store knows, after a restart and on another node', () => {
    const pair = new Pair().meet().reserve('x', 60_000);
    const known = JSON.parse(JSON.stringify(pair.ledger.get('x'))) as LedgerEntry;
    pair.twin = { ...pair.twin, recent: [] };
    pair.ask('release', { id: 'x' }, known);
    expect(pair.refusals).toEqual(['id-reused']);
    pair.ask('reserve', { id: 'x', args: { holdMs: 60_000 } }, known);
    expect(pair.replies.at(-1)?.reply).toEqual({ type: 'ledger', entry: known });
  });

  test('is refused while the first command waits to be decided on, which it does not disturb', () => {
    const pair = new Pair().meet();
    pair.pass(chargePoint.limits.freshMs + 1);
    pair.ask('reserve', { id: 'x', args: { holdMs: 60_000 } });
    pair.ask('start', { id: 'x' });
    const firstUse = {
      name: 'reserve',
      args: { holdMs: 60_000 },
      by: null,
      acceptedAt: null,
      outcome: null,
    };
    expect(pair.replies.at(-1)?.reply).toMatchObject({ refusal: { code: 'id-reused', firstUse } });
    pair.answer();
    expect(pair.ledger.get('x')).toMatchObject({ name: 'reserve', outcome: 'pending' });
    expect(pair.refusals).toEqual(['id-reused']);
  });

  test('is refused before anything else is looked at: a command of no kind, arguments of no form', () => {
    const pair = new Pair().meet().reserve('x');
    pair.ask('dance', { id: 'x' });
    pair.ask('reserve', { id: 'x', args: { holdMs: 'long' } });
    expect(pair.refusals).toEqual(['id-reused', 'id-reused']);
  });

  test('names nothing yet where the first request was refused: it was never accepted', () => {
    const pair = new Pair().meet();
    pair.ask('stop', { id: 'x' });
    pair.ask('reserve', { id: 'x' });
    expect(pair.refusals).toEqual(['illegal-state']);
    expect(pair.ledger.get('x')).toMatchObject({ name: 'reserve' });
  });
});
