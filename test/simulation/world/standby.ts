/**
 * The store's standby, without which nothing that is written is answered (synchronous replication). Now and then it is away: then a commit
 * waits for it, and nobody sees what it wrote. Whoever ends the session that waits makes that visible, an operator or the inquiry of a
 * node, although no standby has it. Then the standby comes back and has all of it, or it takes over, and what it has not is gone. In a part
 * of the worlds.
 *
 * Invariants:
 * I1  the record has a commit from when the standby has it: what is acted upon earlier rests on nothing.
 * I2  while it is away nothing is written but by sessions that are ended.
 */
import type { MemoryStore } from '../../../src/memory/store.ts';
import type { Commit, CommitResult } from '../../../src/runtime/ports.ts';
import type { Happenings } from '../plan.ts';
import type { WorldRecord } from '../record.ts';
import type { Trace } from '../trace.ts';
import type { Chance } from './chance.ts';
import { NoAnswer } from './network.ts';
import type { Schedule } from './schedule.ts';

/** Between two times at which it goes away, ms on average. */
const MEAN_MS = 900_000;
/** It is away for so long, ms on average: for less than a lease lasts, and for more. */
const AWAY_MS = [5_000, 15_000, 60_000];
/** In this part of the cases it does not come back, but takes over. */
const TAKES_OVER_PART = 0.6;
/** Taking over lasts so long, ms on average. */
const TAKING_OVER_MS = 5_000;
/** An operator ends a session that waits so often, ms on average. */
const OPERATOR_MS = 4_000;

/** The ways of all nodes to the store. */
interface Ways {
  readonly cut: () => void;
  readonly mend: () => void;
}

/** A commit that waits for the standby. */
interface Waiting {
  readonly session: object;
  readonly node: string;
  readonly commit: Commit;
  readonly answer: (result: CommitResult) => void;
  readonly cut: (error: Error) => void;
}

export interface StandbyOptions {
  readonly schedule: Schedule;
  readonly chance: Chance;
  readonly record: WorldRecord;
  readonly happenings: Happenings;
  readonly trace: Trace;
  readonly store: MemoryStore;
}

export class Standby {
  /** How often it has taken over: sessions with the server before are gone. */
  takeovers = 0;
  readonly #options: StandbyOptions;
  #waiting: Waiting[] = [];
  /** What was written while it is away, and it does not have. */
  #ahead: Pick<Waiting, 'node' | 'commit'>[] = [];
  /** Makes the store what the standby has; `null` while that has everything. */
  #setBack: (() => void) | null = null;
  #isOver = false;

  constructor(options: StandbyOptions) {
    this.#options = options;
  }

  get isAway(): boolean {
    return this.#setBack !== null;
  }

  /** From now on it goes away now and then. */
  begin(ways: Ways): void {
    const { chance, happenings } = this.#options;
    this.#after(chance.exponential(MEAN_MS), () => {
      const forMs = chance.exponential(chance.pick(AWAY_MS));
      const [takesOver, takingOverMs] = [chance.hits(TAKES_OVER_PART), chance.exponential(TAKING_OVER_MS)];
      if (happenings.happens('standby')) {
        this.#goAway();
        this.#after(forMs, () => {
          if (takesOver) this.#takeOver(ways, takingOverMs);
          else void this.#comeBack();
        });
      }
      this.begin(ways);
    });
  }

  /** It is there, and stays. */
  end(): void {
    this.#isOver = true;
    void this.#comeBack();
  }

  /** Writes a commit, and answers when the standby has it; rejects where the session is ended before. */
  commit(write: Pick<Waiting, 'session' | 'node' | 'commit'>): Promise<CommitResult> {
    if (!this.isAway) return this.#write(write);
    return new Promise((answer, cut) => this.#waiting.push({ ...write, answer, cut }));
  }

  /** The session is ended: what it wrote is seen from now on. */
  async endSession(session: object): Promise<void> {
    const waiting = this.#waiting.find((one) => one.session === session);
    if (waiting === undefined) return;
    this.#waiting = this.#waiting.filter((one) => one !== waiting);
    const { node, commit, cut } = waiting;
    const result = await this.#options.store.commit(commit);
    if (result.type === 'committed') {
      this.#options.record.count('commit-ahead-of-standby');
      this.#ahead.push({ node, commit });
    }
    cut(new NoAnswer('the session was ended'));
  }

  #goAway(): void {
    if (this.isAway) return;
    const { trace, record, store } = this.#options;
    trace.line('storm', () => 'the standby is away');
    record.count('standby-away');
    this.#setBack = store.keep();
    this.#endSessions();
  }

  /** An operator who sees sessions wait, and does not know what ending them does. */
  #endSessions(): void {
    const { chance } = this.#options;
    this.#after(chance.exponential(OPERATOR_MS), () => {
      const [waiting] = this.#waiting;
      if (!this.isAway) return;
      if (waiting !== undefined) void this.endSession(waiting.session);
      this.#endSessions();
    });
  }

  async #comeBack(): Promise<void> {
    if (!this.isAway) return;
    this.#options.trace.line('storm', () => 'the standby is back');
    this.#setBack = null;
    const { record, schedule } = this.#options;
    for (const { node, commit } of this.#ahead)
      record.commits.push({ at: schedule.now, node, commit, lostAt: null });
    const waiting = this.#waiting;
    [this.#ahead, this.#waiting] = [[], []];
    for (const one of waiting) one.answer(await this.#write(one));
  }

  /** What it has not is gone, and so are the sessions with the server before. */
  #takeOver(ways: Ways, forMs: number): void {
    const { trace, record } = this.#options;
    if (this.#setBack === null) return;
    trace.line('storm', () => `the standby takes over, without ${this.#ahead.length} commits`);
    record.count('standby-took-over');
    record.count('commit-lost-at-takeover', this.#ahead.length);
    this.takeovers += 1;
    this.#setBack();
    this.#setBack = null;
    [this.#ahead, this.#waiting] = [[], []];
    ways.cut();
    this.#after(forMs, () => ways.mend());
  }

  async #write({ node, commit }: Pick<Waiting, 'node' | 'commit'>): Promise<CommitResult> {
    const { store, record, schedule } = this.#options;
    const result = await store.commit(commit);
    if (result.type === 'committed') record.commits.push({ at: schedule.now, node, commit, lostAt: null });
    return result;
  }

  #after(delayMs: number, work: () => void): void {
    this.#options.schedule.after(delayMs, () => {
      if (!this.#isOver) work();
    });
  }
}
