/**
 * A device that only reports: it takes no commands and keeps no ring, and it has no storage, so that it does not count its starts, or
 * counts them from another number each time. In a part of the worlds.
 */
import type { Twin } from '../../../actors/twin.ts';
import type { Report } from '../../../machines/report.ts';
import type { FleetReader } from '../../../src/history/ports.ts';
import { encode } from '../../../src/wire/codec.ts';
import type { WorldRecord } from '../record.ts';
import type { Chance } from './chance.ts';
import type { Schedule } from './schedule.ts';
import type { Site } from './site.ts';

/** Between two reports, ms. */
const EVERY_MS = 30_000;
/** Between two starts, ms on average. */
const START_MS = 1_500_000;
/** A message takes so long, ms on average, and none is sent before the one before was stored. */
const WAY_MS = 100;
/** This part of its messages is lost. */
const LOSS_PART = 0.05;
/** More reports than it makes in any world. */
const PAGE = 100_000;

/** What it said, and what is known of it in the end, for who judges the world. */
export interface LastWords {
  readonly device: string;
  /** How many reports the hub stored. */
  readonly stored: number;
  /** The last ones of them, the newest last. */
  readonly last: readonly Report[];
  /** How many are in the history. */
  readonly filed: number;
  readonly twin: Twin | null;
  /** The store says that it is forgotten. */
  readonly isForgotten: boolean;
}

export class Storageless {
  readonly device = 'meter-1';
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #record: WorldRecord;
  readonly #site: Site;
  readonly #stored: Report[] = [];
  readonly #isConstant: boolean;
  #boot: number;
  #seq = 0;
  #startedAt = 0;
  #samples = 0;
  #isOver = false;
  #isSilent = false;

  constructor(parts: {
    readonly schedule: Schedule;
    readonly chance: Chance;
    readonly record: WorldRecord;
    readonly site: Site;
  }) {
    this.#schedule = parts.schedule;
    this.#chance = parts.chance;
    this.#record = parts.record;
    this.#site = parts.site;
    this.#isConstant = this.#chance.hits(0.6);
    this.#boot = this.#chance.integer(1, 1_000);
  }

  /** From now on it reports, and is started now and then. */
  begin(): void {
    this.#record.count('storageless-device');
    this.#startedAt = this.#schedule.now;
    this.#reportAfter(0);
    this.#startLater();
  }

  /** It is not switched off any more. */
  end(): void {
    this.#isOver = true;
  }

  /** It says nothing more: what it said is decided before the world is judged. */
  fallSilent(): void {
    this.#isSilent = true;
  }

  /** What it said, beside what the store holds of it. */
  async lastWords(store: FleetReader): Promise<LastWords> {
    const { device } = this;
    const page = { from: null, to: null, after: null, isNewestFirst: false, limit: PAGE };
    const [found, reports] = await Promise.all([store.twin(device), store.reports(device, page)]);
    const isForgotten = (await store.forgotten(device)) !== null;
    const said = { stored: this.#stored.length, last: this.#stored.slice(-2) };
    return { device, ...said, filed: reports.length, twin: found?.twin ?? null, isForgotten };
  }

  #startLater(): void {
    this.#schedule.after(this.#chance.exponential(START_MS), () => {
      if (this.#isOver) return;
      this.#record.count('uncounted-start');
      if (!this.#isConstant) this.#boot = this.#chance.integer(1, 1_000);
      this.#seq = 0;
      this.#startedAt = this.#schedule.now;
      this.#startLater();
    });
  }

  #reportAfter(ms: number): void {
    this.#schedule.after(ms, () => {
      if (this.#isSilent) return;
      const wayMs = this.#chance.exponential(WAY_MS);
      const report = this.#measure();
      if (!this.#chance.hits(LOSS_PART)) this.#schedule.after(wayMs, () => this.#arrive(report));
      this.#reportAfter(Math.max(wayMs, EVERY_MS));
    });
  }

  #measure(): Report {
    this.#seq += 1;
    this.#samples += 1;
    const up = Math.floor(this.#schedule.now - this.#startedAt);
    const state = Math.floor(this.#samples / 20) % 2 === 0 ? 'available' : 'serving';
    const sensors = { compartmentOpen: false, mainsPresent: true, sample: this.#samples };
    return { kind: 'kiosk', boot: this.#boot, seq: this.#seq, up, state, sensors };
  }

  #arrive(report: Report): void {
    if (this.#site.takeForged(this.device, encode(report, 'json'))) this.#stored.push(report);
  }
}
