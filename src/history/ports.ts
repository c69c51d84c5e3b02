/**
 * What people and backends read of the fleet: the port that an adapter of the database implements, and the shapes it answers with.
 */
import type { NumberedDeadLetter } from '../contract/dead-letter.ts';
import type { Forgetting, Transition } from '../contract/journal-entry.ts';
import type { DeviceFilter } from '../contract/device-filter.ts';
import type { LedgerEntry, Outcome } from '../contract/ledger-entry.ts';
import type { Quality } from '../contract/twin-document.ts';
import type { Twin } from '../../actors/twin.ts';
import type { InventoryEntry, Lease } from '../runtime/ports.ts';

/** A device that is forgotten. */
export interface ForgottenDevice extends Forgetting {
  /** When the last of its history was erased from the store, ms epoch; `null` while that is under way. */
  readonly erasedAt: number | null;
}

/** Reads the fleet for people and backends: what is committed, never what is only decided. */
export interface FleetReader {
  /** The twin with its inventory entry, or `null` for an unknown device. */
  twin(device: string): Promise<{ readonly twin: Twin; readonly inventory: InventoryEntry } | null>;
  /** A page of devices in the order asked for, and where the next one begins; `null` after the last one. */
  find(
    query: DeviceQuery,
  ): Promise<{ readonly devices: readonly DeviceRow[]; readonly cursor: DeviceCursor | null }>;
  /**
   * How many devices the filter finds. Not exact where a quality is asked for and the error of a measurement reaches across the
   * kind's limit: then it is the most that can be.
   */
  count(filter: DeviceFilter): Promise<{ readonly devices: number; readonly isExact: boolean }>;
  /** That a device is forgotten, and how far that is; `null` for any other. */
  forgotten(device: string): Promise<ForgottenDevice | null>;
  /**
   * Reports in (incarnation, boot, seq) order, or in the opposite order; `after` pages on. Times follow from the boots' clocks as
   * known now. Fewer than asked for where they are large (`REPORT_PAGE_BYTES_MAX`): only a page without any is past the last one.
   */
  reports(device: string, page: ReportPage): Promise<readonly HistoryReport[]>;
  /** Journal of the known state, newest first. */
  transitions(
    device: string,
    page: JournalPage,
  ): Promise<readonly (Transition & { readonly partition: number; readonly no: number })[]>;
  /** Ledger, newest first. */
  commands(
    device: string,
    page: { readonly beforeN: number | null; readonly limit: number },
  ): Promise<readonly LedgerEntry[]>;
  /** One command of the ledger by its id, or `null`. */
  ledgerEntry(device: string, id: string): Promise<LedgerEntry | null>;
  /** Messages that could not be read, newest first. */
  deadLetters(page: DeadLetterPage): Promise<readonly NumberedDeadLetter[]>;
  /** Devices by everything one may want to know their number by. */
  counts(): Promise<readonly DeviceCount[]>;
  /** How the numbers of devices in each state changed after `from`, ms epoch, in steps of `stepMs` that begin there. */
  stateChanges(options: { readonly from: number; readonly stepMs: number }): Promise<readonly StateChange[]>;
  /** Every partition, and who decides for it. */
  leases(): Promise<readonly LeaseView[]>;
  /** Who decides for a partition, and whether it would decide on a command. */
  ownership(partition: number): Promise<Ownership>;
}

/** As many ask at once as may. Nothing is wrong with the store: it can be asked again when some of them have their answers. */
export class FleetReaderBusyError extends Error {
  override readonly name = 'ArchiveBusyError';
}

/** Counts the whole fleet, as committed, for whoever watches over it. */
export interface Census {
  census(): Promise<FleetCensus>;
}

/** The fleet in numbers. */
export interface FleetCensus {
  /** Twins by kind and world state. */
  readonly twins: readonly { readonly kind: string; readonly state: string; readonly twins: number }[];
  /** Open suspicions by reason. */
  readonly suspicions: readonly { readonly reason: string; readonly twins: number }[];
  /** Open divergences, of those suspicions, by their sort. */
  readonly divergences: readonly { readonly sort: string; readonly twins: number }[];
  /** Commands that are not closed, by outcome: `pending`, or `unknown`. */
  readonly openCommands: readonly { readonly outcome: Outcome; readonly commands: number }[];
}

/** What devices are sorted by; those of the same value, or of none, by id. Devices without a value come last. */
export interface DeviceOrder {
  readonly by: 'id' | 'since' | 'lastContact' | 'asOf';
  readonly isDescending: boolean;
}

/** The last device of a page; `value` is what it was sorted by, `null` where that is its id or it has none. */
export interface DeviceCursor {
  readonly value: number | null;
  readonly device: string;
}

/** A page of devices. */
export interface DeviceQuery extends DeviceFilter {
  readonly order: DeviceOrder;
  readonly limit: number;
  readonly cursor: DeviceCursor | null;
}

/** One line of the fleet list. */
export interface DeviceRow {
  readonly device: string;
  readonly kind: string;
  readonly site: string;
  readonly registered: boolean;
  readonly twin: Twin;
}

/** How many devices have all of this in common. `quality` `fresh` is certain; what may be stale counts as `stale`. */
export interface DeviceCount {
  readonly kind: string;
  readonly state: string;
  /** The state as people are told it (`machines/shown-state.ts`). */
  readonly shownState: string;
  readonly quality: Quality;
  readonly site: string;
  readonly firmware: string | null;
  readonly devices: number;
}

/** In one step of time so many transitions led from one world state to another. */
export interface StateChange {
  /** Counted from 0. */
  readonly step: number;
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  readonly transitions: number;
}

/** Who decides for a partition now. */
export interface Ownership {
  /** `null` where nobody does. */
  readonly owner: string | null;
  /** False once its lease has run out by the store's clock: it answers nobody. */
  readonly isHeld: boolean;
  /** See `Store.renew`. */
  readonly refuses: string | null;
}

/** A lease, and who holds it. */
export interface LeaseView extends Lease {
  readonly owner: string | null;
  /** By the store's clock, ms epoch; `null` when nobody holds it. */
  readonly expiresAt: number | null;
}

/**
 * Where a dead letter stands among all, newest first. Letters of two streams may have the moment and the sequence in common, and those of
 * one frame have: of these the greater number of the greater partition comes first.
 */
export type DeadLetterPlace = Pick<NumberedDeadLetter, 'receivedAt' | 'sequence' | 'partition' | 'no'>;

/** Which dead letters to read; `null` does not restrict. */
export interface DeadLetterPage {
  readonly device: string | null;
  readonly reason: string | null;
  /** Only those that come after this one. */
  readonly before: DeadLetterPlace | null;
  readonly limit: number;
}

/** A page of reports ends with the one with which their bodies come to so many bytes, however many were asked for. */
export const REPORT_PAGE_BYTES_MAX = 2 * 1024 * 1024;

/** Which reports to read. */
export interface ReportPage {
  /** Only reports measured at or after / before, ms epoch, by the boots' clocks as known now. */
  readonly from: number | null;
  readonly to: number | null;
  /** Only reports that come after this one in the order asked for. */
  readonly after: { readonly incarnation: number; readonly boot: number; readonly seq: number } | null;
  /** Newest first instead of oldest first. */
  readonly isNewestFirst: boolean;
  readonly limit: number;
}

/** A report in history. */
export interface HistoryReport {
  readonly incarnation: number;
  readonly boot: number;
  readonly seq: number;
  readonly up: number;
  readonly state: string;
  readonly receivedAt: number;
  readonly measuredAt: number;
  readonly errorMs: number | null;
  readonly disposition: 'latest' | 'late';
  /** The whole report as it came. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** Which lines of a device's journal to read. */
export interface JournalPage {
  /** Only lines before this number, or the newest. */
  readonly before: number | null;
  /** Only lines recorded at or before this time, ms epoch; `null` does not restrict. */
  readonly recordedUpTo: number | null;
  readonly limit: number;
}
