/**
 * What a twin knows: the state of the actor for one device. Plain data; every decision makes a new one.
 *
 * Invariants (asserted after every decision and after reading from the store, see `invariants.ts`):
 * I1  `version` grows with every change of the twin document.
 * I2  `newest` is the report with the greatest (boot, seq) of this incarnation; an older one never replaces it.
 * I3  `clock` bounds the boot of `newest`: earliest(up) <= latest(up) for every uptime heard.
 * I4  `sequence` contains the position of `newest`; no position is counted twice.
 * I5  `open` holds at most one command that may still start, in the order of their `n`, all of them at most `lastN`.
 * I6  the machine is in `suspect` if `suspicions` is not empty and the device is not silent.
 *
 * All times are server time, ms epoch, unless a name says uptime.
 */
import type { Report, RingEntry } from '../machines/report.ts';
import type { BootClock } from './clock.ts';
import type { LedgerEntry } from './ledger.ts';
import type { SequenceSet } from './sequence.ts';

/** Where an answer goes: the requester's reply subject and the encoding it asked in. Opaque to decisions. */
export interface ReplyAddress {
  readonly subject: string;
  readonly encoding: 'json' | 'msgpack';
}

/** The report that is the known state's ground, as far as it is needed after it was filed. */
export interface NewestReport {
  readonly boot: number;
  readonly seq: number;
  readonly up: number;
  /** When the hub's stream stored it. */
  readonly receivedAt: number;
  /** The device's wall clock in it, or `null`. */
  readonly at: number | null;
  /** The whole report but for what has a place of its own above. */
  readonly report: Report;
}

/** The internal command `report`, sent to learn how old the knowledge is. It is not in the ledger: nobody asked for it. */
export interface Probe {
  readonly n: number;
  readonly sentAt: number;
  readonly expiresAt: number;
}

/** A request whose decision waits for the answer to the probe. */
export interface WaitingRequest {
  readonly request: CommandRequest;
}

/** A backend's request for a command, read and checked for shape. */
export interface CommandRequest {
  /** The caller's idempotency key. */
  readonly id: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** Until when the caller wants to be kept waiting for the outcome. */
  readonly waitUntil: number;
  readonly ifVersion: number | null;
  /** On whose behalf, or `null`. */
  readonly by: string | null;
  readonly replyTo: ReplyAddress;
}

/** A reservation as the server sees it. */
export interface Hold {
  /** The ledger id of the `reserve` that began it. */
  readonly id: string;
  readonly by: string | null;
  readonly since: number;
  /** When the device is expected to let go. */
  readonly until: number;
  /** When the device has certainly let go, whatever was lost. */
  readonly certainUntil: number;
}

/** A reason to doubt the known state. */
export interface Suspicion {
  /** Stable kebab-case code: a contradiction's code, `unconfirmed-command`, `divergence`, `identity-conflict`. */
  readonly reason: string;
  readonly since: number;
  readonly detail: string;
}

/** The desired configuration, changed by JSON merge patch. */
export interface Desired {
  readonly version: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/** The twin of one device. */
export interface Twin {
  readonly device: string;
  readonly kind: string;
  readonly site: string;
  readonly version: number;
  /** Path of the machine's state: `charging` or `charging.delivering`. */
  readonly path: string;
  /** When the known state began, as measured; `null` before the first contact. */
  readonly since: number | null;
  /** When anything was last heard, however old its content; `null` before the first contact. */
  readonly lastContactAt: number | null;
  /** Grows when a device is proved to have begun counting its boots anew. */
  readonly incarnation: number;
  readonly newest: NewestReport | null;
  readonly clock: BootClock | null;
  /** Clocks of boots before `clock.boot` of which reports may still come, newest first, bounded. */
  readonly olderClocks: readonly BootClock[];
  readonly sequence: SequenceSet;
  /** The highest command number given out. */
  readonly lastN: number;
  /** Commands in the ledger without a final outcome: in flight, or `unknown`. */
  readonly open: readonly LedgerEntry[];
  /** The last few resolved ones, newest first: what makes a repeated id cheap and right while its row is being read. */
  readonly recent: readonly LedgerEntry[];
  readonly probe: Probe | null;
  readonly waiting: readonly WaitingRequest[];
  readonly hold: Hold | null;
  readonly suspicions: readonly Suspicion[];
  readonly desired: Desired;
}

/** An outcome the device named for a command number. */
export type DeviceAnswer = RingEntry;
