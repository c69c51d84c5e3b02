/**
 * The ports of the device agent: everything it needs of the world. A gateway brings its hardware as a `DeviceBody`; clock,
 * storage and link have real implementations beside this file, and a simulation brings its own of all four.
 */
import type { Command } from '../../machines/command.ts';
import type { Report } from '../../machines/report.ts';
import type { LogEntry, StoredDevice } from './log-entry.ts';
import type { DeviceHold } from './device-state.ts';

// ---------------------------------------------------------------------------------------------------------- time

/** Time as a device has it. */
export interface DeviceClock {
  /**
   * Whole ms since this boot began. It never falls, never jumps, and does not stand still while the machine sleeps: every
   * deadline and every hold is judged by it alone.
   */
  uptime(): number;
  /** The wall clock, ms epoch, or `null` where there is none. It is passed on as a hint and decides nothing. */
  wall(): number | null;
  /** Calls `work` once after `delayMs` of uptime, unless it is cancelled by then. */
  after(delayMs: number, work: () => void): () => void;
}

// ------------------------------------------------------------------------------------------------------- storage

/** What outlives a restart. */
export interface DeviceStorage {
  /** Everything stored so far; called once, before the first `append`. */
  load(): Promise<StoredDevice>;
  /**
   * Stores an entry, whole or not at all. When it resolves the entry outlives a killed process, and, if it holds a
   * `memory`, a power cut. Entries are stored in the order of the calls. A rejection is final: the agent ends.
   */
  append(entry: LogEntry): Promise<void>;
  /** Waits for what was appended and lets go. */
  close(): Promise<void>;
}

// ---------------------------------------------------------------------------------------------------------- link

/** What a link tells its agent. */
export interface LinkListener {
  /** The payload of a command. */
  readonly command: (payload: Uint8Array) => void;
  /** The connection stands again after it was lost: whatever waits may be tried at once. */
  readonly restored: () => void;
}

/** The way to the hub. */
export interface DeviceLink {
  /**
   * Publishes one payload. Resolves when the hub's stream has stored it; rejects when that is not known, be it that it was
   * refused, lost, or stored without a word. Ends by itself within a time of its own. Never called while a call is open.
   */
  publish(payload: Uint8Array): Promise<void>;
  /** Takes commands until the returned function has been called. Called once. */
  listen(listener: LinkListener): () => Promise<void>;
}

// ---------------------------------------------------------------------------------------------------------- body

/** What the device is at this moment, as its sensors say. */
export interface Reading {
  readonly state: string;
  /** Every sensor value. The boolean ones are the binary sensors, of which reports tell `since`. */
  readonly sensors: Readonly<Record<string, unknown>>;
  readonly firmware?: string;
  readonly config?: NonNullable<Report['config']>;
}

/** What the device's own state says to a command that is in time, for it, and not yet handled. */
export type Verdict =
  | {
      readonly type: 'refuse';
      /** Stable kebab-case reason: `busy`, `unknown-command`, ... */
      readonly reason: string;
    }
  | {
      readonly type: 'accept';
      /** What executing it does to the hold. `begin` takes the command's `holdMs` and is refused while another hold lasts. */
      readonly hold: 'keep' | 'begin' | 'end';
      /** True when there is something to execute (`act`); a pure change of the hold needs no hand. */
      readonly acts: boolean;
    };

/** What became of a command, for good. */
export type LastResult =
  { readonly outcome: 'done' } | { readonly outcome: 'rejected'; readonly reason: string };

/**
 * What became of an execution. `undecided` where the body cannot tell yet: the call to the station got no answer, or was accepted and has
 * had no effect. The command is then in flight beyond the agent, until the body amends that (`BodyChange.amends`).
 */
export type ActResult = LastResult | { readonly outcome: 'undecided'; readonly reason: string };

/** What became of a command that was begun, or undecided, when the device started anew; `null` where nothing can show it any more. */
export type Shown = boolean | 'undecided' | null;

/** The moment of an execution, told again at every look: what the body waits for on its way counts against the deadline. */
export interface ActMoment {
  /** The last uptime at which it may be sent on, ms. */
  readonly notAfterUp: number;
  /** The uptime now, ms. */
  uptime(): number;
  /** Whether it may still be sent on; else the outcome is `rejected`, `too-late`. */
  mayStillStart(): boolean;
}

/** A change that the body tells of. */
export interface BodyChange {
  /** True when it ends the hold: its holder has come, or the device went out of service. */
  readonly endsHold?: boolean;
  /** What became of the undecided command of this number. It is ignored where that is known already. */
  readonly amends?: { readonly n: number; readonly result: LastResult };
}

/** What a body may look at when it is asked. */
export interface BodyView {
  /** The hold that lasts now. */
  readonly hold: DeviceHold | null;
  readonly up: number;
}

/**
 * The hardware behind the agent. `read` and `judge` are synchronous and change nothing; whatever the body does on its own
 * account (people use it) it tells through `watch`.
 */
export interface DeviceBody {
  read(view: BodyView): Reading;
  /** Whether the device's own state allows the command now. `report` is never asked for: it is always allowed. */
  judge(command: Command, view: BodyView): Verdict;
  /**
   * Executes a command that `judge` accepted with `acts`. It is called at most once for a command number, whatever crashes
   * around it. While it runs the agent says nothing; after `AgentLimits.actMs` the command is `undecided`, and what it resolves to then
   * amends that. Where it waits before it sends the command on, to a station behind it say, it asks `moment` again just before.
   */
  act(command: Command, moment: ActMoment): Promise<ActResult>;
  /**
   * Whether a command that was begun, or undecided, before a restart was executed: read off the hardware, or `null` when nothing can show
   * it any more: then it is named `unknown`, with the boot that has ended for a fence. `undecided` where it may still take effect. A body
   * that throws, or takes longer than `AgentLimits.actMs`, has not shown it.
   */
  wasExecuted(command: Command): Promise<Shown>;
  /**
   * Asks a device behind the agent to start anew, for the command `reboot` that `judge` accepted: OCPP's Reset, which may be refused. After
   * `done` the agent ends in order and calls `restart`; the next boot names the command done. After anything else the boot goes on, with
   * that outcome. Left out where starting anew cannot fail.
   */
  reset?(command: Command, moment: ActMoment): Promise<ActResult>;
  /**
   * Starts the device anew, for the command `reboot` that `judge` accepted. The agent has stored the command as begun and has
   * ended in order; the next boot names it done. A body with neither `reset` nor this refuses `reboot` as a command that it does not know.
   */
  restart?(): void;
  /** The hold of this id has ended: by its time, by a command, or across a restart. A gateway cancels what its station keeps for it. */
  holdEnded?(id: string): void;
  /** The inventory scan for the first report of a boot, or `null` for a body that has none. */
  scan(): NonNullable<Report['components']> | null;
  /**
   * Calls `changed` on every change of `read` that is worth a report, and on what amends an outcome, until the returned function is called. It is read
   * within the call, so the change has to be complete.
   */
  watch(changed: (change: BodyChange) => void): () => void;
}
