/**
 * The bus port on NATS: commands down to the sites, publications into the streams, requests of backends and their answers.
 */
import { headers, type Msg } from '@nats-io/nats-core';
import type { ReplyAddress } from '../../actors/twin.ts';
import type { BackendRequest, Bus } from '../runtime/ports.ts';
import { encodeFailure, encodeRefusal } from '../wire/reply.ts';
import { replyEncodingOf } from '../wire/request.ts';
import { SERVICE_ERROR_HEADERS, type ServiceError } from '../wire/service-error.ts';
import { parseRequestSubject, partitionRequests, siteCommand } from '../wire/subjects.ts';
import type { HubConnection } from './connect.ts';
import { type EndpointStats, OWNER_QUEUE } from './endpoints.ts';
import { Publisher, type PublisherNotice } from './publisher.ts';

/** Something an operator may want to know. */
export type BusNotice =
  | PublisherNotice
  /** A command was not sent, because the hub is away; the twin sends it again while it may still start. */
  | { readonly type: 'command-dropped'; readonly site: string; readonly device: string }
  /** A request without a reply subject: nobody would hear the answer. */
  | { readonly type: 'request-unanswerable'; readonly subject: string };

/** What a bus needs. */
export interface NatsBusOptions {
  readonly hub: HubConnection;
  readonly stats: EndpointStats;
  readonly onNotice: (notice: BusNotice) => void;
}

/** The bus, until it is stopped. */
export interface NatsBus extends Bus {
  /** Gives up publications that are not acknowledged. */
  stop(): void;
}

/** A bus over one connection. */
export function natsBus({ hub, stats, onNotice }: NatsBusOptions): NatsBus {
  const publisher = new Publisher(hub, onNotice);

  function reply(to: ReplyAddress, payload: Uint8Array, error?: ServiceError): void {
    const isTooLarge = payload.length + HEADER_BYTES_MAX > (hub.nats.info?.max_payload ?? Infinity);
    const answer = isTooLarge ? tooLarge(to, payload.length) : { payload, error };
    stats.ended(to.subject, answer.error);
    // A requester whose connection or whose hub is gone has stopped waiting.
    if (!hub.isConnected()) return;
    if (answer.error === undefined) hub.nats.publish(to.subject, answer.payload);
    else hub.nats.publish(to.subject, answer.payload, { headers: errorHeaders(answer.error) });
  }

  return {
    reply,
    publish: (messages) => publisher.publish(messages),
    stop: () => publisher.stop(),
    sendCommand(site, device, payload) {
      if (hub.isConnected()) hub.nats.publish(siteCommand(site, device), payload);
      else onNotice({ type: 'command-dropped', site, device });
    },
    serve(partition, handle) {
      const subscription = hub.nats.subscribe(partitionRequests(partition), {
        queue: OWNER_QUEUE,
        callback: (error, message) => {
          if (error !== null) return;
          if (message.reply === undefined || message.reply === '') {
            onNotice({ type: 'request-unanswerable', subject: message.subject });
            return;
          }
          const replyTo = { subject: message.reply, encoding: replyEncodingOf(message.data) };
          const request = requestOf(message, replyTo);
          if (request === null) {
            const { payload, error: serviceError } = notAnOperation(message.subject, replyTo);
            reply(replyTo, payload, serviceError);
            return;
          }
          stats.began(request.operation.type, replyTo.subject);
          handle(request);
        },
      });
      return async () => {
        // What is already on its way here is still handled; the next request goes to the next owner, or to nobody.
        if (!subscription.isClosed()) await subscription.drain();
      };
    },
  };
}

/** Room for headers and subject beside a payload. */
const HEADER_BYTES_MAX = 1_024;

function requestOf(message: Msg, replyTo: ReplyAddress): BackendRequest | null {
  const parsed = parseRequestSubject(message.subject);
  return parsed === null ? null : { ...parsed, payload: message.data, replyTo };
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

function errorHeaders({ code, text }: ServiceError): ReturnType<typeof headers> {
  const heads = headers();
  heads.set(SERVICE_ERROR_HEADERS.code, String(code));
  // A header is one line.
  heads.set(SERVICE_ERROR_HEADERS.text, text.replace(/[\r\n]+/g, ' '));
  return heads;
}
