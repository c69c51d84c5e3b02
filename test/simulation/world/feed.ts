/**
 * A feed, and the sockets that it speaks for: it polls somebody's list of them and reports what it says, of each socket and of itself. Now
 * and then it goes away, begins another session, or is given an old list in turn with the present one. Nothing of it takes commands. In a
 * part of the worlds.
 */
import { worldState } from '../../../machines/statechart.ts';
import type { Twin } from '../../../actors/twin.ts';
import type { Report } from '../../../machines/report.ts';
import type { FleetReader } from '../../../src/history/ports.ts';
import { encode } from '../../../src/wire/codec.ts';
import type { Happenings } from '../plan.ts';
import type { WorldRecord } from '../record.ts';
import type { Chance } from './chance.ts';
import type { Schedule } from './schedule.ts';
import type { Site } from './site.ts';

const FEED = 'feed-1';
const SOCKETS = 8;
/** Between two polls, ms; well below what its kind may be silent for. */
const EVERY_MS = 30_000;
/** A report takes so long, ms on average. */
const WAY_MS = 100;
/** In this part of all polls a socket has changed. */
const CHANGE_PART = 0.03;
/** Between two troubles, and how long it is away, ms on average. */
const TROUBLE_MS = 900_000;
const AWAY_MS = 400_000;
/** So many polls in which the old list and the present one alternate, two of each. */
const REPLAYED_POLLS = 16;
/** A socket by itself falls silent for so long, ms on average. */
const SILENT_MS = 300_000;

/** What it said, beside what is known of it. */
export interface FeedWords {
  readonly feed: string;
  readonly sockets: readonly string[];
  /** When the hub stored reports of each, true time. */
  readonly arrivals: ReadonlyMap<string, readonly number[]>;
  /** What was said last of each. */
  readonly last: ReadonlyMap<string, string>;
  readonly twins: ReadonlyMap<string, Twin>;
}

export class Feed {
  readonly sockets = Array.from({ length: SOCKETS }, (_, index) => `socket-${String(index + 1)}`);
  readonly #schedule: Schedule;
  readonly #happenings: Happenings;
  readonly #chance: Chance;
  readonly #record: WorldRecord;
  readonly #site: Site;
  readonly #living = new Map<string, string>();
  readonly #seqs = new Map<string, number>();
  readonly #arrivals = new Map<string, number[]>();
  readonly #last = new Map<string, string>();
  readonly #silentUntil = new Map<string, number>();
  #old: ReadonlyMap<string, string> = new Map();
  #session = 1;
  #startedAt = 0;
  #awayUntil = -Infinity;
  #replayedPolls = 0;
  /** Between these states all of them go there and back, while an old list is played in the exam. */
  #swapped: readonly [string, string] | null = null;
  #muted: readonly string[] = [];
  #polls = 0;
  #isOver = false;
  #isSilent = false;

  constructor(parts: {
    readonly schedule: Schedule;
    readonly happenings: Happenings;
    readonly chance: Chance;
    readonly record: WorldRecord;
    readonly site: Site;
  }) {
    this.#schedule = parts.schedule;
    this.#happenings = parts.happenings;
    this.#chance = parts.chance;
    this.#record = parts.record;
    this.#site = parts.site;
    for (const socket of this.sockets) this.#living.set(socket, this.#draw());
  }

  /** From now on it polls, and has its troubles. */
  begin(): void {
    this.#record.count('spoken-for');
    this.#startedAt = this.#schedule.now;
    this.#poll();
    this.#troubleLater();
  }

  /** It has no trouble any more. */
  end(): void {
    this.#isOver = true;
    this.#awayUntil = -Infinity;
    this.#replayedPolls = 0;
    this.#silentUntil.clear();
  }

  /** From now on an old list is played in turn with the present one: what half of the sockets were is what the others are. `null`: no more. */
  alternate(states: readonly [string, string] | null): void {
    this.#swapped = states;
    if (states === null) return;
    const [one, other] = states;
    this.sockets.forEach((socket, index) => {
      this.#living.set(socket, index % 2 === 0 ? one : other);
    });
    this.#old = new Map(this.sockets.map((socket, index) => [socket, index % 2 === 0 ? other : one]));
    this.#polls = 0;
  }

  /** It says nothing of these, and of all others. */
  mute(sockets: readonly string[]): void {
    this.#muted = sockets;
  }

  /** Another session begins. */
  restart(): void {
    this.#session += 1;
    this.#seqs.clear();
    this.#startedAt = this.#schedule.now;
  }

  leave(): void {
    this.#awayUntil = Infinity;
  }

  comeBack(): void {
    this.#awayUntil = -Infinity;
  }

  /** It says nothing more. */
  fallSilent(): void {
    this.#isSilent = true;
  }

  async words(store: FleetReader): Promise<FeedWords> {
    const twins = new Map<string, Twin>();
    for (const device of [FEED, ...this.sockets]) {
      const found = await store.twin(device);
      if (found !== null) twins.set(device, found.twin);
    }
    const { sockets } = this;
    return { feed: FEED, sockets, arrivals: this.#arrivals, last: new Map(this.#last), twins };
  }

  /** The state of each, as it is known when nobody has heard any of them for long. */
  async states(store: FleetReader): Promise<ReadonlyMap<string, string>> {
    const { twins } = await this.words(store);
    return new Map([...twins].map(([device, { path }]) => [device, worldState(path)]));
  }

  #troubleLater(): void {
    this.#schedule.after(this.#chance.exponential(TROUBLE_MS), () => {
      if (this.#isOver) return;
      const sort = this.#chance.weighted({
        'source-silent': 3,
        'source-restarted': 2,
        'old-snapshot': 2,
        'socket-silent': 2,
      });
      if (this.#happenings.happens('feed')) this.#trouble(sort);
      this.#troubleLater();
    });
  }

  #trouble(sort: 'source-silent' | 'source-restarted' | 'old-snapshot' | 'socket-silent'): void {
    this.#record.count(sort);
    const { now } = this.#schedule;
    switch (sort) {
      case 'source-silent':
        this.#awayUntil = now + this.#chance.exponential(AWAY_MS);
        return;
      case 'source-restarted':
        this.restart();
        return;
      case 'old-snapshot':
        this.#old = new Map(this.sockets.map((socket) => [socket, this.#draw()]));
        this.#replayedPolls = REPLAYED_POLLS;
        return;
      case 'socket-silent':
        this.#silentUntil.set(this.#chance.pick(this.sockets), now + this.#chance.exponential(SILENT_MS));
    }
  }

  #poll(): void {
    this.#schedule.after(EVERY_MS, () => {
      if (this.#isSilent) return;
      this.#poll();
      for (const socket of this.sockets)
        if (this.#chance.hits(CHANGE_PART) && this.#swapped === null) this.#living.set(socket, this.#draw());
      if (this.#schedule.now < this.#awayUntil) return;
      const isOld = this.#swapped === null ? this.#replayedPolls % 4 >= 2 : this.#polls % 4 >= 2;
      this.#polls += 1;
      this.#replayedPolls = Math.max(0, this.#replayedPolls - 1);
      this.#say(FEED, 'available');
      for (const [socket, state] of isOld ? this.#old : this.#living)
        if (!this.#muted.includes(socket) && (this.#silentUntil.get(socket) ?? 0) <= this.#schedule.now)
          this.#say(socket, state);
    });
  }

  #say(device: string, state: string): void {
    const seq = (this.#seqs.get(device) ?? 0) + 1;
    this.#seqs.set(device, seq);
    const up = Math.floor(this.#schedule.now - this.#startedAt);
    const boot = this.#session;
    const sensors = { compartmentOpen: false, mainsPresent: true };
    const via = device === FEED ? {} : { via: { id: FEED, session: boot } };
    const report: Report = { kind: 'kiosk', boot, seq, up, state, sensors, ...via };
    this.#schedule.after(this.#chance.exponential(WAY_MS), () => {
      this.#site.takeForged(device, encode(report, 'json'));
      const known = this.#arrivals.get(device) ?? [];
      this.#arrivals.set(device, [...known, this.#schedule.now]);
      this.#last.set(device, state);
    });
  }

  #draw(): string {
    return this.#chance.pick(['available', 'serving', 'charging']);
  }
}
