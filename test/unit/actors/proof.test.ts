/**
 * What a report proves about a command, sentence by sentence.
 */
import { describe, expect, test } from 'vitest';
import { RING_SIZE_MAX, type Report, type RingEntry } from '../../../machines/report.ts';
import { chargePoint } from '../../../machines/charge-point.ts';
import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import { verdictOf } from '../../../actors/proof.ts';
import { T0 } from './stage.ts';

const NOT_AFTER_UP = 100_000;

/** Command 5, bound to boot 3. */
function entryOf(given: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    device: 'cp-1',
    id: 'c',
    n: 5,
    name: 'reserve',
    args: {},
    by: null,
    asker: null,
    epoch: 1,
    incarnation: 1,
    boot: 3,
    notAfterUp: NOT_AFTER_UP,
    holdMs: 900_000,
    acceptedAt: T0,
    sentAt: T0,
    certainAt: T0 + 20_000,
    outcome: 'pending',
    reason: null,
    proof: null,
    decidedAt: null,
    closedAt: null,
    compensatedBy: null,
    ...given,
  };
}

const done = (n: number): RingEntry => ({ n, outcome: 'done' });
const refused = (n: number, reason: string): RingEntry => ({ n, outcome: 'rejected', reason });

function reportOf(given: Partial<Report>): Report {
  return { boot: 3, seq: 9, up: NOT_AFTER_UP - 1, state: 'available', sensors: {}, ...given };
}

function verdict(
  given: Partial<Report>,
  entry: LedgerEntry = entryOf(),
  others: readonly LedgerEntry[] = [],
  keepsRing = false,
): { readonly outcome: string; readonly reason: string | null } | null {
  const resolver = chargePoint.commands[entry.name]?.resolver ?? null;
  const found = verdictOf(entry, reportOf(given), { resolver, others, keepsRing });
  return found && { outcome: found.outcome, reason: found.reason };
}

const AFTER = NOT_AFTER_UP + 1;
const unprovable = { outcome: 'unknown', reason: 'unprovable' };
const notExecuted = { outcome: 'expired', reason: 'not-executed' };
const fullRing = Array.from({ length: RING_SIZE_MAX }, (_, index) => done(13 - index));

describe('a ring that names it', () => {
  test.each(['accepted', 'undecided', 'superseded', 'Done', ''])(
    'with a word that is none of the three, proves nothing, and is no silence either: %j',
    (outcome) => {
      const commands = [{ n: 5, outcome, reason: 'busy' }, done(4)];
      expect(verdict({ commands })).toBeNull();
      expect(verdict({ up: AFTER, commands })).toBeNull();
      expect(
        verdict({ boot: 4, commands: [...commands, ...fullRing] }, entryOf(), [entryOf({ n: 4 })]),
      ).toBeNull();
    },
  );

  test('done, proves it done, in any boot and at any time', () => {
    expect(verdict({ commands: [done(5)] })).toEqual({ outcome: 'done', reason: null });
    expect(verdict({ boot: 4, up: 1, commands: [done(5)] })).toEqual({ outcome: 'done', reason: null });
  });

  test("refused by the device's own state, proves it rejected, with the reason", () => {
    expect(verdict({ commands: [refused(5, 'busy')] })).toEqual({ outcome: 'rejected', reason: 'busy' });
    expect(verdict({ commands: [{ n: 5, outcome: 'rejected' }] })).toEqual({
      outcome: 'rejected',
      reason: 'no-reason-given',
    });
  });

  test('as something it cannot tell, is taken at its word once the boot in which it was sent on has ended', () => {
    const cannotTell = (fence?: { boot: number }): RingEntry[] => [
      { n: 5, outcome: 'unknown', reason: 'interrupted', ...(fence && { fence }) },
    ];
    expect(verdict({ boot: 4, commands: cannotTell({ boot: 3 }) })).toEqual({
      outcome: 'unknown',
      reason: 'interrupted',
    });
    expect(verdict({ boot: 4, commands: cannotTell() })).toBeNull();
    expect(verdict({ boot: 4, commands: cannotTell({ boot: 4 }) })).toBeNull();
    expect(verdict({ boot: 4, commands: cannotTell({ boot: 2 }) })).toBeNull();
    expect(verdict({ up: AFTER, commands: cannotTell({ boot: 3 }) })).toBeNull();
  });

  test('too late, in its boot, proves it expired', () => {
    expect(verdict({ up: AFTER, commands: [refused(5, 'too-late')] })).toEqual({
      outcome: 'expired',
      reason: 'too-late',
    });
  });

  test('other-boot, proves nothing where the ring was lost: it may have been executed before', () => {
    expect(verdict({ boot: 4, up: 10, commands: [refused(5, 'other-boot')] })).toEqual(unprovable);
  });

  test('other-boot, proves it expired where the ring goes back to before it', () => {
    const commands = [refused(5, 'other-boot'), done(3)];
    const before = entryOf({ id: 'b', n: 3, outcome: 'done' });
    expect(verdict({ boot: 4, up: 10, commands }, entryOf(), [before])).toEqual({
      outcome: 'expired',
      reason: 'other-boot',
    });
  });

  test('superseded, proves it rejected while the ring has let go of nothing', () => {
    expect(verdict({ commands: [refused(5, 'superseded'), done(6)] })).toEqual({
      outcome: 'rejected',
      reason: 'superseded',
    });
  });

  test('superseded, proves nothing where a full ring may have let go of its execution', () => {
    const commands = [refused(5, 'superseded'), ...fullRing.slice(1)];
    expect(verdict({ commands })).toEqual(unprovable);
  });
});

describe('a ring that does not name it', () => {
  test('proves nothing while it may still start', () => {
    expect(verdict({ commands: [] })).toBeNull();
    expect(verdict({ commands: [done(4)] })).toBeNull();
    expect(verdict({ up: NOT_AFTER_UP, commands: [] }), 'notAfterUp itself is in time').toBeNull();
  });

  test('measured after notAfterUp in its boot, proves it expired', () => {
    expect(verdict({ up: AFTER, commands: [] })).toEqual(notExecuted);
  });

  test('and names a later one in its boot, proves it expired: the device will refuse it', () => {
    expect(verdict({ commands: [done(6)] })).toEqual({ outcome: 'expired', reason: 'superseded' });
  });

  test('and is full of later ones, proves nothing: but the state is certain', () => {
    expect(verdict({ up: AFTER, commands: fullRing })).toEqual(unprovable);
  });

  test('and is full, but goes back to before it, proves it expired', () => {
    expect(verdict({ up: AFTER, commands: [...fullRing.slice(1), done(4)] })).toEqual(notExecuted);
  });

  test('and is full, and what is older in it was refused as superseded, proves nothing: that came later', () => {
    expect(verdict({ up: AFTER, commands: [...fullRing.slice(1), refused(4, 'superseded')] })).toEqual(
      unprovable,
    );
  });

  test('of a later boot, proves nothing where only later commands are in it: the ring may have been lost', () => {
    expect(verdict({ boot: 4, up: 10, commands: [] })).toEqual(unprovable);
    expect(verdict({ boot: 4, up: 10, commands: [done(6)] })).toEqual(unprovable);
  });

  test('of a later boot, proves it expired where a command from before is still in it', () => {
    const before = entryOf({ id: 'b', n: 4, outcome: 'done' });
    expect(verdict({ boot: 4, up: 10, commands: [done(4)] }, entryOf(), [before])).toEqual(notExecuted);
  });

  test('of a later boot, proves nothing by a report from before: a copy of that is executed again', () => {
    const before = entryOf({ id: 'b', n: 4, name: 'report', boot: null, notAfterUp: null, outcome: 'done' });
    expect(verdict({ boot: 4, up: 10, commands: [done(4)] }, entryOf(), [before])).toEqual(unprovable);
    expect(verdict({ boot: 4, up: 10, commands: [done(4)] }, entryOf(), []), 'nor by a probe').toEqual(
      unprovable,
    );
  });

  test('of a later boot, proves nothing by a command of another incarnation', () => {
    const before = entryOf({ id: 'b', n: 4, outcome: 'done', incarnation: 0 });
    expect(verdict({ boot: 4, up: 10, commands: [done(4)] }, entryOf(), [before])).toEqual(unprovable);
  });
});

describe('a report without a ring', () => {
  test('of a device that has shown one before proves nothing: its next report may carry it', () => {
    expect(verdict({ up: AFTER }, entryOf(), [], true)).toBeNull();
    expect(verdict({ boot: 4, up: 1 }, entryOf(), [], true)).toBeNull();
  });

  test('proves nothing while it may still start, and closes it afterwards', () => {
    expect(verdict({})).toBeNull();
    expect(verdict({ up: AFTER })).toEqual(unprovable);
    expect(verdict({ boot: 4, up: 1 })).toEqual(unprovable);
  });
});

describe('a hold', () => {
  test('of the command that began it proves it done, also where the ring was lost', () => {
    const hold = { id: 'c', leftMs: 5_000 };
    expect(verdict({ hold })).toEqual({ outcome: 'done', reason: null });
    expect(verdict({ boot: 4, up: 10, commands: [], hold })).toEqual({ outcome: 'done', reason: null });
  });

  test('of another command proves nothing', () => {
    expect(verdict({ hold: { id: 'd', leftMs: 5_000 } })).toBeNull();
  });
});

describe('a hold from before a `release`', () => {
  const release = entryOf({ id: 'r', name: 'release', holdMs: null });
  const before = entryOf({ id: 'b', n: 4, outcome: 'done' });
  const hold = { id: 'b', leftMs: 5_000 };

  test('that goes on after its deadline proves that it was not executed, whatever the ring has forgotten', () => {
    expect(verdict({ up: AFTER, hold }, release, [before])).toEqual(notExecuted);
    expect(verdict({ up: AFTER, hold, commands: fullRing }, release, [before])).toEqual(notExecuted);
  });

  test('proves nothing while it may still start, nor in another boot', () => {
    expect(verdict({ hold }, release, [before])).toBeNull();
    expect(verdict({ boot: 4, up: 1, hold }, release, [before])).toEqual(unprovable);
  });

  test('proves nothing where it may be another one that began later', () => {
    const later = entryOf({ id: 'b', n: 6, outcome: 'done' });
    expect(verdict({ up: AFTER, hold }, release, [later])).toEqual(unprovable);
    expect(verdict({ up: AFTER, hold }, release, [])).toEqual(unprovable);
  });

  test('that is gone proves nothing: it may have ended by itself', () => {
    expect(verdict({ up: AFTER }, release, [before])).toEqual(unprovable);
  });

  test('proves nothing about another command: a `start` that began may leave it to be seen', () => {
    const start = entryOf({ id: 's', name: 'start', holdMs: null });
    expect(verdict({ up: AFTER, hold }, start, [before])).toEqual(unprovable);
  });
});

describe('the state that a command leads to', () => {
  test('does not prove it done: somebody on the spot may have led there', () => {
    const start = entryOf({ id: 's', name: 'start', holdMs: null });
    expect(verdict({ state: 'charging', commands: [] }, start)).toBeNull();
    expect(verdict({ state: 'charging', up: AFTER, commands: [] }, start)).toEqual(notExecuted);
  });
});

describe('a command without a deadline', () => {
  const report = entryOf({ name: 'report', boot: null, notAfterUp: null, holdMs: null });

  test('is done when it is named done', () => {
    expect(verdict({ commands: [done(5)] }, report)).toEqual({ outcome: 'done', reason: null });
  });

  test('is never proved not to be executed: a device that forgot everything still executes a copy', () => {
    expect(verdict({ up: AFTER, commands: [] }, report)).toBeNull();
    expect(verdict({ commands: [done(6), done(4)] }, report, [entryOf({ n: 4 })])).toEqual(unprovable);
    expect(verdict({ commands: [refused(5, 'superseded')] }, report)).toEqual(unprovable);
  });
});
