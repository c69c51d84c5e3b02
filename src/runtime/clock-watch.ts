/**
 * Whether this machine's clock is that of the hub and of the store: asked again and again over their connections. All that Corral says
 * of time rests on it: reports bear the hub's time, and ages, deadlines and holds are told from this machine's.
 *
 * Invariants:
 * I1  a difference counts from when it is proved: when whatever moment of the round trip the answer was made in, it is too large. It
 *     counts until some answers in a row do not prove it, because one that took long proves nothing.
 * I2  `now` is this machine's time while it is the hub's, and the hub's where it is not: nobody falls silent, and no hold ends, because
 *     somebody set a clock.
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
  const tripMs = clock.monotonic() - askedAt;
  const leastMs = theirs - clock.now() - ROUNDING_MS;
  return { leastMs, mostMs: leastMs + tripMs + 2 * ROUNDING_MS };
}

/** Watches the clocks of the hub and the store, and tells the time by them. */
export class ClockWatch implements Clock {
  readonly #options: ClockWatchOptions;
  /** So many more answers that do not prove it end the difference; 0 where there is none. */
  readonly #unprovedLeft = new Map<TimeSource['server'], number>();
  /** The hub's offset that no answer refuted since, ms: it is changed no more often than it has to be. */
  #hubOffsetMs = 0;
  readonly #differences = new Map<TimeSource['server'], ClockDifference>();
  #cancel: Cancel = () => undefined;
  #isStopped = false;

  constructor(options: ClockWatchOptions) {
    this.#options = options;
  }

  now(): number {
    const ours = this.#options.clock.now();
    return this.#differs('hub') ? Math.round(ours + this.#hubOffsetMs) : ours;
  }

  monotonic(): number {
    return this.#options.clock.monotonic();
  }

  after(delayMs: number, work: () => void): Cancel {
    return this.#options.clock.after(delayMs, work);
  }

  /** Compares them now, and then again and again; resolves after the first time, whether they answered or not. */
  async start(sources: readonly TimeSource[]): Promise<void> {
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
    if (hub?.differs !== true) return null;
    const isHubWrong = this.#differences.get('store')?.differs === false;
    const advice = isHubWrong ? "the store's agrees with this node: set the hub's" : "set this machine's";
    return `the clock of this node is ${shownOffset(-hub.offsetMs)} the hub's (${advice})`;
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

  #learn(server: TimeSource['server'], { leastMs, mostMs }: ClockComparison): void {
    const { serverErrorMs } = this.#options;
    const before = this.#differs(server);
    const isProved = leastMs > serverErrorMs || mostMs < -serverErrorMs;
    const left = isProved ? UNPROVED_MAX : Math.max(0, (this.#unprovedLeft.get(server) ?? 0) - 1);
    this.#unprovedLeft.set(server, left);
    const offsetMs = (leastMs + mostMs) / 2;
    const isRefuted = this.#hubOffsetMs < leastMs || mostMs < this.#hubOffsetMs;
    if (server === 'hub' && isRefuted) this.#hubOffsetMs = offsetMs;
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
