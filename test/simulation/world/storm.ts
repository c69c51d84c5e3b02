/**
 * Lets faults happen, each sort at its own pace, and counts them. When the storm is over nothing new begins, and the world
 * mends what is broken.
 */
import type { MemoryHub } from '../../../src/memory/hub.ts';
import type { Chance } from './chance.ts';
import type { Consumers } from './consumers.ts';
import type { ServerClock } from './clocks.ts';
import type { Device, Outage } from './device.ts';
import type { Backend } from './backend.ts';
import { GOOD, type Link, type Network } from './network.ts';
import type { Schedule } from './schedule.ts';
import type { Server } from './server.ts';
import { SITE } from './site.ts';
import type { StoreTrouble } from './store-link.ts';
import type { Happenings } from '../plan.ts';
import { FAULTS, type FaultSort } from '../trouble.ts';
import { badQuality, type Weather } from './weather.ts';
import type { WorldRecord } from '../record.ts';
import type { Trace } from '../trace.ts';

export interface StormOptions {
  readonly schedule: Schedule;
  readonly network: Network;
  readonly hub: MemoryHub;
  /** `null` where nodes need none. */
  readonly consumers: Consumers | null;
  readonly chance: Chance;
  readonly weather: Weather;
  readonly trace: Trace;
  readonly record: WorldRecord;
  readonly devices: readonly Device[];
  readonly servers: readonly Server[];
  readonly backends: readonly Backend[];
  readonly storeClock: ServerClock;
  readonly hubClock: ServerClock;
  /** How far the hub's is ahead of true time while it is right, ms. */
  readonly hubOffsetMs: number;
  /** The hub loses what it stored last, and comes back. */
  readonly loseTail: (chance: Chance) => void;
  readonly trouble: StoreTrouble;
  readonly happenings: Happenings;
}

/** How wrong a clock is that somebody sets, ms. */
const WRONG_BY_MS = [1_000, 30_000, 600_000, 3_600_000];
/** How wrong the store's is set, ms: by other times than a node's, since two clocks of three that are wrong alike are believed. */
const STORE_WRONG_BY_MS = [2_500, 45_000, 900_000, 5_400_000];

/** How wrong the hub's is set, ms: by other times than the others', since two clocks that are wrong together are believed. */
const HUB_WRONG_BY_MS = [90_000, 1_200_000, 7_200_000, 21_600_000];
/** It stays so for so long, ms on average, and at most. */
const HUB_WRONG_MS = 400_000;
const HUB_WRONG_MAX_MS = 3_600_000;
/** In this part of the cases it came up with that time after a power cut that took the tail of its streams. */
const WITH_TAIL_PART = 0.3;

/** Does something to the world, or does not: what is left out draws its chances all the same, so that no other fault moves. */
type Do = (work: () => void) => void;

/** A way between two parties. */
interface Way {
  readonly cut: () => void;
  readonly mend: () => void;
}

export class Storm {
  readonly #options: StormOptions;
  #isOver = false;

  constructor(options: StormOptions) {
    this.#options = options;
  }

  begin(): void {
    for (const sort of this.#options.weather.sorts) this.#expect(sort, this.#options.chance.fork(sort));
  }

  end(): void {
    this.#isOver = true;
  }

  #expect(sort: FaultSort, chance: Chance): void {
    this.#options.schedule.after(chance.exponential(FAULTS[sort]), () => {
      if (this.#isOver) return;
      const happens = this.#options.happenings.happens(sort);
      if (happens) this.#options.record.count(sort);
      this.#strike(sort, chance, (work) => {
        if (happens) work();
      });
      this.#expect(sort, chance);
    });
  }

  #strike(sort: FaultSort, chance: Chance, effect: Do): void {
    const { devices, servers, backends, network, trouble, storeClock, weather, consumers } = this.#options;
    const device = chance.pick(devices);
    const server = chance.pick(servers);
    const deviceWay = (it: Device, by?: readonly string[]): Way => ({
      cut: () => network.cut(network.link(it.name, 'hub'), by),
      mend: () => {
        network.mend(network.link(it.name, 'hub'));
        it.restored();
      },
    });
    const storeWay = (it: Server, by?: readonly string[]): Way => ({
      cut: () => network.cut(network.link(it.name, 'store'), by),
      mend: () => network.mend(network.link(it.name, 'store')),
    });
    const serverWay = (it: Server): Way => ({ cut: () => it.setLink('cut'), mend: () => it.setLink('up') });
    const backendWay = (it: Backend): Way => ({ cut: () => it.link.cut(), mend: () => it.link.heal() });
    switch (sort) {
      case 'device-link-cut': {
        this.#cut(sort, [deviceWay(device)], this.#some(chance, 300_000), effect);
        return;
      }
      case 'device-one-way': {
        this.#cut(
          sort,
          [deviceWay(device, [chance.pick([device.name, 'hub'])])],
          this.#some(chance, 300_000),
          effect,
        );
        return;
      }
      case 'site-one-way': {
        const isDownCut = chance.hits(0.5);
        const ways = devices.map((it) => deviceWay(it, [isDownCut ? 'hub' : it.name]));
        this.#cut(sort, ways, this.#some(chance, 600_000), effect);
        return;
      }
      case 'node-one-way': {
        this.#freeze(server, chance, effect, chance.pick(['mute', 'deaf']));
        return;
      }
      case 'backend-one-way': {
        const { link } = chance.pick(backends);
        const how = chance.pick(['mute', 'deaf'] as const);
        const way = { cut: () => link.freeze(how), mend: () => link.heal() };
        this.#cut(sort, [way], this.#some(chance, 20_000), effect);
        return;
      }
      case 'store-one-way': {
        this.#cut(
          sort,
          [storeWay(server, [chance.pick([server.name, 'store'])])],
          this.#some(chance, 30_000),
          effect,
        );
        return;
      }
      case 'device-link-bad': {
        this.#spoil(network.link(device.name, 'hub'), chance, effect);
        return;
      }
      case 'site-cut': {
        this.#cut(
          sort,
          devices.map((it) => deviceWay(it)),
          this.#some(chance, 600_000),
          effect,
        );
        return;
      }
      case 'hub-away': {
        this.#cut(
          sort,
          [...devices.map((it) => deviceWay(it)), ...servers.map(serverWay), ...backends.map(backendWay)],
          this.#some(chance, 120_000),
          effect,
        );
        return;
      }
      case 'hub-refuses': {
        this.#refuse(chance, effect);
        return;
      }
      case 'consumer-loses': {
        if (consumers === null) return;
        const lossPart = chance.pick([0.02, 0.1]);
        effect(() => (consumers.lossPart = lossPart));
        this.#later(this.#some(chance, 60_000), () => effect(() => (consumers.lossPart = 0)));
        return;
      }
      case 'consumer-gone': {
        effect(() => consumers?.vanish(chance));
        return;
      }
      case 'consumer-silent': {
        effect(() => consumers?.fallSilent(chance));
        return;
      }
      case 'node-link-cut': {
        this.#cut(sort, [serverWay(server)], this.#some(chance, 60_000), effect);
        return;
      }
      case 'node-link-freeze': {
        this.#freeze(server, chance, effect);
        return;
      }
      case 'backend-link-cut': {
        this.#cut(sort, [backendWay(chance.pick(backends))], this.#some(chance, 60_000), effect);
        return;
      }
      case 'store-link-cut': {
        this.#cut(sort, [storeWay(server)], this.#some(chance, 30_000), effect);
        return;
      }
      case 'store-away': {
        // Now and then for longer than a device may be silent: nobody is to be called silent for that.
        this.#cut(
          sort,
          servers.map((it) => storeWay(it)),
          this.#some(chance, chance.pick([30_000, 300_000])),
          effect,
        );
        return;
      }
      case 'store-fails': {
        this.#trouble(
          () => (trouble.failPart = 0.4),
          () => (trouble.failPart = 0),
          chance,
          effect,
        );
        return;
      }
      case 'store-mute': {
        this.#trouble(
          () => (trouble.mutePart = 0.4),
          () => (trouble.mutePart = 0),
          chance,
          effect,
        );
        return;
      }
      case 'node-crash':
        this.#crash(server, chance, effect);
        return;
      case 'node-pause': {
        this.#pause(server, chance, effect);
        return;
      }
      case 'node-stop': {
        effect(() => server.stop());
        return;
      }
      case 'device-kill':
        this.#kill(device, chance, effect);
        return;
      case 'device-power-cut': {
        this.#switchOff(device, 'power-cut', chance, effect);
        return;
      }
      case 'device-wipe': {
        this.#switchOff(device, 'wipe', chance, effect);
        return;
      }
      case 'device-breakdown':
        effect(() => device.hardware.breakDown());
        this.#later(this.#some(chance, 300_000), () => effect(() => device.hardware.repair()));
        return;
      case 'gateway-undecided':
        effect(() => (device.hardware.isDistant = true));
        this.#later(this.#some(chance, 600_000), () => effect(() => (device.hardware.isDistant = false)));
        return;
      case 'sensor-broken':
        effect(() => device.hardware.breakSensor());
        this.#later(this.#some(chance, 300_000), () => effect(() => device.hardware.repairSensor()));
        return;
      case 'device-flood': {
        const [everyMs, forMs] = [chance.between(200, 3_000), this.#some(chance, 60_000)];
        effect(() => this.#flood(device, everyMs, forMs));
        return;
      }
      case 'quartz-drift': {
        effect(() => device.drift());
        return;
      }
      case 'wall-clock-set': {
        effect(() => device.setWallClock());
        return;
      }
      case 'node-clock-wrong': {
        this.#setWrong(server.clock, chance.pick(WRONG_BY_MS), chance, effect);
        return;
      }
      case 'store-clock-wrong': {
        this.#setWrong(storeClock, chance.pick(STORE_WRONG_BY_MS), chance, effect);
        return;
      }
      case 'hub-clock-wrong': {
        this.#setHubWrong(chance, effect);
        return;
      }
      case 'server-clock-set': {
        const clock = chance.pick([storeClock, ...servers.map((it) => it.clock)]);
        const offsetMs = chance.between(0, weather.limits.serverErrorMs);
        effect(() => clock.set(offsetMs));
        return;
      }
    }
  }

  /** Mostly about `meanMs`, now and then much longer. */
  #some(chance: Chance, meanMs: number): number {
    return chance.exponential(chance.hits(0.15) ? meanMs * 8 : meanMs);
  }

  #later(delayMs: number, work: () => void): void {
    this.#options.schedule.after(delayMs, () => {
      if (!this.#isOver) work();
    });
  }

  #cut(sort: FaultSort, ways: readonly Way[], forMs: number, effect: Do): void {
    effect(() => this.#cutFor(sort, ways, forMs));
  }

  #cutFor(sort: FaultSort, ways: readonly Way[], forMs: number): void {
    const { trace } = this.#options;
    trace.line('storm', () => `${sort} for ${Math.round(forMs / 1_000)} s`);
    for (const way of ways) way.cut();
    this.#later(forMs, () => {
      trace.line('storm', () => `${sort} ends`);
      for (const way of ways) way.mend();
    });
  }

  /** Nothing passes, or nothing in one direction, and nobody notices; then it goes on, or somebody does notice. */
  #freeze(server: Server, chance: Chance, effect: Do, how: 'frozen' | 'mute' | 'deaf' = 'frozen'): void {
    effect(() => server.setLink(how));
    const way: Way = { cut: () => server.setLink('cut'), mend: () => server.setLink('up') };
    this.#later(chance.between(0, 20_000), () => {
      const goesOn = chance.hits(0.5);
      effect(() => (goesOn ? server.setLink('up') : this.#cutFor('node-link-cut', [way], 1_000)));
    });
  }

  /** Somebody sets a clock by seconds or by hours, and it is set right again. */
  #setWrong(clock: ServerClock, wrongMs: number, chance: Chance, effect: Do): void {
    const { serverErrorMs } = this.#options.weather.limits;
    const offMs = serverErrorMs + wrongMs;
    const offsetMs = chance.hits(0.5) ? offMs : -offMs;
    effect(() => clock.set(offsetMs));
    this.#later(this.#some(chance, 60_000), () => {
      const rightMs = chance.between(0, serverErrorMs);
      effect(() => clock.set(rightMs));
    });
  }

  /** The hub's clock is set by minutes or hours, maybe while it was away, and is set right again some time later. */
  #setHubWrong(chance: Chance, effect: Do): void {
    const { hubClock, hubOffsetMs, loseTail, trace, schedule } = this.#options;
    const offMs = chance.pick([-1, 1]) * chance.pick(HUB_WRONG_BY_MS);
    const losesTail = chance.hits(WITH_TAIL_PART);
    effect(() => {
      trace.line('storm', () => `the hub's clock is set by ${offMs} ms`);
      if (losesTail) loseTail(chance.fork(`tail ${schedule.now}`));
      hubClock.set(hubOffsetMs + offMs);
    });
    this.#later(Math.min(HUB_WRONG_MAX_MS, this.#some(chance, HUB_WRONG_MS)), () =>
      effect(() => {
        trace.line('storm', () => "the hub's clock is set right");
        hubClock.set(hubOffsetMs);
      }),
    );
  }

  /** A stream is full, or there is no JetStream: what is published is answered with an error, or by nobody, or not at all. */
  #refuse(chance: Chance, effect: Do): void {
    const { hub, record, trace } = this.#options;
    const refusal = chance.pick(['full', 'away', 'silent'] as const);
    const published = [hub.changes, hub.deadLetters];
    const streams = chance.pick([[hub.reports.of(SITE)], published, [hub.reports.of(SITE), ...published]]);
    effect(() => {
      trace.line('storm', () => `${streams.length} streams are ${refusal}`);
      for (const stream of streams) {
        stream.refuse(refusal, (id) => {
          record.count(id === null ? 'report-refused' : 'publication-refused');
          if (id !== null) record.refusedPublications.add(id);
        });
      }
    });
    this.#later(this.#some(chance, 60_000), () =>
      effect(() => {
        for (const stream of streams) stream.refuseNoMore();
      }),
    );
  }

  #spoil(link: Link, chance: Chance, effect: Do): void {
    const quality = badQuality(chance);
    effect(() => (link.quality = quality));
    this.#later(this.#some(chance, 600_000), () => effect(() => (link.quality = GOOD)));
  }

  /** A contact flickers: the device reports each time, far more often than it should. */
  #flood(device: Device, everyMs: number, leftMs: number): void {
    if (leftMs <= 0) return;
    device.hardware.flicker();
    this.#later(everyMs, () => this.#flood(device, everyMs, leftMs - everyMs));
  }

  #trouble(begin: () => void, end: () => void, chance: Chance, effect: Do): void {
    effect(begin);
    this.#later(this.#some(chance, 120_000), () => effect(end));
  }

  #pause(server: Server, chance: Chance, effect: Do): void {
    effect(() => server.pause());
    const forMs = this.#some(chance, chance.pick([1_000, 30_000, 300_000]));
    this.#later(forMs, () => effect(() => server.resume()));
  }

  #crash(server: Server, chance: Chance, effect: Do): void {
    const steps = chance.hits(0.3) ? null : chance.integer(0, 60);
    effect(() => (steps === null ? server.kill() : server.killAfter(steps)));
  }

  #kill(device: Device, chance: Chance, effect: Do): void {
    const steps = chance.hits(0.4) ? null : chance.integer(0, 30);
    effect(() => (steps === null ? device.switchOff('kill') : device.crashAfter(steps)));
  }

  #switchOff(device: Device, outage: Outage, chance: Chance, effect: Do): void {
    const steps = chance.hits(0.5) ? chance.integer(0, 30) : null;
    if (steps !== null) effect(() => device.crashAfter(steps));
    this.#later(chance.exponential(2_000), () => effect(() => device.switchOff(outage)));
  }
}
