/**
 * One reader of the stream of changes for all who follow it on this node: each change is fetched once, and everybody is handed the same
 * lists, so that what is made of them is made once.
 *
 * Whoever comes back for what is not kept here any more, or falls behind it, reads by himself until he has caught up. Those take turns
 * and leave three quarters of the time to everything else: to ask for the past again and again stops nobody.
 *
 * Invariants:
 * I1  a sink is told each change after its place once, in stream order, whether it reads by itself or with the others.
 * I2  there is a common reader while anybody follows, and none otherwise.
 * I3  one sink that is slow, or fails, is waited for by nobody but itself.
 */
import type { ChangePlace } from '../wire/change-place.ts';
import type { ChangeFeed, ChangesGone, ChangeSink, PublishedChange } from './change-feed.ts';
import { changesFor, ChangeWindow } from './change-window.ts';
import type { Clock } from './ports.ts';

/** Payloads kept for those who are a little behind, bytes: who is further behind reads by himself. */
export const KEPT_BYTES_MAX = 16 * 1024 * 1024;
/** What is published meanwhile is handed on together, ms: fifty readers cost as many writes for it as for one change. */
const GATHER_MS = 50;
/** Handed on at once at most, by number and by bytes of payload: nothing else happens meanwhile. */
const PIECE_CHANGES_MAX = 100;
const PIECE_BYTES_MAX = 256 * 1024;
/** Those who catch up pause so many times as long as they took. */
const PAUSE_FACTOR = 3;
/** And at least so long, ms. */
const PAUSE_MS_MIN = 1;

/** What sharing takes. */
export interface SharedChangesOptions {
  /** How one reader follows the stream. */
  readonly feed: ChangeFeed;
  readonly clock: Clock;
  /** {@link KEPT_BYTES_MAX}. */
  readonly keptBytesMax: number;
}

/** Somebody who follows. */
interface Follower {
  readonly device: string | null;
  readonly sink: ChangeSink;
  /** It was told everything up to here. */
  through: ChangePlace;
  /** How it reads. */
  reads: Alone | Together | { readonly type: 'over' };
  isTold: boolean;
  /** Resolves when it is not being told anything any more. */
  telling: Promise<void>;
}

interface Together {
  readonly type: 'common';
  readonly common: Common;
  /** The number of the entry that it is told next. */
  next: number;
}

interface Alone {
  readonly type: 'alone';
  reading: Promise<{ stop(): Promise<void> }> | null;
}

/** One life of the common reader. */
interface Common {
  readonly window: ChangeWindow;
  reading: Promise<{ stop(): Promise<void> }> | null;
  isHearing: boolean;
}

/** See the head of this file. */
export class SharedChanges implements ChangeFeed {
  readonly #options: SharedChangesOptions;
  readonly #followers = new Set<Follower>();
  #common: Promise<Common> | null = null;
  /** Those who catch up wait for it. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: SharedChangesOptions) {
    this.#options = options;
  }

  last(): ReturnType<ChangeFeed['last']> {
    return this.#options.feed.last();
  }

  async open({ after, device, sink }: Parameters<ChangeFeed['open']>[0]): ReturnType<ChangeFeed['open']> {
    const follower: Follower = {
      device,
      sink,
      through: after,
      reads: { type: 'over' },
      isTold: false,
      telling: Promise.resolve(),
    };
    this.#followers.add(follower);
    try {
      const common = await (this.#common ??= this.#begin());
      const mayJoin = isWithin(after, common.window.last) || isWithin(after, await this.last());
      if (!mayJoin || !this.#join(follower, common)) await this.#readAlone(follower);
    } catch (error) {
      await this.#leave(follower);
      throw error;
    }
    return { stop: () => this.#leave(follower) };
  }

  async #begin(): Promise<Common> {
    try {
      const after = await this.last();
      const window = new ChangeWindow(after, this.#options.keptBytesMax);
      const common: Common = { window, reading: null, isHearing: false };
      const told = (tell: (follower: Follower) => void): void => {
        for (const follower of [...this.#followers])
          if (follower.reads.type === 'common' && follower.reads.common === common) tell(follower);
      };
      common.reading = this.#options.feed.open({
        after,
        device: null,
        sink: {
          deliver: async (batch) => {
            for (const piece of piecesOf(batch)) window.add(piece);
            told((follower) => this.#tell(follower));
            await this.#pause(GATHER_MS);
          },
          gone: (range) => {
            window.gone(range);
            told((follower) => this.#tell(follower));
          },
          hearing: (isHearing) => {
            common.isHearing = isHearing;
            told(({ sink }) => sink.hearing(isHearing));
          },
          ended: (cause) => told((follower) => this.#end(follower, cause)),
        },
      });
      await common.reading;
      return common;
    } catch (error) {
      this.#common = null;
      throw error;
    }
  }

  /** Goes on with the others, if all that follows is there. */
  #join(follower: Follower, common: Common): boolean {
    const next = common.window.numberAfter(follower.through);
    if (next === null || !this.#followers.has(follower)) return false;
    follower.reads = { type: 'common', common, next };
    follower.sink.hearing(common.isHearing);
    this.#tell(follower);
    return true;
  }

  /** Tells what it was not told yet; goes on by itself while there is more. */
  #tell(follower: Follower): void {
    if (follower.isTold) return;
    follower.isTold = true;
    follower.telling = this.#tellAll(follower);
  }

  async #tellAll(follower: Follower): Promise<void> {
    try {
      while (follower.reads.type === 'common' && (await this.#tellNext(follower, follower.reads)));
    } catch (cause) {
      this.#end(follower, cause);
    } finally {
      follower.isTold = false;
    }
  }

  /** False when there is nothing more. */
  async #tellNext(follower: Follower, reads: Together): Promise<boolean> {
    const { sink, device } = follower;
    const entry = reads.common.window.at(reads.next);
    if (entry === undefined) return false;
    if (entry === 'forgotten') {
      await this.#readAlone(follower);
      return true;
    }
    reads.next += 1;
    if (entry.type === 'gone') {
      sink.gone(entry.range);
      follower.through = placeOf(entry.range);
      return true;
    }
    const wanted = changesFor(entry, { after: follower.through.sequence, device });
    if (wanted.length > 0) await sink.deliver(wanted);
    const last = entry.changes.at(-1);
    if (last !== undefined && last.sequence > follower.through.sequence) follower.through = placeAt(last);
    return true;
  }

  /** Reads from where the follower is, until all that follows is in the common window. */
  async #readAlone(follower: Follower): Promise<void> {
    const { device, sink, through } = follower;
    if (!this.#followers.has(follower)) return;
    const alone: Alone = { type: 'alone', reading: null };
    follower.reads = alone;
    const isAlone = (): boolean => follower.reads === alone;
    alone.reading = this.#options.feed.open({
      after: through,
      device,
      sink: {
        deliver: async (batch) => {
          for (const piece of piecesOf(batch)) {
            if (!isAlone()) return;
            await this.#inTurn(async () => (isAlone() ? sink.deliver(piece) : undefined));
            follower.through = placeAt(piece.at(-1) ?? follower.through);
            await this.#catchUp(follower, alone);
          }
        },
        gone: (range) => {
          if (!isAlone()) return;
          follower.through = placeOf(range);
          sink.gone(range);
        },
        hearing: (isHearing) => {
          if (isAlone()) sink.hearing(isHearing);
        },
        ended: (cause) => {
          if (isAlone()) this.#end(follower, cause);
        },
      },
    });
    await alone.reading;
  }

  /** Whoever has everything but what is in the common window reads on there. */
  async #catchUp(follower: Follower, alone: Alone): Promise<void> {
    const common = await this.#common;
    if (common === null || follower.reads !== alone || !this.#join(follower, common)) return;
    void alone.reading?.then((reading) => reading.stop());
  }

  /** Lets one who catches up be told something, and others do something else afterwards. */
  async #inTurn(deliver: () => Promise<void>): Promise<void> {
    const before = this.#turn;
    let end: () => void = () => undefined;
    this.#turn = new Promise((resolve) => (end = resolve));
    await before;
    const startedAt = this.#options.clock.monotonic();
    const delivered = deliver();
    const tookMs = this.#options.clock.monotonic() - startedAt;
    this.#options.clock.after(Math.max(PAUSE_MS_MIN, PAUSE_FACTOR * tookMs), end);
    await delivered;
  }

  /** Its sink failed. */
  #end(follower: Follower, cause: unknown): void {
    if (!this.#followers.has(follower)) return;
    void this.#leave(follower);
    follower.sink.ended(cause);
  }

  async #leave(follower: Follower): Promise<void> {
    const { reads } = follower;
    follower.reads = { type: 'over' };
    this.#followers.delete(follower);
    if (this.#followers.size === 0 && this.#common !== null) {
      const common = this.#common;
      this.#common = null;
      // Where it could not be begun, nothing is to be ended.
      void common.then(async ({ reading }) => (await reading)?.stop()).catch(() => undefined);
    }
    if (reads.type === 'alone') await (await reads.reading)?.stop();
    await follower.telling;
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.after(delayMs, resolve);
    });
  }
}

/** Whether a place is one of a stream that has come as far as `last`. */
function isWithin({ made, sequence }: ChangePlace, last: ChangePlace): boolean {
  return (made === null || made === last.made) && sequence <= last.sequence;
}

function placeAt({ made, sequence, storedAt }: ChangePlace): ChangePlace {
  return { made, sequence, storedAt };
}

/** Where reading goes on after what is gone. */
function placeOf({ made, to }: ChangesGone): ChangePlace {
  return { made, sequence: to };
}

function* piecesOf(batch: readonly PublishedChange[]): Generator<readonly PublishedChange[]> {
  let piece: PublishedChange[] = [];
  let bytes = 0;
  for (const change of batch) {
    piece.push(change);
    bytes += change.payload.length;
    if (piece.length < PIECE_CHANGES_MAX && bytes < PIECE_BYTES_MAX) continue;
    yield piece;
    piece = [];
    bytes = 0;
  }
  if (piece.length > 0) yield piece;
}
