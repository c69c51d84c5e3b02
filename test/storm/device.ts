/**
 * A device of a storm: the reference agent behind the site's leaf, with hardware that writes down what it does.
 */
import type { Command } from '../../machines/command.ts';
import { chargePoint } from '../../machines/charge-point.ts';
import type { Report } from '../../machines/report.ts';
import { startAgent } from '../../src/device/agent.ts';
import type { DeviceAgent } from '../../src/device/device-agent.ts';
import type { AgentEvent } from '../../src/device/agent-event.ts';
import { AGENT_LIMITS } from '../../src/device/limits.ts';
import { MemoryStorage, StorageMedium } from '../../src/device/memory-storage.ts';
import { deviceLinks } from '../../src/device/nats-link.ts';
import type { BodyView, DeviceClock, Reading } from '../../src/device/ports.ts';
import { uptimeClock } from '../../src/device/uptime-clock.ts';
import type { HubConnection } from '../../src/nats/connect.ts';
import type { Encoding } from '../../src/wire/codec.ts';
import { ChargePointBody } from '../devices/charge-point-body.ts';
import { type MadeReport, sampleKey } from '../simulation/record.ts';
import type { Chance } from '../simulation/world/chance.ts';
import type { FinalTruth } from '../simulation/world/evidence.ts';
import type { StormRecord } from './record.ts';

/** What a device is made of. */
export interface StormDeviceOptions {
  readonly name: string;
  /** To the site's leaf. */
  readonly connection: HubConnection;
  readonly chance: Chance;
  readonly record: StormRecord;
}

/** Acks are waited for so long, ms. */
const ACK_TIMEOUT_MS = 1_000;
/** The longest pause before what was not acked is sent again, ms. */
const RETRY_LONGEST_MS = 500;
/** Nothing but changes is worth a report for so long, ms: less than it takes to be called silent. */
const HEARTBEAT_MS = 200_000;
/** A device has one storage for all of a storm. */
const LIFE = 1;
/** Between two changes of what a device measures, ms on average. */
const CHANGE_MS = 40;
/** In this part of them somebody plugs in, or out. */
const USE_PART = 0.03;

/** Hardware that numbers its samples. */
class SampledBody extends ChargePointBody {
  #samples = 0;

  override read(view: BodyView): Reading {
    this.#samples += 1;
    const reading = super.read(view);
    return { ...reading, sensors: { ...reading.sensors, sample: this.#samples } };
  }
}

/**
 * A device's clock, and when it was which uptime by the clock of this machine. On a busy one a program is put aside between any two lines, so that
 * one look at both clocks proves little: the look with the least between the two is the one that counts.
 */
class ObservedClock implements DeviceClock {
  readonly #clock = uptimeClock();
  #begunAt = Infinity;

  uptime(): number {
    const up = this.#clock.uptime();
    this.#begunAt = Math.min(this.#begunAt, performance.timeOrigin + performance.now() - up);
    return up;
  }

  wall(): number | null {
    return this.#clock.wall();
  }

  after(delayMs: number, work: () => void): () => void {
    return this.#clock.after(delayMs, work);
  }

  timeOf(up: number): number {
    return this.#begunAt + up;
  }
}

/** See the head of this file. */
export class StormDevice {
  readonly name: string;
  readonly #options: StormDeviceOptions;
  readonly #body = new SampledBody();
  readonly #medium = new StorageMedium();
  readonly #encoding: Encoding;
  readonly #order: 'current-first' | 'fifo';
  #agent: DeviceAgent | null = null;
  #boot = 0;
  #isOn = true;
  #life: Promise<void> = Promise.resolve();
  /** Starts and stops follow each other. */
  #switching: Promise<void> = Promise.resolve();

  /** Switches one on; its first report is stored by the hub when this resolves. */
  static async start(options: StormDeviceOptions): Promise<StormDevice> {
    const device = new StormDevice(options);
    await device.#switchOn();
    await device.delivered();
    return device;
  }

  private constructor(options: StormDeviceOptions) {
    this.name = options.name;
    this.#options = options;
    this.#encoding = options.chance.pick(['json', 'msgpack']);
    this.#order = options.chance.pick(['current-first', 'fifo']);
    options.record.devices.set(this.name, { device: this.name, kind: chargePoint });
    this.#body.onAct = (command) => this.#noteExecution(command, true);
  }

  /** Begins to change, and to be used, until `endLife`. */
  beginLife(): void {
    this.#life = this.#live();
  }

  async endLife(): Promise<void> {
    this.#isOn = false;
    await this.#life;
    await this.#switching;
  }

  /** Power is switched off and on. */
  restart(): void {
    this.#switching = this.#switching.then(async () => {
      this.#options.record.note(this.name, 'is switched off and on');
      await this.#agent?.stop();
      this.#agent = null;
      await this.#switchOn();
    });
  }

  /** Resolves when the hub has acknowledged all that it has to say. */
  async delivered(): Promise<void> {
    await this.#switching;
    await this.#agent?.delivered();
  }

  /** It says nothing more: what it is now stays the truth while others are looked at, however long that takes. */
  async rest(): Promise<void> {
    await this.delivered();
    await this.#agent?.stop();
  }

  /** What it really is. */
  truth(): FinalTruth {
    const status = this.#agent?.status();
    const hold = status?.hold ?? null;
    const { state, sensors } = this.#body.read({ hold, up: 0 });
    return {
      path: chargePoint.observe({ boot: 0, seq: 1, up: 0, state, sensors }),
      hold: hold?.id ?? null,
      boot: status?.boot ?? 0,
      seq: status?.seq ?? 0,
    };
  }

  async stop(): Promise<void> {
    await this.endLife();
    await this.#agent?.stop();
  }

  async #switchOn(): Promise<void> {
    const { connection, record } = this.#options;
    const clock = new ObservedClock();
    const agent = await startAgent({
      device: this.name,
      kind: chargePoint.name,
      encoding: this.#encoding,
      order: this.#order,
      limits: { ...AGENT_LIMITS, retryLongestMs: RETRY_LONGEST_MS, heartbeatMs: HEARTBEAT_MS },
      clock,
      storage: new MemoryStorage(this.#medium),
      link: deviceLinks({ connection, ackTimeoutMs: ACK_TIMEOUT_MS }).link(this.name),
      body: this.#body,
      tell: (event) => this.#hear(event, clock),
    });
    void agent.ended.then((error) => {
      if (error !== null) record.fault(`the agent of ${this.name} ended: ${String(error.stack)}`);
    });
    this.#agent = agent;
  }

  async #live(): Promise<void> {
    const { chance } = this.#options;
    while (this.#isOn) {
      const isHeld = (this.#agent?.status().hold ?? null) !== null;
      if (chance.hits(USE_PART) && !isHeld) this.#body.isCharging = !this.#body.isCharging;
      this.#body.meter();
      const pauseMs = chance.exponential(CHANGE_MS);
      await new Promise((resolve) => void setTimeout(resolve, pauseMs));
    }
  }

  #hear(event: AgentEvent, clock: ObservedClock): void {
    const { record } = this.#options;
    switch (event.type) {
      case 'started':
        this.#boot = event.boot;
        break;
      case 'report':
        this.#noteReport(event.report, clock);
        break;
      case 'command': {
        const { command, became, reason } = event;
        const where = { device: this.name, life: LIFE, boot: this.#boot, at: Date.now() };
        record.receptions.push({ ...where, command, became, reason });
        record.note(this.name, `${command.name} n ${String(command.n)} ${command.id}: ${reason ?? became}`);
        if (became === 'done') this.#noteExecution(command, false);
        break;
      }
      case 'dropped':
      case 'body-failed':
      case 'command-unreadable':
        record.fault(`${this.name}: ${event.type}`);
        break;
      default:
    }
  }

  #noteReport(report: Report, clock: ObservedClock): void {
    const { record } = this.#options;
    const made: MadeReport = {
      device: this.name,
      life: LIFE,
      report,
      get measuredAt() {
        return clock.timeOf(report.up);
      },
      lostAt: null,
      storedAt: null,
      wasLostByHub: false,
    };
    record.made.push(made);
    record.madeBySample.set(sampleKey(this.name, report), made);
  }

  #noteExecution(command: Command, moves: boolean): void {
    const where = { device: this.name, life: LIFE, boot: this.#boot };
    this.#options.record.executions.push({
      ...where,
      command,
      startedAt: Date.now(),
      moves,
      effect: 'done',
    });
  }
}
