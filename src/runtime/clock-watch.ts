/**
 * Whether this machine's clock is that of the hub and of the store: asked again and again over their connections. All that Corral says
 * of time rests on it: reports bear the hub's time, and ages, deadlines and holds are told from this machine's.
 *
 * Invariants:
 * I1  a difference counts from when it is proved: when whatever moment of the round trip the answer was made in, it is too large. It
 *     counts until some answers in a row do not prove it, because one that took long proves nothing.
 * I2  `now` is this machine's time while it is the hub's, and the hub's where it is not: nobody falls silent, and no hold ends, because
 *     somebody set a clock.
 * I3  a clock that is set shows before it is compared again: from the monotonic clock, which nobody sets. Until then the time goes on as it
 *     did, and no command is accepted.
 */
import type { Cancel, Clock, TimeSource } from './ports.ts';

/** So many answers in a row that do not prove a difference end one. */
const UNPROVED_MAX = 3;

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
    if (this.#differs('hub') && this.#hubSinceMs !== null)
      return Math.round(clock.monotonic() + this.#hubSinceMs);
    const ours = clock.now();
    const unset = this.#ifNotSet(ours);
    if (unset === null) return ours;
    this.#hurry();
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

  /**
   * Why no command may be accepted, as a sentence; `null` when the clocks agree. How far the hub's time is off is known here to a
   * round trip only, and a device's deadline must not rest on a guess.
   */
  get problem(): string | null {
    const hub = this.#differences.get('hub');
    if (hub?.differs !== true)
      return this.#ifNotSet(this.#options.clock.now()) === null
        ? null
        : "the clock of this node was set, and was not compared with the hub's since";
    const isHubWrong = this.#differences.get('store')?.differs === false;
    const advice = isHubWrong ? "the store's agrees with this node: set the hub's" : "set this machine's";
    return `the clock of this node is ${shownOffset(-hub.offsetMs)} the hub's (${advice})`;
  }

  /** What this machine's clock would say if it had not been set since it was compared; `null` where it was not set by more than it may be. */
  #ifNotSet(ours: number): number | null {
    if (this.#compared === null) return null;
    const { clock, serverErrorMs } = this.#options;
    const unset = this.#compared.now + clock.monotonic() - this.#compared.monotonic;
    return Math.abs(ours - unset) > serverErrorMs + ROUNDING_MS ? unset : null;
  }

  /** Nobody has to wait until the clocks are compared anyway. */
  #hurry(): void {
    if (this.#isHurrying || this.#isStopped) return;
    this.#isHurrying = true;
    this.#cancel();
    this.#cancel = this.#options.clock.after(0, () => {
      void this.start(this.#sources).finally(() => (this.#isHurrying = false));
    });
  }

  #differs(server: TimeSource['server']): boolean {
    return this.#differences.get(server)?.differs ?? false;
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
    const before = this.#differs(server);
    const isProved = leastMs > serverErrorMs || mostMs < -serverErrorMs;
    const left = isProved ? UNPROVED_MAX : Math.max(0, (this.#unprovedLeft.get(server) ?? 0) - 1);
    this.#unprovedLeft.set(server, left);
    const offsetMs = (leastMs + mostMs) / 2;
    if (server === 'hub') {
      const oursSinceMs = read.now - read.monotonic;
      const knownMs = this.#hubSinceMs === null ? NaN : this.#hubSinceMs - oursSinceMs;
      if (!(knownMs >= leastMs && knownMs <= mostMs)) this.#hubSinceMs = oursSinceMs + offsetMs;
      this.#compared = read;
    }
    const differs = left > 0;
    const difference = { server, offsetMs, uncertainMs: (mostMs - leastMs) / 2, differs };
    this.#differences.set(server, difference);
    if (differs !== before) this.#options.onChange(difference);
  }
}

/** `600.00 s ahead of`, `0.08 s behind`. */
export function shownOffset(offsetMs: number): string {
  return `${(Math.abs(offsetMs) / 1_000).toFixed(2)} s ${offsetMs < 0 ? 'behind' : 'ahead of'}`;
}
