/**
 * What waits to be decided: messages of the stream, requests of backends, wake-ups, and news about what can be heard.
 * Bounded: messages by back-pressure on the feed, requests by refusing them, wake-ups by the number of twins.
 */
import type { CommandRequest, ReplyAddress } from '../../actors/twin.ts';
import type { DesiredRequest } from '../../actors/decision.ts';
import type { LedgerEntry } from '../../actors/ledger.ts';
import type { SetAside } from './backlog-reader.ts';
import type { Delivery, FeedSink, GoneRange } from './ports.ts';

/** A backend's request. `known`: the ledger's entry under its id as the store had it, or `null`. */
export type RequestWork =
  | {
      readonly type: 'command';
      readonly device: string;
      readonly request: CommandRequest;
      readonly known: LedgerEntry | null;
    }
  | { readonly type: 'desired'; readonly device: string; readonly request: DesiredRequest }
  | { readonly type: 'get'; readonly device: string; readonly replyTo: ReplyAddress }
  | {
      readonly type: 'ledger';
      readonly device: string;
      readonly id: string;
      readonly known: LedgerEntry | null;
      readonly replyTo: ReplyAddress;
    };

/** One thing to decide. */
export type Work =
  | RequestWork
  | { readonly type: 'delivery'; readonly delivery: Delivery }
  | SetAside
  /** `at`: when it was due, by the monotonic clock, ms. */
  | { readonly type: 'wake'; readonly device: string; readonly at: number }
  | { readonly type: 'hearing'; readonly isHearing: boolean }
  | { readonly type: 'gone'; readonly range: GoneRange }
  | ({ readonly type: 'reads' } & Parameters<FeedSink['reads']>[0])
  /** The process stood still: what came meanwhile is not heard yet. */
  | { readonly type: 'stalled' };

/** The queue before a host's turns; one reader, any number of writers. */
export class Mailbox {
  #queue: Work[] = [];
  #head = 0;
  #messages = 0;
  #bytes = 0;
  /** Requests that were admitted and not taken: those that are looked up in the store, and those in the queue. */
  #requests = 0;
  #requestBytes = 0;
  readonly #bytesOf = new Map<Work, number>();
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  readonly #requestsMax: number;
  readonly #requestBytesMax: number;
  #wakeReader: (() => void) | null = null;
  /** A feed delivers of several streams at once. */
  #wakeFeeds: (() => void)[] = [];
  #isClosed = false;

  constructor(options: {
    readonly messagesMax: number;
    readonly bytesMax: number;
    readonly requestsMax: number;
    readonly requestBytesMax: number;
  }) {
    this.#messagesMax = options.messagesMax;
    this.#bytesMax = options.bytesMax;
    this.#requestsMax = options.requestsMax;
    this.#requestBytesMax = options.requestBytesMax;
  }

  get isEmpty(): boolean {
    return this.#head === this.#queue.length;
  }

  /** Adds messages of the stream; resolves when there is room for more. */
  async offerMessages(deliveries: readonly Delivery[]): Promise<void> {
    if (this.#isClosed) return;
    for (const delivery of deliveries) {
      this.#queue.push({ type: 'delivery', delivery });
      this.#bytes += delivery.payload.length;
    }
    this.#messages += deliveries.length;
    this.#announce();
    if (this.#hasRoom()) return;
    await new Promise<void>((resolve) => {
      this.#wakeFeeds.push(resolve);
    });
  }

  /**
   * Makes room for a backend's request of so many bytes, before anything is looked up for it; false when too many are under way, or
   * too much, or the mailbox is closed. What is admitted is offered or dismissed.
   */
  admit(bytes: number): boolean {
    const isTooMuch = this.#requests > 0 && this.#requestBytes + bytes > this.#requestBytesMax;
    if (this.#isClosed || this.#requests >= this.#requestsMax || isTooMuch) return false;
    this.#requests += 1;
    this.#requestBytes += bytes;
    return true;
  }

  /** Adds a backend's request that was admitted; false when the mailbox is closed. */
  offerRequest(work: RequestWork, bytes: number): boolean {
    if (this.#isClosed) {
      this.dismiss(bytes);
      return false;
    }
    this.#bytesOf.set(work, bytes);
    this.#push(work);
    return true;
  }

  /** Gives up the room of a request that was admitted and is not offered. */
  dismiss(bytes: number): void {
    this.#requests -= 1;
    this.#requestBytes -= bytes;
  }

  /** Adds a wake-up, a message that was set aside, or news about what is heard. */
  offer(work: Exclude<Work, RequestWork | { type: 'delivery' }>): void {
    if (!this.#isClosed) this.#push(work);
  }

  /** The next thing to decide, or `undefined`. */
  take(): Work | undefined {
    const work = this.#queue[this.#head];
    if (work === undefined) return undefined;
    this.#head += 1;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
    if (work.type === 'delivery') {
      this.#messages -= 1;
      this.#bytes -= work.delivery.payload.length;
    } else if (isRequest(work)) {
      this.dismiss(this.#bytesOf.get(work) ?? 0);
      this.#bytesOf.delete(work);
    }
    if (this.#hasRoom()) this.#releaseFeed();
    return work;
  }

  /** Resolves when there is something to take, or the mailbox is closed. */
  async ready(): Promise<void> {
    if (!this.isEmpty || this.#isClosed) return;
    await new Promise<void>((resolve) => {
      this.#wakeReader = resolve;
    });
  }

  /** Takes nothing more. What is in it can still be taken. */
  close(): void {
    this.#isClosed = true;
    this.#announce();
    this.#releaseFeed();
  }

  #hasRoom(): boolean {
    return this.#messages < this.#messagesMax && this.#bytes < this.#bytesMax;
  }

  #push(work: Work): void {
    this.#queue.push(work);
    this.#announce();
  }

  #announce(): void {
    this.#wakeReader?.();
    this.#wakeReader = null;
  }

  #releaseFeed(): void {
    for (const wake of this.#wakeFeeds.splice(0)) wake();
  }
}

/** True for a backend's request. */
export function isRequest(work: Work): work is RequestWork {
  return work.type === 'command' || work.type === 'desired' || work.type === 'get' || work.type === 'ledger';
}

/** Where the answer goes. */
export function replyAddress(work: RequestWork): ReplyAddress {
  return work.type === 'get' || work.type === 'ledger' ? work.replyTo : work.request.replyTo;
}
