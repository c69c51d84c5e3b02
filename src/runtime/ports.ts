/**
 * The ports of the runtime: everything it needs of the world, as it needs it. Adapters (nats, postgres, memory)
 * implement them and never meet each other; `src/app/app.ts` puts them together.
 */
import type { ReadMark } from './lost-tail.ts';
import type { FiledReport, ReplayFinding } from '../../actors/decision.ts';
import type { Forgetting, JournalEntry } from '../contract/journal-entry.ts';
import type { LedgerEntry } from '../contract/ledger-entry.ts';
import type { BootClock } from '../../actors/clock.ts';
import type { Source } from '../../actors/known-source.ts';
import type { ReplyAddress, Twin } from '../../actors/twin.ts';
import type { ServiceError } from '../wire/service-error.ts';
import type { TwinOperation } from '../wire/subjects.ts';
import type { Trace } from '../wire/trace.ts';

// ---------------------------------------------------------------------------------------------------------- time

/** Time as the runtime sees it. */
export interface Clock {
  /** Server time, ms epoch. */
  now(): number;
  /** A clock that never jumps, ms; only differences mean anything. */
  monotonic(): number;
  /** Calls `work` once after `delayMs`, unless it is cancelled by then. */
  after(delayMs: number, work: () => void): Cancel;
}
/** Undoes what it was returned for; harmless when that has happened already. */
export type Cancel = () => void;

/** The clock of another server, asked over the connection to it. */
export interface TimeSource {
  readonly server: 'hub' | 'store';
  /** Its time at some moment between the call and the answer, ms epoch. Rejects when it is away, or does not answer in time. */
  now(): Promise<number>;
}

// ---------------------------------------------------------------------------------------------------------- feed

/** One message of a stream of reports. */
export interface Delivery {
  readonly partition: number;
  /** The name of its stream: each site has one. */
  readonly stream: string;
  /** Its sequence number in that stream: the position to resume after. */
  readonly sequence: number;
  /**
   * When the hub's stream stored it, ms epoch: the same on every node and at every replay. Where the hub's clock was wrong then, when a node
   * heard it (see `hub-dates.ts`).
   */
  readonly receivedAt: number;
  /** What the hub's clock said then, where that is something else. */
  readonly storedAt?: number;
  /** The site the broker vouches for. */
  readonly site: string;
  /** The device token of the subject, not yet checked. */
  readonly device: string;
  readonly payload: Uint8Array;
}

/** Sequences of a stream that can never be read. */
export interface GoneRange {
  readonly stream: string;
  readonly from: number;
  readonly to: number;
  /** The stream is the one it was, and has lost its tail. */
  readonly isTail?: true;
}

/** Where a feed delivers. */
export interface FeedSink {
  /** Messages, those of each stream in its order. The feed delivers no more until the promise resolves: that is the back-pressure. */
  deliver(batch: readonly Delivery[]): Promise<void>;
  /**
   * True from the moment the feed is connected and no further behind any stream than its own small bound (seconds, far
   * below any limit of silence); false when that ends.
   */
  caughtUp(isHearing: boolean): void;
  /**
   * The stream no longer holds what comes after our position: `from` to `to` (inclusive) can never be read, and reading
   * goes on at `to + 1`. When that lies before `from`, the stream was made anew (a wiped hub, a restored backup): it counts
   * from there again, and positions beyond `to` mean nothing any more. So it is where the same stream has lost its tail (`isTail`: a power
   * cut, a disk that was set back): what stands beyond `to` now, if anything, was stored since.
   */
  gap(range: GoneRange): void;
  /**
   * What is delivered of `stream` from now on is of the one that was `made`: a word that no other stream of the name ever has. Said
   * before the first message of it, and after `gap` where it was made anew.
   */
  streamIdentified(which: { readonly stream: string; readonly made: string }): void;
  /** These streams are there as reading begins; said once, before anything else about them. */
  opens(streams: readonly string[]): void;
  /** All that one of them held when reading began was delivered, or is gone; said once of each, after that. */
  readThrough(stream: string): void;
}

/** From where a stream is read. */
export interface StreamStart {
  readonly stream: string;
  /** Everything after this sequence is delivered. */
  readonly after: number;
  /** The highest position of the partitions: a stream that ends before it was made anew. */
  readonly reached: number;
  /** The streams of this name in which the positions count (see `FeedSink.streamIdentified`): any other was made anew. */
  readonly made: readonly string[];
  /**
   * Messages in which positions of the partitions stand, by sequence, the highest last: where the hub has another one there, the stream
   * has lost its tail.
   */
  readonly marks?: readonly ReadMark[];
}

/** Reading that was begun. */
export interface FeedReading {
  /** Ends it; resolves when the last `deliver` has. */
  stop(): Promise<void>;
  /**
   * Reads messages of one device again that were delivered before: what the stream still holds of it from `from` to `to`, in order,
   * up to `messages` of them, and one more than fits into `bytes` at most. All there is up to `through` was read; that is `to` when
   * nothing else follows. Where `from` is `to`, the message of that sequence is meant, whoever sent it. Rejects when the hub is away,
   * or does not answer in time.
   */
  read(
    range: { readonly partition: number } & Omit<BacklogRange, 'messages'>,
    max: { readonly messages: number; readonly bytes: number },
  ): Promise<{ readonly deliveries: readonly Delivery[]; readonly through: number }>;
}

/** Reads partitions of the streams of reports in order, each message at least once, none out of order, for ever. */
export interface Feed {
  /**
   * Delivers everything of these partitions: of each stream what comes after its start, and all of one that has none, also of a
   * stream that is made later. Survives every outage of the hub by itself. Does not wait for a hub that is away.
   */
  open(options: {
    readonly partitions: readonly number[];
    readonly starts: readonly StreamStart[];
    readonly sink: FeedSink;
  }): Promise<FeedReading>;
}

// ----------------------------------------------------------------------------------------------------------- bus

/** A request of a backend, routed to the owner of its partition. */
export interface BackendRequest {
  readonly partition: number;
  /** Who asks, vouched for by the broker: `nats:<account>`, or `http:<token name>` by the node that was asked. */
  readonly asker: string;
  /** The device token of the subject, not yet checked. */
  readonly device: string;
  readonly operation: TwinOperation;
  readonly payload: Uint8Array;
  readonly replyTo: ReplyAddress;
  /** The trace it belongs to, or `null`. Its reply carries it without being told. */
  readonly trace: Trace | null;
}

/** A message for one of Corral's own streams. */
export interface Publication {
  readonly subject: string;
  /** `Nats-Msg-Id`: the stream drops what it has already stored under this id. */
  readonly id: string;
  readonly payload: Uint8Array;
  /** The trace of the request that led to it, or `null`. */
  readonly trace: Trace | null;
}

/** What the runtime says to the outside, and hears from backends. */
export interface Bus {
  /** Sends a command to a device's site, under the trace of its request; at most once, no answer expected here. */
  sendCommand(site: string, device: string, payload: Uint8Array, trace: Trace | null): void;
  /**
   * Stores messages in their streams, in order; resolves when all are stored. Keeps trying through outages until `stop`, or until `signal`
   * is aborted: then it rejects, and sends none of them again.
   */
  publish(messages: readonly Publication[], signal?: AbortSignal): Promise<void>;
  /**
   * Answers a backend, in the encoding it asked in (the payload is already encoded). `error` goes into the service
   * error headers.
   */
  reply(to: ReplyAddress, payload: Uint8Array, error?: ServiceError): void;
  /** Takes requests for a partition until the returned function has been called. */
  serve(partition: number, handle: (request: BackendRequest) => void): () => Promise<void>;
}

// --------------------------------------------------------------------------------------------------------- store

/**
 * Messages of one device that are set aside, to be decided after others: all that the stream holds of it from sequence `from` to
 * `to`, both included. `site` and `device` are empty where nobody wrote down whose the one message `from` is.
 */
export interface BacklogRange {
  readonly stream: string;
  readonly site: string;
  readonly device: string;
  readonly from: number;
  readonly to: number;
  /** How many they are. */
  readonly messages: number;
}

/** How far a partition has got in a stream of reports. */
export interface StreamPosition {
  /** The stream's name. */
  readonly stream: string;
  /** The stream of this name in which `position` counts (see `FeedSink.streamIdentified`); `null` before any was read. */
  readonly made: string | null;
  /** The sequence up to which everything of the partition is committed, but for its backlog. */
  readonly position: number;
  /** When the hub stored the message of that sequence, ms epoch; not given where none is known to have stood there. */
  readonly storedAt?: number | undefined;
  /** What the hub said of that was known to be wrong as it was read. */
  readonly isDatedWrong?: true | undefined;
}

/** A node's right to decide for a partition. */
export interface Lease {
  readonly partition: number;
  /** A later owner's is always higher, also after the store was set back (`epoch.ts`). */
  readonly epoch: number;
  /** One for each stream of which something was read. */
  readonly positions: readonly StreamPosition[];
  /** What up to these was set aside and is not decided yet (see `runtime/backlog.ts`). */
  readonly backlog: readonly BacklogRange[];
  /** Number of the last committed batch. */
  readonly batch: number;
  /** Number of the last line of this partition's journal. */
  readonly journal: number;
  /** Number up to which journal lines are known to be published. */
  readonly published: number;
}

/** What a batch writes for one partition: the fence, and how far it got. */
export interface PartitionAdvance {
  readonly partition: number;
  readonly epoch: number;
  /** The batch this one follows: the fence refuses any other. It becomes `afterBatch + 1`. */
  readonly afterBatch: number;
  /** Those that moved. */
  readonly positions: readonly StreamPosition[];
  /** All that is set aside now; `null` where it is as it was. */
  readonly backlog: readonly BacklogRange[] | null;
  readonly journal: number;
  readonly published: number;
}

/** A source played again what was said before, as an owner of devices that it speaks for has seen. The last time is kept. */
export interface SourceReplay extends ReplayFinding {
  readonly source: string;
  readonly site: string;
}

/** One transaction. */
export interface Commit {
  readonly partitions: readonly PartitionAdvance[];
  /** Each twin once, as it stands after the batch. A device seen for the first time gets its inventory row here. */
  readonly twins: readonly Twin[];
  readonly reports: readonly FiledReport[];
  /** Changed or new ledger entries, each once. */
  readonly ledger: readonly LedgerEntry[];
  /** Lines of the journal; an `outcome` line's entry is in `ledger` too. */
  readonly journal: readonly JournalEntry[];
  /** What their devices saw of sources, each source once; not given where nothing was. */
  readonly replays?: readonly SourceReplay[];
  /** Each boot of a device once. */
  readonly clocks: readonly { readonly device: string; readonly clock: BootClock }[];
}

/** What happened to a commit; it is never left open whether it went through. */
export type CommitResult =
  | { readonly type: 'committed' }
  /** At least one partition is not ours any more: nothing was written. */
  | { readonly type: 'fenced'; readonly partitions: readonly number[] }
  /**
   * The store could not be reached, or refused for a passing reason: nothing was written, or it could not be asked in time whether
   * it was. Give it the same commit again: it is written once at most.
   */
  | { readonly type: 'unavailable'; readonly cause: Error }
  /** The data itself was refused: certainly nothing was written, and the same commit will never succeed. */
  | { readonly type: 'refused'; readonly cause: Error };

/** A device as the inventory knows it. */
export interface InventoryEntry {
  readonly device: string;
  readonly kind: string;
  readonly site: string;
  readonly registered: boolean;
}

/** A twin as read from the store by the new owner of its partition: not made, because nothing may happen to it for long. */
export interface StoredTwin {
  readonly device: string;
  /** As the twin has it. */
  readonly kind: string;
  /** As the inventory has it. */
  readonly site: string;
  /** As the inventory has it. */
  readonly registeredKind: string;
  /** The twin is still at another site, or of another kind, than the inventory says. */
  readonly isMoved: boolean;
  /** False for a device that the inventory got from its first report. */
  readonly isRegistered: boolean;
  /** Who speaks for it; `null` while it speaks itself. */
  readonly via: string | null;
  /** Since when silence of the device is counted, ms epoch; `null` where it is not: it is offline, or was never heard. */
  readonly heardAt: number | null;
  /** False when certainly nothing is awaited of it or promised to anybody: only silence can wake it. */
  readonly isBusy: boolean;
  /** What `Store.unpackTwin` makes it of. Only valid while the sink is called. */
  readonly bytes: Uint8Array;
}

/** Takes what a store holds of partitions. */
export interface PartitionSink {
  twin(stored: StoredTwin): void;
  /** A device that was registered, and of which no report came yet. */
  registered(entry: InventoryEntry): void;
  /** A device that is forgotten, and was not registered since. */
  forgotten(forgetting: Forgetting): void;
}

/** Leases, twins, ledger and journal. */
export interface Store {
  /**
   * Takes up to `limit` partitions that nobody holds, for `ttlMs` by the store's clock, each with a fresh epoch, which is no lower than
   * `epochAtLeast`. `node` names the holder in the lease row.
   */
  acquire(options: {
    readonly node: string;
    readonly limit: number;
    readonly ttlMs: number;
    readonly epochAtLeast: number;
  }): Promise<readonly Lease[]>;
  /**
   * Extends leases still held under these epochs; returns the partitions that are. `refuses` is why the node accepts no commands now, as a
   * sentence, for whoever explains a device; `null` where nothing keeps it from it.
   */
  renew(options: {
    readonly node: string;
    readonly ttlMs: number;
    readonly leases: readonly { readonly partition: number; readonly epoch: number }[];
    readonly refuses: string | null;
  }): Promise<readonly number[]>;
  /** Gives leases back, so that the next owner need not wait for them to run out. */
  release(leases: readonly { readonly partition: number; readonly epoch: number }[]): Promise<void>;
  /**
   * Tells everything the owner of these partitions has to know of their devices, as committed, in any order. Rejects when a
   * twin is of a form that this version of Corral does not read. What was told by then is of no use.
   */
  load(partitions: readonly number[], sink: PartitionSink): Promise<void>;
  /**
   * Devices that were registered, or of which something else is registered now, or that were moved to another site, after `since`: what an earlier answer called `through`. Some
   * may be told again. None of them where it is `null`: that only tells from where on to ask.
   */
  registered(
    since: number | null,
  ): Promise<{ readonly entries: readonly InventoryEntry[]; readonly through: number }>;
  /** What is known of these devices as sources of others, as committed. Those that were never heard are left out. */
  sources(ids: readonly string[]): Promise<readonly Source[]>;
  /** What was seen of the sources whose own twins are in these partitions, the last time that each played again what was said before. */
  replays(partitions: readonly number[]): Promise<readonly SourceReplay[]>;
  /** A twin as few bytes, for the same process. */
  packTwin(twin: Twin): Uint8Array;
  /** The twin of a device, from what `packTwin` or `load` made of it. */
  unpackTwin(device: string, bytes: Uint8Array): Twin;
  commit(commit: Commit): Promise<CommitResult>;
  ledgerEntry(device: string, id: string): Promise<LedgerEntry | null>;
  /** Journal lines of a partition after number `after`, in order, at most `limit`. */
  journalAfter(partition: number, after: number, limit: number): Promise<readonly JournalEntry[]>;
}
