/**
 * What the runtime tells about itself: declared events, counted and logged by whoever runs it. No event decides anything.
 */
import type { ReportDisposition } from '../../actors/decision.ts';
import type { Forgetting, Transition } from '../contract/journal-entry.ts';
import type { LedgerEntry } from '../contract/ledger-entry.ts';
import type { RefusalCode } from '../contract/refusal.ts';
import type { Command } from '../../machines/command.ts';
import type { Report } from '../../machines/report.ts';
import type { Trace } from '../wire/trace.ts';
import type { GoneRange, SourceReplay } from './ports.ts';
import type { SourceChange } from './sources.ts';

/** Hears each event as it happens; must not throw. */
export interface Telemetry {
  /** A report was decided on. It happens for every report, so it makes nothing new. */
  report(disposition: ReportDisposition, device: string, report: Report): void;
  /** So many reports became known to be missing; fewer than none: so many of those came after all. */
  missing(change: number): void;
  /** So many messages of a device were set aside: it, or its site, is above its rate. */
  passedOver(event: { readonly site: string; readonly device: string; readonly messages: number }): void;
  /** The hub dated so many messages of a site, as they follow each other, by a wrong clock: they count as received when they were heard. */
  datedWrong(event: { readonly site: string; readonly messages: number }): void;
  /** Values of a report did not fit, and count as absent. */
  unreadable(event: { readonly device: string; readonly names: readonly string[] }): void;
  /** The bounds of a device's clock crossed, so often in this boot: its uptime did not keep pace, or a server's clock was set. */
  clockOutOfBounds(event: { readonly device: string; readonly boot: number; readonly times: number }): void;
  /** Something else is known of a source that speaks for devices of this owner. */
  sourceChanged(event: SourceChange): void;
  /** Devices saw the source that speaks for them play again what was said before. */
  snapshotReplayed(event: SourceReplay): void;
  /** A message, or one report of a frame, could not be read; it becomes a dead letter. */
  deadLetter(event: { readonly reason: string; readonly detail: string; readonly device: string }): void;
  /** It is not kept as one: there are too many of its device or site. */
  deadLetterLeft(event: { readonly site: string; readonly device: string }): void;
  /** A twin refused a backend's request. `id` is that of the command, `null` for other requests. */
  refused(event: {
    readonly device: string;
    readonly code: RefusalCode;
    readonly id: string | null;
    readonly trace: Trace | null;
  }): void;
  /** A command was handed to the hub, for the first time or again. */
  sent(event: {
    readonly site: string;
    readonly device: string;
    readonly command: Command;
    readonly trace: Trace | null;
  }): void;
  /** A command's outcome became known. */
  outcome(event: { readonly entry: LedgerEntry; readonly trace: Trace | null }): void;
  /** A transition of a known state was committed. */
  transition(event: {
    readonly kind: string;
    readonly transition: Transition;
    readonly trace: Trace | null;
  }): void;
  /** A batch is in the store. `delayMs`: since the hub stored the oldest message in it; `null` without one. */
  committed(batch: {
    readonly reports: number;
    readonly twins: number;
    readonly ms: number;
    readonly delayMs: number | null;
  }): void;
  /** The store was away; the commit will be tried again. */
  storeUnavailable(cause: Error): void;
  /** A twin could not decide on an input: a programmer's error. The twin stands as before. */
  quarantined(event: { readonly device: string; readonly cause: Error }): void;
  /** A device is forgotten: nothing of it is left. */
  forgotten(forgetting: Forgetting): void;
  /**
   * A stream lost messages before they were read, or was made anew (`to` before `from`). `messages`: how many they were, where that
   * is known.
   */
  streamGone(range: GoneRange & { readonly messages?: number }): void;
  /** Partitions were taken, or given up and why. */
  ownership(event: {
    readonly event: 'taken' | 'given-up';
    readonly partitions: readonly number[];
    readonly twins: number;
    readonly reason: string;
  }): void;
  /** The node hears all that the stream holds, or does not any more. */
  hearing(isHearing: boolean): void;
}
