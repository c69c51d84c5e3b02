/**
 * The one message that devices receive (wire contract 2.2), and how a kind declares the commands it knows.
 */
import type { TObject } from '@sinclair/typebox';
import type { Resolver } from './resolver.ts';

/** A command as it travels to the device on `device.<id>.command`. */
export interface Command {
  /** The twin's command number for this device; only grows, and gaps mean nothing. */
  readonly n: number;
  /** Lease epoch of the sender; a device refuses any lower than the highest it has seen. */
  readonly epoch: number;
  /** The ledger id: the caller's idempotency key. */
  readonly id: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** Execute only in this boot. Absent for `report`, which changes nothing and so cannot be late. */
  readonly boot?: number;
  /** Execute only while the device's own uptime is at most this, ms. Absent for `report`. */
  readonly notAfterUp?: number;
  /** For a command that begins a hold: the device lets go by itself after this. */
  readonly holdMs?: number;
}

/** The highest command number. A device takes what bears a higher one for no command: to remember it would end its hearing for good. */
export const COMMAND_N_MAX = 2 ** 40;

/** The highest lease epoch, for the same reason. */
export const EPOCH_MAX = 2 ** 44;

/** Why a device refuses a command, in the order in which it checks (wire contract 2.2). */
export const DEVICE_REFUSALS = ['superseded', 'stale-epoch', 'other-boot', 'too-late', 'busy'] as const;

/** How a kind declares one command. Whether a state accepts it is the machine's to say, not this table's. */
export interface CommandSpec {
  readonly description: string;
  /** Schema of `args`; unknown arguments are refused, so that a misspelt one is not silently ignored. */
  readonly args: TObject;
  /** Who executes it: the device, or the twin itself, which then sends nothing. */
  readonly decidedBy: 'device' | 'twin';
  /**
   * How long after it was sent the device may still start it, ms: the window from which `notAfterUp` and `certainAt`
   * follow. `null` for a command that changes nothing and carries no deadline (`report`).
   */
  readonly startWindowMs: number | null;
  /** The knowledge it is decided on must be PROVED no older than this, ms; `null` when its age does not matter. */
  readonly freshWithinMs: number | null;
  /** For a command that begins a hold: how long the device keeps it unless asked otherwise, and at most, ms. */
  readonly hold: { readonly defaultMs: number; readonly longestMs: number } | null;
  /** True when executing it ends the device's hold (`release`, or `start` by its holder). */
  readonly endsHold: boolean;
  /** What executing it ends besides, by the state of the world in which it is accepted, as half a sentence: whoever asks is told. */
  readonly ends?: Readonly<Record<string, string>>;
  /** What proves its fate, whether it is sent again, and what undoes it. */
  readonly resolver: Resolver;
}
