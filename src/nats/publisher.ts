/**
 * Stores messages in streams: many at a time, in order, until the hub has acknowledged each.
 *
 * Whatever goes wrong (a lost connection, a timeout, a refusal), everything that is not acknowledged is
 * sent again in the same order; what the hub did store meanwhile it knows by its id (`Nats-Msg-Id`) and drops, if the
 * outage was shorter than the stream's duplicate window. After a longer one a message may be in the stream twice, and
 * after a refusal of a single message it may stand after its successors: the journal number in it tells.
 *
 * Invariants:
 * I1  A message is sent only after every message before it has been sent.
 * I2  At most WINDOW_MESSAGES and WINDOW_BYTES are sent and not acknowledged.
 * I3  Nothing is handed to a connection that is not there: the client library would keep it and send it some time.
 * I4  Nothing is sent of what was given up.
 */
import type { Cancel, Publication } from '../runtime/ports.ts';

/** Messages that may be under way: more no longer raise the rate. */
const WINDOW_MESSAGES = 512;
/** Bytes that may be under way, so that a frozen hub does not fill the memory of this process. */
const WINDOW_BYTES = 4 * 1024 * 1024;
/** An acknowledgement that takes longer is taken for lost, ms. */
const ACK_TIMEOUT_MS = 3_000;
/** Before sending again what was refused or not acknowledged, ms. */
const RETRY_MS = 500;
/** Room for headers and subject beside a payload. */
const HEADER_BYTES_MAX = 2_048;

/** What comes back for a message. */
export interface PublishAnswer {
  /** The status in its headers, where there is one. */
  readonly code: number | null;
  readonly payload: Uint8Array;
}

/** All that a publisher needs of the world: one connection to the hub, and time. */
export interface PublisherPort {
  /** True while messages can leave. */
  isConnected(): boolean;
  /** Calls `listener` with every change of `isConnected`, until the returned function is called. */
  onChange(listener: (isConnected: boolean) => void): () => void;
  /** The largest message, headers included. */
  messageBytesMax(): number;
  /** Sends a message, whose answer will bear `number`. Nothing is known until there is one. */
  send(message: Publication, number: number): void;
  /** Calls `listener` with each answer, until the returned function is called. */
  onAnswer(listener: (number: number, answer: PublishAnswer) => void): () => void;
  /** Ms that only grow. */
  monotonic(): number;
  after(delayMs: number, work: () => void): Cancel;
}

/** Something an operator may want to know. */
export type PublisherNotice =
  /** `messages` messages are sent again. */
  | { readonly type: 'publish-retried'; readonly messages: number; readonly detail: string }
  /** The message is larger than the hub takes, and so was left out. What it told is in the store. */
  | {
      readonly type: 'publish-too-large';
      readonly subject: string;
      readonly id: string;
      readonly bytes: number;
    };

interface Call {
  /** Messages not acknowledged yet. */
  left: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Entry {
  readonly message: Publication;
  readonly call: Call;
  sentAt: number;
}

/** Publishes with acknowledgements over one connection. */
export class Publisher {
  readonly #port: PublisherPort;
  readonly #onNotice: (notice: PublisherNotice) => void;
  readonly #unlisten: readonly (() => void)[];
  #waiting: Entry[] = [];
  #waitingFrom = 0;
  /** By the number that the answer will bear; in the order of sending. */
  readonly #underWay = new Map<number, Entry>();
  #underWayBytes = 0;
  #lastNumber = 0;
  #cancelWatch: Cancel | null = null;
  #cancelRetry: Cancel | null = null;
  #isStopped = false;

  constructor(port: PublisherPort, onNotice: (notice: PublisherNotice) => void) {
    this.#port = port;
    this.#onNotice = onNotice;
    this.#unlisten = [
      port.onAnswer((number, answer) => this.#receive(number, answer)),
      port.onChange((isConnected) => {
        if (isConnected) this.#send();
        else this.#sendAgain('the connection to the hub was lost');
      }),
    ];
  }

  /** Resolves when all are stored; rejects only when the publisher is stopped, or `signal` aborted, before. */
  publish(messages: readonly Publication[], signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isStopped || signal?.aborted === true) {
        const what = this.#isStopped ? 'the publisher has been stopped' : 'publishing was given up';
        reject(new Error(what));
        return;
      }
      const sendable = messages.filter((message) => !this.#isTooLarge(message));
      if (sendable.length === 0) {
        resolve();
        return;
      }
      const giveUp = (): void => this.#giveUp(call);
      const stored = (): void => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      };
      const call: Call = { left: sendable.length, resolve: stored, reject };
      signal?.addEventListener('abort', giveUp);
      for (const message of sendable) this.#waiting.push({ message, call, sentAt: 0 });
      this.#send();
    });
  }

  /** Gives up what is not acknowledged: its `publish` rejects. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#cancelWatch?.();
    this.#cancelRetry?.();
    for (const unlisten of this.#unlisten) unlisten();
    const calls = new Set(
      [...this.#underWay.values(), ...this.#waiting.slice(this.#waitingFrom)].map(({ call }) => call),
    );
    for (const call of calls) call.reject(new Error('the publisher was stopped before the hub acknowledged'));
  }

  /** What is under way already may still be stored; nothing of it is sent again. */
  #giveUp(call: Call): void {
    this.#waiting = this.#waiting.slice(this.#waitingFrom).filter((entry) => entry.call !== call);
    this.#waitingFrom = 0;
    for (const [number, entry] of this.#underWay) if (entry.call === call) this.#forget(number, entry);
    call.reject(new Error('publishing was given up before the hub acknowledged'));
    this.#send();
  }

  #forget(number: number, { message }: Entry): void {
    this.#underWay.delete(number);
    this.#underWayBytes -= message.payload.length;
  }

  #isTooLarge({ subject, id, payload }: Publication): boolean {
    const bytes = payload.length;
    if (bytes + HEADER_BYTES_MAX <= this.#port.messageBytesMax()) return false;
    this.#onNotice({ type: 'publish-too-large', subject, id, bytes });
    return true;
  }

  #send(): void {
    while (this.#cancelRetry === null && !this.#isStopped && this.#port.isConnected()) {
      const entry = this.#waiting[this.#waitingFrom];
      if (
        entry === undefined ||
        this.#underWay.size >= WINDOW_MESSAGES ||
        this.#underWayBytes >= WINDOW_BYTES
      )
        break;
      this.#waitingFrom += 1;
      this.#sendOne(entry);
    }
    if (this.#waitingFrom === this.#waiting.length || this.#waitingFrom > WINDOW_MESSAGES) {
      this.#waiting = this.#waiting.slice(this.#waitingFrom);
      this.#waitingFrom = 0;
    }
  }

  #sendOne(entry: Entry): void {
    this.#lastNumber += 1;
    entry.sentAt = this.#port.monotonic();
    this.#underWay.set(this.#lastNumber, entry);
    this.#underWayBytes += entry.message.payload.length;
    this.#port.send(entry.message, this.#lastNumber);
    this.#cancelWatch ??= this.#port.after(ACK_TIMEOUT_MS, () => this.#lookForLoss());
  }

  #receive(number: number, answer: PublishAnswer): void {
    const entry = this.#underWay.get(number);
    // An answer to a message that was sent again meanwhile: the later one counts.
    if (entry === undefined) return;
    const problem = ackProblem(answer);
    if (problem !== null) {
      this.#sendAgain(`${entry.message.subject}: ${problem}`);
      return;
    }
    this.#forget(number, entry);
    entry.call.left -= 1;
    if (entry.call.left === 0) entry.call.resolve();
    this.#send();
  }

  /** Whether the oldest message has waited for too long; looks again when that could be. */
  #lookForLoss(): void {
    this.#cancelWatch = null;
    const [oldest] = this.#underWay.values();
    if (oldest === undefined) return;
    const leftMs = oldest.sentAt + ACK_TIMEOUT_MS - this.#port.monotonic();
    if (leftMs > 0) this.#cancelWatch = this.#port.after(leftMs, () => this.#lookForLoss());
    else this.#sendAgain(`${oldest.message.subject}: not acknowledged within ${String(ACK_TIMEOUT_MS)} ms`);
  }

  #sendAgain(detail: string): void {
    if (this.#underWay.size > 0) {
      this.#onNotice({ type: 'publish-retried', messages: this.#underWay.size, detail });
      this.#waiting = [...this.#underWay.values(), ...this.#waiting.slice(this.#waitingFrom)];
      this.#waitingFrom = 0;
      this.#underWay.clear();
      this.#underWayBytes = 0;
    }
    this.#cancelRetry ??= this.#port.after(RETRY_MS, () => {
      this.#cancelRetry = null;
      this.#send();
    });
  }
}

/** Why an answer is no acknowledgement, or `null` when it is one. */
function ackProblem({ code, payload }: PublishAnswer): string | null {
  // Nobody listens on the subject: the stream is not there.
  if (code === 503) return 'no stream takes it';
  // {"stream":"CHANGES","seq":7}: what nearly every answer looks like is not worth a JSON parser.
  if (payload[2] === 0x73 && payload[3] === 0x74) return null;
  try {
    const { error } = JSON.parse(Buffer.from(payload).toString()) as { error?: { description?: string } };
    return error === undefined ? null : (error.description ?? 'refused without a reason');
  } catch {
    return 'the answer is not an acknowledgement';
  }
}
