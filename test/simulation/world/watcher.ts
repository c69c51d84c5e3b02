/**
 * A program that follows what becomes known through the production `watch`: all of it, or what is about some devices. It takes its time,
 * its connection breaks or stands still, and now and then it is started anew and goes on from the place that it kept.
 */
import { watchChanges } from '../../../src/client/watch.ts';
import type { MemoryHub } from '../../../src/memory/hub.ts';
import { MemoryLink } from '../../../src/memory/link.ts';
import type { Clock } from '../../../src/runtime/ports.ts';
import { readPlace } from '../../../src/wire/change-place.ts';
import type { WatchRecord, WorldRecord } from '../record.ts';
import type { Trace } from '../trace.ts';
import type { Chance } from './chance.ts';
import type { Consumers } from './consumers.ts';
import { Process } from './process.ts';
import { readingSource } from './reading.ts';
import type { Schedule } from './schedule.ts';

export interface WatcherOptions {
  readonly schedule: Schedule;
  readonly hub: MemoryHub;
  /** Of its machine, which is right. */
  readonly rightClock: Clock;
  readonly consumers: Consumers;
  readonly chance: Chance;
  readonly record: WorldRecord;
  readonly trace: Trace;
  /** Of the world. */
  readonly devices: readonly string[];
}

/** Between two starts, ms on average. */
const RESTART_MS = 900_000;
/** Between two troubles of its connection, ms on average; each lasts as long as it does on average. */
const TROUBLE_MS = 600_000;
const TROUBLE_LASTS_MS = 8_000;
/** At this part of the events it is busy for so long, ms on average: then more waits than is asked for at once. */
const BUSY_PART = 0.02;
const BUSY_MS = 5_000;

interface Life {
  readonly process: Process;
  readonly link: MemoryLink;
}

export class Watcher {
  readonly #options: WatcherOptions;
  readonly #devices: readonly string[] | null;
  #life: Life | null = null;
  #place = '0';
  #isCalm = false;
  #isCut = false;

  constructor(options: WatcherOptions) {
    this.#options = options;
    const { chance, devices } = options;
    this.#devices = chance.hits(0.5) ? null : devices.filter(() => chance.hits(0.5));
  }

  begin(): void {
    this.#start();
    this.#again(RESTART_MS, () => this.#restart());
    this.#again(TROUBLE_MS, () => this.#trouble());
  }

  /** Nothing happens to it any more. */
  end(): void {
    this.#isCalm = true;
    this.mend();
  }

  /** The hub goes away, and is back. */
  readonly cut = (): void => {
    this.#isCut = true;
    this.#life?.link.cut();
  };

  readonly mend = (): void => {
    this.#isCut = false;
    this.#life?.link.heal();
  };

  #again(meanMs: number, work: () => void): void {
    const { schedule, chance } = this.#options;
    schedule.after(chance.exponential(meanMs), () => {
      if (this.#isCalm) return;
      work();
      this.#again(meanMs, work);
    });
  }

  #restart(): void {
    this.#options.record.count('watcher-restarted');
    this.#life?.link.cut();
    this.#life?.process.kill();
    this.#start();
  }

  #trouble(): void {
    const { chance, record, schedule } = this.#options;
    const link = this.#life?.link;
    const how = chance.pick(['cut', 'frozen', 'mute', 'deaf'] as const);
    if (this.#isCut) return;
    record.count('watcher-link-trouble');
    if (how === 'cut') link?.cut();
    else link?.freeze(how);
    schedule.after(chance.exponential(TROUBLE_LASTS_MS), () => {
      if (!this.#isCut) link?.heal();
    });
  }

  #start(): void {
    const { schedule, chance, hub, rightClock, consumers, record } = this.#options;
    const process = new Process(schedule, () => undefined);
    const link = new MemoryLink(rightClock, { delayMs: () => chance.exponential(10), isLost: () => false });
    if (this.#isCut) link.cut();
    const life = { process, link };
    this.#life = life;
    const clock: Clock = {
      now: () => rightClock.now(),
      monotonic: () => schedule.now,
      after: (delayMs, work) => schedule.after(delayMs, () => process.enter(work)),
    };
    const source = readingSource({ hub, link, consumers, process, clock });
    const watch: WatchRecord = { after: this.#place, devices: this.#devices, told: [], failure: null };
    record.watches.push(watch);
    this.#follow(source, watch, life).catch((error: unknown) => {
      if (!process.isDead) watch.failure = String(error);
    });
  }

  async #follow(source: ReturnType<typeof readingSource>, kept: WatchRecord, life: Life): Promise<void> {
    const { chance, schedule, trace } = this.#options;
    const after = readPlace(this.#place);
    if (after === null) throw new Error(`${this.#place} is no place`);
    const watch = await watchChanges(source, after, this.#devices);
    for await (const event of watch) {
      if (life.process.isDead) return;
      trace.line('watcher', () => `is told ${event.type} ${event.place}`);
      this.#place = event.place;
      kept.told.push({ event, at: schedule.now });
      if (chance.hits(BUSY_PART))
        await new Promise<void>((resolve) => void schedule.after(chance.exponential(BUSY_MS), resolve));
    }
    throw new Error('the watch ended by itself');
  }
}
