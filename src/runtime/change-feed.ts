/**
 * The port by which nodes follow what becomes known: the stream CHANGES, from now or from a place that a reader kept.
 */
import type { ChangePlace } from '../wire/change-place.ts';

/** A message of the stream CHANGES, as it was published. */
export interface PublishedChange {
  /** The stream it stands in (see `ChangePlace`). */
  readonly made: string;
  /** Its sequence there: reading goes on after it. */
  readonly sequence: number;
  /** When it was stored, ms epoch. */
  readonly storedAt: number;
  readonly type: 'changed' | 'outcome';
  readonly device: string;
  readonly payload: Uint8Array;
}

/** What can never be read. */
export interface ChangesGone {
  /** `from` to `to`, both included. Where `to` lies before `from`, the stream was made anew, or has lost its tail. */
  readonly from: number;
  readonly to: number;
  /** The stream that is read from now on, after `to`. */
  readonly made: string;
  /** It is the one it was, and has lost its tail: what stands beyond `to` was stored since. */
  readonly isTail?: true | undefined;
}

/** Where changes are delivered. */
export interface ChangeSink {
  /** Changes in stream order. No more are delivered until the promise resolves: that is the back-pressure. */
  deliver(batch: readonly PublishedChange[]): Promise<void>;
  /** The stream no longer holds what follows, or is not the one that was read. Never left out where it was made anew. */
  gone(range: ChangesGone): void;
  /** False: what is published now would not be delivered, or late; until it is true again, nothing delivered means nothing. */
  hearing(isHearing: boolean): void;
  /**
   * Reading has ended for good, because the sink itself failed with `cause`: nothing follows, so whoever waits behind the sink
   * has to be sent away. Not called for reading that was stopped.
   */
  ended(cause: unknown): void;
}

/** Follows what becomes known of twins and commands. */
export interface ChangeFeed {
  /** The place of the last change, to begin from now. Rejects while the hub is away. */
  last(): Promise<ChangePlace & { readonly made: string }>;
  /** Reads what comes after a place until it is stopped, through outages; `device` restricts it to one. */
  open(options: {
    readonly after: ChangePlace;
    readonly device: string | null;
    readonly sink: ChangeSink;
  }): Promise<{ stop(): Promise<void> }>;
}
