/**
 * One device of the simulated fleet: its hardware, which lives on, and its agent, which restarts now and then and is not
 * always within reach.
 */
import { join } from 'node:path';
import { startAgent } from '../../src/device/agent.ts';
import type { DeviceAgent } from '../../src/device/device-agent.ts';
import type { AgentEvent, AgentListener } from '../../src/device/agent-event.ts';
import { FileStorage } from '../../src/device/file-storage.ts';
import { AGENT_LIMITS } from '../../src/device/limits.ts';
import type { DeviceLink } from '../../src/device/ports.ts';
import { uptimeClock } from '../../src/device/uptime-clock.ts';
import { Dice } from './chance.ts';
import { PatchyLink } from './coverage.ts';
import type { Being, Life } from './life.ts';
import { LifeBody } from './life-body.ts';
import { DAY, HOUR, MINUTE } from './rhythm.ts';
import type { WorldClock } from './world-clock.ts';

/** What a simulated device needs. */
export interface SimulatedDeviceOptions<What extends string, State extends Being<What>> {
  readonly device: string;
  readonly life: Life<What, State>;
  readonly seed: number;
  readonly world: WorldClock;
  readonly link: DeviceLink;
  /** Folder for the files of this device. */
  readonly dataDir: string;
  readonly tell?: AgentListener;
}

/** How often a device restarts by itself, and how often it is out of reach, by kind; in the world's time. */
const RESTARTS_EVERY = 4 * DAY;
const OUT_OF_REACH_EVERY: Readonly<Record<string, number>> = { car: 9 * HOUR };
const SELDOM_OUT_OF_REACH = 5 * DAY;

/** How long a restart takes, ms of real time. */
const RESTART_SHORTEST_MS = 1_000;
const RESTART_LONGEST_MS = 6_000;

/** See the head of this file. */
export class SimulatedDevice<What extends string, State extends Being<What>> {
  /** Resolves with the error that ended its agent; never, when all goes well. */
  readonly failed: Promise<Error>;
  readonly #options: SimulatedDeviceOptions<What, State>;
  readonly #body: LifeBody<What, State>;
  readonly #link: PatchyLink;
  #agent: DeviceAgent | null = null;
  #fail!: (error: Error) => void;
  #cancels = new Map<'restart' | 'reach' | 'reach-ends', () => void>();
  #restarting: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(options: SimulatedDeviceOptions<What, State>) {
    const { life, device, seed, world, dataDir } = options;
    this.#options = options;
    this.#body = new LifeBody({
      life,
      device,
      seed,
      world,
      file: join(dataDir, `${device}.life.json`),
      restart: () => {
        this.#restartSoon(new Dice({ seed, who: `${device}/restarts`, draws: Math.floor(world.now()) }));
      },
    });
    this.#link = new PatchyLink(options.link);
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
  }

  /** Starts the device. Rejects when its storage cannot be used. */
  async start(): Promise<void> {
    await this.#boot();
    this.#body.live(() => (this.#agent?.status().hold ?? null) !== null);
    this.#expectAccidents();
  }

  /** Stops it in order; what is not delivered stays in its file. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const cancel of this.#cancels.values()) cancel();
    this.#body.pause();
    await this.#restarting;
    await this.#agent?.stop();
  }

  async #boot(): Promise<void> {
    const { device, life, dataDir, tell } = this.#options;
    const agent = await startAgent({
      device,
      kind: life.kind,
      encoding: 'msgpack',
      order: 'current-first',
      limits: { ...AGENT_LIMITS, heartbeatMs: life.heartbeatMs },
      clock: uptimeClock(),
      storage: new FileStorage({ file: join(dataDir, `${device}.log`), device, sync: 'none' }),
      link: this.#link,
      body: this.#body,
      tell: (event) => {
        this.#hear(event);
        tell?.(event);
      },
    });
    this.#agent = agent;
    void agent.ended.then((error) => {
      if (error !== null) this.#fail(error);
    });
  }

  #hear(event: AgentEvent): void {
    if (event.type !== 'command' || event.became !== 'done') return;
    const { name, holdMs } = event.command;
    if (name === 'reserve' && holdMs !== undefined) this.#body.wasReserved(holdMs);
  }

  #expectAccidents(): void {
    const { device, seed, world, life } = this.#options;
    // Accidents depend on how late it is, not on how often the program was started.
    const dice = new Dice({ seed, who: `${device}/accidents`, draws: Math.floor(world.now()) });
    this.#repeat('restart', dice, RESTARTS_EVERY, () => {
      this.#restartSoon(dice);
    });
    this.#repeat('reach', dice, OUT_OF_REACH_EVERY[life.kind] ?? SELDOM_OUT_OF_REACH, () => {
      this.#loseReach(dice.between(4, 45) * MINUTE);
    });
  }

  /** Does `work` again and again, `everyMs` apart on average. */
  #repeat(what: 'restart' | 'reach', dice: Dice, everyMs: number, work: () => void): void {
    const { world } = this.#options;
    const dueAt = world.now() + dice.waiting(everyMs);
    const wait = (): void => {
      const cancel = world.when(dueAt, () => {
        if (world.now() < dueAt) {
          wait();
          return;
        }
        work();
        this.#repeat(what, dice, everyMs, work);
      });
      this.#cancels.set(what, cancel);
    };
    wait();
  }

  #restartSoon(dice: Dice): void {
    this.#restarting = this.#restart(dice).catch((error: unknown) => {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
  }

  async #restart(dice: Dice): Promise<void> {
    await this.#restarting;
    await this.#agent?.stop();
    const takesMs = dice.between(RESTART_SHORTEST_MS, RESTART_LONGEST_MS);
    await new Promise<void>((resolve) => setTimeout(resolve, takesMs));
    if (!this.#isStopping) await this.#boot();
  }

  #loseReach(forMs: number): void {
    const { world } = this.#options;
    this.#link.hasReception = false;
    const cancel = world.when(world.now() + forMs, () => {
      this.#link.hasReception = true;
    });
    this.#cancels.set('reach-ends', cancel);
  }
}
