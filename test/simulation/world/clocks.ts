/**
 * The clocks of the world. True time is known to nobody in it: servers are off by a few milliseconds, and a device counts
 * its uptime with a quartz that runs fast or slow within the bound of its kind, and changes its mind about it.
 */
import type { Chance } from './chance.ts';
import type { Cancel, Schedule } from './schedule.ts';

const PPM = 1e-6;

/**
 * The clock of a server. All of them lie within `errorMs` of each other, and are set forwards and backwards in there, but in worlds in which
 * somebody sets them wrong.
 */
export class ServerClock {
  readonly #schedule: Schedule;
  #offsetMs: number;
  readonly #offsets: { readonly at: number; readonly offsetMs: number }[] = [];

  constructor(schedule: Schedule, offsetMs: number) {
    this.#schedule = schedule;
    this.#offsetMs = offsetMs;
    this.#offsets.push({ at: -Infinity, offsetMs });
  }

  /** Set by the time service: it may step back. */
  set(offsetMs: number): void {
    this.#offsetMs = offsetMs;
    this.#offsets.push({ at: this.#schedule.now, offsetMs });
  }

  /** How far it was ahead of true time, all the time from one moment to another, ms. */
  offsetsBetween(from: number, to: number): readonly number[] {
    const later = this.#offsets.findIndex(({ at }) => at > from);
    const first = (later === -1 ? this.#offsets.length : later) - 1;
    return this.#offsets.slice(first).flatMap(({ at, offsetMs }) => (at > to ? [] : [offsetMs]));
  }

  /** How far it was ahead of true time at a moment, ms. */
  aheadAt(moment: number): number {
    return this.#offsets.findLast(({ at }) => at <= moment)?.offsetMs ?? 0;
  }

  /** When it was set, between two moments. */
  setBetween(from: number, to: number): readonly number[] {
    return this.#offsets.flatMap(({ at }) => (at > from && at <= to ? [at] : []));
  }

  /** With fractions, ms epoch. */
  exact(): number {
    return this.#schedule.now + this.#offsetMs;
  }

  /** As a program reads it: whole ms epoch. */
  now(): number {
    return Math.floor(this.exact());
  }
}

interface Stretch {
  readonly at: number;
  readonly up: number;
  /** Ms of uptime in a true ms. */
  readonly rate: number;
}

/** Uptime of one boot. */
export class UptimeClock {
  readonly #schedule: Schedule;
  readonly #stretches: Stretch[] = [];

  /** Begins at 0, now. */
  constructor(schedule: Schedule, error: number) {
    this.#schedule = schedule;
    this.#stretches.push({ at: schedule.now, up: 0, rate: rateOf(error) });
  }

  /** From now on the quartz is off by `error` parts per million. */
  drift(error: number): void {
    const at = this.#schedule.now;
    this.#stretches.push({ at, up: this.exact(at), rate: rateOf(error) });
  }

  /** Uptime at a true time, with fractions. */
  exact(at: number): number {
    const stretch = this.#stretches.findLast((other) => other.at <= at) ?? this.#stretches[0]!;
    return stretch.up + (at - stretch.at) * stretch.rate;
  }

  /** As the device reads it: whole ms. */
  now(): number {
    return Math.floor(this.exact(this.#schedule.now));
  }

  /** The true time at which the uptime was, or will be, exactly `up`. */
  timeOf(up: number): number {
    const stretch = this.#stretches.findLast((other) => other.up <= up) ?? this.#stretches[0]!;
    return stretch.at + (up - stretch.up) / stretch.rate;
  }

  /** Calls `work` once the uptime has grown by `delayMs`, however the quartz runs until then. */
  after(delayMs: number, work: () => void): Cancel {
    const dueUp = this.exact(this.#schedule.now) + delayMs;
    let cancel: Cancel;
    const arm = (): void => {
      cancel = this.#schedule.at(this.timeOf(dueUp) + 0.001, () => {
        if (this.exact(this.#schedule.now) < dueUp) arm();
        else work();
      });
    };
    arm();
    return () => cancel();
  }
}

/** The pace of a quartz that gains `error` parts per million. */
function rateOf(error: number): number {
  return 1 + error * PPM;
}

/** How wrong a device's wall clock is: an hour ahead, in 1970, in year 1, in 2036 (GPS and 32 bits), or absent. */
export function wallClockError(chance: Chance, now: number): number | null {
  const sort = chance.weighted({ right: 3, off: 3, hour: 1, epoch: 1, ancient: 1, future: 1, none: 1 });
  switch (sort) {
    case 'right':
      return 0;
    case 'off':
      return chance.between(-90_000, 90_000);
    case 'hour':
      return chance.pick([-1, 1]) * 3_600_000;
    case 'epoch':
      return -now;
    case 'ancient':
      return -now - 62_135_596_800_000;
    case 'future':
      return 10 * 365.25 * 86_400_000;
    case 'none':
      return null;
  }
}
