/**
 * A device whose monotonic clock lies: it stands still in deep sleep, runs at another pace for a while, jumps, tells an uptime of another
 * sort in a single report, or that of its host from a restart on. It answers `report`, and takes no other command. In a part of the worlds.
 *
 * It lies again only once a round trip has shown what it did before. What a clock did before it was ever asked shows to nobody, and
 * two lies that no answer lies between may hide each other.
 */
import type { Command } from '../../../machines/command.ts';
import type { Report, RingEntry } from '../../../machines/report.ts';
import type { FleetReader, HistoryReport } from '../../../src/history/ports.ts';
import { decode, encode } from '../../../src/wire/codec.ts';
import type { MemoryHub } from '../../../src/memory/hub.ts';
import type { Happenings } from '../plan.ts';
import type { WorldRecord } from '../record.ts';
import type { Chance } from './chance.ts';
import { UptimeClock } from './clocks.ts';
import type { Schedule } from './schedule.ts';
import { SITE, type Site } from './site.ts';

/** Between two reports, ms. */
const EVERY_MS = 30_000;
/** Between two lies, ms on average. */
const LIE_MS = 900_000;
/** A message takes so long, ms on average; this part of them takes minutes, and this part is lost. */
const WAY_MS = 60;
const LONG_PART = 0.03;
const LONG_MS = 120_000;
const LOSS_PART = 0.05;
/** Of the first reports of its boots so many are lost. */
const FIRST_LOSS_PART = 0.5;
/** Another clock gains or loses so much, parts per million. */
const TEN_TIMES = 9_000_000;
const HALF = -500_000;
const HOUR_MS = 3_600_000;
const HOST_MS = 3 * 24 * HOUR_MS;
const ANOTHER_SORT_MS = 9 * 365 * 24 * HOUR_MS;
const RING_SIZE = 8;
/** More reports than it makes in any world. */
const PAGE = 100_000;

/** What it said and when that was so, and what is filed of it, for who judges the world. */
export interface LyingWords {
  readonly device: string;
  /** True time of each of its reports, by the sample in its sensors. */
  readonly measuredAt: ReadonlyMap<number, number>;
  readonly reports: readonly HistoryReport[];
}

export class Liar {
  readonly device = 'sleeper-1';
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #record: WorldRecord;
  readonly #happenings: Happenings;
  readonly #site: Site;
  readonly #hub: MemoryHub;
  readonly #store: FleetReader;
  readonly #measuredAt = new Map<number, number>();
  #ring: readonly RingEntry[] = [];
  #boot = 1;
  #seq = 0;
  #clock: UptimeClock;
  /** What its uptime is ahead by, ms. */
  #aheadMs = 0;
  #isOdd = false;
  #isAsleep = false;
  #isOver = false;
  /** Its uptime when the last lie was over. */
  #liedUntilUp = 0;

  constructor(parts: {
    readonly schedule: Schedule;
    readonly chance: Chance;
    readonly record: WorldRecord;
    readonly happenings: Happenings;
    readonly site: Site;
    readonly hub: MemoryHub;
    readonly store: FleetReader;
  }) {
    this.#schedule = parts.schedule;
    this.#chance = parts.chance;
    this.#record = parts.record;
    this.#happenings = parts.happenings;
    this.#site = parts.site;
    this.#hub = parts.hub;
    this.#store = parts.store;
    this.#clock = new UptimeClock(parts.schedule, 0);
  }

  /** From now on it reports, and lies now and then. */
  begin(): void {
    this.#record.count('lying-clock');
    this.#clock = new UptimeClock(this.#schedule, 0);
    this.#hub.onCommand(SITE, this.device, (payload) => {
      this.#schedule.after(this.#chance.exponential(WAY_MS), () => this.#answer(payload));
    });
    this.#report();
    this.#reportLater();
    this.#lieLater(this.#chance.exponential(LIE_MS));
  }

  /** It does not begin to lie any more. */
  end(): void {
    this.#isOver = true;
  }

  /** What it said, beside what the store holds of it. */
  async lyingWords(): Promise<LyingWords> {
    const { device } = this;
    const page = { from: null, to: null, after: null, isNewestFirst: false, limit: PAGE };
    return { device, measuredAt: this.#measuredAt, reports: await this.#store.reports(device, page) };
  }

  get #up(): number {
    return this.#clock.now() + this.#aheadMs;
  }

  #reportLater(): void {
    this.#schedule.after(EVERY_MS, () => {
      if (!this.#isAsleep) this.#report();
      this.#reportLater();
    });
  }

  #answer(payload: Uint8Array): void {
    const decoded = decode(payload);
    if (!decoded.ok || this.#isAsleep) return;
    const { n, name } = decoded.value as Command;
    const entry: RingEntry =
      name === 'report' ? { n, outcome: 'done' } : { n, outcome: 'rejected', reason: 'unknown-command' };
    const others = this.#ring.filter((other) => other.n !== n);
    this.#ring = [entry, ...others].sort((a, b) => b.n - a.n).slice(0, RING_SIZE);
    this.#report();
  }

  #report(): void {
    this.#seq += 1;
    const sample = this.#measuredAt.size + 1;
    this.#measuredAt.set(sample, this.#schedule.now);
    const up = this.#isOdd ? ANOTHER_SORT_MS + this.#up : this.#up;
    this.#isOdd = false;
    const state = Math.floor(sample / 20) % 2 === 0 ? 'available' : 'serving';
    const sensors = { compartmentOpen: false, mainsPresent: true, sample };
    const said = { kind: 'kiosk', boot: this.#boot, seq: this.#seq, up, state, sensors };
    const report: Report = { ...said, commands: [...this.#ring] };
    const isLost = this.#chance.hits(this.#seq === 1 && this.#boot > 1 ? FIRST_LOSS_PART : LOSS_PART);
    const wayMs = this.#chance.exponential(this.#chance.hits(LONG_PART) ? LONG_MS : WAY_MS);
    if (isLost) return;
    this.#schedule.after(wayMs, () => this.#site.takeForged(this.device, encode(report, 'json')));
  }

  #lieLater(ms: number): void {
    this.#schedule.after(ms, () => {
      void this.#isProved().then((isProved) => {
        if (this.#isOver) return;
        if (!isProved || !this.#happenings.happens('liar')) this.#lieLater(EVERY_MS);
        else this.#lieLater(this.#lie() + this.#chance.exponential(LIE_MS));
      });
    });
  }

  /** What it did before has shown, and a round trip has proved its clock since. */
  async #isProved(): Promise<boolean> {
    const found = await this.#store.twin(this.device);
    const clock = found?.twin.clock ?? null;
    const provedUp = clock?.boot === this.#boot ? (clock.agreed?.toUp ?? -1) : -1;
    return provedUp > this.#liedUntilUp && provedUp <= this.#up;
  }

  /** Begins a lie, and returns how long it lasts, ms. */
  #lie(): number {
    this.#record.count('clock-lied');
    const sort = this.#chance.pick(['sleep', 'fast', 'half', 'jump', 'odd', 'host'] as const);
    switch (sort) {
      case 'sleep':
        this.#isAsleep = true;
        return this.#pace(-1_000_000, this.#chance.between(300_000, HOUR_MS));
      case 'fast':
        return this.#pace(TEN_TIMES, this.#chance.between(60_000, 600_000));
      case 'half':
        return this.#pace(HALF, this.#chance.between(600_000, HOUR_MS));
      case 'jump':
        this.#aheadMs += HOUR_MS;
        break;
      case 'odd':
        this.#isOdd = true;
        break;
      case 'host':
        this.#boot += 1;
        this.#seq = 0;
        this.#aheadMs += HOST_MS;
        this.#report();
        break;
    }
    this.#liedUntilUp = this.#up;
    return 0;
  }

  #pace(error: number, forMs: number): number {
    this.#clock.drift(error);
    this.#schedule.after(forMs, () => {
      this.#clock.drift(0);
      this.#isAsleep = false;
      this.#liedUntilUp = this.#up;
    });
    this.#liedUntilUp = Infinity;
    return forMs;
  }
}
