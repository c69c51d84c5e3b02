/**
 * A device: its hardware and its disk, which last, and one boot of the agent after the other. It writes down what really
 * happens to it.
 */
import type { Command } from '../../../machines/command.ts';
import type { Kind } from '../../../machines/kind.ts';
import type { Report } from '../../../machines/report.ts';
import { startAgent } from '../../../src/device/agent.ts';
import type { DeviceAgent } from '../../../src/device/device-agent.ts';
import type { AgentEvent } from '../../../src/device/agent-event.ts';
import { type AgentLimits, AGENT_LIMITS } from '../../../src/device/limits.ts';
import type { LogEntry } from '../../../src/device/log-entry.ts';
import type { DeviceHold } from '../../../src/device/device-state.ts';
import type { DeviceClock, DeviceLink, LinkListener } from '../../../src/device/ports.ts';
import { assertStored } from '../../../src/device/publish-answer.ts';
import { decode } from '../../../src/wire/codec.ts';
import { type Execution, type HoldSpan, type MadeReport, sampleKey, type WorldRecord } from '../record.ts';
import type { Trace } from '../trace.ts';
import type { Chance } from './chance.ts';
import { UptimeClock, wallClockError } from './clocks.ts';
import { Disk } from './disk.ts';
import { Hardware } from './hardware.ts';
import type { Network } from './network.ts';
import { Process } from './process.ts';
import type { Schedule } from './schedule.ts';

/** How a device is switched off. */
export type Outage = 'kill' | 'power-cut' | 'wipe';

/** The hub, as a device reaches it. */
export interface ReportIntake {
  /** Stores a payload in the stream, and returns what it answers, or refuses to; `null`: nothing. */
  takeReport(device: string, payload: Uint8Array): string | null;
}

export interface DeviceOptions {
  readonly device: string;
  readonly kind: Kind;
  /** Whether reports name the kind, because no inventory does. */
  readonly namesKind: boolean;
  readonly schedule: Schedule;
  readonly network: Network;
  readonly intake: ReportIntake;
  readonly record: WorldRecord;
  readonly trace: Trace;
  readonly chance: Chance;
  /** It has gone off, for whatever reason. */
  readonly died: () => void;
}

/** In so many of the cases in which it dies between two steps, it is the power that goes. */
const POWER_PART = 0.4;
/** A link waits this long for an ack, ms. */
const ACK_TIMEOUT_MS = 5_000;

interface Boot {
  readonly process: Process;
  readonly clock: UptimeClock;
  number: number;
  agent: DeviceAgent | null;
  listener: LinkListener | null;
}

export class Device {
  readonly name: string;
  readonly kind: Kind;
  readonly hardware: Hardware;
  readonly #options: DeviceOptions;
  readonly #disk: Disk;
  readonly #outages: Chance;
  readonly #limits: AgentLimits;
  readonly #encoding: 'json' | 'msgpack';
  #life = 1;
  #boot: Boot | null = null;
  #wallErrorMs: number | null;
  #quartzError = 0;
  /** Executions of this life, newest last. */
  #executions: Execution[] = [];
  /** Reports of this life, by position. */
  readonly #made = new Map<string, MadeReport>();
  #samples = 0;
  readonly #sampledAt = new Map<number, number>();
  #span: { readonly span: HoldSpan; endsUp: number; readonly boot: Boot | null } | null = null;
  #offSince: number | null = null;
  /** A `reboot` that was accepted; it begins when it is stored, and is settled by the boot that finds it begun. */
  #reboot: {
    readonly command: Command;
    readonly at: number;
    readonly boot: number;
    execution: Execution | null;
  } | null = null;

  constructor(options: DeviceOptions) {
    const { device, kind, schedule, chance, record } = options;
    this.name = device;
    this.kind = kind;
    this.#options = options;
    record.devices.set(device, { device, kind });
    this.#limits = {
      ...AGENT_LIMITS,
      heartbeatMs: chance.between(30_000, Math.min(90_000, kind.limits.silenceMs / 2)),
      ...(chance.hits(0.2) && { outboxReportsMax: 40 }),
      ...(chance.hits(0.5) && { frameReportsMax: 7 }),
    };
    this.#encoding = chance.pick(['json', 'msgpack']);
    this.#wallErrorMs = wallClockError(chance, schedule.now);
    this.#quartzError = this.#someQuartzError();
    this.#disk = new Disk(device, schedule, chance.fork('disk'), {
      written: (entry) => this.#noteWritten(entry),
      lost: (reports) => this.#noteLost(reports),
      broken: (what) => record.brokenStorages.push({ device, at: schedule.now, what }),
      count: (sort) => record.count(sort),
    });
    this.#outages = chance.fork('outages');
    this.hardware = new Hardware(schedule, chance.fork('hardware'), kind, {
      looks: ({ state, sensors }) => void record.looks.push({ device, at: schedule.now, state, sensors }),
      sampled: (hold) => this.#noteSample(hold),
      moving: (command) => this.#noteExecution(command, true),
      cannotTell: ({ id }) => void record.untellable.add(id),
      undecided: () => record.count('command-undecided'),
      executed: (command) => this.#executions.findLast((done) => done.command.n === command.n) ?? null,
    });
  }

  get isOn(): boolean {
    return this.#boot !== null;
  }

  /** The path an honest report would lead to now, and the id of the hold. */
  truth(): {
    readonly path: string;
    readonly hold: string | null;
    readonly boot: number;
    readonly seq: number;
  } {
    const status = this.#boot?.agent?.status();
    const { state, sensors } = this.hardware.reading((status?.hold ?? null) !== null);
    const report = { boot: 0, seq: 1, up: 0, state, sensors } as Report;
    return {
      path: this.kind.observe(report),
      hold: status?.hold?.id ?? null,
      boot: status?.boot ?? 0,
      seq: status?.seq ?? 0,
    };
  }

  /** Switches it on. */
  switchOn(): void {
    if (this.#boot !== null) return;
    const { schedule, chance, trace } = this.#options;
    const process = new Process(schedule, () => this.#die(boot));
    const clock = new UptimeClock(schedule, this.#quartzError);
    const boot: Boot = { process, clock, number: 0, agent: null, listener: null };
    this.#boot = boot;
    trace.line(this.name, () => 'is switched on');
    const starting = startAgent({
      device: this.name,
      kind: this.#options.namesKind ? this.kind.name : null,
      firstBoot: chance.integer(1, 2 ** 48),
      encoding: this.#encoding,
      order: chance.pick(['current-first', 'fifo']),
      limits: this.#limits,
      clock: this.#clock(boot),
      storage: this.#disk.open(process),
      link: this.#link(boot),
      body: this.hardware.body(process),
      tell: (event) => this.#noteEvent(boot, event),
    });
    starting.then(
      (agent) => {
        boot.agent = agent;
        void agent.ended.then((error) => this.#noteEnd(boot, error));
      },
      (error: unknown) => this.#noteEnd(boot, error as Error),
    );
  }

  /** Switches it off in the middle of whatever it does. */
  switchOff(outage: Outage): void {
    const { trace, record, schedule } = this.#options;
    trace.line(this.name, () => `is switched off: ${outage}`);
    this.#boot?.process.kill();
    if (outage === 'power-cut') this.#disk.cutPower();
    else if (outage === 'wipe') {
      this.#reboot = null;
      this.#disk.wipe();
      this.#endSpan(this.#offSince ?? schedule.now);
      record.wipes.push({ device: this.name, at: schedule.now });
      this.#life += 1;
      this.#executions = [];
      this.#made.clear();
    }
  }

  /** It crashes after so many steps of anything it does; `Infinity` for not at all. */
  crashAfter(steps: number): void {
    this.#boot?.process.killAfter(steps);
  }

  /** Its quartz runs otherwise from now on. */
  drift(): void {
    this.#quartzError = this.#someQuartzError();
    this.#boot?.clock.drift(this.#quartzError);
  }

  /** Its wall clock is set, to something. */
  setWallClock(): void {
    this.#wallErrorMs = wallClockError(this.#options.chance, this.#options.schedule.now);
  }

  /** A command arrives. */
  hear(payload: Uint8Array): void {
    const boot = this.#boot;
    boot?.process.enter(() => boot.listener?.command(payload));
  }

  /** The link stands again. */
  restored(): void {
    const boot = this.#boot;
    boot?.process.enter(() => boot.listener?.restored());
  }

  /** The command's number, and the true time at which its deadline passes here; `null` where it has none in this boot. */
  deadlineOf(payload: Uint8Array): { readonly n: number; readonly at: number } | null {
    const decoded = decode(payload);
    if (!decoded.ok || this.#boot === null) return null;
    const { n, boot, notAfterUp } = decoded.value as Command;
    if (boot !== this.#boot.number || notAfterUp === undefined) return null;
    return { n, at: this.#boot.clock.timeOf(notAfterUp) };
  }

  // ----------------------------------------------------------------------------------------------------------- ports

  #clock({ process, clock }: Boot): DeviceClock {
    const { schedule } = this.#options;
    return {
      uptime: () => clock.now(),
      wall: () => (this.#wallErrorMs === null ? null : Math.floor(schedule.now + this.#wallErrorMs)),
      after: (delayMs, work) => clock.after(delayMs, () => process.enter(work)),
    };
  }

  #link(boot: Boot): DeviceLink {
    return {
      publish: (payload) => boot.process.call(() => this.#publish(boot, payload)),
      listen: (listener) => {
        boot.listener = listener;
        return async () => {
          boot.listener = null;
        };
      },
    };
  }

  async #publish({ clock }: Boot, payload: Uint8Array): Promise<void> {
    const { network, intake } = this.#options;
    const answer = await new Promise<string>((resolve, reject) => {
      const cancel = clock.after(ACK_TIMEOUT_MS, () => reject(new Error('no ack')));
      network.send(this.name, 'hub', () => {
        const said = intake.takeReport(this.name, payload);
        if (said === null) return;
        network.send('hub', this.name, () => {
          cancel();
          resolve(said);
        });
      });
    });
    assertStored(this.name, answer);
  }

  #someQuartzError(): number {
    const { kind, chance } = this.#options;
    const { driftPpm } = kind.limits;
    return chance.weighted({ fast: 1, slow: 1, other: 2 }) === 'other'
      ? chance.between(-driftPpm, driftPpm)
      : chance.pick([-driftPpm, driftPpm]);
  }

  // ------------------------------------------------------------------------------------------------- what really happens

  #die(boot: Boot): void {
    if (this.#boot !== boot) return;
    const { schedule, record } = this.#options;
    if (boot.process.hasDiedInStep) record.count('device-died-in-a-step');
    if (boot.process.hasDiedInStep && this.#outages.hits(POWER_PART)) this.#disk.cutPower();
    else this.#disk.stop();
    this.#sampleHold(boot);
    this.#boot = null;
    this.#offSince = schedule.now;
    this.#options.died();
  }

  #noteEnd(boot: Boot, error: Error | null): void {
    if (error === null || boot.process.isDead) return;
    const { record, schedule } = this.#options;
    const what = `the agent of ${this.name} ended: ${error.stack ?? error.message}`;
    record.faults.push({ at: schedule.now, what });
  }

  #noteSample(hold: DeviceHold | null): number {
    const { schedule } = this.#options;
    const boot = this.#boot;
    if (boot !== null && boot.agent === null) {
      if (hold === null) this.#endSpan(this.#offSince ?? schedule.now);
      else this.#noteHold(hold, boot);
    }
    this.#samples += 1;
    this.#sampledAt.set(this.#samples, schedule.now);
    return this.#samples;
  }

  #noteEvent(boot: Boot, event: AgentEvent): void {
    const { record, schedule, trace } = this.#options;
    const at = schedule.now;
    if (boot.process.isDead) return;
    trace.line(this.name, () => describe(event));
    switch (event.type) {
      case 'started':
        boot.number = event.boot;
        break;
      case 'command': {
        const { command, became, reason } = event;
        const where = { device: this.name, life: this.#life, boot: boot.number, at };
        record.receptions.push({ ...where, command, became, reason });
        if (became === 'done') this.#noteExecution(command, false);
        if (became === 'begun' && command.name === 'reboot') {
          this.#reboot = { command, at, boot: boot.number, execution: null };
        }
        break;
      }
      case 'amended':
        record.count('command-amended');
        break;
      default:
        break;
    }
    this.#sampleHold(boot);
  }

  /**
   * A device that has stored a `reboot` as begun counts the next boot as its execution, whatever switched it off: the ring of that boot
   * names it. Where it went off before anybody knew what was stored last, that it is begun or that it is settled, the next boot shows it.
   */
  #noteReboot(begun: number | null): void {
    if (this.#reboot === null) return;
    const { command, at, boot, execution } = this.#reboot;
    if (execution !== null && begun === null) this.#reboot = null;
    else if (execution === null && begun === command.n) {
      this.#reboot.execution = this.#noteExecution(command, false, { startedAt: at, boot });
      if (boot === this.#boot?.number) return;
      this.#reboot.execution.effect = 'done';
      this.#reboot = null;
    }
  }

  #noteExecution(
    command: Command,
    moves: boolean,
    { startedAt, boot }: Pick<Execution, 'startedAt' | 'boot'> = this.#here(),
  ): Execution {
    const { record } = this.#options;
    const where = { device: this.name, life: this.#life, boot, command };
    const execution: Execution = {
      ...where,
      startedAt,
      moves,
      effect: 'not-done',
    };
    this.#executions.push(execution);
    record.executions.push(execution);
    return execution;
  }

  #here(): Pick<Execution, 'startedAt' | 'boot'> {
    return { startedAt: this.#options.schedule.now, boot: this.#boot?.number ?? 0 };
  }

  #noteWritten({ memory, report, settled }: LogEntry): void {
    const { record } = this.#options;
    if (memory !== undefined) {
      this.#noteOutcomes(memory.ring);
      this.#noteReboot(memory.begun?.n ?? null);
    }
    if (report !== undefined) {
      if (settled !== undefined) this.#noteDropped(settled);
      const sample = report.sensors.sample as number;
      const measuredAt = this.#sampledAt.get(sample);
      if (measuredAt === undefined) throw new Error(`report of ${this.name} without a sample`);
      const made: MadeReport = {
        device: this.name,
        life: this.#life,
        report,
        measuredAt,
        lostAt: null,
        storedAt: null,
        wasLostByHub: false,
      };
      record.made.push(made);
      record.madeBySample.set(sampleKey(this.name, report), made);
      this.#made.set(positionName(report), made);
    }
  }

  /** What only changes the hold has been done once it outlives a restart. */
  #noteOutcomes(ring: readonly { readonly n: number; readonly outcome: string }[]): void {
    for (const execution of this.#executions) {
      const { command } = execution;
      if (execution.moves || execution.effect === 'done') continue;
      if (ring.some(({ n, outcome }) => n === command.n && outcome === 'done')) execution.effect = 'done';
    }
  }

  #noteDropped({ from, to }: NonNullable<LogEntry['settled']>): void {
    const isIn = ({ boot, seq }: Report): boolean =>
      (boot > from.boot || (boot === from.boot && seq >= from.seq)) &&
      (boot < to.boot || (boot === to.boot && seq <= to.seq));
    for (const made of this.#made.values()) if (isIn(made.report)) made.lostAt ??= this.#options.schedule.now;
  }

  #noteLost(reports: readonly Report[]): void {
    if (reports.length > 0) this.#options.record.count('reports-lost-by-storage');
    for (const report of reports) {
      const made = this.#made.get(positionName(report));
      if (made !== undefined) made.lostAt ??= this.#options.schedule.now;
    }
  }

  // ------------------------------------------------------------------------------------------------------------ holds

  #sampleHold(boot: Boot): void {
    if (boot.agent === null) return;
    const { hold } = boot.agent.status();
    if (hold === null) this.#endSpan(this.#options.schedule.now);
    else this.#noteHold(hold, boot);
  }

  #noteHold({ id, endsUp }: DeviceHold, boot: Boot): void {
    const { schedule } = this.#options;
    if (this.#span !== null && this.#span.span.id !== id) this.#endSpan(schedule.now);
    if (this.#span === null) {
      const isFoundAtStart = boot.agent === null;
      const span = (isFoundAtStart ? this.#lostSpan(id) : null) ?? this.#newSpan(id);
      this.#span = { span, endsUp, boot };
    } else if (this.#span.boot !== boot) {
      this.#span.span.offMs += schedule.now - (this.#offSince ?? schedule.now);
      this.#span = { span: this.#span.span, endsUp, boot };
    } else {
      this.#span.endsUp = endsUp;
    }
  }

  /** A hold that a boot finds, and whose end was forgotten with a crash, has never ended. */
  #lostSpan(id: string): HoldSpan | null {
    const { record, schedule } = this.#options;
    const isIt = (hold: HoldSpan): boolean =>
      hold.device === this.name && hold.life === this.#life && hold.id === id;
    const lost = record.holds.findLast(isIt) ?? null;
    if (lost !== null) {
      lost.offMs += schedule.now - (lost.to ?? schedule.now);
      lost.to = null;
    }
    return lost;
  }

  #newSpan(id: string): HoldSpan {
    const { record, schedule } = this.#options;
    const span: HoldSpan = {
      device: this.name,
      life: this.#life,
      id,
      from: schedule.now,
      to: null,
      offMs: 0,
    };
    record.holds.push(span);
    return span;
  }

  /** A hold ends by itself on the device's own clock, whether or not anything woke it. */
  #endSpan(at: number): void {
    if (this.#span === null) return;
    const { span, endsUp, boot } = this.#span;
    const byItself = boot !== null && boot === this.#boot ? boot.clock.timeOf(endsUp) : Infinity;
    span.to = Math.min(at, byItself);
    this.#span = null;
  }
}

const positionName = ({ boot, seq }: Pick<Report, 'boot' | 'seq'>): string => `${boot}/${seq}`;

function describe(event: AgentEvent): string {
  switch (event.type) {
    case 'report': {
      const { boot, seq, up, state, commands = [], hold } = event.report;
      const ring = commands.map(({ n, outcome, reason }) => `${n}:${reason ?? outcome}`).join(' ');
      const held = hold ? ` held for ${hold.id.slice(0, 8)} (${hold.leftMs} ms left)` : '';
      return `report ${boot}/${seq} up ${up} ${state}${held} ring [${ring}]`;
    }
    case 'command':
    case 'executed': {
      const { n, epoch, id, name, boot, notAfterUp, holdMs } = event.command;
      const what = event.type === 'command' ? event.became : event.outcome;
      const limits = `boot ${boot ?? '-'} notAfterUp ${notAfterUp ?? '-'} holdMs ${holdMs ?? '-'}`;
      return `${event.type} ${name} n ${n} epoch ${epoch} id ${id.slice(0, 8)} ${limits}: ${what} ${event.reason ?? ''}`;
    }
    case 'amended':
      return `amended ${event.command.name} n ${event.command.n}: ${event.outcome}`;
    case 'started':
      return `boot ${event.boot} begins, ${event.pending} reports pending`;
    case 'hold-ended':
      return `hold ${event.id.slice(0, 8)} ended`;
    default:
      return event.type;
  }
}
