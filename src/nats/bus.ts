/**
 * The bus port on NATS: commands down to the sites, publications into the streams, requests of backends and their answers.
 */
import { headers, type PublishOptions } from '@nats-io/nats-core';
import type { ReplyAddress } from '../../actors/twin.ts';
import type { BackendRequest, Bus, Publication } from '../runtime/ports.ts';
import { encodeFailure, encodeRefusal } from '../wire/reply.ts';
import { replyEncodingOf } from '../wire/request.ts';
import type { ServiceError } from '../wire/service-error.ts';
import { parseRequestSubject, partitionRequests, siteCommand } from '../wire/subjects.ts';
import type { Trace } from '../wire/trace.ts';
import type { HubConnection } from './connect.ts';
import { EndpointStats, OWNER_QUEUE } from './endpoints.ts';
import { isMappingCheck } from './hub.ts';
import { errorHeaders, type Heard, listenToRequests, stopListening } from './listen.ts';
import { Publisher, type PublisherNotice } from './publisher.ts';
import { publisherPort } from './publisher-port.ts';
import { readTrace, writeTrace } from './trace-headers.ts';

/** Something an operator may want to know. */
export type BusNotice =
  | PublisherNotice
  /** A command was not sent, because the hub is away or the site's name is no part of a subject; the twin sends it again while it may still start. */
  | { readonly type: 'command-dropped'; readonly site: string; readonly device: string }
  /** A request without a reply subject: nobody would hear the answer. */
  | { readonly type: 'request-unanswerable'; readonly subject: string }
  /** A request's `traceparent` is not of the standard's form: the request is served without a trace. */
  | { readonly type: 'trace-ignored'; readonly subject: string; readonly found: string };

/** What a bus needs. */
export interface NatsBusOptions {
  /** For what the runtime says: commands and publications. */
  readonly hub: HubConnection;
  /**
   * For what backends ask, and the answers. A connection of its own: the server drops one that does not take in time what is sent to
   * it, and how much that is decide those who ask.
   */
  readonly requests: HubConnection;
  readonly onNotice: (notice: BusNotice) => void;
}

/** Room for headers and subject beside a payload. */
const HEADER_BYTES_MAX = 2_048;
/** So much of what cannot be read is told, characters. */
const QUOTED_MAX = 80;

/** A bus over two connections, so that no flood of requests keeps reports from being heard and commands from being sent. */
export class NatsBus implements Bus {
  /** What backends asked here, and how it went. */
  readonly stats = new EndpointStats();
  readonly #hub: HubConnection;
  readonly #requests: HubConnection;
  readonly #onNotice: (notice: BusNotice) => void;
  readonly #publisher: Publisher;

  constructor({ hub, requests, onNotice }: NatsBusOptions) {
    this.#hub = hub;
    this.#requests = requests;
    this.#onNotice = onNotice;
    this.#publisher = new Publisher(publisherPort(hub), onNotice);
  }

  /** Gives up publications that are not acknowledged: their `publish` rejects. */
  stop(): void {
    this.#publisher.stop();
  }

  publish(messages: readonly Publication[], signal?: AbortSignal): Promise<void> {
    return this.#publisher.publish(messages, signal);
  }

  sendCommand(site: string, device: string, payload: Uint8Array, trace: Trace | null): void {
    if (
      this.#hub.isConnected() &&
      this.#hand(this.#hub, siteCommand(site, device), payload, optionsOf(trace, undefined))
    )
      return;
    this.#onNotice({ type: 'command-dropped', site, device });
  }

  reply(to: ReplyAddress, payload: Uint8Array, error?: ServiceError): void {
    const isTooLarge =
      payload.length + HEADER_BYTES_MAX > (this.#requests.nats.info?.max_payload ?? Infinity);
    const answer = isTooLarge ? tooLarge(to, payload.length) : { payload, error };
    const trace = this.stats.ended(to.subject, answer.error);
    // A requester whose connection or whose hub is gone has stopped waiting.
    if (!this.#requests.isConnected()) return;
    this.#hand(this.#requests, to.subject, answer.payload, optionsOf(trace, answer.error));
  }

  /** Hands a message to the connection. What it does not take is counted, and keeps nothing else from being done. */
  #hand(over: HubConnection, subject: string, payload: Uint8Array, options: PublishOptions): boolean {
    try {
      over.nats.publish(subject, payload, options);
      return true;
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      over.trouble({ type: 'not-sent', subject: subject.slice(0, QUOTED_MAX), detail });
      return false;
    }
  }

  serve(partition: number, handle: (request: BackendRequest) => void): () => Promise<void> {
    const subscription = listenToRequests(this.#requests, {
      subject: partitionRequests(partition),
      queue: OWNER_QUEUE,
      handle: (message) => this.#take(message, handle),
    });
    // What is already on its way here is still handled; the next request goes to the next owner, or to nobody.
    return () => stopListening(subscription);
  }

  #take(message: Heard, handle: (request: BackendRequest) => void): void {
    const replyTo = replyAddressOf(message);
    const parsed = parseRequestSubject(message.subject);
    if (replyTo === null) {
      if (parsed !== null && isMappingCheck(parsed)) return;
      this.#onNotice({ type: 'request-unanswerable', subject: message.subject });
      return;
    }
    if (parsed === null) {
      const { payload, error } = notAnOperation(message.subject, replyTo);
      this.reply(replyTo, payload, error);
      return;
    }
    const trace = this.#traceOf(message);
    this.stats.began(parsed.operation.type, replyTo.subject, trace);
    handle({ ...parsed, payload: message.payload, replyTo, trace });
  }

  #traceOf({ subject, headers: heads }: Heard): Trace | null {
    const read = readTrace(heads);
    if (read.type === 'unreadable')
      this.#onNotice({ type: 'trace-ignored', subject, found: read.found.slice(0, QUOTED_MAX) });
    return read.type === 'trace' ? read.trace : null;
  }
}

/** Where a request is to be answered; `null` when it does not say. */
export function replyAddressOf({ reply, payload }: Heard): ReplyAddress | null {
  return reply === null ? null : { subject: reply, encoding: replyEncodingOf(payload) };
}

function notAnOperation(subject: string, { encoding }: ReplyAddress): ReturnType<typeof encodeRefusal> {
  const detail = `${subject} asks for nothing: it is get, ledger, desired or command.<name>`;
  return encodeRefusal({ id: null, code: 'bad-arguments', detail, state: null, allowed: [] }, encoding);
}

function tooLarge({ encoding }: ReplyAddress, bytes: number): ReturnType<typeof encodeFailure> {
  return encodeFailure(
    'internal',
    `the answer has ${String(bytes)} bytes, more than the hub carries`,
    encoding,
  );
}

function optionsOf(trace: Trace | null, error: ServiceError | undefined): PublishOptions {
  if (trace === null && error === undefined) return {};
  const heads = error === undefined ? headers() : errorHeaders(error);
  if (trace !== null) writeTrace(heads, trace);
  return { headers: heads };
}
