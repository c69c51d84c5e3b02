/**
 * What is decided and not yet committed: the writes of one transaction, and what to do once they are in the store.
 */
import type { Decision, Effect, FiledReport } from '../../actors/decision.ts';
import type { BootClock } from '../../actors/clock.ts';
import type { DeadLetter } from '../contract/dead-letter.ts';
import type { Forgetting, JournalEntry } from '../contract/journal-entry.ts';
import type { LedgerEntry } from '../contract/ledger-entry.ts';
import type { Twin } from '../../actors/twin.ts';
import { journalNumberAfter } from './epoch.ts';
import type { RequestWork } from './mailbox.ts';
import { type PartitionState, takeProgress } from './partition-state.ts';
import type { Commit, Delivery, SourceReplay } from './ports.ts';

/**
 * A journal entry, with the twin as it stood after it (`null` for a dead letter), and the id of the command that it tells of or
 * that led to it, if any.
 */
export interface WrittenEntry {
  readonly journalEntry: JournalEntry;
  readonly twin: Twin | null;
  readonly commandId: string | null;
}

/**
 * Something to do once the batch is committed: an effect of a decision, or an answer that only reads. An effect of a decision
 * that changed its twin `rests on the commit`: its partition was ours when that was written. Nothing says so of another one.
 */
export type AfterCommit =
  | {
      readonly type: 'effect';
      readonly device: string;
      readonly effect: Effect;
      readonly restsOnCommit: boolean;
    }
  | { readonly type: 'read'; readonly work: RequestWork; readonly answer: () => void };

/**
 * Which message: equal sequences of two streams are two messages, and so are those of one stream that has lost its tail and grown again, or
 * was made anew. They are told apart by when the hub stored them.
 */
export type MessageIdentity = Pick<Delivery, 'stream' | 'sequence' | 'receivedAt' | 'storedAt'>;

/** The next transaction, growing. */
export class Batch {
  readonly #partitions = new Set<PartitionState>();
  readonly #twins = new Map<string, Twin>();
  readonly #ledger = new Map<string, LedgerEntry>();
  readonly reports: FiledReport[] = [];
  readonly journal: WrittenEntry[] = [];
  readonly #replays = new Map<string, SourceReplay>();
  readonly #clocks = new Map<string, { readonly device: string; readonly clock: BootClock }>();
  readonly afterCommit: AfterCommit[] = [];
  /** What backends asked and was decided on in it. */
  readonly requests: RequestWork[] = [];
  /** The messages in it, for the case that the store refuses one of them for good. */
  readonly messages: MessageIdentity[] = [];
  /** One thing was decided for it, and nothing more may be put into it. */
  isAlone = false;
  /** Things taken from the mailbox for it. */
  items = 0;
  /** Payload bytes of the messages taken for it. */
  bytes = 0;
  /** Reports decided on, also those that were dropped as duplicates. */
  reportsDecided = 0;
  /** When the hub stored the oldest message in it, ms epoch; `Infinity` without one. */
  oldestReceivedAt = Infinity;

  /** True when there is nothing to write. */
  get isReadOnly(): boolean {
    return this.#partitions.size === 0;
  }

  get isEmpty(): boolean {
    return this.isReadOnly && this.afterCommit.length === 0;
  }

  /** Ledger entries as they stand in it. */
  get ledger(): Iterable<LedgerEntry> {
    return this.#ledger.values();
  }

  get twinCount(): number {
    return this.#twins.size;
  }

  /** The partition's row is part of this transaction: its position moves, or something of it is written. */
  touch(partition: PartitionState): void {
    this.#partitions.add(partition);
  }

  /** Takes over the decision of a twin, which was `before`. Its journal lines get their numbers here. */
  add(partition: PartitionState, before: Twin, decision: Decision): void {
    const { twin } = decision;
    const restsOnCommit = twin !== before;
    if (restsOnCommit) {
      partition.twins.set(twin);
      this.#twins.set(twin.device, twin);
      this.touch(partition);
    }
    if (decision.filed !== null) this.reports.push(decision.filed);
    for (const entry of decision.ledger) this.#ledger.set(`${entry.device} ${entry.id}`, entry);
    for (const transition of decision.transitions) {
      const journalEntry = { type: 'transition', ...numbered(partition), transition } as const;
      // What changes a command's entry and the state at once is what the command led to.
      this.journal.push({ journalEntry, twin, commandId: decision.ledger[0]?.id ?? null });
    }
    for (const entry of decision.outcomes) {
      const journalEntry = { type: 'outcome', ...numbered(partition), entry } as const;
      this.journal.push({ journalEntry, twin, commandId: entry.id });
    }
    for (const clock of decision.clocks) {
      const { incarnation, boot, fromSeq } = clock;
      const segment = `${twin.device} ${String(incarnation)} ${String(boot)} ${String(fromSeq)}`;
      this.#clocks.set(segment, { device: twin.device, clock });
    }
    const { device } = twin;
    for (const effect of decision.effects)
      this.afterCommit.push({ type: 'effect', device, effect, restsOnCommit });
  }

  /** Keeps a message that could not be read, with its reason. */
  addDeadLetter(partition: PartitionState, deadLetter: DeadLetter): void {
    this.touch(partition);
    const journalEntry = { type: 'dead-letter', ...numbered(partition), deadLetter } as const;
    this.journal.push({ journalEntry, twin: null, commandId: null });
  }

  /** Devices of the partition saw their source play again what was said before. */
  addReplay(partition: PartitionState, replay: SourceReplay): void {
    this.touch(partition);
    this.#replays.set(replay.source, replay);
  }

  /** Everything of a device goes; nothing else is in this transaction. */
  addForgotten(partition: PartitionState, forgetting: Forgetting): void {
    this.touch(partition);
    const journalEntry = { type: 'forgotten', ...numbered(partition), forgetting } as const;
    this.journal.push({ journalEntry, twin: null, commandId: null });
  }

  /** The transaction. Its partitions' batch numbers are taken: it has to be committed, or everything discarded. */
  toCommit(): Commit {
    const partitions = [...this.#partitions].map((partition) => {
      const { epoch, journal, published } = partition;
      const afterBatch = partition.batch;
      partition.batch += 1;
      return {
        partition: partition.partition,
        epoch,
        afterBatch,
        ...takeProgress(partition),
        journal,
        published,
      };
    });
    return {
      partitions,
      twins: [...this.#twins.values()],
      reports: this.reports,
      ...(this.#replays.size > 0 && { replays: [...this.#replays.values()] }),
      ledger: [...this.#ledger.values()],
      journal: this.journal.map(({ journalEntry }) => journalEntry),
      clocks: [...this.#clocks.values()],
    };
  }
}

function numbered(partition: PartitionState): { readonly partition: number; readonly no: number } {
  partition.journal = journalNumberAfter(partition.journal, partition.epoch);
  return { partition: partition.partition, no: partition.journal };
}
