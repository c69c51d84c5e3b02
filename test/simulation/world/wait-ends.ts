/**
 * The store or the hub goes away just when somebody's wait for an outcome ends, or some time before, so that leases have run out by then.
 * In a part of the worlds: by chance alone it hardly ever meets the moment at which a word is said about a command that nobody can read.
 */
import type { Happenings } from '../plan.ts';
import type { Conclusion, WorldRecord } from '../record.ts';
import type { Trace } from '../trace.ts';
import type { Backend } from './backend.ts';
import type { Chance } from './chance.ts';
import type { Device } from './device.ts';
import type { Network } from './network.ts';
import type { Schedule } from './schedule.ts';
import type { Server } from './server.ts';

/** Between two of them, ms on average. */
const MEAN_MS = 240_000;
/** While nobody waits for anything it is looked again after this, ms. */
const LOOK_MS = 1_000;
/** So many of the last calls are looked at. */
const LAST = 12;
/** It goes away at most this much before the end, where it is to be just then, ms. */
const JUST_BEFORE_MS = 50;
/** It stays away for so long after the end, ms on average. */
const AWAY_MS = 10_000;

/** What can go away. */
export interface Away {
  readonly name: string;
  readonly cut: () => void;
  readonly mend: () => void;
}

/** The store and the hub, each from all who need it. */
export function storeAndHub(parties: {
  readonly network: Network;
  readonly devices: readonly Device[];
  readonly servers: readonly Server[];
  readonly backends: readonly Backend[];
}): readonly [Away, Away] {
  const { network, devices, servers, backends } = parties;
  const toStore = servers.map(({ name }) => network.link(name, 'store'));
  const toHub = devices.map(({ name }) => network.link(name, 'hub'));
  const store: Away = {
    name: 'store',
    cut: () => toStore.forEach((link) => network.cut(link)),
    mend: () => toStore.forEach((link) => network.mend(link)),
  };
  const hub: Away = {
    name: 'hub',
    cut: () => {
      toHub.forEach((link) => network.cut(link));
      for (const server of servers) server.setLink('cut');
      for (const { link } of backends) link.cut();
    },
    mend: () => {
      toHub.forEach((link) => network.mend(link));
      for (const device of devices) device.restored();
      for (const server of servers) server.setLink('up');
      for (const { link } of backends) link.heal();
    },
  };
  return [store, hub];
}

export class WaitEnds {
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #record: WorldRecord;
  readonly #happenings: Happenings;
  readonly #trace: Trace;
  readonly #away: readonly Away[];
  #isOver = false;

  constructor(parts: {
    readonly schedule: Schedule;
    readonly chance: Chance;
    readonly record: WorldRecord;
    readonly happenings: Happenings;
    readonly trace: Trace;
    readonly away: readonly Away[];
  }) {
    this.#schedule = parts.schedule;
    this.#chance = parts.chance;
    this.#record = parts.record;
    this.#happenings = parts.happenings;
    this.#trace = parts.trace;
    this.#away = parts.away;
  }

  /** From now on something goes away as waits end. */
  begin(): void {
    this.#later(this.#chance.exponential(MEAN_MS), () => this.#lieInWait());
  }

  /** Never again; what is away is mended by whoever ends the storm. */
  end(): void {
    this.#isOver = true;
  }

  #lieInWait(): void {
    const waiting = this.#waiting();
    if (waiting.length === 0) this.#later(LOOK_MS, () => this.#lieInWait());
    else this.#strikeAt(this.#chance.pick(waiting).waitsUntil);
  }

  /** Calls that still wait. */
  #waiting(): readonly Conclusion[] {
    const { now } = this.#schedule;
    return this.#record.conclusions
      .slice(-LAST)
      .filter(({ concluded, waitsUntil }) => concluded === null && waitsUntil > now);
  }

  #strikeAt(waitsUntil: number): void {
    const leftMs = waitsUntil - this.#schedule.now;
    const beforeMs = this.#chance.between(
      0,
      this.#chance.hits(0.5) ? Math.min(JUST_BEFORE_MS, leftMs) : leftMs,
    );
    const { name, cut, mend } = this.#chance.pick(this.#away);
    this.#later(leftMs - beforeMs, () => {
      if (!this.#happenings.happens('wait-ends')) {
        this.begin();
        return;
      }
      this.#record.count('away-as-a-wait-ends');
      this.#trace.line('storm', () => `the ${name} is away as a wait ends`);
      cut();
      this.#later(beforeMs + this.#chance.exponential(AWAY_MS), () => {
        mend();
        this.begin();
      });
    });
  }

  #later(delayMs: number, work: () => void): void {
    this.#schedule.after(delayMs, () => {
      if (!this.#isOver) work();
    });
  }
}
