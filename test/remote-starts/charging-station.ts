/**
 * One charge point behind the gateway: a station whose time passes fast, and the reference agent that speaks for it over a real link. A
 * session of the station with the gateway is a boot of the agent.
 */
import { startAgent } from '../../src/device/agent.ts';
import type { DeviceAgent } from '../../src/device/device-agent.ts';
import { AGENT_LIMITS } from '../../src/device/limits.ts';
import { MemoryStorage, StorageMedium } from '../../src/device/memory-storage.ts';
import type { deviceLinks } from '../../src/device/nats-link.ts';
import type { DeviceBody } from '../../src/device/ports.ts';
import { uptimeClock } from '../../src/device/uptime-clock.ts';
import type { Chance } from '../simulation/world/chance.ts';
import { Station } from '../simulation/gateway/station.ts';
import { FastTime } from './fast-time.ts';
import type { MadeReport, Truth } from './truth.ts';

/** A link that does not come back for longer than this is tried again, ms: what an outage takes here is short. */
const RETRY_LONGEST_MS = 500;

/** See the head of this file. */
export class ChargingStation {
  readonly device: string;
  readonly #links: ReturnType<typeof deviceLinks>;
  readonly #station: Station;
  readonly #limits: typeof AGENT_LIMITS;
  readonly #medium = new StorageMedium();
  readonly #made: MadeReport[] = [];
  readonly #executed: string[] = [];
  /** What a reading was of, by the number that it bears among its sensors: a report is told of when it is stored, which may be later. */
  readonly #readings: Pick<MadeReport, 'madeAt' | 'session'>[] = [];
  #boots = 0;
  #agent: DeviceAgent | null = null;
  #booting: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(options: {
    readonly device: string;
    readonly links: ReturnType<typeof deviceLinks>;
    readonly chance: Chance;
    /** The station's time passes so many times as fast, and so does the agent's patience with it. */
    readonly speed: number;
  }) {
    const { device, links, chance, speed } = options;
    this.device = device;
    this.#links = links;
    this.#station = new Station(new FastTime(speed), chance);
    this.#station.reconnect = () => void this.start();
    this.#limits = {
      ...{ ...AGENT_LIMITS, retryLongestMs: RETRY_LONGEST_MS },
      actMs: Math.ceil(AGENT_LIMITS.actMs / speed),
    };
  }

  /** Begins a session with the gateway, after the one that there was. */
  start(): Promise<void> {
    this.#booting = this.#booting.then(() => (this.#isOver ? undefined : this.#boot()));
    return this.#booting;
  }

  /** Resolves with all that happened when the hub has acknowledged all that is to be said. */
  async end(): Promise<Truth> {
    this.#isOver = true;
    await this.#booting;
    await this.#agent?.delivered();
    await this.#agent?.stop();
    const starts = [...this.#station.starts].map(([n, start]) => {
      const { id, isAnswered, without, effectMs, sessionAt } = start;
      return { id, n, isAnswered, without, effectMs, hasBegun: sessionAt !== null };
    });
    const { device } = this;
    const once = new Set<string>();
    const twice = this.#executed.filter((id) => once.size === once.add(id).size);
    return {
      ...{ device, starts, made: this.#made, sessions: this.#sessions(), boots: this.#boots, twice },
      isCharging: this.#station.isCharging,
    };
  }

  /** How many charging sessions have begun. */
  #sessions(): number {
    return [...this.#station.starts.values()].filter(({ sessionAt }) => sessionAt !== null).length;
  }

  async #boot(): Promise<void> {
    await this.#agent?.stop();
    this.#boots += 1;
    const { device } = this;
    this.#agent = await startAgent({
      ...{ device, kind: 'charge-point', encoding: 'json', order: 'current-first' },
      ...{ limits: this.#limits, clock: uptimeClock(), body: this.#body() },
      storage: new MemoryStorage(this.#medium),
      link: this.#links.link(device),
      tell: (event) => {
        if (event.type !== 'report') return;
        const { boot, seq, state, sensors } = event.report;
        const reading = this.#readings[sensors.reading as number];
        if (reading === undefined) throw new Error(`a report of ${device} without a reading`);
        this.#made.push({ boot, seq, state, ...reading });
      },
    });
  }

  /** The station, with a list of what it was made to do, and of when it was read. */
  #body(): DeviceBody {
    const station = this.#station;
    return {
      read: () => {
        const { state, sensors } = station.read();
        const session = state === 'charging' ? this.#sessions() : 0;
        const reading = this.#readings.push({ madeAt: Date.now(), session }) - 1;
        return { state, sensors: { ...sensors, reading } };
      },
      judge: (command) => station.judge(command),
      act: async (command) => {
        this.#executed.push(command.id);
        return station.act(command);
      },
      wasExecuted: (command) => station.wasExecuted(command),
      scan: () => station.scan(),
      watch: (changed) => station.watch(changed),
    };
  }
}
