/**
 * The database was set back, the device and the stream were not: what it gave since, it does not know of.
 */
import { describe, expect, test } from 'vitest';
import { EPOCH_MAX, COMMAND_N_MAX } from '../../../machines/command.ts';
import { nextNumber, versionAfter } from '../../../actors/numbers.ts';
import { epochAfter, journalNumberAfter, linesUnpublished } from '../../../src/runtime/epoch.ts';
import { Pair } from './pair.ts';
import { T0 } from './stage.ts';

const HOUR_MS = 3_600_000;

/** A twin with a charging device, whose owner took its partition at this time. */
function chargingAt(takenAt: number): Pair {
  const pair = new Pair({ epoch: epochAfter(0, takenAt) }).meet();
  pair.reserve('r1');
  pair.device.use(pair.now, true);
  pair.report();
  expect(pair.document.state).toBe('charging');
  return pair;
}

describe('a database that was set back', () => {
  test('never gives a number that the device has used, however much it has forgotten', () => {
    const pair = chargingAt(T0);
    const forgotten = pair.twin;
    for (let times = 0; times < 20; times += 1) {
      pair.ask('report', { id: `since-${times}` });
      pair.answer();
    }
    const usedN = pair.twin.lastN;
    pair.twin = forgotten;
    pair.pass(HOUR_MS / 60);
    pair.epoch = epochAfter(pair.epoch, pair.now);
    pair.ask('report', { id: 'after' });
    expect(pair.sent.n).toBeGreaterThan(usedN);
  });

  test('takes no report that the hub stored before a command was accepted for what became of it', () => {
    const pair = chargingAt(T0);
    const { lastN } = pair.twin;
    // Of a command that the database does not know of any more: it has the number that comes next.
    const before = pair.measure({ commands: [{ n: lastN + 1, outcome: 'done' }] });
    const storedAt = pair.now;
    pair.pass(1_000);
    pair.ask('stop', { id: 'stop' });
    expect(pair.sent.n).toBe(lastN + 1);
    pair.hear(before, storedAt);
    expect(pair.ledger.get('stop')).toMatchObject({ outcome: 'pending', proof: null });
    expect(pair.document.state).toBe('charging');
    pair.answer();
    expect(pair.ledger.get('stop')?.outcome).toBe('done');
  });

  test('takes no such report for a round trip either', () => {
    const pair = chargingAt(T0);
    const before = pair.measure({ commands: [{ n: pair.twin.lastN + 1, outcome: 'done' }] });
    const storedAt = pair.now;
    pair.pass(30_000);
    const { asOf } = pair.document;
    pair.ask('stop', { id: 'stop' });
    pair.hear(before, storedAt);
    expect(pair.document.asOf).toBeLessThanOrEqual(storedAt);
    expect(pair.document.asOf).toBeGreaterThanOrEqual(asOf ?? 0);
  });
});

describe('what a caller was told by a database that was set back', () => {
  test('is no version of another state: who gives it back is refused', () => {
    const pair = chargingAt(T0);
    const forgotten = pair.twin;
    pair.report({ sensors: { meterWh: 1 } });
    const told = pair.document.version;
    pair.twin = forgotten;
    pair.pass(HOUR_MS / 60);
    pair.epoch = epochAfter(pair.epoch, pair.now);
    pair.report({ sensors: { meterWh: 2 } });
    expect(pair.document.version).toBeGreaterThan(told);
    pair.ask('stop', { id: 'stop', ifVersion: told });
    expect(pair.ledger.get('stop')).toBeUndefined();
  });

  test('is no version of another desired configuration, which a device has for applied', () => {
    const pair = chargingAt(T0);
    const forgotten = pair.twin;
    const applied = versionAfter(forgotten.desired.version, pair.epoch);
    pair.report({ config: { version: applied } });
    pair.twin = { ...pair.twin, desired: forgotten.desired };
    pair.pass(HOUR_MS / 60);
    pair.epoch = epochAfter(pair.epoch, pair.now);
    const replyTo = { subject: '_INBOX.desired', encoding: 'json' } as const;
    pair.tell({ type: 'desired', request: { patch: { limitA: 6 }, ifVersion: null, replyTo } });
    expect(pair.document.desired.version).toBeGreaterThan(applied);
    expect(Number.isSafeInteger(versionAfter(0, EPOCH_MAX))).toBe(true);
    expect(pair.document.desired.delta).toEqual({ limitA: 6 });
  });

  test('is no version of another desired configuration, however often that was changed within seconds', () => {
    const pair = chargingAt(T0);
    const forgotten = pair.twin;
    const replyTo = { subject: '_INBOX.desired', encoding: 'json' } as const;
    const patch = (limitA: number, ifVersion: number | null = null): void =>
      void pair.tell({ type: 'desired', request: { patch: { limitA }, ifVersion, replyTo } });
    for (let limitA = 1; limitA <= 900; limitA += 1) patch(limitA);
    const seen = pair.document.desired.version;
    pair.twin = forgotten;
    pair.pass(1_000);
    pair.epoch = epochAfter(pair.epoch, pair.now);
    patch(6);
    const { version } = pair.document.desired;
    expect(version).toBeGreaterThan(seen);
    patch(7, seen);
    expect(pair.document.desired, 'a version that was seen before is not that of now').toMatchObject({
      version,
      values: { limitA: 6 },
    });
  });

  test('is no number of another line of the journal, however many were written', () => {
    const epoch = epochAfter(0, T0);
    let given = 0;
    for (let lines = 0; lines < 10_000; lines += 1) given = journalNumberAfter(given, epoch);
    const after = journalNumberAfter(0, epochAfter(0, T0 + 1_000));
    expect(after).toBeGreaterThan(given);
    expect(journalNumberAfter(after, epoch), 'and grows where time does not').toBe(after + 1);
    expect(Number.isSafeInteger(journalNumberAfter(0, EPOCH_MAX))).toBe(true);
  });

  test('counts as unpublished what is, not the step between two epochs', () => {
    const epoch = epochAfter(0, T0);
    const first = journalNumberAfter(7, epoch);
    expect(linesUnpublished({ epoch, journal: 7, published: 5 })).toBe(2);
    expect(linesUnpublished({ epoch, journal: first + 1, published: 7 })).toBe(2);
    expect(linesUnpublished({ epoch, journal: first + 1, published: first })).toBe(1);
  });
});

describe('epochs and numbers by time', () => {
  test('stay below what devices take for as long as anybody plans', () => {
    const at = Date.UTC(2300, 0, 1);
    const epoch = epochAfter(0, at);
    expect(epoch).toBeLessThan(EPOCH_MAX);
    expect(nextNumber({ lastN: 0 }, epoch)).toBeLessThan(COMMAND_N_MAX);
  });

  test('grow where time does not', () => {
    expect(epochAfter(T0, T0 - HOUR_MS)).toBe(T0 + 1);
    expect(nextNumber({ lastN: T0 }, T0)).toBe(T0 + 1);
  });
});

describe('a device that knows a higher epoch than any of this database', () => {
  test('obeys somebody else: the twin is in doubt until it obeys again', () => {
    const pair = chargingAt(T0);
    pair.device.highestEpoch = pair.epoch + 1_000_000;
    pair.ask('stop', { id: 'stop' });
    pair.answer();
    expect(pair.reasons).toContain('foreign-epoch');
    pair.epoch = epochAfter(pair.epoch, pair.epoch + 2_000_000);
    pair.ask('report', { id: 'again' });
    pair.answer();
    expect(pair.ledger.get('again')?.outcome).toBe('done');
    expect(pair.reasons).not.toContain('foreign-epoch');
  });

  test('is not in doubt for a copy of a command from before the partition was taken', () => {
    const pair = chargingAt(T0);
    pair.ask('stop', { id: 'stop' });
    const [old] = pair.unhandled();
    pair.epoch += 1;
    pair.ask('report', { id: 'report' });
    pair.arrive();
    pair.device.receive(old!, pair.now);
    pair.report();
    expect(pair.reasons).not.toContain('foreign-epoch');
  });
});
