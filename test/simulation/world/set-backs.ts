/**
 * Hub and store go back: the hub's streams lose what they stored last, as after a power cut, and the store becomes what it was when it
 * was backed up, under nodes that run, or while all of them are off. In a part of the worlds. Devices and backends do not go back, and
 * neither does the other one.
 */
import type { MemoryHub } from '../../../src/memory/hub.ts';
import type { MessageStream, StoredMessage } from '../../../src/memory/message-stream.ts';
import type { MemoryStore } from '../../../src/memory/store.ts';
import { readReports } from '../../../src/wire/report.ts';
import { parseReportSubject } from '../../../src/wire/subjects.ts';
import type { Happenings } from '../plan.ts';
import { sampleKey, type WorldRecord } from '../record.ts';
import type { Trace } from '../trace.ts';
import type { Chance } from './chance.ts';
import type { Schedule } from './schedule.ts';
import type { Server } from './server.ts';
import type { Away } from './wait-ends.ts';

/** Between two set-backs of one of them, ms on average. */
const MEAN_MS = 2_400_000;
/** And of the hub where somebody watches what becomes known: of that there is little, and a loss has to hit it. */
const WATCHED_MEAN_MS = 1_200_000;
/** There this part of the losses begins with one of the last messages that he could read, of so many, if that is no older, ms. */
const AIMED_PART = 0.6;
const AIMED_MESSAGES = 6;
const AIMED_MS = 600_000;
/** It is away for so long, ms on average. */
const AWAY_MS = 10_000;
/** Nodes stay away longer than devices for so long, ms on average, where they do. */
const NODES_AWAY_MS = 60_000;
/** And who watches longer than both, for so long, where he does. */
const WATCHER_AWAY_MS = 180_000;
/** What the hub's disk did not have yet is so old at most, ms. */
const TAIL_MS = [500, 20_000, 120_000];
/** A backup is so old when it is needed, ms on average. */
const BACKUP_MS = [5_000, 120_000, 900_000];

export interface SetBacksOptions {
  readonly schedule: Schedule;
  readonly chance: Chance;
  readonly record: WorldRecord;
  readonly happenings: Happenings;
  readonly trace: Trace;
  readonly hub: MemoryHub;
  readonly store: MemoryStore;
  readonly servers: readonly Server[];
  readonly storeAway: Away;
  readonly hubAway: Away;
  /** Nobody's connection outlives the hub. */
  readonly watcher: Pick<Away, 'cut' | 'mend'> | null;
  /** Losses are to hit what somebody watches. */
  readonly isWatched: boolean;
}

export class SetBacks {
  readonly #options: SetBacksOptions;
  #isOver = false;

  constructor(options: SetBacksOptions) {
    this.#options = options;
  }

  /** From now on the hub goes back now and then. */
  beginHub(): void {
    const chance = this.#options.chance.fork('hub');
    const again = (): void => {
      this.#after(chance.exponential(this.#options.isWatched ? WATCHED_MEAN_MS : MEAN_MS), () => {
        if (this.#options.happenings.happens('hub-set-backs')) this.setHubBack(chance);
        again();
      });
    };
    again();
  }

  /** From now on the store does. */
  beginStore(): void {
    const chance = this.#options.chance.fork('store');
    const again = (): void => {
      this.#after(chance.exponential(MEAN_MS), () => {
        const setBack = this.#options.store.keep();
        const keptAt = this.#options.schedule.now;
        this.#after(chance.exponential(chance.pick(BACKUP_MS)), () => {
          if (this.#options.happenings.happens('store-set-backs'))
            this.#setStoreBack(chance, setBack, keptAt);
          again();
        });
      });
    };
    again();
  }

  end(): void {
    this.#isOver = true;
  }

  /** The hub goes back. */
  setHubBack(chance: Chance): void {
    const { record, trace, hub, hubAway, schedule, watcher, isWatched } = this.#options;
    const since = this.#drawSince(chance);
    trace.line('storm', () => `the hub loses what it stored since ${String(since)}`);
    record.count('hub-set-back');
    hubAway.cut();
    watcher?.cut();
    const reports = [...hub.reports.all].flatMap(([, stream]) => this.#loseSince(stream, since));
    const published = [hub.changes, hub.deadLetters].flatMap((stream) => this.#loseSince(stream, since));
    record.count('message-lost-by-hub', reports.length + published.length);
    record.hubLosses.push({ at: schedule.now, reports, published });
    this.#forgetStored(reports, since);
    const isBeforeNodes = chance.hits(0.5);
    this.#after(chance.exponential(AWAY_MS), () => {
      hubAway.mend();
      const isLater = isWatched && chance.hits(0.5);
      if (watcher !== null) this.#after(isLater ? chance.exponential(WATCHER_AWAY_MS) : 0, watcher.mend);
      if (isBeforeNodes) this.#keepNodesAway(chance.exponential(NODES_AWAY_MS));
    });
  }

  /** From when on the hub has lost what it stored, true time. */
  #drawSince(chance: Chance): number {
    const { schedule, isWatched, hub, record } = this.#options;
    const since = schedule.now - chance.between(0, chance.pick(TAIL_MS));
    if (!isWatched || !chance.hits(AIMED_PART)) return since;
    const first = hub.changes.messages.at(-chance.integer(1, AIMED_MESSAGES));
    const storedAt = first && record.storedAt.get(first);
    if (storedAt === undefined || storedAt < schedule.now - AIMED_MS) return since;
    return storedAt - 1;
  }

  /** What a stream loses that was stored after a true time, whatever the hub's clock said. */
  #loseSince(stream: MessageStream, since: number): readonly StoredMessage[] {
    const { storedAt } = this.#options.record;
    const lost = stream.messages.filter((message) => (storedAt.get(message) ?? 0) > since);
    const [first] = lost;
    if (first !== undefined) stream.loseAfter(first.sequence - 1);
    return lost;
  }

  /** Devices come back earlier: until nodes do, the streams grow again, maybe beyond where they were. */
  #keepNodesAway(forMs: number): void {
    const { servers } = this.#options;
    for (const server of servers) server.setLink('cut');
    this.#after(forMs, () => {
      for (const server of servers) server.setLink('up');
    });
  }

  /** What no copy is left of was not stored, as far as anybody will ever read it. */
  #forgetStored(lost: readonly StoredMessage[], since: number): void {
    const { record, hub, schedule } = this.#options;
    const left = new Set([...hub.reports.all].flatMap(([, { messages }]) => messages.flatMap(samplesOf)));
    for (const key of lost.flatMap(samplesOf)) {
      const made = record.madeBySample.get(key);
      if (made === undefined || left.has(key)) continue;
      made.storedAt = null;
      made.wasLostByHub = true;
    }
    for (const arrival of record.arrivals) if (arrival.at > since) arrival.lostAt ??= schedule.now;
  }

  #setStoreBack(chance: Chance, setBack: () => void, keptAt: number): void {
    const { record, trace, servers, storeAway, schedule } = this.#options;
    const areNodesOff = chance.hits(0.4);
    trace.line('storm', () => `the store is what it was at ${new Date(keptAt).toISOString()}`);
    record.count('store-set-back');
    if (areNodesOff) for (const server of servers) server.kill();
    storeAway.cut();
    setBack();
    record.setBacks.push(schedule.now);
    for (const committed of record.commits) {
      if (committed.at < keptAt || committed.lostAt !== null) continue;
      committed.lostAt = schedule.now;
      record.count('commit-forgotten');
    }
    this.#after(chance.exponential(AWAY_MS), () => storeAway.mend());
  }

  #after(delayMs: number, work: () => void): void {
    this.#options.schedule.after(delayMs, () => {
      if (!this.#isOver) work();
    });
  }
}

function samplesOf({ subject, payload }: StoredMessage): readonly string[] {
  const device = parseReportSubject(subject)?.device ?? '';
  const read = readReports(device, payload);
  return read.ok ? read.reports.map((report) => sampleKey(device, report)) : [];
}
