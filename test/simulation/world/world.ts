/**
 * A world: a hub, a store, some nodes, some devices, some backends, all from one seed. First the storm, in which nothing
 * may ever become wrong; then the calm, in which everything has to become right.
 */
import { kinds } from '../../../machines/kinds.ts';
import { worldState } from '../../../machines/statechart.ts';
import { MemoryHub } from '../../../src/memory/hub.ts';
import { MemoryStore } from '../../../src/memory/store.ts';
import type { Clock } from '../../../src/runtime/ports.ts';
import { EVERYTHING, Happenings, type Part, type Plan } from '../plan.ts';
import { WorldRecord } from '../record.ts';
import type { Trace } from '../trace.ts';
import { AimedPauses } from './aimed-pauses.ts';
import { Backend } from './backend.ts';
import { Chance } from './chance.ts';
import { ServerClock } from './clocks.ts';
import { Consumers } from './consumers.ts';
import { Device } from './device.ts';
import type { Evidence, ExamAnswer } from './evidence.ts';
import { examine } from './exam.ts';
import { Feed } from './feed.ts';
import { readFinalStore, readPasts } from './final-store.ts';
import { GOOD, Network } from './network.ts';
import { MixUps } from './mix-ups.ts';
import { Neighbour } from './neighbour.ts';
import { People } from './people.ts';
import { Schedule } from './schedule.ts';
import { Seller } from './seller.ts';
import { Server } from './server.ts';
import { SetBacks } from './set-backs.ts';
import { Site, SITE } from './site.ts';
import { Liar } from './liar.ts';
import { SourceExam } from './source-exam.ts';
import { Standby } from './standby.ts';
import { Storageless } from './storageless.ts';
import { Storm } from './storm.ts';
import { Thorn } from './thorn.ts';
import { type Away, storeAndHub, WaitEnds } from './wait-ends.ts';
import { Watcher } from './watcher.ts';
import { drawWeather, type Weather } from './weather.ts';

/** When every world begins, true time. */
export const WORLD_BEGINS = Date.UTC(2026, 0, 5, 6);

/** How long everything has to become right once nothing is broken any more, ms: no hold is asked for that lasts longer. */
const CALM_MS = 2_000_000;
/** After the last command of all, ms. */
const LAST_MS = 180_000;
/** The device without storage says nothing in the last of them, ms: longer than it takes to hear it, and shorter than it is waited for. */
const LAST_WORD_MS = 10_000;
/** How long, and how often, what is under way is waited for in the end. */
const SETTLE_MS = 500;
const SETTLE_TRIES_MAX = 40;
/** A twin may take this much longer than its kind's limit to say that a device is silent, ms. */
const SILENCE_MARGIN_MS = 60_000;
/** In the storm this part of all commits is slow. */
const SLOW_COMMITS_PART = 0.003;
/** In the storm the hub says nothing of this part of what it stores of nodes. */
const UNSAID_PART = 0.002;
interface Drawn {
  readonly word: string;
  readonly share: number;
  /** Of the worlds in which somebody watches what becomes known, where that is another. */
  readonly watchedShare?: number;
}

/** Parts that a share of all worlds has, and the word by which a seed draws each. */
const DRAWN = {
  // In these a backend mixes up its ids.
  'mix-ups': { word: 'ids', share: 0.4 },
  // In these store or hub go away as waits end.
  'wait-ends': { word: 'waits', share: 0.4 },
  // In these somebody of the site speaks in the devices' names.
  neighbour: { word: 'whose voice', share: 0.3 },
  // In these the hub is set back; and in more of those in which somebody watches.
  'hub-set-backs': { word: 'hub goes back', share: 0.2, watchedShare: 0.6 },
  // In these the store is set back.
  'store-set-backs': { word: 'store goes back', share: 0.2 },
  // In these the store has a standby that goes away; but for those in which the store is set back.
  standby: { word: 'who has what is written', share: 0.3 },
  // In these nodes stand still in the middle of what they ask.
  'aimed-pauses': { word: 'pauses in calls', share: 0.25 },
  // In these there is a device without ring and storage.
  storageless: { word: 'no storage', share: 0.3 },
  // In these there are devices that a feed speaks for.
  feed: { word: 'who speaks', share: 0.3 },
  // In these there is a device whose uptime lies.
  liar: { word: 'a lying clock', share: 0.3 },
  // In these there is a device of which the store refuses what it says now and then.
  thorn: { word: 'a thorn', share: 0.2 },
} as const satisfies Partial<Record<Part, Drawn>>;

export class World {
  readonly record = new WorldRecord();
  readonly schedule = new Schedule(WORLD_BEGINS);
  readonly happenings: Happenings;
  readonly weather: Weather;
  readonly #chance: Chance;
  readonly #trace: Trace;
  readonly #network: Network;
  readonly #hub: MemoryHub;
  readonly #hubClock: ServerClock;
  /** What the hub stamps with. */
  readonly #hubStamps: Clock;
  /** The time of who is not a server: the hub's while that is right. */
  readonly #rightClock: Clock;
  readonly #consumers: Consumers | null;
  readonly #watcher: Watcher | null;
  readonly #site: Site;
  readonly #hubOffsetMs: number;
  readonly #store: MemoryStore;
  readonly #storeClock: ServerClock;
  readonly #standby: Standby | null;
  readonly #trouble = {
    failPart: 0,
    mutePart: 0,
    slowPart: SLOW_COMMITS_PART,
    unsaidPart: UNSAID_PART,
  };
  readonly #devices: readonly Device[];
  readonly #servers: readonly Server[];
  readonly #backends: readonly Backend[];
  readonly #storm: Storm;
  readonly #people: People;
  readonly #mixUps: MixUps;
  readonly #waitEnds: WaitEnds;
  readonly #setBacks: SetBacks;
  readonly #aimedPauses: AimedPauses;
  readonly #neighbour: Neighbour;
  readonly #storageless: Storageless | null;
  readonly #seller: Seller;
  readonly #liar: Liar | null;
  readonly #thorn: Thorn | null;
  readonly #feed: Feed | null;
  readonly #sourceExam: SourceExam | null;
  #isCalm = false;

  constructor(seed: number, trace: Trace, plan: Plan = EVERYTHING) {
    const chance = new Chance(seed);
    const { schedule, record } = this;
    const happenings = (this.happenings = new Happenings(schedule, plan));
    this.#chance = chance;
    this.#trace = trace;
    const drawn = drawWeather(chance.fork('weather'));
    this.weather = { ...drawn, stormMs: plan.stormMs ?? drawn.stormMs };
    const { serverErrorMs } = this.weather.limits;
    const offsets = chance.fork('server clocks');
    const clock = (): ServerClock => new ServerClock(schedule, offsets.between(0, serverErrorMs));
    this.#network = new Network(schedule, chance.fork('network'), record);
    this.#hubOffsetMs = offsets.between(0, serverErrorMs);
    this.#hubClock = new ServerClock(schedule, this.#hubOffsetMs);
    this.#rightClock = {
      now: () => Math.ceil(schedule.now + this.#hubOffsetMs),
      monotonic: () => schedule.now,
      after: (delayMs, work) => schedule.after(delayMs, work),
    };
    // A stream stamps to the ns; who reads it in whole ms has to round up (`src/nats/delivery-info.ts`).
    this.#hubStamps = { ...this.#rightClock, now: () => Math.ceil(this.#hubClock.exact()) };
    this.#hub = new MemoryHub(this.#hubStamps);
    this.#consumers = this.#makeConsumers();
    const parts = { schedule, network: this.#network, record };
    this.#site = new Site({ ...parts, hub: this.#hub, chance: chance.fork('site') });
    this.#storeClock = clock();
    const storeOptions = { kinds, clock: this.#storeClock, serverErrorMs, retentionDays: 3_650 };
    this.#store = new MemoryStore(storeOptions);
    this.#standby = this.#makeStandby();
    this.#devices = this.#makeDevices();
    this.#servers = Array.from({ length: this.weather.nodes }, (_, index) =>
      this.#makeServer(index, clock()),
    );
    this.#watcher = this.#makeWatcher();
    this.#backends = Array.from({ length: this.weather.backends }, (_, index) =>
      this.#makeBackend(`backend-${index + 1}`),
    );
    this.#people = new People(schedule, chance.fork('people'));
    this.#mixUps = this.#makeMixUps();
    this.#waitEnds = this.#makeWaitEnds();
    this.#setBacks = this.#makeSetBacks();
    const { leaseTtlMs } = this.weather.limits;
    const pausing = { schedule, record, happenings, servers: this.#servers, leaseTtlMs };
    this.#aimedPauses = new AimedPauses({ ...pausing, chance: chance.fork('aimed pauses') });
    const own = { schedule, record, happenings, site: this.#site, chance: chance.fork('storageless') };
    this.#neighbour = new Neighbour({ ...own, chance: chance.fork('neighbour') });
    const isStorageless = this.#has('storageless');
    this.#storageless = isStorageless ? new Storageless(own) : null;
    this.#seller = new Seller({ ...own, backend: this.#backends[0]!, chance: chance.fork('seller') });
    const lying = { ...own, hub: this.#hub, store: this.#store, chance: chance.fork('liar') };
    this.#liar = this.#has('liar') ? new Liar(lying) : null;
    const prickly = { ...own, chance: chance.fork('thorn') };
    this.#thorn = this.#has('thorn') ? new Thorn(prickly) : null;
    const feeding = { ...own, chance: chance.fork('feed') };
    this.#feed = this.#has('feed') ? new Feed(feeding) : null;
    const feed = this.#feed;
    this.#sourceExam = feed && new SourceExam({ schedule, feed, store: this.#store });
    this.#storm = new Storm({
      ...parts,
      chance: chance.fork('storm'),
      weather: this.weather,
      trace,
      trouble: this.#trouble,
      devices: this.#devices,
      servers: this.#servers,
      backends: this.#backends,
      hub: this.#hub,
      storeClock: this.#storeClock,
      consumers: this.#consumers,
      happenings,
      hubClock: this.#hubClock,
      hubOffsetMs: this.#hubOffsetMs,
      loseTail: (its) => this.#setBacks.setHubBack(its),
    });
  }

  /** The storm, the calm, and what is left. */
  async run(): Promise<Evidence> {
    const { schedule, weather } = this;
    const begin = this.#chance.fork('begin');
    for (const server of this.#servers) schedule.after(begin.between(0, 5_000), () => server.switchOn());
    const { happenings } = this;
    const quality = happenings.has('poor-links') ? weather.deviceQuality : GOOD;
    const hasPeople = weather.useMs < Infinity && happenings.has('people');
    for (const device of this.#devices) {
      const link = this.#network.link(device.name, 'hub');
      link.quality = quality;
      link.keeps = true;
      schedule.after(begin.between(0, 20_000), () => device.switchOn());
      if (hasPeople) this.#people.visit(device, weather.useMs);
    }
    for (const backend of this.#backends) backend.start();
    this.#beginParts();
    this.#storm.begin();
    await schedule.runUntil(WORLD_BEGINS + weather.stormMs);
    const calmAt = schedule.now;
    this.#calm();
    await schedule.runUntil(calmAt + CALM_MS);
    const exam: ExamAnswer[] = [];
    const examiner = { schedule, backend: this.#backends[0]!, clock: this.#rightClock };
    for (const { name } of this.#devices)
      void examine(name, { ...examiner, chance: this.#chance.fork(`exam ${name}`) }, exam);
    await schedule.runUntil(calmAt + CALM_MS + LAST_MS);
    await this.#settle();
    const { reports, changes, deadLetters } = this.#hub;
    const names = this.#devices.map(({ name }) => name);
    const store = await readFinalStore(this.#store, names);
    const pasts = await readPasts(store, {
      now: schedule.now + this.#hubOffsetMs,
      broken: (what) => this.record.faults.push({ at: schedule.now, what }),
    });
    const evidence = {
      record: this.record,
      weather,
      calmAt,
      endedAt: schedule.now,
      hubOffsetMs: this.#hubOffsetMs,
      hubClock: this.#hubClock,
      store,
      pasts,
      exam,
      serverClocks: new Map(this.#servers.map(({ name, clock }) => [name, clock])),
      streams: {
        reports: [...reports.all].flatMap(([, stream]) => stream.messages),
        changes: [...changes.messages],
        deadLetters: [...deadLetters.messages],
      },
      lastWords: (await this.#storageless?.lastWords(this.#store)) ?? null,
      lyingWords: (await this.#liar?.lyingWords()) ?? null,
      filedOfThorn: (await this.#thorn?.filed(this.#store)) ?? null,
      sourceAnswers: this.#sourceExam?.answers ?? [],
      feedWords: (await this.#feed?.words(this.#store)) ?? null,
      truth: new Map(this.#devices.map((device) => [device.name, device.truth()])),
    };
    const silence = await this.#listenToSilence();
    const feedSilence = (await this.#feed?.states(this.#store)) ?? new Map<string, string>();
    return { ...evidence, silence, feedSilence, events: schedule.happened };
  }

  /** What only a part of the worlds has. */
  #beginParts(): void {
    if (this.#has('mix-ups')) this.#mixUps.begin();
    if (this.#has('neighbour')) this.#neighbour.begin();
    if (this.#has('wait-ends')) this.#waitEnds.begin();
    if (this.#has('hub-set-backs')) this.#setBacks.beginHub();
    if (this.#has('store-set-backs')) this.#setBacks.beginStore();
    if (this.#has('aimed-pauses')) this.#aimedPauses.begin();
    this.#standby?.begin(this.#away()[0]);
    this.#storageless?.begin();
    if (this.#storageless !== null && this.happenings.has('seller'))
      this.#seller.begin(this.#storageless.device, this.weather.stormMs);
    this.#liar?.begin();
    this.#thorn?.begin();
    this.#watcher?.begin();
    this.#feed?.begin();
  }

  /** Whether the seed gives the world this part, and the plan leaves it. */
  #has(part: keyof typeof DRAWN): boolean {
    return this.#draws(part) && this.happenings.has(part);
  }

  #draws(part: keyof typeof DRAWN): boolean {
    const { word, share, watchedShare = share }: Drawn = DRAWN[part];
    return this.#chance.fork(word).hits(this.#isWatched ? watchedShare : share);
  }

  /** Somebody follows what becomes known, and what the hub has lost can be told by its clock. */
  get #isWatched(): boolean {
    return this.weather.hasConsumers && !this.weather.sorts.includes('hub-clock-wrong');
  }

  /** Nobody hears any device any more: in the end every twin says so. */
  async #listenToSilence(): Promise<ReadonlyMap<string, string>> {
    for (const { name } of this.#devices) this.#network.cut(this.#network.link(name, 'hub'));
    const longestMs = Math.max(...kinds.map(({ limits }) => limits.silenceMs));
    await this.schedule.runUntil(this.schedule.now + longestMs + SILENCE_MARGIN_MS);
    const states = new Map<string, string>();
    for (const { name } of this.#devices) {
      const found = await this.#store.twin(name);
      states.set(name, found === null ? 'unheard' : worldState(found.twin.path));
    }
    return states;
  }

  /** Lets what is under way arrive, so that the end does not come in the middle of a report. */
  async #settle(): Promise<void> {
    for (let tries = 0; tries < SETTLE_TRIES_MAX; tries += 1) {
      const twins = await Promise.all(this.#devices.map(({ name }) => this.#store.twin(name)));
      const isSettled = this.#devices.every((device, index) => {
        const newest = twins[index]?.twin.newest;
        const { boot, seq } = device.truth();
        return newest?.boot === boot && newest.seq === seq;
      });
      if (isSettled) return;
      await this.schedule.runUntil(this.schedule.now + SETTLE_MS);
    }
  }

  #makeDevices(): Device[] {
    const { schedule, record, weather } = this;
    const devices = kinds.flatMap((kind) =>
      Array.from({ length: weather.devices }, (_, index) => {
        const name = `${kind.name}-${index + 1}`;
        const chance = this.#chance.fork(name);
        const isRegistered = chance.hits(0.5);
        if (isRegistered) {
          this.#store.register({ device: name, kind: kind.name, site: SITE, registered: true, labels: {} });
        }
        const device: Device = new Device({
          device: name,
          kind,
          namesKind: !isRegistered,
          schedule,
          network: this.#network,
          intake: this.#site,
          record,
          trace: this.#trace,
          chance,
          died: () => {
            const offMs = chance.exponential(chance.hits(0.2) ? 1_200_000 : 15_000);
            schedule.after(this.#isCalm ? 0 : offMs, () => device.switchOn());
          },
        });
        return device;
      }),
    );
    for (const device of devices) this.#site.connect(device);
    return devices;
  }

  #makeServer(index: number, clock: ServerClock): Server {
    const { schedule, record, weather } = this;
    const name = `node-${index + 1}`;
    const chance = this.#chance.fork(name);
    const server: Server = new Server({
      name,
      schedule,
      network: this.#network,
      hub: this.#hub,
      hubClock: this.#hubStamps,
      storeClock: this.#storeClock,
      consumers: this.#consumers,
      store: this.#store,
      standby: this.#standby,
      trouble: this.#trouble,
      clock,
      limits: weather.limits,
      chance,
      hasWrongClocks: weather.hasWrongClocks,
      record,
      trace: this.#trace,
      died: () => {
        schedule.after(this.#isCalm ? 0 : chance.exponential(30_000), () => server.switchOn());
      },
    });
    return server;
  }

  /** Where the hub has consumers, somebody follows what becomes known. */
  #makeWatcher(): Watcher | null {
    const { schedule, record } = this;
    if (this.#consumers === null) return null;
    return new Watcher({
      schedule,
      record,
      trace: this.#trace,
      hub: this.#hub,
      rightClock: this.#rightClock,
      consumers: this.#consumers,
      devices: this.#devices.map(({ name }) => name),
      chance: this.#chance.fork('watcher'),
    });
  }

  #makeConsumers(): Consumers | null {
    if (!this.weather.hasConsumers) return null;
    const { schedule, record } = this;
    // It is there before any device speaks: the runtime makes a stream for each site that it finds.
    this.#hub.reports.of(SITE);
    return new Consumers({ schedule, record, hub: this.#hub, chance: this.#chance.fork('consumers') });
  }

  #makeMixUps(): MixUps {
    const { schedule, record } = this;
    const backend = this.#makeBackend('mixed-up');
    const { happenings } = this;
    return new MixUps({ schedule, record, happenings, backend, chance: this.#chance.fork('mix-ups') });
  }

  #away(): readonly [Away, Away] {
    return storeAndHub({
      network: this.#network,
      devices: this.#devices,
      servers: this.#servers,
      backends: this.#backends,
    });
  }

  #makeSetBacks(): SetBacks {
    const { schedule, record } = this;
    const [storeAway, hubAway] = this.#away();
    return new SetBacks({
      schedule,
      record,
      happenings: this.happenings,
      trace: this.#trace,
      servers: this.#servers,
      storeAway,
      hubAway,
      watcher: this.#watcher,
      isWatched: this.#isWatched,
      hub: this.#hub,
      store: this.#store,
      chance: this.#chance.fork('set back'),
    });
  }

  #makeStandby(): Standby | null {
    if (this.#draws('store-set-backs') || !this.#has('standby')) return null;
    const { schedule, record, happenings } = this;
    const parts = { schedule, record, happenings, trace: this.#trace, store: this.#store };
    return new Standby({ ...parts, chance: this.#chance.fork('standby') });
  }

  #makeWaitEnds(): WaitEnds {
    const { schedule, record, happenings } = this;
    const parts = { schedule, record, happenings, trace: this.#trace, away: this.#away() };
    return new WaitEnds({ ...parts, chance: this.#chance.fork('wait ends') });
  }

  #makeBackend(name: string): Backend {
    const { schedule, record, weather } = this;
    return new Backend({
      name,
      schedule,
      hub: this.#hub,
      clock: this.#rightClock,
      devices: this.#devices,
      record,
      trace: this.#trace,
      chance: this.#chance.fork(name),
      wishMs: weather.wishMs,
    });
  }

  /** Nothing is broken any more, and nobody wants anything new. */
  #calm(): void {
    this.#isCalm = true;
    this.#trace.line('storm', () => 'is over');
    this.#storm.end();
    this.#people.end();
    this.#mixUps.end();
    this.#waitEnds.end();
    this.#setBacks.end();
    this.#standby?.end();
    this.#aimedPauses.end();
    this.#neighbour.end();
    this.#storageless?.end();
    this.schedule.after(CALM_MS + LAST_MS - LAST_WORD_MS, () => {
      this.#storageless?.fallSilent();
      this.#thorn?.fallSilent();
      this.#feed?.fallSilent();
    });
    this.#thorn?.end();
    this.#liar?.end();
    this.#feed?.end();
    this.#sourceExam?.begin();
    this.#trouble.failPart = 0;
    this.#trouble.mutePart = 0;
    this.#trouble.slowPart = 0;
    this.#trouble.unsaidPart = 0;
    this.#network.heal();
    const { reports, changes, deadLetters } = this.#hub;
    for (const stream of [reports.of(SITE), changes, deadLetters]) stream.refuseNoMore();
    this.#consumers?.heal();
    this.#watcher?.end();
    this.#site.isCalm = true;
    for (const backend of this.#backends) {
      backend.link.heal();
      backend.retire();
    }
    const { serverErrorMs } = this.weather.limits;
    if (this.weather.hasWrongClocks) this.#storeClock.set(serverErrorMs / 2);
    this.#hubClock.set(this.#hubOffsetMs);
    for (const server of this.#servers) {
      if (this.weather.hasWrongClocks) server.clock.set(serverErrorMs / 2);
      server.setLink('up');
      server.lossPart = 0;
      server.killAfter(Infinity);
      server.resume();
      server.switchOn();
    }
    for (const device of this.#devices) {
      device.crashAfter(Infinity);
      device.hardware.isReliable = true;
      device.hardware.isDistant = false;
      device.hardware.repair();
      device.hardware.repairSensor();
      device.switchOn();
      device.restored();
    }
  }
}
