/**
 * The guard: who asks for a command is answered the same for the same id, and otherwise passes the rules in their order.
 */
import { describe, expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import { PROBE_INTERVAL_MS } from '../../../actors/probe.ts';
import { OPEN_MAX, WAITING_MAX } from '../../../actors/prospect.ts';
import type { Twin } from '../../../actors/twin.ts';
import { Pair } from './pair.ts';
import { T0 } from './stage.ts';

const { probeTimeoutMs, freshMs } = chargePoint.limits;

/** A twin that knows its device, and since so long that `reserve` needs fresher knowledge. */
function stalePair(): Pair {
  const pair = new Pair().meet();
  pair.pass(freshMs + 1);
  return pair;
}

describe('what is refused is certainly not sent', () => {
  test.each(['dance', 'constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    'a command of no kind: %s',
    (name) => {
      const pair = new Pair().meet();
      pair.ask(name);
      expect(pair.replies.at(-1)?.reply).toMatchObject({
        refusal: {
          code: 'unknown-command',
          state: 'available',
          allowed: ['reserve', 'start', 'report', 'reboot'],
        },
      });
      expect(pair.ledger.size).toBe(0);
    },
  );

  test('arguments that are not of its form', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { args: { holdMs: 'long' } });
    pair.ask('reserve', { args: { holdsMs: 5_000 } });
    expect(pair.refusals).toEqual(['bad-arguments', 'bad-arguments']);
  });

  test('a twin that is at another version than the caller has seen', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { ifVersion: pair.twin.version - 1 });
    expect(pair.refusals).toEqual(['version-mismatch']);
    pair.ask('reserve', { ifVersion: pair.twin.version, id: 'r' });
    expect(pair.ledger.has('r')).toBe(true);
  });

  test('a state that does not accept it, with the state and what is accepted', () => {
    const pair = new Pair().meet();
    pair.ask('stop');
    expect(pair.replies.at(-1)?.reply).toMatchObject({
      refusal: {
        code: 'illegal-state',
        state: 'available',
        allowed: ['reserve', 'start', 'report', 'reboot'],
      },
    });
  });

  test('another command in flight', () => {
    const pair = new Pair().meet();
    pair.ask('reserve');
    pair.ask('start');
    pair.ask('report');
    expect(pair.refusals).toEqual(['pending', 'pending']);
    expect(pair.document.allowed).toEqual([]);
  });

  test('more open commands than a twin keeps', () => {
    const pair = new Pair().meet();
    for (let count = 0; count < OPEN_MAX; count += 1) pair.ask('report');
    expect(pair.refusals).toEqual([]);
    pair.ask('report');
    expect(pair.refusals).toEqual(['overloaded']);
  });

  test('never makes a command be given up that may have been executed: only an unanswered report makes room', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.arrive();
    pair.pass(60_000);
    for (let count = 0; count < 3 * OPEN_MAX; count += 1) {
      pair.ask('report');
      pair.unhandled();
      pair.pass(probeTimeoutMs);
    }
    expect(pair.refusals).toEqual([]);
    expect(pair.twin.open).toHaveLength(OPEN_MAX);
    expect(pair.document.pending[0]).toMatchObject({ id: 'r', outcome: 'unknown' });
    expect(pair.document.state).toBe('suspect');
    pair.report();
    expect(pair.ledger.get('r')?.outcome).toBe('done');
  });
});

describe('the command report', () => {
  test('is accepted in every state, also of a device never heard', () => {
    const pair = new Pair();
    pair.ask('report', { id: 'p' });
    expect(pair.sent).toEqual({ n: 1, epoch: 1, id: 'p', name: 'report', args: {} });
  });

  test('carries no deadline, is sent once, and is in nobody’s way', () => {
    const pair = new Pair().meet();
    pair.ask('report', { id: 'p' });
    const sent = pair.commands.length;
    pair.pass(probeTimeoutMs - 1);
    expect(pair.commands.length).toBe(sent);
    pair.ask('reserve', { id: 'r' });
    expect(pair.ledger.get('r')?.outcome).toBe('pending');
  });

  test('that nobody answers is unknown, and nothing is in doubt for it', () => {
    const pair = new Pair().meet();
    pair.ask('report', { id: 'p' });
    pair.unhandled();
    pair.pass(probeTimeoutMs);
    expect(pair.ledger.get('p')).toMatchObject({
      outcome: 'unknown',
      reason: 'no-answer',
      closedAt: null,
    });
    expect(pair.document).toMatchObject({ state: 'available', quality: 'fresh', suspicions: [] });
  });

  test('that is answered late is done after all', () => {
    const pair = new Pair().meet();
    pair.ask('report', { id: 'p' });
    pair.pass(30_000);
    expect(pair.ledger.get('p')?.outcome).toBe('unknown');
    pair.answer();
    expect(pair.ledger.get('p')).toMatchObject({ outcome: 'done', closedAt: pair.now });
  });
});

describe('the same id', () => {
  test('gets the same entry, and nothing is sent again', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    const sent = pair.commands.length;
    pair.ask('reserve', { id: 'r' });
    expect(pair.replies.at(-1)?.reply).toMatchObject({ type: 'ledger', entry: { id: 'r', name: 'reserve' } });
    expect(pair.commands.length).toBe(sent);
  });

  test('gets the same entry whatever the caller has seen, on whose behalf it asks, and however long it waits', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r', by: 'mara', ifVersion: pair.twin.version });
    pair.ask('reserve', { id: 'r', by: 'paul', ifVersion: 0, waitMs: 5_000 });
    pair.ask('reserve', { id: 'r', by: 'paul', ifVersion: 0 });
    expect(pair.refusals).toEqual([]);
    expect(pair.replies.at(-1)?.reply).toMatchObject({ type: 'ledger', entry: { id: 'r', by: 'mara' } });
  });

  test('waits for the outcome when it is asked to, and only while there is none', () => {
    const pair = new Pair().meet();
    expect(pair.ask('reserve', { id: 'r', waitMs: 5_000 }).effects).toMatchObject([
      { type: 'send' },
      { type: 'await', entry: { id: 'r', outcome: 'pending' }, until: pair.now + 5_000 },
    ]);
    expect(pair.ask('reserve', { id: 'r', waitMs: 9_000 }).effects).toMatchObject([
      { type: 'await', entry: { id: 'r', outcome: 'pending' }, until: pair.now + 9_000 },
    ]);
    pair.answer();
    expect(pair.ask('reserve', { id: 'r', waitMs: 9_000 }).effects).toMatchObject([{ type: 'answer' }]);
  });

  test('is known from the store when the twin has forgotten it', () => {
    const pair = new Pair().meet().reserve('r');
    const known = pair.ledger.get('r')!;
    pair.twin = { ...pair.twin, recent: [] };
    const sent = pair.commands.length;
    pair.ask('reserve', { id: 'r', args: { holdMs: 900_000 } }, known);
    expect(pair.replies.at(-1)?.reply).toEqual({ type: 'ledger', entry: known });
    expect(pair.commands.length).toBe(sent);
  });

  test('is answered by what the twin knows, where the store was read before', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    const readBefore = pair.ledger.get('r')!;
    pair.answer();
    pair.ask('reserve', { id: 'r' }, readBefore);
    expect(pair.replies.at(-1)?.reply).toMatchObject({ entry: { outcome: 'done' } });
  });
});

describe('a command that needs fresher knowledge than there is', () => {
  test('makes the twin ask first, and is decided on the answer', () => {
    const pair = stalePair();
    pair.ask('reserve', { id: 'r' });
    expect(pair.sent.name).toBe('report');
    expect(pair.ledger.has('r')).toBe(false);
    pair.answer();
    expect(pair.ledger.get('r')?.outcome).toBe('pending');
    expect(pair.sent).toMatchObject({ name: 'reserve', id: 'r' });
  });

  test('is refused by the state that the answer shows', () => {
    const pair = stalePair();
    pair.device.use(pair.now, true);
    pair.ask('reserve', { id: 'r' });
    pair.answer();
    expect(pair.refusals).toEqual(['illegal-state']);
  });

  test('is refused as stale when nobody answers in time', () => {
    const pair = stalePair();
    pair.ask('reserve', { id: 'r' });
    pair.unhandled();
    pair.pass(probeTimeoutMs);
    expect(pair.refusals).toEqual(['stale']);
  });

  test('is refused in time also while the node does not hear', () => {
    const pair = stalePair();
    pair.hearingSince = null;
    pair.ask('reserve', { id: 'r' });
    pair.pass(probeTimeoutMs);
    expect(pair.refusals).toEqual(['stale']);
  });

  test('is never decided after its time, when the answer comes later than it was promised', () => {
    const pair = stalePair();
    pair.ask('reserve', { id: 'r' });
    pair.now += 3_600_000;
    pair.answer();
    expect(pair.refusals).toEqual(['stale']);
    expect(pair.ledger.has('r')).toBe(false);
  });

  test('does not join others that wait for a probe whose time is up', () => {
    const pair = stalePair();
    pair.ask('reserve', { id: 'a' });
    pair.unhandled();
    pair.now += probeTimeoutMs + 1;
    pair.ask('reserve', { id: 'b' });
    expect(pair.refusals).toEqual(['stale']);
    expect(pair.twin.waiting.map(({ id }) => id)).toEqual(['b']);
    pair.answer();
    expect(pair.ledger.get('b')?.outcome).toBe('pending');
  });

  test('waits with others for one probe: the first is accepted, the next is told that it is pending', () => {
    const pair = stalePair();
    const sent = pair.commands.length;
    pair.ask('reserve', { id: 'a' });
    pair.ask('reserve', { id: 'b' });
    expect(pair.commands.length).toBe(sent + 1);
    pair.answer();
    expect(pair.ledger.get('a')?.outcome).toBe('pending');
    expect(pair.refusals).toEqual(['pending']);
  });

  test('asked twice under one id is accepted once, and both are answered', () => {
    const pair = stalePair();
    pair.ask('reserve', { id: 'a' });
    pair.ask('reserve', { id: 'a' });
    pair.answer();
    expect(pair.replies.map(({ reply }) => reply)).toMatchObject([
      { type: 'ledger', entry: { id: 'a' } },
      { type: 'ledger', entry: { id: 'a' } },
    ]);
    expect(pair.commands.filter(({ id }) => id === 'a')).toHaveLength(1);
  });

  test('passes ifVersion once: the answer that renews the knowledge is no mismatch', () => {
    const pair = stalePair();
    pair.ask('reserve', { id: 'r', ifVersion: pair.twin.version });
    pair.answer();
    expect(pair.ledger.get('r')?.outcome).toBe('pending');
  });

  test('asked again under its id while it waits, is not refused for a version that the waiting has changed', () => {
    const pair = stalePair();
    const ifVersion = pair.twin.version;
    pair.ask('reserve', { id: 'r', ifVersion });
    expect(pair.twin.version).toBeGreaterThan(ifVersion);
    pair.ask('reserve', { id: 'r', ifVersion });
    expect(pair.refusals).toEqual([]);
    pair.answer();
    expect(pair.ledger.get('r')?.outcome).toBe('pending');
    expect(pair.replies.filter(({ reply }) => reply.type === 'ledger')).toHaveLength(2);
  });

  test('is told overloaded when WAITING_MAX others wait already', () => {
    const pair = stalePair();
    for (let count = 0; count < WAITING_MAX; count += 1) pair.ask('reserve');
    expect(pair.refusals).toEqual([]);
    pair.ask('reserve');
    expect(pair.refusals).toEqual(['overloaded']);
  });

  test('asked again under the id of one that waits, is not refused where no more may wait: that one is accepted a moment later', () => {
    const pair = stalePair();
    pair.ask('reserve', { id: 'r' });
    for (let count = 1; count < WAITING_MAX; count += 1) pair.ask('reserve');
    const { effects } = pair.ask('reserve', { id: 'r' });
    expect(effects).toMatchObject([{ type: 'answer', reply: { type: 'undecided', id: 'r' } }]);
    expect(pair.refusals).toEqual([]);
    pair.answer();
    expect(pair.ledger.get('r')?.outcome).toBe('pending');
  });

  test('still waits after a takeover, and is answered', () => {
    const pair = stalePair();
    pair.ask('reserve', { id: 'r' });
    pair.twin = JSON.parse(JSON.stringify(pair.twin)) as Twin;
    pair.hearingSince = null;
    pair.now += 1_000;
    pair.answer();
    expect(pair.ledger.get('r')?.outcome).toBe('pending');
  });

  test('is not accepted on an answer to the owner before, while what the hub stored after it is not read', () => {
    const pair = new Pair({ epoch: T0 });
    pair.report();
    pair.pass(PROBE_INTERVAL_MS);
    pair.arrive();
    pair.report();
    pair.pass(2 * freshMs);
    pair.ask('reserve', { id: 'r' });
    expect(pair.twin.waiting.map(({ id }) => id)).toEqual(['r']);
    pair.arrive();
    const answer = pair.measure();
    const storedAt = pair.now;
    pair.device.use(pair.now, true);
    const since = pair.measure();
    pair.epoch += 1_000;
    pair.readThroughAt = null;
    pair.hear(answer, storedAt);
    expect(pair.ledger.has('r')).toBe(false);
    expect(pair.sent, 'the device is asked by this owner').toMatchObject({
      name: 'report',
      epoch: pair.epoch,
    });
    pair.hear(since, storedAt);
    pair.answer();
    expect(pair.ledger.has('r')).toBe(false);
    expect(pair.refusals).toEqual(['illegal-state']);
  });

  test('is refused at the time that it was promised, whoever owns the partition by then', () => {
    const pair = new Pair({ epoch: T0 });
    pair.report();
    pair.pass(PROBE_INTERVAL_MS);
    pair.arrive();
    pair.report();
    pair.pass(2 * freshMs);
    pair.ask('reserve', { id: 'r' });
    pair.arrive();
    const answer = pair.measure();
    const storedAt = pair.now;
    pair.pass(probeTimeoutMs / 2);
    pair.epoch += 1_000;
    pair.readThroughAt = null;
    pair.hear(answer, storedAt);
    pair.unhandled();
    pair.pass(probeTimeoutMs / 2);
    expect(pair.refusals).toEqual(['stale']);
  });

  test('is not accepted on an answer that took longer than its limit', () => {
    const kind = { ...chargePoint, limits: { ...chargePoint.limits, probeTimeoutMs: 10 * freshMs } };
    const pair = new Pair({ kind });
    pair.report();
    pair.ask('reserve', { id: 'r' });
    pair.now += 2 * freshMs;
    pair.answer();
    expect(pair.refusals).toEqual(['stale']);
  });
});

test('knowledge from before the device slept is not taken for fresh', () => {
  const pair = new Pair().meet();
  pair.now += 3_600_000;
  const slept = 3_590_000;
  const report = pair.measure();
  pair.hear({ ...report, up: report.up - slept });
  pair.ask('reserve', { id: 'r' });
  expect(pair.ledger.has('r'), 'it looks an hour old').toBe(false);
  const { seq, up, ...answered } = pair.measure();
  const n = pair.sent.n;
  pair.now += 100;
  pair.hear({ ...answered, seq, up: up - slept, commands: [{ n, outcome: 'done' }] });
  expect(pair.document.quality, 'the round trip shows that it is not').toBe('fresh');
  expect(pair.ledger.get('r')?.outcome).toBe('pending');
});
