/** What a world leaves behind for its checkers. */
import type { JournalEntry } from '../../../src/contract/journal-entry.ts';
import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import type { SensorChange } from '../../../actors/sensor-changes.ts';
import type { WindowedInterval } from '../../../actors/timeline.ts';
import type { Twin } from '../../../actors/twin.ts';
import type { StoredMessage } from '../../../src/memory/message-stream.ts';
import type { HistoryReport } from '../../../src/history/ports.ts';
import type { WorldRecord } from '../record.ts';
import type { ServerClock } from './clocks.ts';
import type { Device } from './device.ts';
import type { FeedWords } from './feed.ts';
import type { LyingWords } from './liar.ts';
import type { SourceAnswer } from './source-exam.ts';
import type { LastWords } from './storageless.ts';
import type { Weather } from './weather.ts';

/** What the store holds in the end, by device and by partition. */
export interface FinalStore {
  readonly twins: ReadonlyMap<string, Twin>;
  readonly reports: ReadonlyMap<string, readonly HistoryReport[]>;
  readonly ledger: ReadonlyMap<string, readonly LedgerEntry[]>;
  readonly journal: readonly (readonly JournalEntry[])[];
}

/** What people read of a device's past, page by page. */
export interface Past {
  readonly timeline: readonly WindowedInterval[];
  readonly sensorChanges: readonly SensorChange[];
}

/** What the hub's streams hold in the end. */
export interface FinalStreams {
  readonly reports: readonly StoredMessage[];
  readonly changes: readonly StoredMessage[];
  readonly deadLetters: readonly StoredMessage[];
}

/** What a device really is in the end. */
export type FinalTruth = ReturnType<Device['truth']>;

/** What checkers judge. */
export interface Evidence {
  readonly record: WorldRecord;
  readonly weather: Weather;
  /** Hub time minus true time, ms, while the hub's clock is right. */
  readonly hubOffsetMs: number;
  /** `null` where nobody sets it. */
  readonly hubClock: ServerClock | null;
  /** Of each node. */
  readonly serverClocks: ReadonlyMap<string, ServerClock>;
  /** When the storm was over, true time. */
  readonly calmAt: number;
  readonly endedAt: number;
  readonly store: FinalStore;
  /** By device. */
  readonly pasts: ReadonlyMap<string, Past>;
  readonly streams: FinalStreams;
  readonly truth: ReadonlyMap<string, FinalTruth>;
  /** What every device was told to do in the end, and what came of it. */
  readonly exam: readonly ExamAnswer[];
  /** The state of every device after that, when none had been heard for as long as its kind allows. */
  readonly silence: ReadonlyMap<string, string>;
  /** Of a device without ring and storage; `null` where there is none. */
  readonly lastWords: LastWords | null;
  /** What the device said whose uptime lies; `null` in worlds without it. */
  readonly lyingWords: LyingWords | null;
  /** What is filed of the device of which the store refuses some; `null` in worlds without it. */
  readonly filedOfThorn: readonly HistoryReport[] | null;
  /** What the feed said that speaks for others, and the states of all of them when nothing of it was heard any more. */
  readonly feedWords: FeedWords | null;
  /** What was known of its devices while it was examined. */
  readonly sourceAnswers: readonly SourceAnswer[];
  readonly feedSilence: ReadonlyMap<string, string>;
  readonly events: number;
}

/** The last commands of all. */
export interface ExamAnswer {
  readonly device: string;
  readonly name: string;
  /** What the client concluded. */
  readonly concluded: string;
}
