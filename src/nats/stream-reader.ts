/**
 * Reads a stream from a position that its caller owns, for ever: every message once, in order, whatever happens to the hub.
 *
 * JetStream keeps nothing for it. It makes a consumer at the position, and another one at the position reached whenever
 * that consumer can no longer be trusted. Durable consumers lose or reorder at such moments, and acks would only
 * repeat what the caller commits anyway.
 *
 * Invariants:
 * I1  `deliver` gets messages in stream order; after a sequence it never gets the same or a lower one, unless `gone` said
 *     that the stream was made anew, or lost its tail.
 * I2  One `deliver` at a time; none after `stop` has resolved.
 * I3  Messages held and asked for are at most PREFETCH_MAX; when the caller is slow, the rest waits in the stream.
 */
import type { ReadMark } from '../runtime/lost-tail.ts';
import type { Cancel } from '../runtime/ports.ts';
import { ReadMarks } from '../runtime/read-marks.ts';
import type { DeliveryInfo } from './delivery-info.ts';
import type { BatchQuestion } from './direct-batch.ts';
import type { Heard } from './listen.ts';
import { lostTail } from './lost-tail.ts';
import { type ConsumerEnd, type ConsumerEvents, PULL_MESSAGES, PullConsumer } from './pull-consumer.ts';
import type { StreamMessage } from './stream-message.ts';
import { NobodyMayAsk, type StreamSource } from './stream-source.ts';

/** Messages held and asked for: enough to fetch the next ones while the caller works on some. */
const PREFETCH_MAX = 4 * PULL_MESSAGES;
/** Bytes held before no more is asked for, by all readers that share it. */
const HELD_BYTES_MAX = 32 * 1024 * 1024;
/** Before the next attempt to make a consumer, ms. */
const RETRY_MS = 500;
/** The caller hears the stream while what it was given last is at most this old, ms. */
const BEHIND_MAX_MS = 2_000;

/** Nothing is known of what was read but how far. */
const NOTHING = { marks: [], allFrom: Infinity } as const;

/** Where a reader delivers; see `FeedSink` in the runtime's ports. */
export interface StreamSink {
  deliver(batch: readonly StreamMessage[]): Promise<void>;
  hearing(isHearing: boolean): void;
  /** `made`: the stream that is read from now on. */
  gone(range: {
    readonly from: number;
    readonly to: number;
    readonly made: string;
    readonly isTail?: true;
  }): void;
  reads(stream: string): void;
  /** All that the stream held when it was looked at first was delivered, or is gone; said once. */
  readThrough?(): void;
  /** Reading has ended for good, because the sink failed with `cause`: nothing follows. */
  ended(cause: unknown): void;
}

/** Something an operator may want to know. */
export type ReaderNotice =
  /** The consumer came to an end and is made anew. */
  | { readonly type: 'consumer-ended'; readonly reason: ConsumerEnd; readonly detail: string }
  /** The consumer could not be made; it is tried again. */
  | { readonly type: 'consumer-failed'; readonly detail: string }
  /** `deliver` failed, which it must not: reading has ended. */
  | { readonly type: 'sink-failed'; readonly cause: unknown };

/** What to read, and for whom. */
export interface StreamReaderOptions {
  readonly source: StreamSource;
  readonly stream: string;
  /** None: all that the stream holds. */
  readonly subjects: readonly string[];
  /** True when `subjects` are all that the stream has, or none: then a step in the sequence means that messages are gone. */
  readonly isWholeStream: boolean;
  readonly after: number;
  /** How far the stream was ever read, where that is not `after`: one that ends before it was made anew. */
  readonly reached?: number;
  /** When the streams were made in which these positions count, as their server says; another one was made anew. */
  readonly streams?: readonly string[];
  /**
   * Messages that were read in them: where another one stands in the place of one of them, the stream has lost its tail. Not given by who
   * may not ask for messages one by one: then only a stream that is shorter than it was is noticed.
   */
  readonly marks?: readonly ReadMark[];
  readonly sink: StreamSink;
  readonly onNotice: (notice: ReaderNotice) => void;
  /** How many readers share what may be held; default: this one alone. */
  readonly share?: () => number;
}

/** A reader at work. */
export class StreamReader {
  readonly #options: StreamReaderOptions;
  readonly #source: StreamSource;
  readonly #unlisten: () => void;
  /** The next sequence to be read. */
  #next: number;
  /** The stream held a message of this sequence when it was read. */
  #reached: number;
  /** The streams in which the position may count; after the first look, the one that is read. */
  #streams: readonly string[];
  #isNamed = false;
  /** Its last sequence at the first look; `null` before that. */
  #heldAtFirst: number | null = null;
  #isReadThrough = false;
  /** By these the stream is known again. `null`: nothing of it may be asked for. */
  readonly #marks: ReadMarks | null;
  #held: StreamMessage[] = [];
  #heldBytes = 0;
  /** Holes between messages held, in order. */
  #gaps: { readonly from: number; readonly to: number }[] = [];
  /** Messages the consumer had yet to send when it sent the last one. */
  #pending = 0;
  #inDelivery: { readonly messages: number } | null = null;
  #delivering: Promise<void> | null = null;
  #consumer: PullConsumer | null = null;
  #isHearing = false;
  #isStopped = false;
  #wake: () => void = () => undefined;
  /** Ends looking whether the caller works on a batch for long. */
  #cancelDoubt: Cancel = () => undefined;

  /** Begins to read as soon as the hub is there. Throws when the connection was closed. */
  static async open(options: StreamReaderOptions): Promise<StreamReader> {
    if (options.source.isClosed()) throw new Error('the connection to the hub was closed');
    const reader = new StreamReader(options);
    void reader.#begin();
    return reader;
  }

  private constructor(options: StreamReaderOptions) {
    this.#options = options;
    this.#source = options.source;
    this.#next = options.after + 1;
    this.#reached = options.reached ?? options.after;
    this.#streams = options.streams ?? [];
    this.#marks = options.marks === undefined ? null : new ReadMarks(options.marks);
    this.#unlisten = options.source.onChange(() => this.#wake());
  }

  /** Ends reading; resolves when the last `deliver` has. */
  async stop(): Promise<void> {
    this.#end();
    await this.#delivering;
  }

  /** A message as it stands in the stream, or `null`. Rejects when the hub is away, or does not answer in time. */
  read(sequence: number): Promise<StreamMessage | null> {
    return this.#ask({ seq: sequence });
  }

  /**
   * The next messages of a subject as they stand in the stream, from a sequence on: some, or none when there are none. Rejects when the
   * hub is away, or does not answer in time.
   */
  async readNext(question: Omit<BatchQuestion, 'stream' | 'apiPrefix'>): Promise<readonly StreamMessage[]> {
    const { stream } = this.#options;
    const { subject, from } = question;
    const batch = this.#source.isConnected() ? await this.#readBatch({ stream, ...question }) : [];
    if (batch.length > 0) return batch;
    const next = await this.#ask({ seq: from, next_by_subj: subject });
    return next === null ? [] : [next];
  }

  /** Nothing where the answer cannot be had or read in this way: what follows then is asked for one by one. */
  async #readBatch(question: Omit<BatchQuestion, 'apiPrefix'>): Promise<readonly StreamMessage[]> {
    try {
      return await this.#source.batch(question);
    } catch {
      return [];
    }
  }

  async #ask(query: { readonly seq: number; readonly next_by_subj?: string }): Promise<StreamMessage | null> {
    // Without a connection the client would keep the question, and ask it some time.
    if (!this.#source.isConnected()) throw new Error('there is no connection to the hub');
    return this.#source.message(this.#options.stream, query);
  }

  #end(): void {
    this.#isStopped = true;
    this.#cancelDoubt();
    this.#unlisten();
    this.#wake();
    this.#consumer?.stop();
  }

  /** Makes a consumer at the position reached; tries until it has one. */
  async #begin(): Promise<void> {
    const { stream, subjects } = this.#options;
    const source = this.#source;
    while (!this.#isStopped && !source.isClosed()) {
      try {
        if (source.isConnected()) {
          await this.#findPosition();
          const startSequence = this.#next;
          const share = (): number => this.#share();
          const reading = { source, stream, subjects, startSequence, share };
          this.#use(await PullConsumer.start(reading, this.#consumerEvents()));
          return;
        }
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        this.#options.onNotice({ type: 'consumer-failed', detail });
      }
      await this.#pause();
    }
  }

  #use(consumer: PullConsumer): void {
    if (this.#isStopped) {
      consumer.stop();
      return;
    }
    this.#consumer = consumer;
    this.#pending = consumer.pendingAtStart;
    if (this.#inDelivery === null) {
      this.#tellReadThrough(0);
      this.#setHearing(this.#hasCaughtUp());
    }
    consumer.pull();
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#source.clock.after(RETRY_MS, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
      if (this.#isStopped) this.#wake();
    });
  }

  /** Finds out whether the stream still holds what comes next, has lost its tail, or is another stream of the same name. */
  async #findPosition(): Promise<void> {
    const standing = await this.#source.standing(this.#options.stream);
    const { created, lastSequence } = standing;
    this.#heldAtFirst ??= lastSequence;
    const reached = Math.max(this.#reached, this.#next - 1);
    const isUnknown = this.#streams.length === 0 && lastSequence < reached;
    const isAnew = isUnknown || this.#streams.some((stream) => stream !== created);
    const first = Math.max(1, standing.firstSequence);
    const tail = isAnew ? null : await this.#lostTail({ reached, first, last: lastSequence });
    if (isAnew || tail !== null || first > this.#next) {
      while (this.#delivering !== null) await this.#delivering;
      if (this.#isStopped) return;
    }
    if (tail !== null) this.#goBack({ reached, to: tail, made: created });
    const from = isAnew ? reached + 1 : this.#next;
    if (isAnew || first > this.#next) {
      if (first !== from) this.#options.sink.gone({ from, to: first - 1, made: created });
      this.#reached = first - 1;
      this.#next = first;
      if (isAnew) this.#marks?.clear();
    }
    if (this.#isNamed && !isAnew) return;
    this.#isNamed = true;
    this.#streams = [created];
    this.#options.sink.reads(created);
  }

  async #lostTail(where: { readonly reached: number; readonly first: number; readonly last: number }) {
    const next = (seq: number) => this.#ask({ seq, next_by_subj: '>' });
    try {
      return await lostTail({ ...where, ...(this.#marks?.known ?? NOTHING), next });
    } catch (error) {
      if (!(error instanceof NobodyMayAsk)) throw error;
      return lostTail({ ...where, ...NOTHING, next });
    }
  }

  /** What follows `to` was stored since the stream lost its tail: nobody has read it. */
  #goBack(tail: { readonly reached: number; readonly to: number; readonly made: string }): void {
    const { reached, to, made } = tail;
    this.#options.sink.gone({ from: reached + 1, to, made, isTail: true });
    this.#marks?.cut(to);
    this.#reached = to;
    this.#next = Math.min(this.#next, to + 1);
  }

  #consumerEvents(): ConsumerEvents {
    return {
      onMessage: (message, info) => this.#hold(message, info),
      hasRoom: (outstanding) =>
        this.#held.length + (this.#inDelivery?.messages ?? 0) + outstanding + PULL_MESSAGES <=
          this.#prefetchMax() && this.#heldBytes * this.#share() < HELD_BYTES_MAX,
      onEnd: (reason, detail) => {
        this.#consumer = null;
        if (this.#isStopped) return;
        this.#setHearing(false);
        this.#options.onNotice({ type: 'consumer-ended', reason, detail });
        void this.#begin();
      },
    };
  }

  #share(): number {
    return this.#options.share?.() ?? 1;
  }

  /** Half of it is enough to fetch some messages while the caller works on others. */
  #prefetchMax(): number {
    return this.#share() > 1 ? PREFETCH_MAX / 2 : PREFETCH_MAX;
  }

  #hold(message: Heard, info: DeliveryInfo): void {
    const { sequence, storedAt, pending } = info;
    this.#pending = pending;
    if (sequence < this.#next) return;
    if (this.#options.isWholeStream && sequence > this.#next)
      this.#gaps.push({ from: this.#next, to: sequence - 1 });
    this.#next = sequence + 1;
    const { subject, payload } = message;
    this.#marks?.pass({ sequence, storedAt });
    this.#held.push({ sequence, storedAt, subject, payload });
    this.#heldBytes += payload.length;
    // What one read of the socket brought is delivered together.
    this.#delivering ??= Promise.resolve().then(() => this.#deliverAll());
  }

  async #deliverAll(): Promise<void> {
    try {
      while (this.#held.length > 0 && !this.#isStopped) {
        const batch = this.#take();
        this.#inDelivery = { messages: batch.length };
        const { clock } = this.#source;
        // A caller that works on a batch for long does not hear what has come meanwhile.
        this.#cancelDoubt = clock.after(BEHIND_MAX_MS, () => this.#setHearing(false));
        await this.#options.sink.deliver(batch);
        this.#cancelDoubt();
        this.#inDelivery = null;
        const last = batch.at(-1);
        this.#tellReadThrough(last?.sequence ?? 0);
        const isRecent = last !== undefined && clock.now() - last.storedAt <= BEHIND_MAX_MS;
        this.#setHearing(this.#consumer !== null && (isRecent || this.#hasCaughtUp()));
        this.#consumer?.pull();
      }
    } catch (cause) {
      this.#fail(cause);
    } finally {
      this.#delivering = null;
    }
  }

  /** Nothing can be delivered to a sink that failed: its owner is told, so that nobody waits behind it for news. */
  #fail(cause: unknown): void {
    const { onNotice, sink } = this.#options;
    const wasStopped = this.#isStopped;
    onNotice({ type: 'sink-failed', cause });
    try {
      this.#setHearing(false);
    } finally {
      this.#end();
      if (!wasStopped) sink.ended(cause);
    }
  }

  /** What is held, up to the next hole; a hole before it is reported first. */
  #take(): readonly StreamMessage[] {
    const [gap] = this.#gaps;
    if (gap !== undefined && this.#held[0]?.sequence === gap.to + 1) {
      this.#gaps.shift();
      this.#options.sink.gone({ ...gap, made: this.#streams[0] ?? '' });
    }
    const nextGap = this.#gaps[0];
    const size = nextGap === undefined ? -1 : this.#held.findIndex(({ sequence }) => sequence > nextGap.to);
    const batch = size === -1 ? this.#held : this.#held.slice(0, size);
    this.#held = size === -1 ? [] : this.#held.slice(size);
    for (const { payload } of batch) this.#heldBytes -= payload.length;
    return batch;
  }

  #tellReadThrough(delivered: number): void {
    if (this.#isReadThrough || this.#isStopped) return;
    const isAll = this.#consumer !== null && this.#hasCaughtUp();
    if (!isAll && delivered < (this.#heldAtFirst ?? Infinity)) return;
    this.#isReadThrough = true;
    this.#options.sink.readThrough?.();
  }

  #hasCaughtUp(): boolean {
    return this.#held.length === 0 && this.#pending === 0;
  }

  #setHearing(isHearing: boolean): void {
    if (this.#isHearing === isHearing || this.#isStopped) return;
    this.#isHearing = isHearing;
    this.#options.sink.hearing(isHearing);
  }
}
