/**
 * A neighbour of the devices' site that speaks in their names, each time with one message whose numbers cannot be: a boot, or a number
 * within a boot, up to the highest there is, or a ring that names a command number which no twin gives. In a part of the worlds.
 */
import { LEAP_MAX } from '../../../actors/leap.ts';
import { CLAIMED_N_MAX } from '../../../actors/ring.ts';
import { type Report, UPTIME_MAX } from '../../../machines/report.ts';
import { encode } from '../../../src/wire/codec.ts';
import type { Happenings } from '../plan.ts';
import { sampleKey, type WorldRecord } from '../record.ts';
import type { Chance } from './chance.ts';
import type { Schedule } from './schedule.ts';
import type { Site } from './site.ts';

/** Between two messages, ms on average. */
const MEAN_MS = 180_000;
const MOST = Number.MAX_SAFE_INTEGER;
/** A boot of which nothing was heard is at most so far below all that were. */
const BOOTS_BELOW = 1_000;

export class Neighbour {
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #record: WorldRecord;
  readonly #happenings: Happenings;
  readonly #site: Site;
  #isOver = false;
  #spoken = 0;

  constructor(parts: {
    readonly schedule: Schedule;
    readonly chance: Chance;
    readonly record: WorldRecord;
    readonly happenings: Happenings;
    readonly site: Site;
  }) {
    this.#schedule = parts.schedule;
    this.#chance = parts.chance;
    this.#record = parts.record;
    this.#happenings = parts.happenings;
    this.#site = parts.site;
  }

  /** From now on it speaks. */
  begin(): void {
    this.#schedule.after(this.#chance.exponential(MEAN_MS), () => {
      if (this.#isOver) return;
      if (this.#happenings.happens('neighbour')) this.#speak();
      this.begin();
    });
  }

  /** Never again. */
  end(): void {
    this.#isOver = true;
  }

  /** Of a device that its twin has heard: the first message ever is believed, whoever sent it. */
  #speak(): void {
    const device = this.#chance.pick([...this.#record.devices.keys()]);
    const newest = this.#newestOf(device);
    if (newest === null) return;
    const sort = this.#chance.weighted({ 'boot-leaps': 3, 'seq-leaps': 3, 'ring-leaps': 2 });
    const numbers = this.#numbers(sort, device, newest);
    if (numbers === null) return;
    this.#spoken += 1;
    const { commands: _, hold: __, ...body } = newest;
    const sensors = { ...newest.sensors, sample: -this.#spoken };
    const forged: Report = {
      ...body,
      ...numbers,
      up: this.#chance.pick([newest.up, 0, UPTIME_MAX]),
      sensors,
    };
    this.#record.count(sort);
    this.#record.forged.set(sampleKey(device, forged), forged);
    this.#site.takeForged(device, encode(forged, this.#chance.pick(['json', 'msgpack'])));
  }

  #numbers(sort: Leap, device: string, newest: Report): Pick<Report, 'boot' | 'seq' | 'commands'> | null {
    // No number is said twice: two messages that agree are no message alone.
    const highest = MOST - this.#spoken * (LEAP_MAX + 1);
    switch (sort) {
      case 'boot-leaps': {
        const boot = this.#chance.pick([highest, this.#chance.integer(2 ** 50, 2 ** 52)]);
        return { boot, seq: this.#chance.pick([1, highest]) };
      }
      case 'seq-leaps': {
        const farther = newest.seq + LEAP_MAX + this.#chance.integer(1_000, 2 ** 52);
        return { boot: newest.boot, seq: this.#chance.pick([highest, farther]) };
      }
      case 'ring-leaps': {
        const boot = this.#lowestBootOf(device) - this.#chance.integer(1, BOOTS_BELOW);
        const n = this.#chance.pick([CLAIMED_N_MAX + 1, 2 ** 40 + 1, MOST]);
        return boot < 0 ? null : { boot, seq: 1 + this.#spoken, commands: [{ n, outcome: 'done' }] };
      }
    }
  }

  #newestOf(device: string): Report | null {
    for (const { commit } of this.#record.commits.toReversed()) {
      const twin = commit.twins.find((known) => known.device === device);
      if (twin !== undefined) return twin.newest?.report ?? null;
    }
    return null;
  }

  #lowestBootOf(device: string): number {
    const made = this.#record.made.filter((other) => other.device === device);
    return Math.min(...made.map(({ report }) => report.boot));
  }
}

type Leap = 'boot-leaps' | 'seq-leaps' | 'ring-leaps';
