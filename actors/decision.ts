/**
 * What goes into a decision and what comes out of it. A decision is data: the next twin, what to write, and what to do
 * once it is written. Nothing here has happened yet.
 */
import type { Command } from '../machines/command.ts';
import type { Report } from '../machines/report.ts';
import type { BootClock } from './clock.ts';
import type { Transition } from '../src/contract/journal-entry.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import type { Refusal } from '../src/contract/refusal.ts';
import type { Echo } from './replay.ts';
import type { Source } from './known-source.ts';
import type { CommandRequest, Encoding, ReplyAddress, Twin } from './twin.ts';

/** What a decision may know of the world besides the twin. */
export interface Context {
  /** Server time, ms epoch. */
  readonly now: number;
  /** Since when this node hears everything the stream holds; `null` while it is cut off or catching up. */
  readonly hearingSince: number | null;
  /**
   * Since when, ms epoch, all is heard that the hub had stored of the device's site when this node took its partition: what is heard from
   * then on is newer than that. `null` while it is not: the store may know less than the device.
   */
  readonly readThroughAt: number | null;
  /** The lease epoch commands are sent under. */
  readonly epoch: number;
  /** How far the clocks of two servers (a node, the hub) may differ, ms. */
  readonly serverErrorMs: number;
  /** It may be later than `now` tells by so much, ms, where that is known to a round trip only; 0, or not given, where it is not. */
  readonly uncertainMs?: number;
  /** What is known of who speaks for the device (`via`), as committed; `null`, or not given, where that is no reason for anything. */
  readonly source?: Source | null;
}

/** What a twin decides on. */
export type Input =
  | {
      readonly type: 'report';
      readonly report: Report;
      readonly receivedAt: number;
      readonly encoding: Encoding;
    }
  | { readonly type: 'command'; readonly request: CommandRequest; readonly known: LedgerEntry | null }
  | { readonly type: 'desired'; readonly request: DesiredRequest }
  /** The inventory has the device at this site. */
  | { readonly type: 'moved'; readonly site: string }
  /** The inventory has the device as of the kind that decides. */
  | { readonly type: 'other-kind' }
  /** The devices it speaks for saw it play again what was said before. */
  | ({ readonly type: 'replayed' } & ReplayFinding)
  /** A time returned by `nextWakeAt` has come, or something else is known of who speaks for the device (`Context.source`). */
  | { readonly type: 'wake' };

/** A source played again what was said before. */
export interface ReplayFinding {
  /** When the hub stored what showed it last, ms epoch. */
  readonly at: number;
  /** So many devices saw it, of so many that it speaks for, as far as whoever found it knows. */
  readonly devices: number;
  readonly spokenFor: number;
}

/** A backend's request to change the desired configuration (JSON merge patch, RFC 7396). */
export interface DesiredRequest {
  readonly patch: Readonly<Record<string, unknown>>;
  readonly ifVersion: number | null;
  readonly replyTo: ReplyAddress;
}

/** A report to be filed in the history. */
export interface FiledReport {
  readonly device: string;
  readonly incarnation: number;
  readonly report: Report;
  readonly receivedAt: number;
  /** The best estimate of when it was measured at the time of filing; exact bounds follow from boot, up and the boot's clock. */
  readonly measuredAt: number;
  readonly errorMs: number | null;
  /** `latest` moved the twin's newest report; `late` only fills history. */
  readonly disposition: 'latest' | 'late';
}

/** What to do once the decision is committed. */
export type Effect =
  | {
      readonly type: 'send';
      readonly site: string;
      readonly device: string;
      readonly encoding: Encoding;
      readonly command: Command;
    }
  | { readonly type: 'answer'; readonly to: ReplyAddress; readonly reply: Reply }
  /** Keep the requester waiting for the outcome of `entry`, at most until `until`, then tell it how the entry stands. */
  | {
      readonly type: 'await';
      readonly to: ReplyAddress;
      readonly entry: LedgerEntry;
      readonly until: number;
    };

/** What a backend is told. */
export type Reply =
  | { readonly type: 'ledger'; readonly entry: LedgerEntry }
  | { readonly type: 'refused'; readonly refusal: Refusal }
  /** A request with this id waits until the device has answered: it is neither accepted nor refused. */
  | { readonly type: 'undecided'; readonly id: string }
  | { readonly type: 'desired'; readonly version: number; readonly delta: Readonly<Record<string, unknown>> };

/** What became of a report. `held`: its number leaps, and nothing proves it; it moved nothing. */
export type ReportDisposition = 'latest' | 'late' | 'duplicate' | 'held';

/** A twin's decision. `twin` is the same object as before when nothing about it changed. */
export interface Decision {
  readonly twin: Twin;
  /** For a report: what became of it; `null` for other inputs. */
  readonly disposition: ReportDisposition | null;
  readonly filed: FiledReport | null;
  readonly transitions: readonly Transition[];
  /** Entries that are new or changed, each once, as they stand after the decision. */
  readonly ledger: readonly LedgerEntry[];
  /** Those of `ledger` whose outcome this decision made known: to be published as `twin.<id>.outcome`. */
  readonly outcomes: readonly LedgerEntry[];
  /** Clocks of boots that ended or were bounded better by a late report: history is timed by them. */
  readonly clocks: readonly BootClock[];
  /** The clock whose bounds have crossed: what it says of times is less certain; `null` where none did. */
  readonly crossed: BootClock | null;
  readonly effects: readonly Effect[];
  /** What the device saw of who speaks for it; `null` for nothing. Many of them together tell of the source. */
  readonly echo: Echo | null;
}
