/**
 * Who is kept waiting for a command's outcome, and what they are told.
 */
import { describe, expect, test } from 'vitest';
import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import type { ReplyAddress } from '../../../actors/twin.ts';
import type { Clock } from '../../../src/runtime/ports.ts';
import { type Waited, Waiters } from '../../../src/runtime/waiters.ts';

/** Time that passes when it is told to. */
class SteppedClock implements Clock {
  #now = 0;
  readonly #timers = new Map<object, { readonly at: number; readonly work: () => void }>();

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(delayMs: number, work: () => void): () => void {
    const key = {};
    this.#timers.set(key, { at: this.#now + delayMs, work });
    return () => void this.#timers.delete(key);
  }

  pass(ms: number): void {
    this.#now += ms;
    for (const [key, { at, work }] of [...this.#timers]) {
      if (at > this.#now || !this.#timers.delete(key)) continue;
      work();
    }
  }
}

function entryOf(changes: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    device: 'cp-1',
    id: 'a',
    n: 7,
    name: 'stop',
    args: {},
    by: null,
    asker: null,
    epoch: 1,
    incarnation: 1,
    boot: 1,
    notAfterUp: 60_000,
    holdMs: null,
    acceptedAt: 0,
    sentAt: 0,
    certainAt: 60_000,
    outcome: 'pending',
    reason: null,
    proof: null,
    decidedAt: null,
    closedAt: null,
    compensatedBy: null,
    ...changes,
  };
}

const addressOf = (subject: string): ReplyAddress => ({ subject, encoding: 'json' });

function setUp(): {
  readonly clock: SteppedClock;
  readonly waiters: Waiters;
  readonly told: Waited[];
  readonly add: (subject: string, until: number) => void;
} {
  const clock = new SteppedClock();
  const waiters = new Waiters(clock);
  const told: Waited[] = [];
  const add = (subject: string, until: number): void =>
    waiters.add({ entry: entryOf(), to: addressOf(subject), until, giveUp: (waited) => told.push(waited) });
  return { clock, waiters, told, add };
}

describe('whoever waits for a command', () => {
  test('is told at the end of the wait how it was committed last, not how it was accepted', () => {
    const { clock, waiters, told, add } = setUp();
    add('one', 1_000);
    const sentAgain = entryOf({ sentAt: 500 });
    waiters.learn(sentAgain);
    waiters.learn(entryOf({ id: 'b', sentAt: 900 }));
    clock.pass(1_000);
    expect(told).toEqual([{ to: addressOf('one'), entry: sentAgain }]);
    expect(waiters.count).toBe(0);
  });

  test('goes on waiting when another one has given up, and is told the outcome', () => {
    const { clock, waiters, told, add } = setUp();
    add('one', 1_000);
    add('two', 2_000);
    clock.pass(1_000);
    expect(told.map(({ to }) => to)).toEqual([addressOf('one')]);
    expect(waiters.take(entryOf({ outcome: 'done' }))).toEqual([addressOf('two')]);
    clock.pass(5_000);
    expect([told.length, waiters.count]).toEqual([1, 0]);
  });

  test('is counted once, and no longer than it waits', () => {
    const { waiters, add } = setUp();
    add('one', 1_000);
    add('two', 2_000);
    expect(waiters.count).toBe(2);
    expect(waiters.takeAll().map(({ to }) => to)).toEqual([addressOf('one'), addressOf('two')]);
    expect(waiters.count).toBe(0);
    expect(waiters.take(entryOf())).toEqual([]);
  });
});
