/**
 * The port through which HTTP asks how the node it runs on works. What other nodes do is known from the store alone: the leases
 * they hold, and how far they got.
 */
import type { Undecided } from '../runtime/undecided.ts';

/** What only this node knows, about itself. */
export interface ThisNode {
  /** Its name in leases and logs. */
  readonly node: string;
  /** Partitions it hosts. */
  readonly partitions: readonly number[];
  /** It hears all that the stream holds. */
  readonly isHearing: boolean;
  /** Its leases were renewed in time. */
  readonly isSure: boolean;
  /** Commits since it was started, and what was in them on average; `null` before the first one. */
  readonly commits: {
    readonly count: number;
    readonly reportsMean: number | null;
    readonly commitMsMean: number | null;
  };
  /** By stream of reports, the sequence of its last message, as the hub says; `null` while it cannot be asked. */
  readonly streamSequences: ReadonlyMap<string, number> | null;
}

/** Tells how this node works. */
export interface NodeView {
  status(): Promise<ThisNode>;
  /** How many messages these are, of a stream whose last one is `last`; `null` while the hub cannot be asked. */
  messagesAfter(undecided: Undecided, last: number): Promise<number | null>;
}
