/** A device agent as its owner sees it: what it is given, how it stands, and what can be asked of it. */
import type { Report } from '../../machines/report.ts';
import type { Encoding } from '../wire/codec.ts';
import type { AgentListener } from './agent-event.ts';
import type { AgentLimits } from './limits.ts';
import type { DeviceHold } from './device-state.ts';
import type { SendingOrder } from './outbox.ts';
import type { DeviceBody, DeviceClock, DeviceLink, DeviceStorage } from './ports.ts';

/** The parts of an agent. */
export interface AgentOptions {
  readonly device: string;
  /** Named in every report, so that a device which no inventory knows finds its twin; `null` leaves it out. */
  readonly kind: string | null;
  readonly encoding: Encoding;
  readonly order: SendingOrder;
  readonly limits: AgentLimits;
  readonly clock: DeviceClock;
  readonly storage: DeviceStorage;
  readonly link: DeviceLink;
  readonly body: DeviceBody;
  readonly tell?: AgentListener;
  /**
   * The number of the first boot of a blank storage. Where the storage may be swapped or wiped, draw it at random below
   * 2^48: a command that was meant for the device before it was wiped is then never taken for one of now, and the server
   * can tell the two apart. Default: 1.
   */
  readonly firstBoot?: number;
  /**
   * Who speaks for the device, where that has an agent of its own: its id, and its boot now (`status().boot`). Asked for each report. Left
   * out, the device speaks itself.
   */
  readonly via?: () => NonNullable<Report['via']>;
}

/** How an agent stands. Counts are of this boot. */
export interface AgentStatus {
  readonly boot: number;
  /** Number of the last report. */
  readonly seq: number;
  /** Reports the hub has not acked. */
  readonly pending: number;
  readonly hold: DeviceHold | null;
  /** False while the last publish was not acked. */
  readonly isDelivering: boolean;
  /** True while whoever speaks for the device has no connection with it. */
  readonly isSuspended: boolean;
  readonly acked: number;
  readonly dropped: number;
  readonly unreadableCommands: number;
  readonly lostCommands: number;
}

/** A running agent. */
export interface DeviceAgent {
  readonly device: string;
  /** Resolves with `null` when it was stopped, or told to start the device anew, or with the error that ended it: its storage failed, or its body. */
  readonly ended: Promise<Error | null>;
  status(): AgentStatus;
  /** Resolves as soon as everything that came in so far is decided and stored. */
  settled(): Promise<void>;
  /** Resolves as soon as the hub has acked everything; rejects when the agent ends before. */
  delivered(): Promise<void>;
  /**
   * For a gateway whose station is gone: nothing is reported of itself any more, heartbeats included, so that the twin falls silent, and
   * every command is refused as `not-connected`, by a report that says so instead of a state. The boot goes on: what is undecided stays so.
   * Called twice it does nothing.
   */
  suspend(): void;
  /** The station is back, in the same session: its state is reported at once. A new session is a new boot, `stop` and `startAgent`. */
  resume(): void;
  /** Stops in order; what is not acked stays in the storage. */
  stop(): Promise<void>;
}
