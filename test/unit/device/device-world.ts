/**
 * A world for one device: its time, its disk, its hardware and its way to the hub, all of which outlive its crashes. A
 * crash ends the agent between two steps of any port: from then on nothing it waits for happens, and nothing it asks for
 * is done.
 */
import type { Command } from '../../../machines/command.ts';
import type { Report } from '../../../machines/report.ts';
import { startAgent } from '../../../src/device/agent.ts';
import type { AgentOptions, DeviceAgent } from '../../../src/device/device-agent.ts';
import type { AgentEvent } from '../../../src/device/agent-event.ts';
import { AGENT_LIMITS, type AgentLimits } from '../../../src/device/limits.ts';
import { MemoryStorage, StorageMedium } from '../../../src/device/memory-storage.ts';
import type {
  ActMoment,
  ActResult,
  BodyChange,
  DeviceBody,
  DeviceClock,
  DeviceLink,
  DeviceStorage,
  LinkListener,
  Reading,
  Shown,
  Verdict,
} from '../../../src/device/ports.ts';
import { decode, encode } from '../../../src/wire/codec.ts';

/** World time, in ms, with its timers. */
export class WorldTime {
  now = 0;
  #timers: { readonly at: number; readonly work: () => void }[] = [];

  after(delayMs: number, work: () => void): () => void {
    const timer = { at: this.now + delayMs, work };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets time pass, timer by timer, and everything that follows from each. */
  async pass(ms: number, observe: () => void = () => undefined): Promise<void> {
    const end = this.now + ms;
    await quiet();
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.now = Math.max(this.now, due.at);
      observe();
      due.work();
      await quiet();
    }
    this.now = end;
    observe();
    await quiet();
  }
}

/** Waits until nothing is left to do but wait for time. */
export async function quiet(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** One execution by the hardware. */
export interface Execution {
  readonly command: Command;
  readonly boot: number;
  readonly up: number;
  /** How many lines were on the disk, and how many events had been told, when it began. */
  readonly lines: number;
  readonly events: number;
}

/** Hardware with a switch: `start` turns it on, `stop` off, `reserve` and `release` only change the hold. */
export class Hardware {
  isOn = false;
  /** Set by people, not by commands. */
  sensors: Record<string, unknown> = { doorOpen: false, level: 0 };
  readonly executions: Execution[] = [];
  /** What the next executions end with; `done` when there is none. A function gives what the body says in its own time. */
  readonly results: (ActResult | 'hangs' | 'throws' | (() => Promise<ActResult>))[] = [];
  /** Moments of executions, as they were told. */
  readonly moments: ActMoment[] = [];
  readonly endedHolds: string[] = [];
  /** Whether it shows after a restart what was executed. */
  isTransparent: boolean | 'broken' | 'undecided' = true;
  #watchers = new Set<(change: BodyChange) => void>();

  /** A person does something. */
  use(sensors: Record<string, unknown>, change: BodyChange = {}): void {
    this.sensors = { ...this.sensors, ...sensors };
    for (const watcher of [...this.#watchers]) watcher(change);
  }

  watch(changed: (change: BodyChange) => void): () => void {
    this.#watchers.add(changed);
    return () => void this.#watchers.delete(changed);
  }

  /** The power is gone: who watched is gone with it. */
  forgetWatchers(): void {
    this.#watchers.clear();
  }

  read(isHeld: boolean): Reading {
    const state = this.isOn ? 'charging' : isHeld ? 'reserved' : 'available';
    return { state, sensors: { on: this.isOn, ...this.sensors } };
  }

  judge(command: Command, heldBy: string | null): Verdict {
    switch (command.name) {
      case 'reserve':
        return this.isOn || heldBy !== null
          ? { type: 'refuse', reason: 'busy' }
          : { type: 'accept', hold: 'begin', acts: false };
      case 'release':
        return { type: 'accept', hold: 'end', acts: false };
      case 'start':
        return this.isOn ? { type: 'refuse', reason: 'busy' } : { type: 'accept', hold: 'end', acts: true };
      case 'stop':
        return { type: 'accept', hold: 'keep', acts: true };
      case 'reboot':
        return this.isOn ? { type: 'refuse', reason: 'busy' } : { type: 'accept', hold: 'keep', acts: true };
      default:
        return { type: 'refuse', reason: 'unknown-command' };
    }
  }

  wasExecuted(command: Command): Shown {
    if (this.isTransparent === 'broken') throw new Error('the bus to the relay is down');
    if (this.isTransparent === 'undecided') return 'undecided';
    return this.isTransparent ? this.executions.some((done) => done.command.n === command.n) : null;
  }

  /** The moment of the act itself. */
  execute(execution: Execution): ActResult | Promise<ActResult> {
    const result = this.results.shift() ?? { outcome: 'done' };
    if (result === 'throws') throw new Error('a relay burnt out');
    if (result === 'hangs') return new Promise(() => undefined);
    if (typeof result === 'function') return result();
    if (result.outcome === 'done') {
      this.executions.push(execution);
      this.isOn = execution.command.name === 'start';
    }
    return result;
  }
}

/** The hub, as far as a device sees it. */
export class HubEnd {
  /** `deaf`: nothing arrives. `mute`: it stores, and its ack is lost. `silent`: it never ends the wait. */
  mood: 'ok' | 'deaf' | 'mute' | 'silent' = 'ok';
  /** Every payload that was stored, as reports. */
  readonly frames: Report[][] = [];
  /** Called with what is stored. */
  listener: LinkListener | null = null;

  get reports(): Report[] {
    return this.frames.flat();
  }

  async publish(payload: Uint8Array): Promise<void> {
    if (this.mood === 'silent') return new Promise(() => undefined);
    if (this.mood === 'deaf') throw new Error('no responders');
    const decoded = decode(payload);
    if (!decoded.ok) throw new Error(decoded.detail);
    this.frames.push((Array.isArray(decoded.value) ? decoded.value : [decoded.value]) as Report[]);
    if (this.mood === 'mute') throw new Error('timeout');
  }
}

/** One life of an agent: from a start to a crash. */
class Life {
  #isDead = false;
  /** Steps until it crashes by itself. */
  stepsLeft = Infinity;

  get isDead(): boolean {
    return this.#isDead;
  }

  kill(): void {
    this.#isDead = true;
  }

  /** Counts a step; true when the crash comes here. */
  dies(): boolean {
    this.stepsLeft -= 1;
    if (this.stepsLeft < 0) this.#isDead = true;
    return this.#isDead;
  }

  /** Work that can be cut off before it is done, and after it is done but before anybody knows. */
  async pass<T>(work: () => Promise<T> | T): Promise<T> {
    if (this.dies()) return new Promise<T>(() => undefined);
    const result = await work();
    if (this.dies()) return new Promise<T>(() => undefined);
    return result;
  }
}

/** A device and everything around it. */
export class DeviceWorld {
  readonly time = new WorldTime();
  readonly medium = new StorageMedium();
  readonly hardware = new Hardware();
  readonly hub = new HubEnd();
  readonly events: AgentEvent[] = [];
  agent: DeviceAgent | null = null;
  limits: AgentLimits = AGENT_LIMITS;
  options: Partial<AgentOptions> = {};
  /** What the body has besides, from the next boot on. */
  body: Partial<DeviceBody> = {};
  /** How long the disk takes for an entry, ms. */
  storageMs = 0;
  #life = new Life();
  #bootedAt = 0;

  /** Uptime since the last start. */
  get upNow(): number {
    return this.time.now - this.#bootedAt;
  }

  get isAlive(): boolean {
    return this.agent !== null && !this.#life.isDead;
  }

  /** Starts the device. The agent is there when its first report is stored, unless it crashes before. */
  async boot(crashAfterSteps = Infinity): Promise<void> {
    this.#life.kill();
    const life = new Life();
    life.stepsLeft = crashAfterSteps;
    this.#life = life;
    this.agent = null;
    this.hardware.forgetWatchers();
    this.hub.listener = null;
    const start = this.time.now;
    this.#bootedAt = start;
    const clock: DeviceClock = {
      uptime: () => this.time.now - start,
      wall: () => null,
      after: (delayMs, work) => this.time.after(delayMs, () => (life.isDead ? undefined : work())),
    };
    const starting = startAgent({
      device: 'cp-001',
      kind: null,
      encoding: 'json',
      order: 'current-first',
      limits: this.limits,
      clock,
      storage: this.#storage(life),
      link: this.#link(life),
      body: this.#body(life, clock),
      tell: (event) => this.events.push(event),
      ...this.options,
    });
    starting.then(
      (agent) => {
        if (this.#life === life) this.agent = agent;
      },
      () => undefined,
    );
    await quiet();
  }

  /** The power goes, now. */
  crash(): void {
    this.#life.kill();
    this.agent = null;
  }

  /** The power goes after so many steps of any port. */
  crashSoon(steps: number): void {
    this.#life.stepsLeft = steps;
  }

  /** The hub sends a command, complete with what is not given. */
  async command(command: Partial<Command> & Pick<Command, 'n' | 'name'>): Promise<void> {
    const deadline = command.name === 'report' ? {} : { boot: this.#agent.status().boot, notAfterUp: 1e9 };
    const full = { epoch: 1, id: `id-${command.n}`, args: {}, ...deadline, ...command };
    await this.payload(encode(full, 'msgpack'));
  }

  async payload(bytes: Uint8Array): Promise<void> {
    if (!this.#life.isDead) this.hub.listener?.command(bytes);
    await quiet();
  }

  /** The newest report that was made. */
  get report(): Report {
    const made = this.events.findLast((event) => event.type === 'report');
    if (made === undefined) throw new Error('no report was made');
    return made.report;
  }

  get #agent(): DeviceAgent {
    if (this.agent === null) throw new Error('the device is off');
    return this.agent;
  }

  #storage(life: Life): DeviceStorage {
    const storage = new MemoryStorage(this.medium);
    const slowly = async (): Promise<void> => {
      if (this.storageMs > 0) await new Promise<void>((resolve) => this.time.after(this.storageMs, resolve));
    };
    return {
      load: () => life.pass(() => storage.load()),
      append: (entry) =>
        life.pass(() => slowly().then(() => (life.isDead ? undefined : storage.append(entry)))),
      close: () => storage.close(),
    };
  }

  #link(life: Life): DeviceLink {
    return {
      publish: (payload) => life.pass(() => this.hub.publish(payload)),
      listen: (listener) => {
        this.hub.listener = listener;
        return async () => {
          this.hub.listener = null;
        };
      },
    };
  }

  #body(life: Life, clock: DeviceClock): DeviceBody {
    const { hardware } = this;
    return {
      read: ({ hold }) => hardware.read(hold !== null),
      judge: (command, { hold }) => hardware.judge(command, hold?.id ?? null),
      act: (command, moment) => {
        hardware.moments.push(moment);
        return life.pass(() =>
          hardware.execute({
            command,
            boot: this.#bootNumber(),
            up: clock.uptime(),
            lines: this.medium.lines().length,
            events: this.events.length,
          }),
        );
      },
      holdEnded: (id) => hardware.endedHolds.push(id),
      ...this.body,
      restart: () => void this.boot(),
      wasExecuted: (command) => life.pass(() => hardware.wasExecuted(command)),
      scan: () => [{ slot: 'modem', model: 'M1', serial: '42' }],
      watch: (changed) => hardware.watch((change) => (life.isDead ? undefined : changed(change))),
    };
  }

  #bootNumber(): number {
    return this.agent?.status().boot ?? 0;
  }
}
