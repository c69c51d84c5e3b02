/**
 * The one way to listen on a subject: whatever a message holds, it is read and handled inside a guard, and nothing else stops. Lint
 * keeps the client library's own `subscribe` to this file.
 *
 * The library reads headers when they are first looked at, throws where one is malformed, and takes time that grows with the square
 * of their number. So they are read here, once, and only where they are few.
 */
import { headers, type Msg, type MsgHdrs, type Subscription } from '@nats-io/nats-core';
import { encodeFailure, encodeRefusal, type EncodedReply } from '../wire/reply.ts';
import { replyEncodingOf } from '../wire/request.ts';
import { SERVICE_ERROR_HEADERS, type ServiceError } from '../wire/service-error.ts';
import type { HubConnection } from './connect.ts';

/** A longer block of headers is not read, bytes: of a request it is refused. What Corral itself reads has a tenth of that. */
export const HEADER_BYTES_MAX = 8 * 1024;
/** The same for its lines: the client library takes 30 ms for 1,000 of them, and three seconds for 16,000. */
const HEADER_LINES_MAX = 100;
const LINE_FEED = 0x0a;

/** A message, as far as it could be read. */
export interface Heard {
  readonly subject: string;
  /** Where an answer is wanted; `null` where none is, or where none can be sent to. */
  readonly reply: string | null;
  readonly payload: Uint8Array;
  /** `null` where there are none, or none that can be read. */
  readonly headers: MsgHdrs | null;
}

/** What to listen to. */
export interface Listening {
  readonly subject: string;
  /** The message goes to one of those who listen under the same name. */
  readonly queue?: string;
  /** Takes a message. Whatever it throws is counted, and disturbs no other message. */
  readonly handle: (message: Heard) => void;
  /** The server does not allow it. */
  readonly refused?: (error: Error) => void;
}

/** Listens to what asks nothing: unreadable headers are counted, and the message is handled as one without headers. */
export function listen(hub: HubConnection, listening: Listening): Subscription {
  return subscribe(hub, listening, null);
}

/**
 * Listens to those who ask: a request whose headers cannot be read is answered 400, one on which the handler fails is answered 500,
 * both wherever it says where to.
 */
export function listenToRequests(hub: HubConnection, listening: Listening): Subscription {
  return subscribe(hub, listening, (message, reply) => answer(hub, message.reply, reply));
}

/** Ends listening, once what is already on its way here has been handled. */
export async function stopListening(subscription: Subscription): Promise<void> {
  if (!subscription.isClosed()) await subscription.drain();
}

/** Answers whoever asked, if they said where. An answer that cannot be sent is counted: whoever asked waits for nothing then. */
export function answer(hub: HubConnection, to: string | null, { payload, error }: EncodedReply): void {
  if (to === null) return;
  try {
    hub.nats.publish(to, payload, error === undefined ? {} : { headers: errorHeaders(error) });
  } catch (cause) {
    hub.trouble({ type: 'not-sent', subject: quoted(to), detail: messageOf(cause) });
  }
}

/** The service error headers of an answer. */
export function errorHeaders({ code, text }: ServiceError): MsgHdrs {
  const heads = headers();
  heads.set(SERVICE_ERROR_HEADERS.code, String(code));
  // A header is one line.
  heads.set(SERVICE_ERROR_HEADERS.text, text.replace(/[\r\n]+/g, ' '));
  return heads;
}

/** The headers of a message, or why they cannot be read. */
export function headersOf(
  message: Msg,
): { readonly ok: true; readonly headers: MsgHdrs | null } | { readonly ok: false; readonly detail: string } {
  const block = headerBlockOf(message);
  if (block === null) return { ok: true, headers: null };
  if (block.length > HEADER_BYTES_MAX) {
    const detail = `headers may have ${String(HEADER_BYTES_MAX)} bytes, these have ${String(block.length)}`;
    return { ok: false, detail };
  }
  const lines = linesOf(block);
  if (lines > HEADER_LINES_MAX)
    return {
      ok: false,
      detail: `there may be ${String(HEADER_LINES_MAX)} headers, these are ${String(lines)}`,
    };
  try {
    return { ok: true, headers: message.headers ?? null };
  } catch (error) {
    return { ok: false, detail: `headers are lines of name and value: ${messageOf(error)}` };
  }
}

/** The bytes of the headers, or `null`: the library keeps them to itself. Tests say when it keeps them elsewhere. */
function headerBlockOf(message: Msg): Uint8Array | null {
  const { _msg: where, _rdata: bytes } = message as unknown as {
    readonly _msg: { readonly hdr: number };
    readonly _rdata: Uint8Array;
  };
  return where.hdr < 0 ? null : bytes.subarray(0, where.hdr);
}

function linesOf(block: Uint8Array): number {
  let lines = 0;
  for (let at = block.indexOf(LINE_FEED); at !== -1; at = block.indexOf(LINE_FEED, at + 1)) lines += 1;
  return lines;
}

type Answer = (message: Heard, reply: EncodedReply) => void;

function subscribe(
  hub: HubConnection,
  { subject, queue, handle, refused }: Listening,
  answerTo: Answer | null,
): Subscription {
  return hub.nats.subscribe(subject, {
    ...(queue === undefined ? {} : { queue }),
    callback: (error, message) => {
      if (error === null) take(hub, message, handle, answerTo);
      else refused?.(error);
    },
  });
}

function take(hub: HubConnection, message: Msg, handle: Listening['handle'], answerTo: Answer | null): void {
  const read = headersOf(message);
  const { subject, data: payload, reply = '' } = message;
  const heard: Heard = {
    subject,
    reply: isSendable(reply) && (answerTo === null || isInbox(reply)) ? reply : null,
    payload,
    headers: read.ok ? read.headers : null,
  };
  if (!read.ok) {
    hub.trouble({ type: 'message-unreadable', subject: quoted(subject), detail: read.detail });
    if (answerTo !== null) {
      answerTo(heard, refusalOf(read.detail, payload));
      return;
    }
  }
  try {
    handle(heard);
  } catch (error) {
    hub.trouble({ type: 'message-failed', subject: quoted(subject), detail: messageOf(error) });
    answerTo?.(
      heard,
      encodeFailure('internal', 'the request could not be handled', replyEncodingOf(payload)),
    );
  }
}

/** Servers take any reply subject, the client library sends to none that has something like a space in it. */
function isSendable(reply: string): boolean {
  return reply !== '' && !/\s/.test(reply);
}

/**
 * The servers' own subjects are nobody's inbox: an import hands on a reply of `$JS.ACK...` as it is, and an answer there would be an
 * acknowledgement.
 */
function isInbox(reply: string): boolean {
  return !reply.startsWith('$');
}

function refusalOf(detail: string, payload: Uint8Array): EncodedReply {
  const refusal = { id: null, code: 'bad-arguments', detail, state: null, allowed: [] } as const;
  return encodeRefusal(refusal, replyEncodingOf(payload));
}

/** So much of a subject is told, characters. */
const QUOTED_MAX = 80;

function quoted(subject: string): string {
  return subject.length <= QUOTED_MAX ? subject : `${subject.slice(0, QUOTED_MAX)}...`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
