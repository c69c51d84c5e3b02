/**
 * Extremes of numbers leave nothing behind that lasts.
 */
import { describe, expect, test } from 'vitest';
import { CLAIMED_N_MAX } from '../../../actors/ring.ts';
import { addPosition, EMPTY_SEQUENCE, HOLE_MAX, missing, RANGES_MAX } from '../../../actors/sequence.ts';
import { COMMAND_N_MAX, EPOCH_MAX } from '../../../machines/command.ts';
import { readCommand } from '../../../src/device/command-reader.ts';
import { usableEpoch } from '../../../src/runtime/epoch.ts';
import { encode } from '../../../src/wire/codec.ts';
import { Pair } from './pair.ts';

const MOST = Number.MAX_SAFE_INTEGER;

describe('a number of a report that leaps', () => {
  test('counts no report as missing that nobody can have made', () => {
    const pair = new Pair();
    expect(pair.report({ seq: MOST - 1 }).disposition).toBe('latest');
    expect(pair.document.sequence.missing).toBe(0);
    pair.pass(120_000);
    pair.report({ boot: MOST, seq: 1 });
    pair.arrive();
    expect(pair.report({ boot: MOST, seq: MOST }).disposition, 'it answers').toBe('latest');
    expect(pair.document.sequence.missing).toBe(0);
  });

  test('counts what is missing up to the bound, and keeps the count when its hole is closed', () => {
    let set = addPosition(EMPTY_SEQUENCE, 1, HOLE_MAX + 1)!;
    expect(missing(set)).toBe(HOLE_MAX);
    set = addPosition(set, 2, HOLE_MAX + 2)!;
    expect(missing(set)).toBe(HOLE_MAX);
    for (let boot = 3; boot < RANGES_MAX + 5; boot += 1) set = addPosition(set, boot, 1)!;
    expect(missing(set)).toBe(HOLE_MAX);
  });
});

describe('a ring that names a number which no twin gives', () => {
  test.each([CLAIMED_N_MAX + 1, COMMAND_N_MAX, MOST])('is in doubt, and is not believed: %i', (n) => {
    const pair = new Pair().meet();
    const { lastN } = pair.twin;
    pair.report({ commands: [{ n, outcome: 'done' }] });
    expect(pair.reasons).toEqual(['impossible-number']);
    expect(pair.twin.lastN).toBe(lastN);
    pair.report();
    expect(pair.reasons).toEqual([]);
  });

  test.each([CLAIMED_N_MAX + 1, MOST])('proves nothing about what was sent: %i', (n) => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r1', args: { holdMs: 60_000 } });
    const [command] = pair.unhandled();
    pair.report({ commands: [{ n, outcome: 'done' }] });
    expect(pair.ledger.get('r1')).toMatchObject({ outcome: 'pending' });
    pair.device.receive(command!, pair.now);
    pair.report();
    expect(pair.ledger.get('r1')).toMatchObject({ outcome: 'done' });
  });

  test('is believed up to the bound, and the next command is one that a device takes', () => {
    const pair = new Pair().meet();
    pair.report({ commands: [{ n: CLAIMED_N_MAX, outcome: 'done' }] });
    pair.ask('report');
    expect(pair.reasons).toEqual([]);
    expect(pair.sent.n).toBe(CLAIMED_N_MAX + 1);
    expect(readCommand(encode(pair.sent, 'json'))).toMatchObject({ ok: true });
  });
});

test('a store gives no epoch that every device ignores', () => {
  expect(usableEpoch(EPOCH_MAX)).toBe(EPOCH_MAX);
  for (const epoch of [EPOCH_MAX + 1, MOST, 0, NaN])
    expect(() => usableEpoch(epoch)).toThrow(`the lease epoch ${String(epoch)} is none that devices take`);
});

test.each([
  ['n', { n: COMMAND_N_MAX + 1 }],
  ['n', { n: MOST }],
  ['epoch', { epoch: EPOCH_MAX + 1 }],
  ['epoch', { epoch: MOST }],
])(
  'a device takes what bears too high an %s for no command, and so remembers nothing of it',
  (field, given) => {
    const command = { n: 7, epoch: 1, id: 'c1', name: 'report', args: {} };
    for (const encoding of ['json', 'msgpack'] as const) {
      expect(readCommand(encode(command, encoding))).toMatchObject({ ok: true });
      const read = readCommand(encode({ ...command, ...given }, encoding));
      expect(read).toMatchObject({ ok: false, detail: expect.stringContaining(`/${field}`) as unknown });
    }
  },
);
