/**
 * One charge point behind the gateway: a station whose time passes fast, and the reference agent that speaks for it over a real link. A
 * session of the station with the gateway is a boot of the agent.
 */
import { type Report, UNDECIDED } from '../../machines/report.ts';
import { startAgent } from '../../src/device/agent.ts';
import type { DeviceAgent } from '../../src/device/device-agent.ts';
import { AGENT_LIMITS } from '../../src/device/limits.ts';
import { MemoryStorage, StorageMedium } from '../../src/device/memory-storage.ts';
import type { deviceLinks } from '../../src/device/nats-link.ts';
import type { DeviceBody, DeviceClock, DeviceLink } from '../../src/device/ports.ts';
import { uptimeClock } from '../../src/device/uptime-clock.ts';
import { decode } from '../../src/wire/codec.ts';
import type { Chance } from '../simulation/world/chance.ts';
import { Station } from '../simulation/gateway/station.ts';
import { FastTime } from './fast-time.ts';
import { type MadeReport, positionOf, type Truth } from './truth.ts';

/** A link that does not come back for longer than this is tried again, ms: what an outage takes here is short. */
const RETRY_LONGEST_MS = 500;

/** See the head of this file. */
export class ChargingStation {
  readonly device: string;
  readonly #links: ReturnType<typeof deviceLinks>;
  readonly #station: Station;
  readonly #limits: typeof AGENT_LIMITS;
  readonly #medium = new StorageMedium();
  readonly #time: FastTime;
  readonly #made = new Map<string, MadeReport>();
  readonly #executed: string[] = [];
  /** Which session a reading was of, by the number that it bears among its sensors. */
  readonly #readings: number[] = [];
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
    this.#time = new FastTime(speed);
    this.#station = new Station(this.#time, chance);
    this.#station.reconnect = () => void this.start();
    this.#limits = {
      ...AGENT_LIMITS,
      retryLongestMs: RETRY_LONGEST_MS,
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
    const real = (at: number | null): number | null => (at === null ? null : this.#time.realOf(at));
    const starts = [...this.#station.starts].map(([n, { sentAt, sessionAt, overAt, ...start }]) => ({
      ...start,
      n,
      sentAt: this.#time.realOf(sentAt),
      sessionAt: real(sessionAt),
      overAt: real(overAt),
    }));
    const { device } = this;
    const made = [...this.#made.values()];
    const once = new Set<string>();
    const twice = this.#executed.filter((id) => once.size === once.add(id).size);
    return {
      device,
      starts,
      made,
      sessions: this.#sessions(),
      boots: this.#boots,
      twice,
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
    const { clock, whenRead } = watchedClock();
    this.#agent = await startAgent({
      device,
      kind: 'charge-point',
      encoding: 'json',
      order: 'current-first',
      limits: this.#limits,
      clock,
      body: this.#body(),
      storage: new MemoryStorage(this.#medium),
      link: this.#link(),
      tell: (event) => {
        if (event.type === 'report') this.#noteMade(event.report, whenRead(event.report.up));
      },
    });
  }

  #noteMade(report: Report, made: ReturnType<ReturnType<typeof watchedClock>['whenRead']>): void {
    const { boot, seq, state, sensors, commands = [] } = report;
    const session = this.#readings[sensors.reading as number];
    if (session === undefined) throw new Error(`a report of ${this.device} without a reading`);
    const lastWords = commands
      .filter(({ n, outcome }) => outcome !== UNDECIDED && this.#station.starts.has(n))
      .map(({ n, outcome }): [number, string] => [n, outcome]);
    this.#made.set(positionOf(report), {
      boot,
      seq,
      state,
      session,
      ...made,
      ackedAt: null,
      lastWords: Object.fromEntries<string>(lastWords),
    });
  }

  /** The real link, with a note of when the hub had stored each report. */
  #link(): DeviceLink {
    const link = this.#links.link(this.device);
    return {
      listen: (listener) => link.listen(listener),
      publish: async (payload) => {
        await link.publish(payload);
        const ackedAt = Date.now();
        for (const position of positionsIn(payload)) {
          const made = this.#made.get(position);
          if (made === undefined)
            throw new Error(`${this.device} has published ${position}, and not made it`);
          this.#made.set(position, { ...made, ackedAt });
        }
      },
    };
  }

  /** The station, with a list of what it was made to do. */
  #body(): DeviceBody {
    const station = this.#station;
    return {
      read: () => {
        const { state, sensors } = station.read();
        const session = state === 'charging' ? this.#sessions() : 0;
        const reading = this.#readings.push(session) - 1;
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

/** A clock that remembers between which times, ms epoch, it had which uptime: a process may pause between two looks at two clocks. */
function watchedClock(): {
  readonly clock: DeviceClock;
  readonly whenRead: (up: number) => Pick<MadeReport, 'madeAfter' | 'madeBefore'>;
} {
  const clock = uptimeClock();
  const reads = new Map<number, Pick<MadeReport, 'madeAfter' | 'madeBefore'>>();
  const uptime = (): number => {
    const now = Date.now();
    const up = clock.uptime();
    reads.set(up, { madeAfter: reads.get(up)?.madeAfter ?? now, madeBefore: Date.now() });
    return up;
  };
  const whenRead = (up: number): Pick<MadeReport, 'madeAfter' | 'madeBefore'> => {
    const read = reads.get(up);
    if (read === undefined) throw new Error(`an uptime of ${String(up)} ms that nobody has read`);
    return read;
  };
  return { clock: { ...clock, uptime }, whenRead };
}

/** Of the reports of a payload, which is one or a list of them. */
function positionsIn(payload: Uint8Array): readonly string[] {
  const decoded = decode(payload);
  if (!decoded.ok) throw new Error('an agent has published what cannot be read');
  return [decoded.value].flat().map((report) => positionOf(report as Report));
}
