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
  readonly trouble: StoreTrouble;
}

/** How wrong a clock is that somebody sets, ms. */
const WRONG_BY_MS = [1_000, 30_000, 600_000, 3_600_000];

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
      this.#options.record.count(sort);
      this.#strike(sort, chance);
      this.#expect(sort, chance);
    });
  }

  #strike(sort: FaultSort, chance: Chance): void {
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
        this.#cut(sort, [deviceWay(device)], this.#some(chance, 300_000));
        return;
      }
      case 'device-one-way': {
        this.#cut(
          sort,
          [deviceWay(device, [chance.pick([device.name, 'hub'])])],
          this.#some(chance, 300_000),
        );
        return;
      }
      case 'site-one-way': {
        const isDownCut = chance.hits(0.5);
        const ways = devices.map((it) => deviceWay(it, [isDownCut ? 'hub' : it.name]));
        this.#cut(sort, ways, this.#some(chance, 600_000));
        return;
      }
      case 'node-one-way': {
        this.#freeze(server, chance, chance.pick(['mute', 'deaf']));
        return;
      }
      case 'backend-one-way': {
        const { link } = chance.pick(backends);
        const how = chance.pick(['mute', 'deaf'] as const);
        const way = { cut: () => link.freeze(how), mend: () => link.heal() };
        this.#cut(sort, [way], this.#some(chance, 20_000));
        return;
      }
      case 'store-one-way': {
        this.#cut(
          sort,
          [storeWay(server, [chance.pick([server.name, 'store'])])],
          this.#some(chance, 30_000),
        );
        return;
      }
      case 'device-link-bad': {
        this.#spoil(network.link(device.name, 'hub'), chance);
        return;
      }
      case 'site-cut': {
        this.#cut(
          sort,
          devices.map((it) => deviceWay(it)),
          this.#some(chance, 600_000),
        );
        return;
      }
      case 'hub-away': {
        this.#cut(
          sort,
          [...devices.map((it) => deviceWay(it)), ...servers.map(serverWay), ...backends.map(backendWay)],
          this.#some(chance, 120_000),
        );
        return;
      }
      case 'hub-refuses': {
        this.#refuse(chance);
        return;
      }
      case 'consumer-loses': {
        if (consumers === null) return;
        consumers.lossPart = chance.pick([0.02, 0.1]);
        this.#later(this.#some(chance, 60_000), () => (consumers.lossPart = 0));
        return;
      }
      case 'consumer-gone': {
        consumers?.vanish(chance);
        return;
      }
      case 'consumer-silent': {
        consumers?.fallSilent(chance);
        return;
      }
      case 'node-link-cut': {
        this.#cut(sort, [serverWay(server)], this.#some(chance, 60_000));
        return;
      }
      case 'node-link-freeze': {
        this.#freeze(server, chance);
        return;
      }
      case 'backend-link-cut': {
        this.#cut(sort, [backendWay(chance.pick(backends))], this.#some(chance, 60_000));
        return;
      }
      case 'store-link-cut': {
        this.#cut(sort, [storeWay(server)], this.#some(chance, 30_000));
        return;
      }
      case 'store-away': {
        // Now and then for longer than a device may be silent: nobody is to be called silent for that.
        this.#cut(
          sort,
          servers.map((it) => storeWay(it)),
          this.#some(chance, chance.pick([30_000, 300_000])),
        );
        return;
      }
      case 'store-fails': {
        this.#trouble(
          () => (trouble.failPart = 0.4),
          () => (trouble.failPart = 0),
          chance,
        );
        return;
      }
      case 'store-mute': {
        this.#trouble(
          () => (trouble.mutePart = 0.4),
          () => (trouble.mutePart = 0),
          chance,
        );
        return;
      }
      case 'node-crash':
        if (chance.hits(0.3)) server.kill();
        else server.killAfter(chance.integer(0, 60));
        return;
      case 'node-pause': {
        this.#pause(server, chance);
        return;
      }
      case 'node-stop': {
        server.stop();
        return;
      }
      case 'device-kill':
        if (chance.hits(0.4)) device.switchOff('kill');
        else device.crashAfter(chance.integer(0, 30));
        return;
      case 'device-power-cut': {
        this.#switchOff(device, 'power-cut', chance);
        return;
      }
      case 'device-wipe': {
        this.#switchOff(device, 'wipe', chance);
        return;
      }
      case 'device-breakdown':
        device.hardware.breakDown();
        this.#later(this.#some(chance, 300_000), () => device.hardware.repair());
        return;
      case 'gateway-undecided':
        device.hardware.isDistant = true;
        this.#later(this.#some(chance, 600_000), () => (device.hardware.isDistant = false));
        return;
      case 'device-flood': {
        this.#flood(device, chance.between(200, 3_000), this.#some(chance, 60_000));
        return;
      }
      case 'quartz-drift': {
        device.drift();
        return;
      }
      case 'wall-clock-set': {
        device.setWallClock();
        return;
      }
      case 'node-clock-wrong': {
        this.#setWrong(server.clock, chance);
        return;
      }
      case 'store-clock-wrong': {
        this.#setWrong(storeClock, chance);
        return;
      }
      case 'server-clock-set': {
        chance
          .pick([storeClock, ...servers.map(({ clock }) => clock)])
          .set(chance.between(0, weather.limits.serverErrorMs));
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

  #cut(sort: FaultSort, ways: readonly Way[], forMs: number): void {
    const { trace } = this.#options;
    trace.line('storm', () => `${sort} for ${Math.round(forMs / 1_000)} s`);
    for (const way of ways) way.cut();
    this.#later(forMs, () => {
      trace.line('storm', () => `${sort} ends`);
      for (const way of ways) way.mend();
    });
  }

  /** Nothing passes, or nothing in one direction, and nobody notices; then it goes on, or somebody does notice. */
  #freeze(server: Server, chance: Chance, how: 'frozen' | 'mute' | 'deaf' = 'frozen'): void {
    server.setLink(how);
    this.#later(chance.between(0, 20_000), () => {
      if (chance.hits(0.5)) server.setLink('up');
      else
        this.#cut(
          'node-link-cut',
          [{ cut: () => server.setLink('cut'), mend: () => server.setLink('up') }],
          1_000,
        );
    });
  }

  /** Somebody sets a clock by seconds or by hours, and it is set right again. */
  #setWrong(clock: ServerClock, chance: Chance): void {
    const { serverErrorMs } = this.#options.weather.limits;
    const offMs = serverErrorMs + chance.pick(WRONG_BY_MS);
    clock.set(chance.hits(0.5) ? offMs : -offMs);
    this.#later(this.#some(chance, 60_000), () => clock.set(chance.between(0, serverErrorMs)));
  }

  /** A stream is full, or there is no JetStream: what is published is answered with an error, or by nobody, or not at all. */
  #refuse(chance: Chance): void {
    const { hub, record, trace } = this.#options;
    const refusal = chance.pick(['full', 'away', 'silent'] as const);
    const published = [hub.changes, hub.deadLetters];
    const streams = chance.pick([[hub.reports.of(SITE)], published, [hub.reports.of(SITE), ...published]]);
    trace.line('storm', () => `${streams.length} streams are ${refusal}`);
    for (const stream of streams) {
      stream.refuse(refusal, (id) => {
        record.count(id === null ? 'report-refused' : 'publication-refused');
        if (id !== null) record.refusedPublications.add(id);
      });
    }
    this.#later(this.#some(chance, 60_000), () => {
      for (const stream of streams) stream.refuseNoMore();
    });
  }

  #spoil(link: Link, chance: Chance): void {
    link.quality = badQuality(chance);
    this.#later(this.#some(chance, 600_000), () => (link.quality = GOOD));
  }

  /** A contact flickers: the device reports each time, far more often than it should. */
  #flood(device: Device, everyMs: number, leftMs: number): void {
    if (leftMs <= 0) return;
    device.hardware.flicker();
    this.#later(everyMs, () => this.#flood(device, everyMs, leftMs - everyMs));
  }

  #trouble(begin: () => void, end: () => void, chance: Chance): void {
    begin();
    this.#later(this.#some(chance, 120_000), end);
  }

  #pause(server: Server, chance: Chance): void {
    server.pause();
    this.#later(this.#some(chance, chance.pick([1_000, 30_000, 300_000])), () => server.resume());
  }

  #switchOff(device: Device, outage: Outage, chance: Chance): void {
    if (chance.hits(0.5)) device.crashAfter(chance.integer(0, 30));
    this.#later(chance.exponential(2_000), () => device.switchOff(outage));
  }
}
