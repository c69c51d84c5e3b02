/**
 * What waits to be decided: messages of the stream, requests of backends, wake-ups, and news about what can be heard.
 * Bounded: messages by back-pressure on the feed, requests by refusing them, wake-ups by the number of twins.
 */
import type { CommandRequest, ReplyAddress } from '../../actors/twin.ts';
import type { DesiredRequest } from '../../actors/decision.ts';
import type { Forgetting } from '../contract/journal-entry.ts';
import type { LedgerEntry } from '../contract/ledger-entry.ts';
import type { OpenRange } from './backlog.ts';
import type { SetAside } from './backlog-reader.ts';
import { hubDateOf, isDatedWrong } from './hub-dates.ts';
import type { RuntimeLimits } from './limits.ts';
import type { Delivery, FeedSink, GoneRange, InventoryEntry } from './ports.ts';
import type { Verdict } from './rates.ts';
import type { KnownSources } from './sources.ts';

/** The ledger's entry under an id as the store had it; `null` where it has none, and an error where it could not be asked. */
export type Known = LedgerEntry | Error | null;

/** A backend's request. */
export type RequestWork =
  | {
      readonly type: 'command';
      readonly device: string;
      readonly request: CommandRequest;
      readonly known: Known;
    }
  | { readonly type: 'desired'; readonly device: string; readonly request: DesiredRequest }
  | { readonly type: 'get'; readonly device: string; readonly replyTo: ReplyAddress }
  | ForgetWork
  | {
      readonly type: 'ledger';
      readonly device: string;
      readonly id: string;
      readonly known: Known;
      readonly replyTo: ReplyAddress;
    };

/** An operator's word that a device be forgotten, in order with its traffic, and in a transaction of its own. */
export interface ForgetWork {
  readonly type: 'forget';
  readonly device: string;
  readonly word: Pick<Forgetting, 'asker' | 'by' | 'reason'>;
  readonly replyTo: ReplyAddress;
}

/** A message, in the order of the stream. `isAboveRate`: its device is heard although it says too much. */
export interface DeliveryWork {
  readonly type: 'delivery';
  readonly delivery: Delivery;
  readonly isAboveRate: boolean;
}

/** Messages of one device that are passed over, and when the last of them was stored as the hub says, ms epoch. */
interface PassedRange {
  readonly partition: number;
  readonly range: OpenRange;
  storedAt: number;
  isDatedWrong: true | undefined;
}

/** Messages above the rates of those who sent them, which follow each other but for what their devices do not say. */
export interface PassedOver {
  readonly type: 'passed-over';
  /** By partition, site and device. */
  readonly ranges: ReadonlyMap<string, PassedRange>;
}

/** One thing to decide. */
export type Work =
  | RequestWork
  | DeliveryWork
  | PassedOver
  | SetAside
  /** `at`: when it was due, by the monotonic clock, ms. */
  | { readonly type: 'wake'; readonly device: string; readonly at: number }
  | { readonly type: 'caught-up'; readonly isHearing: boolean }
  | { readonly type: 'gap'; readonly range: GoneRange }
  | ({ readonly type: 'stream-identified' } & Parameters<FeedSink['streamIdentified']>[0])
  /** See `FeedSink.opens` and `readThrough`. */
  | { readonly type: 'opens'; readonly streams: readonly string[] }
  | { readonly type: 'read-through'; readonly stream: string }
  /** All partitions stand where the stream was read to. */
  | { readonly type: 'settle'; readonly stream: string }
  /** Devices that were registered since the partitions were loaded. */
  | { readonly type: 'registered'; readonly entries: readonly InventoryEntry[] }
  /** What is known of sources now. */
  | ({ readonly type: 'sources' } & KnownSources)
  /** The process stood still: what came meanwhile is not heard yet. */
  | { readonly type: 'process-stalled' };

/** What may wait; see `limits.ts`. */
export type MailboxLimits = Pick<
  RuntimeLimits,
  | 'mailboxMessagesMax'
  | 'mailboxBytesMax'
  | 'mailboxStreamMessagesMax'
  | 'mailboxStreamBytesMax'
  | 'mailboxLoudMessagesMax'
  | 'mailboxLoudBytesMax'
  | 'mailboxRequestsMax'
  | 'mailboxRequestBytesMax'
>;

/** Of one stream. */
interface Waiting {
  messages: number;
  bytes: number;
}

/** A feed that goes on when there is room for more of a stream. */
interface WaitingFeed {
  readonly waiting: Waiting;
  readonly goOn: () => void;
}

/** The queue before a host's turns; one reader, any number of writers. */
export class Mailbox {
  #queue: Work[] = [];
  #head = 0;
  readonly #streams = new Map<string, Waiting>();
  #waitingFeeds: WaitingFeed[] = [];
  /** Requests that were admitted and not taken: those that are looked up in the store, and those in the queue. */
  #requests = 0;
  #requestBytes = 0;
  readonly #bytesOf = new Map<Work, number>();
  #messages = 0;
  #bytes = 0;
  readonly #limits: MailboxLimits;
  #wakeReader: (() => void) | null = null;
  #isClosed = false;
  /** Of the last work in the queue, where that is of this kind. */
  #lastPassedOver: Map<string, PassedRange> | null = null;

  constructor(limits: MailboxLimits) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#head === this.#queue.length;
  }

  /**
   * Adds messages of a stream, judged one by one, as far as there is room for them; resolves when all are added and there is room for
   * more. A stream that has much to say fills its own share, and keeps none of the others waiting behind all of it.
   */
  async offerMessages(
    deliveries: readonly Delivery[],
    judge: (delivery: Delivery, isCrowded: boolean) => Verdict,
  ): Promise<void> {
    for (const delivery of deliveries) {
      if (this.#isClosed) return;
      const waiting = this.#waiting(delivery.stream);
      const verdict = judge(delivery, this.#isCrowded(waiting));
      if (verdict === 'above') this.#passOver(delivery, waiting);
      else {
        this.#queue.push({ type: 'delivery', delivery, isAboveRate: verdict === 'newest' });
        this.#count(waiting, 1, delivery.payload.length);
      }
      if (this.#hasRoom(waiting)) continue;
      this.#announce();
      await new Promise<void>((goOn) => {
        this.#waitingFeeds.push({ waiting, goOn });
      });
    }
    this.#announce();
  }

  /**
   * Makes room for a backend's request of so many bytes, before anything is looked up for it; false when too many are under way, or
   * too much, or the mailbox is closed. What is admitted is offered or dismissed.
   */
  admit(bytes: number): boolean {
    const { mailboxRequestsMax, mailboxRequestBytesMax } = this.#limits;
    const isTooMuch = this.#requests > 0 && this.#requestBytes + bytes > mailboxRequestBytesMax;
    if (this.#isClosed || this.#requests >= mailboxRequestsMax || isTooMuch) return false;
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
  offer(work: Exclude<Work, RequestWork | DeliveryWork | PassedOver>): void {
    if (!this.#isClosed) this.#push(work);
  }

  /** What is decided next, or `undefined`. */
  get next(): Work | undefined {
    return this.#queue[this.#head];
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
      const { stream, payload } = work.delivery;
      this.#count(this.#waiting(stream), -1, -payload.length);
    } else if (work.type === 'passed-over') {
      for (const { range } of work.ranges.values()) this.#count(this.#waiting(range.stream), -1, 0);
    } else if (isRequest(work)) {
      this.dismiss(this.#bytesOf.get(work) ?? 0);
      this.#bytesOf.delete(work);
    }
    if (this.#waitingFeeds.length > 0) this.#releaseFeeds();
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
    this.#releaseFeeds();
  }

  /** Of what is passed over nothing is kept but where it is: what follows on it makes it longer, whoever sent it. */
  #passOver(delivery: Delivery, waiting: Waiting): void {
    const { partition, stream, site, device, sequence } = delivery;
    const storedAt = hubDateOf(delivery);
    const last = this.isEmpty ? undefined : this.#queue.at(-1);
    let ranges = last?.type === 'passed-over' ? this.#lastPassedOver : null;
    if (ranges === null) {
      ranges = new Map();
      this.#lastPassedOver = ranges;
      this.#queue.push({ type: 'passed-over', ranges });
    }
    const key = `${String(partition)} ${stream} ${site} ${device}`;
    const known = ranges.get(key);
    if (known === undefined) {
      const range = { stream, site, device, from: sequence, to: sequence, messages: 1 };
      ranges.set(key, { partition, range, storedAt, isDatedWrong: isDatedWrong(delivery) });
      this.#count(waiting, 1, 0);
    } else {
      known.range.to = sequence;
      known.range.messages += 1;
      known.storedAt = storedAt;
      known.isDatedWrong = isDatedWrong(delivery);
    }
  }

  #waiting(stream: string): Waiting {
    let waiting = this.#streams.get(stream);
    if (waiting === undefined) this.#streams.set(stream, (waiting = { messages: 0, bytes: 0 }));
    return waiting;
  }

  #count(waiting: Waiting, messages: number, bytes: number): void {
    waiting.messages += messages;
    waiting.bytes += bytes;
    this.#messages += messages;
    this.#bytes += bytes;
  }

  /** For more of a stream. */
  #hasRoom({ messages, bytes }: Waiting): boolean {
    const limits = this.#limits;
    return (
      this.#messages < limits.mailboxMessagesMax &&
      this.#bytes < limits.mailboxBytesMax &&
      messages < limits.mailboxStreamMessagesMax &&
      bytes < limits.mailboxStreamBytesMax
    );
  }

  /** By what waits of a stream: more of it, if its site says too much, would keep the others waiting. */
  #isCrowded({ messages, bytes }: Waiting): boolean {
    const { mailboxLoudMessagesMax, mailboxLoudBytesMax } = this.#limits;
    return messages >= mailboxLoudMessagesMax || bytes >= mailboxLoudBytesMax;
  }

  #push(work: Work): void {
    this.#queue.push(work);
    this.#announce();
  }

  #announce(): void {
    this.#wakeReader?.();
    this.#wakeReader = null;
  }

  #releaseFeeds(): void {
    const waitingFeeds = this.#waitingFeeds;
    this.#waitingFeeds = [];
    for (const feed of waitingFeeds) {
      if (this.#isClosed || this.#hasRoom(feed.waiting)) feed.goOn();
      else this.#waitingFeeds.push(feed);
    }
  }
}

const REQUESTS: readonly string[] = [
  'command',
  'desired',
  'get',
  'ledger',
  'forget',
] satisfies RequestWork['type'][];

/** True for a backend's request. */
export function isRequest(work: Work): work is RequestWork {
  return REQUESTS.includes(work.type);
}

/** Where the answer goes. */
export function replyAddress(work: RequestWork): ReplyAddress {
  return work.type === 'command' || work.type === 'desired' ? work.request.replyTo : work.replyTo;
}
