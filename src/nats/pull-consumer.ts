/**
 * One life of a consumer: from its creation to the moment at which it can no longer be trusted.
 *
 * It speaks the pull protocol itself, because it has to know what the client library's own consumers do not tell: that
 * nothing was lost on the way (JetStream does not send again without acks), and that the server which held the consumer
 * is gone. It never repairs anything. It ends, with a reason, and its owner makes a new one at the position it holds.
 *
 * Invariants:
 * I1  `onMessage` sees the consumer's messages in order and without a hole: delivery numbers 1, 2, 3, ...
 * I2  After `onEnd` nothing more is reported; it is called once.
 * I3  Each slot has at most one request out; there are SLOTS of them, so that one is on its way while one is served.
 */
import { type MsgHdrs, nanos } from '@nats-io/nats-core';
import type { Cancel } from '../runtime/ports.ts';
import { type DeliveryInfo, parseDeliveryInfo } from './delivery-info.ts';
import type { Heard } from './listen.ts';
import type { MadeConsumer, StreamSource } from './stream-source.ts';

/** Messages per request. 500 to 1000 is where the rate no longer grows (measured). */
export const PULL_MESSAGES = 1_000;
/** Bytes per request, so that a thousand large frames do not arrive at once; shared by all who read, but never less than two of the largest messages. */
const PULL_BYTES_MAX = 8 * 1024 * 1024;
const SLOTS = 2;
/** A request that was not filled ends after this, and is made again, ms. */
const PULL_EXPIRES_MS = 10_000;
/** The server says at this interval that a request is still waiting, ms. */
const HEARTBEAT_MS = 1_000;
/** Nothing heard for this long with a request out: the consumer is lost, ms. */
const SILENCE_MAX_MS = 3_000;
/** How often silence is looked for, ms. */
const WATCH_INTERVAL_MS = 500;
/** Idle for this long: ask the server whether it has sent more than arrived, ms. */
const IDLE_CHECK_MS = 2_000;

/** Why a consumer's life ended. */
export type ConsumerEnd = 'stopped' | 'disconnected' | 'silent' | 'lost-in-transit' | 'refused';

/** What a consumer tells its owner. */
export interface ConsumerEvents {
  onMessage(message: Heard, info: DeliveryInfo): void;
  /** Asked before each request: is there room for PULL_MESSAGES more, besides `outstanding`? */
  hasRoom(outstanding: number): boolean;
  onEnd(reason: ConsumerEnd, detail: string): void;
}

/** What to read. */
export interface ConsumerSource {
  readonly source: StreamSource;
  readonly stream: string;
  /** None: all that the stream holds. */
  readonly subjects: readonly string[];
  /** The first stream sequence to read. */
  readonly startSequence: number;
  /** How many consumers share the bytes of requests. */
  readonly share: () => number;
}

interface Slot {
  readonly inbox: string;
  readonly subscription: { unsubscribe(): void };
  /** Number of the request that is out, or was last. */
  request: number;
  /** Messages the request may still bring; 0: none is out. */
  wanted: number;
}

/** A consumer without acks, kept in the server's memory under a name of its own. */
export class PullConsumer {
  /** How many messages had not been sent when the consumer was made. */
  readonly pendingAtStart: number;
  readonly #source: StreamSource;
  readonly #stream: string;
  readonly #share: () => number;
  readonly #events: ConsumerEvents;
  readonly #name: string;
  readonly #slots: readonly Slot[];
  readonly #unlisten: () => void;
  #cancelWatch: Cancel = () => undefined;
  #deliveryNo = 0;
  #lastHeardAt: number;
  #lastMessageAt: number;
  #lastWatchAt: number;
  /** The delivery number at which the server last claimed to have sent more; `null` when it did not. */
  #missingSince: number | null = null;
  #isChecking = false;
  #hasEnded = false;

  /** Makes the consumer on the server. Throws what the JetStream API throws. */
  static async start(options: ConsumerSource, events: ConsumerEvents): Promise<PullConsumer> {
    const { source, stream, subjects, startSequence } = options;
    const made = await source.makeConsumer(stream, { startSequence, subjects });
    if (!source.isConnected()) throw new Error('the connection to the hub was lost');
    return new PullConsumer(options, events, made);
  }

  private constructor({ source, stream, share }: ConsumerSource, events: ConsumerEvents, made: MadeConsumer) {
    this.#source = source;
    this.#stream = stream;
    this.#share = share;
    this.#events = events;
    this.#name = made.name;
    this.pendingAtStart = made.pending;
    this.#lastHeardAt = this.#lastMessageAt = this.#lastWatchAt = source.clock.monotonic();
    this.#slots = Array.from({ length: SLOTS }, () => this.#newSlot());
    this.#watch();
    this.#unlisten = source.onChange((isConnected) => {
      if (!isConnected) this.#end('disconnected', 'the connection to the hub was lost');
    });
  }

  #bytesMax(): number {
    return Math.max(Math.floor(PULL_BYTES_MAX / this.#share()), 2 * this.#source.payloadMax());
  }

  /** Requests more if there is room: call it whenever there may be. */
  pull(): void {
    for (const slot of this.#slots) {
      if (slot.wanted > 0) continue;
      if (this.#hasEnded || !this.#events.hasRoom(this.#outstanding())) return;
      slot.request += 1;
      slot.wanted = PULL_MESSAGES;
      if (this.#outstanding() === PULL_MESSAGES) this.#lastHeardAt = this.#source.clock.monotonic();
      const request = {
        batch: PULL_MESSAGES,
        max_bytes: this.#bytesMax(),
        expires: nanos(PULL_EXPIRES_MS),
        idle_heartbeat: nanos(HEARTBEAT_MS),
      };
      this.#source.pull(this.#stream, this.#name, request, `${slot.inbox}.${String(slot.request)}`);
    }
  }

  stop(): void {
    this.#end('stopped', 'it is no longer needed');
  }

  #outstanding(): number {
    return this.#slots.reduce((sum, slot) => sum + slot.wanted, 0);
  }

  #newSlot(): Slot {
    const inbox = this.#source.newInbox();
    const subscription = this.#source.listen({
      subject: `${inbox}.*`,
      handle: (message) => {
        if (!this.#hasEnded) this.#receive(slot, message);
      },
      refused: (error) => this.#end('refused', error.message),
    });
    const slot: Slot = { inbox, subscription, request: 0, wanted: 0 };
    return slot;
  }

  #receive(slot: Slot, message: Heard): void {
    this.#lastHeardAt = this.#source.clock.monotonic();
    const info = parseDeliveryInfo(message.reply ?? '');
    if (info === null) {
      if (message.subject === `${slot.inbox}.${String(slot.request)}`)
        this.#receiveStatus(slot, message.headers);
      return;
    }
    if (info.deliveryNo !== this.#deliveryNo + 1) {
      const detail = `delivery ${String(info.deliveryNo)} came after ${String(this.#deliveryNo)}`;
      this.#end('lost-in-transit', detail);
      return;
    }
    this.#deliveryNo = info.deliveryNo;
    this.#lastMessageAt = this.#lastHeardAt;
    slot.wanted = Math.max(0, slot.wanted - 1);
    this.#events.onMessage(message, info);
    if (slot.wanted === 0) this.pull();
  }

  /** Statuses of a request: 100 it waits, 404 and 408 it ended unfilled, 409 it ended for the reason given. */
  #receiveStatus(slot: Slot, headers: MsgHdrs | null): void {
    const code = headers?.code ?? 0;
    const description = headers?.description ?? '';
    if (code === 100) return;
    const isSpent =
      code === 404 || code === 408 || (code === 409 && /max ?bytes|batch completed/i.test(description));
    if (!isSpent) {
      this.#end('refused', `${String(code)} ${description}`);
      return;
    }
    slot.wanted = 0;
    this.pull();
  }

  #watch(): void {
    this.#cancelWatch = this.#source.clock.after(WATCH_INTERVAL_MS, () => {
      this.#watch();
      this.#lookForSilence();
    });
  }

  #lookForSilence(): void {
    const now = this.#source.clock.monotonic();
    // When this process itself stood still, what was sent meanwhile is still waiting in the socket.
    if (now - this.#lastWatchAt > 2 * WATCH_INTERVAL_MS) this.#lastHeardAt = now;
    this.#lastWatchAt = now;
    if (this.#outstanding() === 0) return;
    if (now - this.#lastHeardAt > SILENCE_MAX_MS) {
      this.#end('silent', `no heartbeat of consumer ${this.#name} for ${String(SILENCE_MAX_MS)} ms`);
      return;
    }
    if (now - this.#lastMessageAt > IDLE_CHECK_MS) void this.#compareWithServer();
  }

  /** A hole at the very end shows in no delivery number. It counts when the server claims it twice, unchanged. */
  async #compareWithServer(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    const before = this.#deliveryNo;
    try {
      const sent = await this.#source.sentBy(this.#stream, this.#name);
      if (this.#hasEnded || this.#deliveryNo !== before) return;
      if (sent > before && this.#missingSince === before) {
        const detail = `the hub has sent ${String(sent)} messages, ${String(before)} arrived`;
        this.#end('lost-in-transit', detail);
      }
      this.#missingSince = sent > before ? before : null;
      this.#lastMessageAt = this.#source.clock.monotonic();
    } catch (error) {
      this.#end('refused', error instanceof Error ? error.message : String(error));
    } finally {
      this.#isChecking = false;
    }
  }

  #end(reason: ConsumerEnd, detail: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#cancelWatch();
    this.#unlisten();
    for (const slot of this.#slots) slot.subscription.unsubscribe();
    this.#events.onEnd(reason, detail);
  }
}
