/**
 * A connector of the file as a device: the reference agent on a clock that is played, with its storage in memory.
 *
 * Invariants:
 * I1  whatever happens to the device happens at its own time: before a command is heard, everything that was due is played.
 * I2  when `finish` resolves, the hub has acked every report that the device has made, and it makes no more.
 */
import { startAgent } from '../../src/device/agent.ts';
import type { AgentStatus, DeviceAgent } from '../../src/device/device-agent.ts';
import { AGENT_LIMITS } from '../../src/device/limits.ts';
import { MemoryStorage, StorageMedium } from '../../src/device/memory-storage.ts';
import type { SendingOrder } from '../../src/device/outbox.ts';
import type { DeviceLink } from '../../src/device/ports.ts';
import { ChargePointBody } from './charge-point-body.ts';
import { HeldLink } from './held-link.ts';
import type { Life } from './life.ts';
import { livedClock } from './lived-clock.ts';
import { PlayedClock } from './played-clock.ts';

/** What a device is made of. */
export interface ReplayDeviceOptions {
  readonly device: string;
  readonly life: Life;
  readonly link: DeviceLink;
  readonly order: SendingOrder;
  /** A report is made at least this often, ms of the device's time. */
  readonly heartbeatMs: number;
  /** How many times faster than the world's the device's time will pass while it runs. */
  readonly speed: number;
}

/** The position and the uptime of a device's last report. */
export interface LastReport {
  readonly boot: number;
  readonly seq: number;
  readonly up: number;
}

/** See the head of this file. */
export class ReplayDevice {
  readonly device: string;
  readonly life: Life;
  readonly #options: ReplayDeviceOptions;
  readonly #clock: PlayedClock;
  readonly #body: ChargePointBody;
  readonly #link: HeldLink;
  #agent: DeviceAgent | null = null;
  #last: LastReport = { boot: 0, seq: 0, up: 0 };
  #publishProblem: string | null = null;
  /** Since when it runs by the world's clock, from which uptime; `null` while it stands. */
  #runs: { readonly since: number; readonly fromUp: number } | null = null;
  /** What is played at this time; parts are played one after the other. */
  #playing: Promise<void> = Promise.resolve();
  #finished: Promise<void> | null = null;

  constructor(options: ReplayDeviceOptions) {
    const { device, life, link } = options;
    this.device = device;
    this.life = life;
    this.#options = options;
    this.#clock = new PlayedClock(life.bornAt);
    this.#body = new ChargePointBody(life);
    this.#link = new HeldLink({
      publish: (payload) => link.publish(payload),
      listen: ({ command, restored }) =>
        link.listen({ command: (payload) => this.#playThen(() => command(payload)), restored }),
    });
  }

  /** The last report it made. */
  get last(): LastReport {
    return this.#last;
  }

  /** Why its last publish failed, or `null` when it did not. */
  get publishProblem(): string | null {
    return this.#publishProblem;
  }

  /** The uptime at which its life is over. */
  get endUp(): number {
    return this.life.endsAt - this.life.bornAt;
  }

  get uptime(): number {
    return this.#clock.uptime();
  }

  get isOver(): boolean {
    return this.uptime >= this.endUp;
  }

  status(): AgentStatus {
    return this.#running().status();
  }

  /** Switches it on, with its link down. */
  async start(): Promise<void> {
    const { device, order, heartbeatMs, speed } = this.#options;
    this.#agent = await startAgent({
      device,
      order,
      kind: 'charge-point',
      encoding: 'msgpack',
      limits: {
        ...AGENT_LIMITS,
        heartbeatMs: Math.max(1, Math.round(heartbeatMs / speed)),
        // It buffers its whole period, however long that is.
        outboxReportsMax: Infinity,
        outboxBytesMax: Infinity,
      },
      clock: livedClock(this.#clock, speed),
      storage: new MemoryStorage(new StorageMedium()),
      link: this.#link,
      body: this.#body,
      tell: (event) => {
        if (event.type === 'report') {
          const { boot, seq, up } = event.report;
          this.#last = { boot, seq, up };
        } else if (event.type === 'publish-failed') {
          this.#publishProblem = event.error instanceof Error ? event.error.message : String(event.error);
        } else if (event.type === 'published') {
          this.#publishProblem = null;
        }
      },
    });
  }

  /** Lets its whole life pass at once. */
  playToEnd(): Promise<void> {
    return this.#play(() => this.endUp);
  }

  /** The link stands, and time passes. */
  goOnLine(): void {
    this.#runs = { since: performance.now(), fromUp: this.#clock.uptime() };
    this.#link.release();
  }

  /** Plays what has become due by the world's clock. */
  catchUp(): Promise<void> {
    return this.#play(() => this.#dueUp());
  }

  /** Waits until everything is acked, and switches it off (I2). Rejects when the agent has failed. Idempotent. */
  finish(): Promise<void> {
    this.#finished ??= this.#finish();
    // Whoever waits is told.
    this.#finished.catch(() => undefined);
    return this.#finished;
  }

  /** Switches it off as it is. */
  async stop(): Promise<void> {
    this.#runs = null;
    this.#link.release();
    await this.#agent?.stop();
  }

  async #finish(): Promise<void> {
    const agent = this.#running();
    for (;;) {
      await agent.settled();
      if (agent.status().pending === 0) break;
      await agent.delivered();
    }
    this.#runs = null;
    await agent.stop();
  }

  #running(): DeviceAgent {
    if (this.#agent === null) throw new Error(`${this.device} is not switched on`);
    return this.#agent;
  }

  #dueUp(): number {
    if (this.#runs === null) return this.#clock.uptime();
    const { since, fromUp } = this.#runs;
    return Math.floor(fromUp + (performance.now() - since) * this.#options.speed);
  }

  #playThen(work: () => void): void {
    void this.#queue(async () => {
      await this.#playUntil(this.#dueUp());
      work();
    });
  }

  #play(untilUp: () => number): Promise<void> {
    return this.#queue(() => this.#playUntil(untilUp()));
  }

  #queue(part: () => Promise<void>): Promise<void> {
    this.#playing = this.#playing.then(part);
    // Who asks for the next part is told as well: a device that has failed stays failed.
    this.#playing.catch(() => undefined);
    return this.#playing;
  }

  async #playUntil(up: number): Promise<void> {
    const agent = this.#running();
    for (;;) {
      const nextUp = Math.min(this.#clock.nextDueUp, this.#body.nextChangeUp);
      if (nextUp > up) break;
      this.#clock.moveTo(nextUp);
      if (this.#body.nextChangeUp === nextUp) this.#body.change();
      else this.#clock.ring();
      await agent.settled();
    }
    if (up > this.#clock.uptime()) this.#clock.moveTo(up);
  }
}
