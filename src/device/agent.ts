/**
 * The device's side of the wire contract (design 2.1, 2.2): takes what the body, the clock and the link bring, lets the
 * pure core decide, stores, and only then lets anything leave. The same agent runs in a gateway, in the simulated fleet,
 * in a replay and in the seeded simulation; only the ports differ.
 *
 * Invariants:
 * I1  nothing leaves before the entry that holds it is stored: no report, and no outcome that it names.
 * I2  turns do not overlap: while a command is executed nothing is reported and no other command is looked at, so no
 *     report is silent about a command that is under way.
 * I3  a command whose execution begins was stored as begun before, and is within its deadline at that moment.
 * I4  a change of the hold counts at once for everything that is decided after it, stored or not.
 * I5  while the agent is suspended it makes no report but the one that answers a command, and no report says anything of the device.
 */
import type { Command } from '../../machines/command.ts';
import { NOT_CONNECTED, type Report } from '../../machines/report.ts';
import { encode } from '../wire/codec.ts';
import { momentOf } from './act-moment.ts';
import type { AgentEvent, AgentListener } from './agent-event.ts';
import { readCommand } from './command-reader.ts';
import type { AgentOptions, AgentStatus, DeviceAgent } from './device-agent.ts';
import { Ending } from './shutdown.ts';
import { firstNumber, undecidedCommand, unsettled } from './executed-before.ts';
import { GuardedBody } from './guarded-body.ts';
import type { LogEntry } from './log-entry.ts';
import {
  BLANK_MEMORY,
  type DeviceMemory,
  holdAt,
  nextBoot,
  nextChangeUp,
  passTime,
  withBegun,
  withoutHold,
} from './device-state.ts';
import { FIRST_MEASUREMENT, type Measurement, observeBinaries, takeMeasurement } from './measurement.ts';
import { Outbox } from './outbox.ts';
import type { ActMoment, ActResult, BodyChange, LastResult, Reading } from './ports.ts';
import { isProvedByRestart, judge, REBOOT } from './reboot.ts';
import { amend, finish, outcomeAfterRestart, receive, type Reception } from './reception.ts';
import { Sender } from './sender.ts';

/** Begins a boot: resolves when its first report is stored. Rejects when the storage or the body does. */
export async function startAgent(options: AgentOptions): Promise<DeviceAgent> {
  const agent = new Agent(options);
  await agent.start();
  return agent;
}

type Waiters = (() => void)[];
type Scan = Report['components'] | null;

class Agent implements DeviceAgent {
  readonly device: string;
  readonly #ending = new Ending(() => this.#settle());
  readonly ended = this.#ending.ended;
  readonly #options: AgentOptions;
  readonly #tell: AgentListener;
  readonly #outbox: Outbox;
  readonly #sender: Sender;
  readonly #body: GuardedBody;
  #memory: DeviceMemory = BLANK_MEMORY;
  #storedMemory: DeviceMemory = BLANK_MEMORY;
  #measurement: Measurement = FIRST_MEASUREMENT;
  #lastReportUp = 0;
  #commands: Uint8Array[] = [];
  #isChangeDue = false;
  #isBusy = false;
  #isSuspended = false;
  /** What the body told while it was asked what became of earlier commands: it counts when that is settled; `null` from then on. */
  #toldInBoot: BodyChange[] | null = [];
  /** What the body said of the command that is being executed, before the execution had an end. */
  #saidEarly: BodyChange['amends'] | null = null;
  #cancelWake: () => void = () => undefined;
  #settledWaiters: Waiters = [];
  #deliveredWaiters: Waiters = [];
  #counts = { acked: 0, dropped: 0, unreadableCommands: 0, lostCommands: 0 };

  constructor(options: AgentOptions) {
    const { device, limits, order, encoding, link, clock, body } = options;
    this.device = device;
    this.#options = options;
    this.#tell = (event: AgentEvent) => options.tell?.(event);
    this.#body = new GuardedBody({ body, clock, limits, tell: this.#tell });
    this.#outbox = new Outbox({ limits, order, encoding });
    this.#sender = new Sender({
      device,
      outbox: this.#outbox,
      link,
      clock,
      limits,
      tell: (event) => this.#hearSender(event),
      acked: (settled) => {
        options.storage.append({ settled }).catch((error: unknown) => this.#ending.fail(error));
      },
      failed: (error) => this.#ending.fail(error),
    });
  }

  // ------------------------------------------------------------------------------------------------------- the boot

  async start(): Promise<void> {
    this.#isBusy = true;
    try {
      await this.#boot();
    } catch (error) {
      this.#ending.fail(error);
      this.#rest();
      await this.ended;
      throw error;
    }
    this.#rest();
    this.#work();
  }

  async #boot(): Promise<void> {
    const { storage, limits, body, link, clock, firstBoot = 1 } = this.#options;
    const stored = await storage.load();
    const { unreadable } = stored;
    const next = nextBoot(stored.memory, { unreadable, holdChargeMs: limits.holdChargeMs, firstBoot });
    // Watched before it is asked: what it tells between its answer and the end of this boot's first turn must not be lost.
    this.#ending.add(body.watch((change) => this.#hearBody(change)));
    this.#memory = await this.#settleExecutions(next);
    this.#storedMemory = stored.memory;
    const { hold } = stored.memory;
    if (hold !== null && this.#memory.hold === null) this.#body.holdEnded(hold.id);
    this.#ending.add(() => storage.close());
    for (const report of stored.pending) this.#keep(report, encode(report, this.#options.encoding));
    for (const change of this.#toldInBoot ?? []) this.#takeChange(change);
    this.#toldInBoot = null;
    await this.#record(clock.uptime(), { components: body.scan() });
    this.#tell({ type: 'started', boot: this.#memory.boot, pending: stored.pending.length, unreadable });
    this.#sender.start();
    this.#ending.add(() => this.#sender.stop());
    this.#ending.add(
      link.listen({
        command: (payload) => this.#hearCommand(payload),
        restored: () => this.#sender.retryNow(),
      }),
    );
  }

  /** Finds out what became of what was being executed, or was undecided, when the boot before ended. */
  async #settleExecutions(memory: DeviceMemory): Promise<DeviceMemory> {
    let settled = memory;
    for (const command of unsettled(memory)) {
      const isProved = isProvedByRestart(this.#options.body, command);
      const shown = isProved || (await this.#body.wasExecuted({ ...command, n: firstNumber(command) }));
      settled = outcomeAfterRestart(settled, shown, command);
    }
    return settled;
  }

  // ------------------------------------------------------------------------------------------------------- what comes

  #hearCommand(payload: Uint8Array): void {
    if (this.#ending.hasBegun) return;
    this.#sender.retryNow();
    if (this.#commands.length >= this.#options.limits.commandQueueMax) {
      this.#counts.lostCommands += 1;
      this.#tell({ type: 'command-lost' });
      return;
    }
    this.#commands.push(payload);
    this.#work();
  }

  #hearBody(change: BodyChange): void {
    if (this.#ending.hasBegun) return;
    if (this.#toldInBoot === null) this.#takeChange(change);
    else this.#toldInBoot.push(change);
  }

  #takeChange(change: BodyChange): void {
    const up = this.#options.clock.uptime();
    if (change.endsHold === true) this.#setMemory(withoutHold(this.#memory));
    if (change.amends !== undefined) this.#amend(change.amends);
    this.#measurement = observeBinaries(this.#measurement, this.#read(up), up);
    this.#isChangeDue = true;
    this.#work();
  }

  /** What became of an undecided command has become known, or of the one that is being executed, before that has an end. */
  #amend(said: NonNullable<BodyChange['amends']>): void {
    const { n, result } = said;
    if (this.#memory.begun?.n === n) this.#saidEarly = said;
    const command = undecidedCommand(this.#memory, n);
    if (command === undefined) return;
    this.#setMemory(amend(this.#memory, n, result));
    this.#tell({ type: 'amended', command, outcome: result.outcome });
  }

  /** The body has said after its time was up what became of a command. */
  #hearLate({ n }: Command, result: ActResult): void {
    if (result.outcome === 'undecided') return;
    this.#hearBody({ amends: { n, result } });
  }

  #hearSender(event: AgentEvent): void {
    if (event.type === 'published') this.#counts.acked += event.reports;
    this.#tell(event);
    if (this.#outbox.length === 0) wakeAll(this.#deliveredWaiters);
  }

  // ------------------------------------------------------------------------------------------------------- turns

  /** Takes turns until nothing is left to do, unless somebody does already. */
  #work(): void {
    if (this.#isBusy || this.#ending.hasBegun) return;
    this.#isBusy = true;
    this.#cancelWake();
    this.#takeTurns().then(
      () => {
        this.#rest();
        this.#armWake();
      },
      (error: unknown) => {
        this.#ending.fail(error);
        this.#rest();
      },
    );
  }

  /** Nothing is under way any more. */
  #rest(): void {
    this.#isBusy = false;
    wakeAll(this.#settledWaiters);
  }

  async #takeTurns(): Promise<void> {
    do {
      await this.#turn();
    } while ((this.#commands.length > 0 || this.#isReportDue()) && !this.#ending.hasBegun);
  }

  #isReportDue(): boolean {
    return this.#isChangeDue && !this.#isSuspended;
  }

  async #turn(): Promise<void> {
    const up = this.#options.clock.uptime();
    this.#setMemory(passTime(this.#memory, up, this.#options.limits.holdChargeMs));
    const payload = this.#commands.shift();
    if (payload !== undefined) {
      await this.#handle(payload, up);
    } else if (this.#isReportDue() || (up >= this.#heartbeatUp() && !this.#isSuspended)) {
      await this.#record(up, {});
    } else if (this.#memory !== this.#storedMemory) {
      await this.#append({ memory: this.#memory });
    }
  }

  async #handle(payload: Uint8Array, up: number): Promise<void> {
    const read = readCommand(payload);
    if (!read.ok) {
      this.#counts.unreadableCommands += 1;
      this.#tell({ type: 'command-unreadable', detail: read.detail });
      return;
    }
    const { command } = read;
    const { body, limits } = this.#options;
    const moment = { up, holdChargeMs: limits.holdChargeMs, isSuspended: this.#isSuspended };
    const reception = receive(this.#memory, command, moment, (hold) => judge(body, command, { hold, up }));
    this.#setMemory(reception.memory);
    const reason = reception.type === 'refused' ? reception.reason : null;
    this.#tell({ type: 'command', command, became: reception.type, reason });
    if (reception.type === 'begun') await this.#execute(command, reception);
    else await this.#record(up, {});
  }

  async #execute(command: Command, { verdict }: Extract<Reception, { type: 'begun' }>): Promise<void> {
    const { clock } = this.#options;
    await this.#append({ memory: this.#memory });
    this.#saidEarly = null;
    const moment = momentOf(command, clock);
    const executed: ActResult = moment.mayStillStart()
      ? await this.#act(command, moment)
      : { outcome: 'rejected', reason: 'too-late' };
    if (command.name === REBOOT && executed.outcome === 'done') {
      await this.#restart(command);
      return;
    }
    const result = executed.outcome === 'undecided' ? (this.#earlyResult(command) ?? executed) : executed;
    const up = clock.uptime();
    this.#setMemory(finish(this.#memory, command, verdict, result));
    const reason = result.outcome === 'done' ? null : result.reason;
    this.#tell({ type: 'executed', command, outcome: result.outcome, reason });
    await this.#record(up, {});
  }

  #act(command: Command, moment: ActMoment): Promise<ActResult> {
    // A restart that is granted late is not done before the device is back: the next boot asks whether it was.
    if (command.name === REBOOT)
      return this.#body.reset(command, moment, (result) => {
        if (result.outcome === 'rejected') this.#hearLate(command, result);
      });
    return this.#body.act(command, moment, (result) => this.#hearLate(command, result));
  }

  #earlyResult({ n }: Command): LastResult | null {
    return this.#saidEarly?.n === n ? this.#saidEarly.result : null;
  }

  /** The restart was granted: once that is stored, the next boot is what proves it done. Where nobody can refuse it, it is stored already. */
  async #restart(command: Command): Promise<void> {
    if (this.#options.body.reset !== undefined) {
      this.#setMemory(withBegun(this.#memory, { ...command, restarts: true }));
      await this.#append({ memory: this.#memory });
    }
    this.#ending.stop(() => this.#options.body.restart?.());
  }

  // ------------------------------------------------------------------------------------------------------- reports

  /** Makes a report of this moment, stores it with whatever the memory has learnt, and lets it be sent. */
  async #record(up: number, { components = null }: { components?: Scan }): Promise<void> {
    const { clock, kind, encoding, via } = this.#options;
    const made = takeMeasurement(this.#measurement, {
      memory: this.#memory,
      reading: this.#read(up),
      up,
      wall: clock.wall(),
      kind,
      components,
      via: via?.() ?? null,
    });
    this.#measurement = made.measurement;
    this.#lastReportUp = up;
    this.#isChangeDue = false;
    const report = plain(made.report);
    const bytes = encode(report, encoding);
    const overflow = this.#outbox.overflow(bytes.length);
    await this.#append({ report, ...(overflow !== null && { settled: overflow }) });
    this.#keep(report, bytes);
    this.#tell({ type: 'report', report });
    this.#sender.wake();
  }

  /** Puts a stored report into the outbox; what finds no room any more is dropped. */
  #keep(report: Report, bytes: Uint8Array): void {
    const overflow = this.#outbox.overflow(bytes.length);
    if (overflow !== null) {
      const reports = this.#outbox.settle(overflow);
      this.#counts.dropped += reports;
      this.#tell({ type: 'dropped', reports });
    }
    this.#outbox.add({ boot: report.boot, seq: report.seq, bytes });
  }

  #read(up: number): Reading {
    if (this.#isSuspended) return { state: NOT_CONNECTED, sensors: {} };
    return this.#options.body.read({ hold: holdAt(this.#memory, up), up });
  }

  /** Takes over a decision. It counts from now on (I4), and leaves the device when it is stored. */
  #setMemory(memory: DeviceMemory): void {
    const { hold } = this.#memory;
    this.#memory = memory;
    if (hold === null || memory.hold?.id === hold.id) return;
    this.#isChangeDue = true;
    this.#tell({ type: 'hold-ended', id: hold.id });
    this.#body.holdEnded(hold.id);
  }

  /** Stores an entry, with the memory where that has changed since it was stored last. */
  async #append(entry: LogEntry): Promise<void> {
    const memory = this.#memory;
    const isNew = memory !== this.#storedMemory;
    await this.#options.storage.append(isNew ? { memory, ...entry } : entry);
    if (isNew) this.#storedMemory = memory;
  }

  #armWake(): void {
    if (this.#ending.hasBegun) return;
    const { clock, limits } = this.#options;
    const heartbeatUp = this.#isSuspended ? Infinity : this.#heartbeatUp();
    const dueUp = Math.min(heartbeatUp, nextChangeUp(this.#memory, limits.holdChargeMs) ?? Infinity);
    if (dueUp === Infinity) return;
    this.#cancelWake = clock.after(Math.max(1, dueUp - clock.uptime()), () => this.#work());
  }

  #heartbeatUp(): number {
    return this.#lastReportUp + this.#options.limits.heartbeatMs;
  }

  // ------------------------------------------------------------------------------------------------------- the outside

  status(): AgentStatus {
    const { acked, dropped, unreadableCommands, lostCommands } = this.#counts;
    return {
      boot: this.#memory.boot,
      seq: this.#measurement.seq,
      pending: this.#outbox.length,
      hold: holdAt(this.#memory, this.#options.clock.uptime()),
      isDelivering: !this.#sender.isFailing,
      isSuspended: this.#isSuspended,
      acked,
      dropped,
      unreadableCommands,
      lostCommands,
    };
  }

  settled(): Promise<void> {
    return this.#isBusy ? new Promise((resolve) => this.#settledWaiters.push(resolve)) : Promise.resolve();
  }

  delivered(): Promise<void> {
    if (this.#outbox.length === 0) return Promise.resolve();
    const emptied = new Promise<void>((resolve) => this.#deliveredWaiters.push(resolve));
    const ended = this.ended.then(() => {
      throw new Error(`${this.device} ended with ${this.#outbox.length} reports not delivered`);
    });
    return Promise.race([emptied, ended]);
  }

  suspend(): void {
    this.#isSuspended = true;
  }

  resume(): void {
    if (!this.#isSuspended) return;
    this.#isSuspended = false;
    this.#hearBody({});
  }

  async stop(): Promise<void> {
    this.#ending.stop();
    await this.ended;
  }

  /** Lets the present turn end, and begins no other. */
  async #settle(): Promise<void> {
    this.#cancelWake();
    await this.settled();
  }
}

/** Reports are plain data, so that a report is the same read from the storage as sent at once. */
function plain(report: Report): Report {
  return JSON.parse(JSON.stringify(report)) as Report;
}

function wakeAll(waiters: Waiters): void {
  for (const wake of waiters.splice(0)) wake();
}
