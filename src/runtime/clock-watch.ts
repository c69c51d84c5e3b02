/**
 * Whether this machine's clock is that of the hub and of the store: asked again and again over their connections. All that Corral says
 * of time rests on it: reports bear the hub's time, and ages, deadlines and holds are told from this machine's.
 *
 * Invariants:
 * I1  a difference counts from when it is proved: when whatever moment of the round trip the answer was made in, it is too large. It
 *     counts until some answers in a row do not prove it, because one that took long proves nothing.
 * I2  `now` is this machine's time while it is the hub's, and what is right of the two where it is not (`clock-verdict.ts`): nobody falls
 *     silent, and no hold ends, because somebody set a clock.
 * I3  a clock that is set shows before it is compared again: from the monotonic clock, which nobody sets. Until then the time goes on as it
 *     did, and no command is accepted.
 * I4  what time it is is known only once two of the three clocks were found to be one. Before, nothing may rest on what `now` tells.
 */
import { type TimeRange, wrongClockOf, type WrongClock } from './clock-verdict.ts';
import type { Cancel, Clock, TimeSource } from './ports.ts';

/** So many answers in a row that do not prove a difference end one. */
const UNPROVED_MAX = 3;

/** So many times at which the hub's clock was wrong are remembered: what it dated in earlier ones, and nobody has read since, is believed. */
const WRONG_TIMES_MAX = 50;

/** Clocks are read in whole milliseconds, by one rounded up and by the other down. */
const ROUNDING_MS = 2;

/** What one round trip told of another clock. */
export interface ClockComparison {
  /** It is ahead of ours by at least this, ms; below 0: behind. */
  readonly leastMs: number;
  /** And by at most this. */
  readonly mostMs: number;
  /** Ours, as it was read for that. */
  readonly read: Reading;
}

/** This machine's clock, and its monotonic clock at the same moment. */
interface Reading {
  readonly now: number;
  readonly monotonic: number;
}

/** Another server's clock, as it was compared with ours. */
export interface ClockDifference {
  readonly server: TimeSource['server'];
  /** How far it is ahead of ours, ms; below 0: behind. The best guess of the last round trip. */
  readonly offsetMs: number;
  /** How far off that guess may be, ms. */
  readonly uncertainMs: number;
  /** Proved to be more than `serverErrorMs`. */
  readonly differs: boolean;
  /** Whose clock it is that is wrong, where the hub's differs; `null` where it does not. */
  readonly wrong: WrongClock | null;
}

/** What a watch is given. */
export interface ClockWatchOptions {
  /** This machine's clock. */
  readonly clock: Clock;
  /** How far two clocks may differ, ms. */
  readonly serverErrorMs: number;
  /** They are compared this often, ms. */
  readonly everyMs: number;
  /** Called when a clock begins to differ, and when it does no longer. */
  readonly onChange: (difference: ClockDifference) => void;
}

/** Asks another server for its time. Rejects when it does not answer. */
export async function compareClock(source: TimeSource, clock: Clock): Promise<ClockComparison> {
  const askedAt = clock.monotonic();
  const theirs = await source.now();
  // From the end of the round trip backwards: our own clock may have been set meanwhile.
  const read = { now: clock.now(), monotonic: clock.monotonic() };
  const tripMs = read.monotonic - askedAt;
  const leastMs = theirs - read.now - ROUNDING_MS;
  return { leastMs, mostMs: leastMs + tripMs + 2 * ROUNDING_MS, read };
}

/** Watches the clocks of the hub and the store, and tells the time by them. */
export class ClockWatch implements Clock {
  readonly #options: ClockWatchOptions;
  /** So many more answers that do not prove it end the difference; 0 where there is none. */
  readonly #unprovedLeft = new Map<TimeSource['server'], number>();
  /** The hub's time minus the monotonic clock, which no answer refuted since, ms: it is changed no more often than it has to be. */
  #hubSinceMs: number | null = null;
  /** This machine's clock when it was compared last with the hub's; `null` before. */
  #compared: Reading | null = null;
  /** The same when they were last one. */
  #agreed: Reading | null = null;
  /** What is right minus the monotonic clock, ms, as it was known last; `null` before it ever was. */
  #right: TimeRange | null = null;
  /** What each clock is ahead of the monotonic one by, as it was compared last. */
  readonly #ranges = new Map<TimeSource['server'], TimeRange>();
  /** Whose clock is wrong while the hub's differs, and what was told of that last. */
  #wrong: WrongClock | null = null;
  #toldWrong: WrongClock | null = null;
  /** What the hub's clock told while it is wrong: from `least` on, and since it is, `most` more than the monotonic one, ms. */
  #wrongTimes: TimeRange | null = null;
  /** What it told when it was wrong before, ms epoch, in order. */
  readonly #wrongBefore: TimeRange[] = [];
  /** That the hub's differs is told once all have told the time: whose is wrong may show only then. */
  #isUntold = false;
  readonly #differences = new Map<TimeSource['server'], ClockDifference>();
  #sources: readonly TimeSource[] = [];
  /** It is compared at once, because it was set. */
  #isHurrying = false;
  #cancel: Cancel = () => undefined;
  #isStopped = false;

  constructor(options: ClockWatchOptions) {
    this.#options = options;
  }

  now(): number {
    const { clock } = this.#options;
    if (this.#wrong !== null) return Math.round(clock.monotonic() + this.#rightSinceMs(this.#wrong));
    const ours = clock.now();
    const unset = this.#ifNotSet(ours);
    if (unset === null) return ours;
    this.hurry();
    return Math.round(unset);
  }

  monotonic(): number {
    return this.#options.clock.monotonic();
  }

  after(delayMs: number, work: () => void): Cancel {
    return this.#options.clock.after(delayMs, work);
  }

  /** Compares them now, and then again and again; resolves after the first time, whether they answered or not. */
  async start(sources: readonly TimeSource[]): Promise<void> {
    this.#sources = sources;
    await Promise.all(sources.map((source) => this.#compare(source)));
    if (this.#isUntold) this.#tell('hub');
    if (this.#isStopped) return;
    this.#cancel = this.#options.clock.after(this.#options.everyMs, () => void this.start(sources));
  }

  /** Compares them no more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  /** Every clock that could be compared so far, the hub's first. */
  get differences(): readonly ClockDifference[] {
    return [...this.#differences.values()].sort((a, b) => a.server.localeCompare(b.server));
  }

  /** Whether it is known what time it is: this machine's clock alone does not tell. Once it is, it stays so. */
  get isTimeKnown(): boolean {
    return this.#right !== null;
  }

  /** It may be later than `now` tells by so much, ms, while the hub's time is told, or went on as it was: that is known to a round trip only. */
  get uncertainMs(): number {
    const right = this.#rightBefore();
    if (right !== null) return right.most - middleOf(right);
    const hub = this.#ranges.get('hub');
    const isHubs = this.#wrong === 'node' || this.#wrong === 'unknown';
    return isHubs && hub !== undefined && this.#hubSinceMs !== null ? hub.most - this.#hubSinceMs : 0;
  }

  /** Whether the hub's clock is known to be wrong. */
  get isHubWrong(): boolean {
    return this.#wrong === 'hub' || this.#wrong === 'both';
  }

  /**
   * Whether the hub has stored what it dates so, ms epoch, since its clock is wrong: from when it was last right on, by the time that it
   * told then and tells now. What is older may be dated right. Or while it was wrong before: nobody may have read that until now.
   */
  isDatedWrong(storedAt: number): boolean {
    if (this.#wrongBefore.some(({ least, most }) => least <= storedAt && storedAt <= most)) return true;
    const hub = this.#ranges.get('hub');
    if (!this.isHubWrong || hub === undefined) return false;
    const from = this.#agreed === null ? -Infinity : this.#agreed.monotonic + hub.least;
    return storedAt >= from - this.#options.serverErrorMs;
  }

  /** Something does not fit to the time as it is told here: clocks are compared at once, and not only when it is due. */
  hurry(): void {
    if (this.#isHurrying || this.#isStopped) return;
    this.#isHurrying = true;
    this.#cancel();
    this.#cancel = this.#options.clock.after(0, () => {
      void this.start(this.#sources).finally(() => (this.#isHurrying = false));
    });
  }

  /**
   * Why no command may be accepted, as a sentence; `null` when the clocks agree. How far the hub's time is off is known here to a
   * round trip only, and a device's deadline must not rest on a guess.
   */
  get problem(): string | null {
    const hub = this.#differences.get('hub');
    if (hub === undefined) return "the clock of this node was not compared with the hub's yet";
    if (!hub.differs)
      return this.#ifNotSet(this.#options.clock.now()) === null
        ? null
        : "the clock of this node was set, and was not compared with the hub's since";
    return `the clock of this node is ${shownOffset(-hub.offsetMs)} the hub's (${ADVICE[this.#wrong ?? 'unknown']})`;
  }

  /** What is right of the clocks minus the monotonic one, ms. */
  #rightSinceMs(wrong: WrongClock): number {
    const before = this.#rightBefore();
    if (before !== null) return middleOf(before);
    const right = wrong === 'hub' ? this.#compared : wrong === 'both' ? this.#agreed : null;
    return right === null ? (this.#hubSinceMs ?? 0) : right.now - right.monotonic;
  }

  /** The same as it was known last, where that goes on because both are wrong and never were one; `null` else. */
  #rightBefore(): TimeRange | null {
    return this.#wrong === 'both' && this.#agreed === null ? this.#right : null;
  }

  /** What this machine's clock would say if it had not been set since it was compared; `null` where it was not set by more than it may be. */
  #ifNotSet(ours: number): number | null {
    if (this.#compared === null) return null;
    const { clock, serverErrorMs } = this.#options;
    const unset = this.#compared.now + clock.monotonic() - this.#compared.monotonic;
    return Math.abs(ours - unset) > serverErrorMs + ROUNDING_MS ? unset : null;
  }

  async #compare(source: TimeSource): Promise<void> {
    const { server } = source;
    try {
      this.#learn(server, await compareClock(source, this.#options.clock));
    } catch {
      // It is away, which others say. What was known of its clock still is.
    }
  }

  #learn(server: TimeSource['server'], { leastMs, mostMs, read }: ClockComparison): void {
    const { serverErrorMs } = this.#options;
    const before = this.#differences.get(server);
    const isProved = leastMs > serverErrorMs || mostMs < -serverErrorMs;
    const left = isProved ? UNPROVED_MAX : Math.max(0, (this.#unprovedLeft.get(server) ?? 0) - 1);
    this.#unprovedLeft.set(server, left);
    const offsetMs = (leastMs + mostMs) / 2;
    const differs = left > 0;
    const oursSinceMs = read.now - read.monotonic;
    this.#ranges.set(server, { least: oursSinceMs + leastMs, most: oursSinceMs + mostMs });
    if (server === 'hub') {
      const knownMs = this.#hubSinceMs === null ? NaN : this.#hubSinceMs - oursSinceMs;
      if (!(knownMs >= leastMs && knownMs <= mostMs)) this.#hubSinceMs = oursSinceMs + offsetMs;
      this.#compared = read;
      if (!differs) this.#agreed = read;
    }
    const uncertainMs = (mostMs - leastMs) / 2;
    this.#differences.set(server, { server, offsetMs, uncertainMs, differs, wrong: null });
    this.#judge();
    this.#noteWrongTimes();
    if (differs !== (before?.differs ?? false)) {
      if (server === 'hub' && this.#wrong === 'unknown') this.#isUntold = true;
      else this.#tell(server);
    }
    const isSettled = this.#wrong !== null && this.#wrong !== 'unknown';
    if (isSettled && (this.#isUntold || this.#toldWrong === 'unknown')) this.#tell('hub');
  }

  /** What the hub told that is later than now is left out: it will tell that once more, and be right. */
  #noteWrongTimes(): void {
    const { serverErrorMs, clock } = this.#options;
    const isProved = this.#unprovedLeft.get('hub') === UNPROVED_MAX;
    const hub = this.#ranges.get('hub');
    const before = this.#wrongTimes;
    if (this.isHubWrong && isProved && hub !== undefined) {
      const since = this.#agreed?.monotonic ?? -Infinity;
      const least = since + hub.least - serverErrorMs;
      this.#wrongTimes = {
        least: Math.min(least, before?.least ?? Infinity),
        most: Math.max(hub.most, before?.most ?? -Infinity),
      };
    }
    if (this.isHubWrong || before === null) return;
    const most = Math.min(clock.monotonic() + before.most, this.now() - serverErrorMs);
    if (most >= before.least) this.#wrongBefore.push({ least: before.least, most });
    if (this.#wrongBefore.length > WRONG_TIMES_MAX) this.#wrongBefore.shift();
    this.#wrongTimes = null;
  }

  #tell(server: TimeSource['server']): void {
    const difference = this.#differences.get(server);
    if (difference === undefined) return;
    if (server === 'hub') {
      this.#toldWrong = difference.wrong;
      this.#isUntold = false;
    }
    this.#options.onChange(difference);
  }

  /** Whose clock is wrong, as far as is known now. */
  #judge(): void {
    const hub = this.#differences.get('hub');
    const range = this.#ranges.get('hub');
    if (hub === undefined || range === undefined || this.#compared === null) return;
    const node = rangeOf(this.#compared);
    this.#wrong = hub.differs
      ? wrongClockOf({
          node,
          hub: range,
          store: this.#ranges.get('store') ?? null,
          agreed: this.#agreed && rangeOf(this.#agreed),
          right: this.#right,
          errorMs: this.#options.serverErrorMs,
        })
      : null;
    if (this.#wrong === null || this.#wrong === 'hub') this.#right = node;
    else if (this.#wrong === 'node') this.#right = range;
    this.#differences.set('hub', { ...hub, wrong: this.#wrong });
  }
}

/** Which one to set. */
const ADVICE: Readonly<Record<WrongClock, string>> = {
  node: "set this machine's",
  unknown: "set this machine's",
  hub: "the hub's is wrong: set the hub's",
  both: 'both are wrong: set them',
};

function rangeOf({ now, monotonic }: Reading): TimeRange {
  return { least: now - monotonic - ROUNDING_MS, most: now - monotonic + ROUNDING_MS };
}

function middleOf({ least, most }: TimeRange): number {
  return (least + most) / 2;
}

/** `600.00 s ahead of`, `0.08 s behind`. */
export function shownOffset(offsetMs: number): string {
  return `${(Math.abs(offsetMs) / 1_000).toFixed(2)} s ${offsetMs < 0 ? 'behind' : 'ahead of'}`;
}
