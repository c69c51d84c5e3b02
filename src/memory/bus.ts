/**
 * The bus port on the hub in memory. Payloads are copied on their way, as a network would. Messages have no headers there, so a
 * trace ends here.
 *
 * Publications that a cut link swallowed, or the hub refused, are sent again in order; what the hub did store it knows by its id.
 * Commands and answers are sent once.
 */
import type { ReplyAddress } from '../../actors/twin.ts';
import type { BackendRequest, Bus, Cancel, Clock, Publication } from '../runtime/ports.ts';
import type { ServiceError } from '../wire/service-error.ts';
import type { MemoryFindRequest, MemoryHub } from './hub.ts';
import type { MemoryLink } from './link.ts';
import { type MessageStream, NotStored } from './message-stream.ts';

/** Before sending again what was refused, or not acknowledged, ms: as on NATS. */
const RETRY_MS = 500;
const ACK_TIMEOUT_MS = 3_000;

interface Pending {
  readonly message: Publication;
  readonly stream: MessageStream;
  readonly stored: () => void;
  readonly givenUp: (error: Error) => void;
}

/** A node's bus. `clock` is the hub's: it stamps what is stored. */
export class MemoryBus implements Bus {
  readonly #hub: MemoryHub;
  readonly #link: MemoryLink;
  readonly #clock: Clock;
  readonly #unlisten: () => void;
  readonly #pending = new Set<Pending>();
  #cancelRetry: Cancel | null = null;
  #isStopped = false;

  constructor(options: { readonly hub: MemoryHub; readonly link: MemoryLink; readonly clock: Clock }) {
    this.#hub = options.hub;
    this.#link = options.link;
    this.#clock = options.clock;
    let before = options.link.state;
    this.#unlisten = options.link.onChange((state) => {
      if (state === 'up' && before === 'cut') this.#sendAll();
      before = state;
    });
  }

  /** Gives up publications that are not stored: their `publish` rejects. */
  stop(): void {
    this.#isStopped = true;
    this.#unlisten();
    this.#cancelRetry?.();
    this.#giveUp(this.#pending, 'the bus was stopped before the hub acknowledged');
  }

  sendCommand(site: string, device: string, payload: Uint8Array): void {
    const copy = payload.slice();
    this.#link.send('command', () => this.#hub.routeCommand(site, device, copy));
  }

  async publish(messages: readonly Publication[], signal?: AbortSignal): Promise<void> {
    if (this.#isStopped) throw new Error('the bus has been stopped');
    if (signal?.aborted === true) throw new Error('publishing was given up');
    const sent: Pending[] = [];
    const giveUp = (): void => this.#giveUp(sent, 'publishing was given up before the hub acknowledged');
    signal?.addEventListener('abort', giveUp);
    await Promise.all(
      messages.map((message) => {
        const stream = this.#streamOf(message.subject);
        const copy = { ...message, payload: message.payload.slice() };
        return new Promise<void>((stored, givenUp) => {
          const pending = { message: copy, stream, stored, givenUp };
          sent.push(pending);
          this.#pending.add(pending);
          this.#send(pending);
        });
      }),
    );
    signal?.removeEventListener('abort', giveUp);
  }

  #giveUp(all: Iterable<Pending>, because: string): void {
    for (const pending of all) {
      this.#pending.delete(pending);
      pending.givenUp(new Error(because));
    }
  }

  reply(to: ReplyAddress, payload: Uint8Array, error?: ServiceError): void {
    const copy = payload.slice();
    this.#link.send('reply', () => this.#hub.routeReply(to, copy, error ?? null));
  }

  serve(partition: number, handle: (request: BackendRequest) => void): () => Promise<void> {
    const stop = this.#hub.serve(partition, { link: this.#link, handle });
    return async () => stop();
  }

  /** Takes requests on `fleet.find` until the returned function has been called. */
  serveFind(handle: (request: MemoryFindRequest) => void): () => void {
    return this.#hub.serveFind({ link: this.#link, handle });
  }

  #sendAll(): void {
    for (const pending of this.#pending) this.#send(pending);
  }

  #sendAllAfter(delayMs: number): void {
    if (this.#isStopped) return;
    this.#cancelRetry ??= this.#clock.after(delayMs, () => {
      this.#cancelRetry = null;
      this.#sendAll();
    });
  }

  #send(pending: Pending): void {
    this.#link.send('publication', () => {
      const { subject, payload, id } = pending.message;
      try {
        pending.stream.append({ subject, payload, id, now: this.#clock.now() });
      } catch (error) {
        if (!(error instanceof NotStored)) throw error;
        if (error.refusal === 'silent') this.#sendAllAfter(ACK_TIMEOUT_MS);
        else this.#link.receive('acknowledgement', () => this.#sendAllAfter(RETRY_MS));
        return;
      }
      this.#link.receive('acknowledgement', () => {
        this.#pending.delete(pending);
        pending.stored();
      });
    });
  }

  #streamOf(subject: string): MessageStream {
    if (/^twin\.[^.]+\.(changed|outcome)$/.test(subject)) return this.#hub.changes;
    if (/^deadletter\.[^.]+\.[^.]+$/.test(subject)) return this.#hub.deadLetters;
    throw new Error(`no stream takes ${subject}`);
  }
}
