/**
 * Cases 1 to 10: how commands really fail in fleets, as far as one twin decides about it.
 */
import { describe, expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import type { Twin } from '../../../actors/twin.ts';
import { Pair } from './pair.ts';

const startWindowMs = chargePoint.commands.reserve!.startWindowMs!;

describe('case 1', () => {
  test('the reply arrives after the timeout: known state converges, and the reservation is not lost', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.arrive();
    pair.now += 1_000;
    const reply = pair.measure();
    pair.pass(startWindowMs + 60_000);
    expect(pair.ledger.get('r')?.outcome).toBe('unknown');
    expect(pair.document.state).toBe('suspect');
    pair.hear(reply);
    expect(pair.ledger.get('r')).toMatchObject({
      outcome: 'done',
      proof: 'ring-entry: report 1/3 names it done',
    });
    expect(pair.document).toMatchObject({ state: 'reserved', hold: { id: 'r' }, suspicions: [] });
  });
});

describe('case 2', () => {
  test('a late reply to command A does not disturb command B in flight', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'a' });
    pair.arrive();
    const lateReply = pair.measure();
    pair.now += 1_000;
    pair.report();
    expect(pair.ledger.get('a')?.outcome).toBe('done');
    pair.ask('release', { id: 'b' });
    pair.hear(lateReply);
    expect(pair.ledger.get('b')?.outcome).toBe('pending');
    expect(pair.document.pending.map(({ id }) => id)).toEqual(['b']);
    pair.answer();
    expect(pair.ledger.get('b')?.outcome).toBe('done');
    expect(pair.ledger.get('a')?.outcome).toBe('done');
  });
});

describe('case 3', () => {
  test('the server restarts with commands pending: they are still resolved', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.twin = JSON.parse(JSON.stringify(pair.twin)) as Twin;
    pair.epoch += 1;
    pair.hearingSince = null;
    pair.pass(7_000);
    pair.hearingSince = pair.now;
    pair.pass(1_000);
    expect(pair.sent, 'sent again, under the same n').toMatchObject({ id: 'r', n: 2, epoch: 2 });
    pair.answer();
    expect(pair.ledger.get('r')?.outcome).toBe('done');
  });

  test('the server restarts after the deadline of a pending command: it is unknown, and the next report decides it', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.arrive();
    pair.hearingSince = null;
    pair.pass(3_600_000);
    expect(pair.ledger.get('r')?.outcome, 'while it does not hear, nothing is concluded').toBe('pending');
    pair.hearingSince = pair.now;
    pair.pass(0);
    expect(pair.ledger.get('r')?.outcome).toBe('unknown');
    pair.report();
    expect(pair.ledger.get('r')?.outcome).toBe('done');
  });
});

describe('case 4', () => {
  test('"accepted" is not "done": the device says it reserved, and only what it shows moves the twin', () => {
    const pair = new Pair().meet();
    pair.ask('start', { id: 's' });
    pair.arrive();
    pair.report({ state: 'available' });
    expect(pair.ledger.get('s')?.outcome).toBe('done');
    expect(pair.document.state, 'it said it would charge, and does not').toBe('available');
  });

  test('an accepted request alone does not move the twin', () => {
    const pair = new Pair().meet();
    pair.ask('start', { id: 's' });
    expect(pair.document.state).toBe('available');
  });
});

describe('case 5', () => {
  test('a timeout while heartbeats flow is unknown, never failed, until a heartbeat proves it', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.unhandled();
    pair.now += 19_000;
    pair.report();
    expect(pair.ledger.get('r')?.outcome, 'it may still start').toBe('pending');
    pair.pass(2_000);
    expect(pair.ledger.get('r')).toMatchObject({ outcome: 'unknown', reason: 'no-answer', closedAt: null });
    pair.report();
    expect(pair.ledger.get('r')).toMatchObject({ outcome: 'expired', reason: 'not-executed' });
    expect(pair.document.state).toBe('available');
  });
});

describe('an unknown command of a device that leaves its ring out of a report', () => {
  test('stays open, and is decided by the next report that carries it', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.arrive();
    pair.unhandled();
    const { hold: _hold, commands: _ring, ...bare } = pair.measure();
    pair.pass(60_000);
    pair.unhandled();
    pair.hear({ ...bare, up: pair.device.up(pair.now), state: 'available' });
    expect(pair.ledger.get('r')).toMatchObject({ outcome: 'unknown', closedAt: null });
    pair.report();
    expect(pair.ledger.get('r')).toMatchObject({ outcome: 'done' });
  });

  test('is closed as unprovable where it never carried one', () => {
    const pair = new Pair();
    pair.report({ commands: undefined as never, hold: { id: 'x', leftMs: 600_000 }, state: 'reserved' });
    pair.twin = { ...pair.twin, suspicions: [], path: 'reserved.waiting' };
    pair.ask('release', { id: 'c' });
    pair.pass(120_000);
    pair.hear({ boot: 1, seq: 9, up: pair.device.up(pair.now), state: 'available', sensors: {} });
    expect(pair.ledger.get('c')).toMatchObject({ outcome: 'unknown', reason: 'unprovable' });
    expect(pair.ledger.get('c')?.closedAt).not.toBeNull();
  });
});

describe('case 6', () => {
  test('a retry after unknown with the same id never executes twice', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.arrive();
    pair.pass(startWindowMs + 5_000);
    const sent = pair.commands.length;
    const decision = pair.ask('reserve', { id: 'r' });
    expect(decision.effects).toMatchObject([
      { type: 'answer', reply: { type: 'ledger', entry: { id: 'r', outcome: 'unknown' } } },
    ]);
    expect(pair.commands.length, 'nothing is sent').toBe(sent);
    pair.report();
    pair.ask('reserve', { id: 'r' });
    expect(pair.replies.at(-1)?.reply).toMatchObject({ type: 'ledger', entry: { outcome: 'done' } });
    expect(pair.device.executed.filter(({ id }) => id === 'r')).toHaveLength(1);
  });

  test('copies of one command execute once, however many arrive', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    const { sent } = pair;
    pair.arrive();
    pair.now += 5_000;
    pair.device.receive(sent, pair.now);
    expect(pair.device.executed.filter(({ id }) => id === 'r')).toHaveLength(1);
  });
});

describe('case 7', () => {
  test('not connected (certainly not sent) is told apart from unknown', () => {
    const pair = new Pair().meet();
    pair.pass(chargePoint.limits.silenceMs);
    expect(pair.document.state).toBe('offline');
    const sent = pair.commands.length;
    pair.ask('reserve', { id: 'r' });
    expect(pair.refusals).toEqual(['offline']);
    expect(pair.commands.length).toBe(sent);
    expect(pair.ledger.size, 'nothing is in the ledger').toBe(0);
  });

  test('a device that was never heard is refused as offline', () => {
    const pair = new Pair();
    pair.ask('reserve');
    expect(pair.replies[0]?.reply).toMatchObject({
      refusal: { code: 'offline', state: 'offline', allowed: ['report'] },
    });
  });
});

describe('case 8', () => {
  test("the device's reservation becomes visible in a report before the command's answer does", () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r', by: 'anna' });
    pair.arrive();
    pair.report({ commands: [] });
    expect(pair.ledger.get('r')).toMatchObject({
      outcome: 'done',
      proof: 'hold-shown: report 1/3 shows its hold',
    });
    expect(pair.document).toMatchObject({ state: 'reserved', hold: { id: 'r', by: 'anna' }, suspicions: [] });
    pair.report();
    expect(pair.document).toMatchObject({ state: 'reserved', suspicions: [] });
  });
});

describe('case 9', () => {
  test('accepted by the device, but it kept no state: a ghost reservation, which the next report shows', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.arrive();
    pair.now += 200;
    const { commands } = pair.device.report(pair.now);
    pair.device.seq -= 1;
    pair.device.leave(pair.now);
    const { hold: _kept, ...report } = pair.measure({ commands: commands!, state: 'available' });
    pair.hear(report);
    expect(pair.ledger.get('r')?.outcome).toBe('done');
    expect(pair.document.state).toBe('suspect');
    expect(pair.document.suspicions).toMatchObject([
      { reason: 'divergence', detail: 'the device says it began the hold r, and shows none' },
    ]);
  });

  test('a hold that is not there because its holder came is no ghost', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.arrive();
    pair.device.use(pair.now, true);
    pair.report();
    expect(pair.document).toMatchObject({ state: 'charging', hold: null, suspicions: [] });
  });
});

describe('case 10', () => {
  test('somebody uses the device locally in the same second in which a backend reserves it', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.device.use(pair.now, true);
    pair.answer();
    expect(pair.ledger.get('r')).toMatchObject({ outcome: 'rejected', reason: 'busy' });
    expect(pair.document).toMatchObject({ state: 'charging', hold: null, suspicions: [] });
  });
});
