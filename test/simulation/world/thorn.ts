/**
 * A device that now and then says what the store refuses for good, as a row that breaks a constraint: whoever hosts its partition has to
 * search for the one message among all that were to be written together. In a part of the worlds.
 */
import { type Report, UPTIME_MAX } from '../../../machines/report.ts';
import type { FleetReader, HistoryReport } from '../../../src/history/ports.ts';
import type { Commit } from '../../../src/runtime/ports.ts';
import { encode } from '../../../src/wire/codec.ts';
import type { Happenings } from '../plan.ts';
import type { WorldRecord } from '../record.ts';
import type { Chance } from './chance.ts';
import type { Schedule } from './schedule.ts';
import type { Site } from './site.ts';

/** Its name. */
export const THORN = 'thorn-1';
/** Between two reports, ms on average. */
const EVERY_MS = 45_000;
/** Between two that the store refuses, ms on average. */
const REFUSED_MS = 1_200_000;
/** The reason that its dead letters give. */
export const REFUSED_BY_STORE = 'refused-by-store';
/** More reports than it makes in any world. */
const PAGE = 100_000;

/** Whether the store refuses a report. */
export function isRefused({ sensors }: Pick<Report, 'sensors'>): boolean {
  return sensors.thorn === true;
}

/** Whether the store refuses a transaction, whatever else is in it. */
export function hasThorn({ reports }: Commit): boolean {
  return reports.some(({ device, report }) => device === THORN && isRefused(report));
}

export class Thorn {
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #record: WorldRecord;
  readonly #happenings: Happenings;
  readonly #site: Site;
  #seq = 0;
  #refusedNext = Infinity;
  #isOver = false;
  #isSilent = false;

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

  /** From now on it reports. */
  begin(): void {
    this.#refusedNext = this.#schedule.now + this.#chance.exponential(REFUSED_MS);
    this.#reportLater();
  }

  /** From now on the store takes all that it says. */
  end(): void {
    this.#isOver = true;
  }

  /** It says nothing more. */
  fallSilent(): void {
    this.#isSilent = true;
  }

  /** What is filed of it. */
  filed(store: FleetReader): Promise<readonly HistoryReport[]> {
    const page = { from: null, to: null, after: null, isNewestFirst: false, limit: PAGE };
    return store.reports(THORN, page);
  }

  #reportLater(): void {
    this.#schedule.after(this.#chance.exponential(EVERY_MS), () => {
      if (this.#isSilent) return;
      this.#report();
      this.#reportLater();
    });
  }

  #report(): void {
    const { now } = this.#schedule;
    const isDue = !this.#isOver && now >= this.#refusedNext;
    if (isDue) this.#refusedNext = now + this.#chance.exponential(REFUSED_MS);
    if (!isDue || !this.#happenings.happens('thorn')) {
      this.#say(false);
      return;
    }
    this.#record.count('data-refused-by-store');
    // Among others that can be stored: while the first of them is written the rest comes together, and it is to be found in there.
    for (const isThorn of [false, false, false, true, false]) this.#say(isThorn);
  }

  #say(isThorn: boolean): void {
    this.#seq += 1;
    const sensors = { mainsPresent: true, sample: this.#seq, ...(isThorn && { thorn: true }) };
    const where = { boot: 1, seq: this.#seq, up: Math.floor(this.#schedule.now) % UPTIME_MAX };
    const report: Report = { kind: 'kiosk', ...where, state: 'available', sensors };
    this.#site.takeForged(THORN, encode(report, 'json'));
  }
}
