/**
 * When the hub stored what its streams deliver. Every message bears the hub's time, and that may be wrong: somebody has set its clock, or its
 * machine came up with another one after a power cut. What is dated wrong counts as received when it is heard here, as if it had been on its
 * way until then: nothing that a twin concludes from a report depends on how long that takes.
 *
 * Invariants:
 * I1  nothing is received later than it is heard, but for what two clocks may differ.
 * I2  of a stream no date is believed that is before another one which is believed of what it had stored earlier, but for the same; unless
 *     that stream was made anew.
 */
import type { ClockWatch } from './clock-watch.ts';
import type { Clock, Delivery, GoneRange } from './ports.ts';
import type { StreamPositions } from './stream-positions.ts';
import type { Telemetry } from './telemetry.ts';

/** What is known of the hub's clock. */
export type HubClock = Pick<ClockWatch, 'isDatedWrong' | 'hurry' | 'uncertainMs'>;

/** What dating takes. */
export interface HubDatesOptions {
  readonly clock: Clock;
  readonly hubClock: HubClock;
  readonly limits: { readonly serverErrorMs: number };
  readonly telemetry: Pick<Telemetry, 'datedWrong'>;
  readonly partitions: ReadonlyMap<number, { readonly positions: StreamPositions }>;
}

/** Clocks are read in whole milliseconds, by one rounded up and by the other down. */
const ROUNDING_MS = 2;

/**
 * So many stretches of a stream that were dated wrong are remembered for messages that are read again: of older ones the date is believed
 * then, which no other rule has to.
 */
const STRETCHES_MAX = 50;

/** Clocks are not compared more often than this because dates do not fit, ms. */
const HURRY_EVERY_MS = 1_000;

/** Sequences of messages that followed each other. */
interface Stretch {
  readonly from: number;
  to: number;
}

/** What is known of the dates of one stream. */
interface StreamDates {
  /** The latest date that was believed, ms epoch. */
  at: number;
  /** The farthest that was read before this host began. */
  known: { readonly sequence: number; readonly storedAt: number } | null;
  /** Dated wrong, in order. */
  readonly wrong: Stretch[];
  isLastWrong: boolean;
}

/** Of one host. */
export class HubDates {
  readonly #options: HubDatesOptions;
  readonly #streams = new Map<string, StreamDates>();
  #hurriedAt = -Infinity;

  constructor(options: HubDatesOptions) {
    this.#options = options;
  }

  /** The next messages of their streams as they were received. */
  received(deliveries: readonly Delivery[]): readonly Delivery[] {
    const { clock, telemetry } = this.#options;
    const now = clock.now();
    const bySite = new Map<string, number>();
    let dated: Delivery[] | null = null;
    for (const [index, delivery] of deliveries.entries()) {
      const receivedAt = this.#receivedAt(delivery, now);
      if (receivedAt === delivery.receivedAt) continue;
      dated ??= [...deliveries];
      dated[index] = { ...delivery, receivedAt, storedAt: delivery.receivedAt };
      bySite.set(delivery.site, (bySite.get(delivery.site) ?? 0) + 1);
    }
    for (const [site, messages] of bySite) telemetry.datedWrong({ site, messages });
    return dated ?? deliveries;
  }

  /** A message that was delivered before, and is read again. */
  receivedAgain(delivery: Delivery): Delivery {
    const { stream, sequence, receivedAt: storedAt } = delivery;
    const latest = this.#latest(this.#options.clock.now());
    const isWrong =
      storedAt > latest ||
      this.#streams.get(stream)?.wrong.some(({ from, to }) => from <= sequence && sequence <= to) === true;
    return isWrong ? { ...delivery, receivedAt: latest, storedAt } : delivery;
  }

  /**
   * What comes next of a stream is gone. What it stores since it has lost its tail is later than all that was read; in one that was made anew,
   * nothing is dated by what another one of the name held.
   */
  skip({ stream, from, to, isTail }: GoneRange): void {
    if (to >= from - 1) return;
    const dates = this.#datesOf(stream);
    if (isTail !== true) dates.at = -Infinity;
    else if (dates.known !== null) this.#takeKnown(dates, dates.known);
    dates.known = null;
    while ((dates.wrong.at(-1)?.from ?? -1) > to) dates.wrong.pop();
    dates.isLastWrong = false;
  }

  #receivedAt({ stream, sequence, receivedAt: storedAt }: Delivery, now: number): number {
    const { hubClock, limits } = this.#options;
    const latest = this.#latest(now);
    const dates = this.#datesOf(stream);
    if (dates.known !== null && sequence > dates.known.sequence) {
      this.#takeKnown(dates, dates.known);
      dates.known = null;
    }
    const doesNotFit = storedAt > latest || storedAt < dates.at - limits.serverErrorMs - ROUNDING_MS;
    const isKnown = hubClock.isDatedWrong(storedAt);
    if (doesNotFit && !isKnown) this.#hurry();
    const isWrong = doesNotFit || isKnown;
    if (isWrong) noteWrong(dates, sequence);
    dates.isLastWrong = isWrong;
    if (isWrong) return latest;
    dates.at = Math.max(dates.at, storedAt);
    return storedAt;
  }

  /** What follows is later than what was read before; unless that is dated later than now, and tells nothing. */
  #takeKnown(dates: StreamDates, { storedAt }: { readonly storedAt: number }): void {
    if (storedAt <= this.#latest(this.#options.clock.now())) dates.at = Math.max(dates.at, storedAt);
  }

  /** Dates do not fit, and nobody knows of a wrong clock: it may just have been set. */
  #hurry(): void {
    const { clock, hubClock } = this.#options;
    const now = clock.monotonic();
    if (now - this.#hurriedAt < HURRY_EVERY_MS) return;
    this.#hurriedAt = now;
    hubClock.hurry();
  }

  /** The hub's time, if it is right, is no later than this. */
  #latest(now: number): number {
    const { limits, hubClock } = this.#options;
    return now + ROUNDING_MS + limits.serverErrorMs + Math.ceil(hubClock.uncertainMs);
  }

  #datesOf(stream: string): StreamDates {
    let dates = this.#streams.get(stream);
    if (dates === undefined) {
      dates = { at: -Infinity, known: this.#lastKnown(stream), wrong: [], isLastWrong: false };
      this.#streams.set(stream, dates);
    }
    return dates;
  }

  /** The message in which the farthest partition stands. */
  #lastKnown(stream: string): StreamDates['known'] {
    let last: StreamDates['known'] = null;
    for (const { positions } of this.#options.partitions.values()) {
      const storedAt = positions.storedAtOf(stream);
      const sequence = positions.of(stream);
      if (storedAt !== undefined && sequence > (last?.sequence ?? 0)) last = { sequence, storedAt };
    }
    return last;
  }
}

function noteWrong(dates: StreamDates, sequence: number): void {
  const last = dates.wrong.at(-1);
  if (last !== undefined && dates.isLastWrong) {
    last.to = sequence;
    return;
  }
  dates.wrong.push({ from: sequence, to: sequence });
  if (dates.wrong.length > STRETCHES_MAX) dates.wrong.shift();
}

/** What the hub's clock said as it stored a message: by this it is known again. */
export function hubDateOf({ storedAt, receivedAt }: Pick<Delivery, 'storedAt' | 'receivedAt'>): number {
  return storedAt ?? receivedAt;
}

/** Whether that was known to be wrong. */
export function isDatedWrong({ storedAt }: Pick<Delivery, 'storedAt'>): true | undefined {
  return storedAt === undefined ? undefined : true;
}
