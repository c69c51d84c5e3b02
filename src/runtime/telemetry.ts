/**
 * What the runtime tells about itself: declared events, counted and logged by whoever runs it. No event decides anything.
 */
import type { RefusalCode, ReportFate } from '../../actors/decision.ts';
import type { Outcome } from '../../actors/ledger.ts';

/** Hears each event as it happens; must not throw. */
export interface Telemetry {
  /** A report was decided on. */
  report(fate: ReportFate): void;
  /** A message, or one report of a frame, could not be read; it becomes a dead letter. */
  deadLetter(event: { readonly reason: string; readonly detail: string; readonly device: string }): void;
  /** A backend's request was refused. */
  refused(code: RefusalCode): void;
  /** A command's outcome became known. */
  outcome(outcome: Outcome): void;
  /** A transition of a known state was committed. */
  transition(event: { readonly kind: string; readonly from: string; readonly to: string }): void;
  /** A batch is in the store. */
  committed(batch: { readonly reports: number; readonly twins: number; readonly ms: number }): void;
  /** The store was away; the commit will be tried again. */
  storeUnavailable(cause: Error): void;
  /** A twin could not decide on an input: a programmer's error. The twin stands as before. */
  quarantined(event: { readonly device: string; readonly cause: Error }): void;
  /** The stream lost messages before they were read, or was made anew (`to` before `from`). */
  streamGone(range: { readonly from: number; readonly to: number }): void;
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
