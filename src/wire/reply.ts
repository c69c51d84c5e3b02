/**
 * Writes what backends are told (`contract/reply-bodies.ts`), no longer than a message may be.
 */
import type { Reply } from '../../actors/decision.ts';
import type { NumberedDeadLetter } from '../contract/dead-letter.ts';
import type { JournalEntry } from '../contract/journal-entry.ts';
import { commandOutcome } from '../contract/ledger-entry.ts';
import type { Refusal, RefusalBody } from '../contract/refusal.ts';
import {
  type ChangedBody,
  type DesiredReply,
  type FailureBody,
  type FailureCode,
  FAILURES,
  type ForgetReply,
  type ForgottenBody,
  type OutcomeBody,
} from '../contract/reply-bodies.ts';
import type { TwinDocument } from '../contract/twin-document.ts';
import { encode, type Encoding } from './codec.ts';
import { REFUSAL_ERROR_CODES, type ServiceError } from './service-error.ts';
import type { TwinOperation } from './subjects.ts';

/** A reply ready to be sent. `error` is absent for what is no error. */
export interface EncodedReply {
  readonly payload: Uint8Array;
  readonly error?: ServiceError;
}

/** A twin's document, or no more than its name where the twin cannot be read. */
type Said = TwinDocument | { readonly device: string };

/** Encodes a twin's answer. */
export function encodeReply(reply: Reply, encoding: Encoding): EncodedReply {
  switch (reply.type) {
    case 'ledger':
      return { payload: encode(commandOutcome(reply.entry), encoding) };
    case 'desired': {
      const body: DesiredReply = { version: reply.version, delta: reply.delta };
      return { payload: encode(body, encoding) };
    }
    case 'refused':
      return encodeRefusal(reply.refusal, encoding);
    case 'undecided':
      return encodeUndecided(reply.id, encoding);
  }
}

/** Encodes that a request under this id waits until the device has answered. */
export function encodeUndecided(id: string, encoding: Encoding): EncodedReply {
  const detail = `a request with the id ${id} waits until the device has answered, and may be accepted yet; ask again with the same id`;
  return encodeFailure('undecided', detail, encoding);
}

/**
 * Encodes that a request was not decided on, and why. It is about this copy alone: what became of an earlier one with the same id has
 * not been found out.
 */
export function encodeUnavailable(
  operation: TwinOperation['type'],
  because: string,
  encoding: Encoding,
): EncodedReply {
  const remedy =
    operation === 'command'
      ? 'this copy of the command was not accepted, ask again with the same id'
      : 'ask again';
  return encodeFailure('unavailable', `${because}; ${remedy}`, encoding);
}

/**
 * The largest payload of what twins say, bytes: what a hub carries in one message by default, less what headers take. A page of
 * `fleet.find` ends before it, with a cursor; a document that would be larger leaves out what devices and backends write freely, and
 * says so in `leftOut`.
 */
export const REPLY_BYTES_MAX = 960 * 1024;

/** Encodes the reply to `get`: a twin document. */
export function encodeDocument(document: Said, encoding: Encoding): EncodedReply {
  const payload = encode(document, encoding);
  return { payload: isCarried(payload) ? payload : encode(shortened(document), encoding) };
}

/**
 * Encodes a page of `fleet.find`; `cursor` is `null` on the last one and then left out, as it is in a first request. What one message
 * cannot hold is left for the next page.
 */
export function encodeFound(
  page: { readonly devices: readonly Said[]; readonly cursor: string | null },
  encoding: Encoding,
): EncodedReply {
  const { devices, cursor } = page;
  const payload = encode(cursor === null ? { devices } : { devices, cursor }, encoding);
  if (isCarried(payload)) return { payload };
  const shown: Said[] = [];
  let bytes = PAGE_BYTES;
  for (const document of devices) {
    const alone = encode(document, encoding);
    const fitting = isCarried(alone) ? document : shortened(document);
    bytes += fitting === document ? alone.length : encode(fitting, encoding).length;
    if (shown.length > 0 && bytes > REPLY_BYTES_MAX) break;
    shown.push(fitting);
    bytes += 1;
  }
  const last = shown.length < devices.length ? (shown.at(-1)?.device ?? null) : cursor;
  return { payload: encode(last === null ? { devices: shown } : { devices: shown, cursor: last }, encoding) };
}

/** What a page takes besides its documents, bytes. */
const PAGE_BYTES = 256;

function isCarried(payload: Uint8Array): boolean {
  return payload.length <= REPLY_BYTES_MAX;
}

/** A document without what is written freely: the rest is bounded. */
function shortened(document: Said): Said {
  if (!('desired' in document)) return document;
  const { version } = document.desired;
  const desired = { version, values: {}, delta: {} };
  return { ...document, reported: {}, desired, leftOut: ['reported', 'desired'] };
}

/** Encodes a refusal. */
export function encodeRefusal(refusal: Refusal, encoding: Encoding): EncodedReply {
  const { id, code, detail, state, allowed, firstUse } = refusal;
  const body: RefusalBody = {
    id,
    outcome: 'refused',
    code,
    detail,
    state,
    allowed,
    ...(firstUse !== undefined && { firstUse }),
  };
  const error = { code: REFUSAL_ERROR_CODES[code], text: `${code}: ${detail}` };
  return { payload: encode(body, encoding), error };
}

/** Encodes an answer that decides nothing. */
export function encodeFailure(code: FailureCode, detail: string, encoding: Encoding): EncodedReply {
  const body: FailureBody = { outcome: 'failed', code, detail };
  return { payload: encode(body, encoding), error: { code: FAILURES[code], text: `${code}: ${detail}` } };
}

/** Encodes the publication of a transition, with the twin's document. */
export function encodeChanged(
  line: Extract<JournalEntry, { type: 'transition' }>,
  document: Said,
  encoding: Encoding,
): Uint8Array {
  const { partition, no, transition } = line;
  const measuredAt = Math.round(transition.measuredAt);
  const errorMs = transition.errorMs === null ? null : Math.ceil(transition.errorMs);
  const body: ChangedBody = { ...transition, measuredAt, errorMs, partition, no, twin: document };
  const payload = encode(body, encoding);
  if (isCarried(payload)) return payload;
  return encode({ ...body, twin: shortened(document) }, encoding);
}

/** Encodes that a device is forgotten. */
export function encodeForgotten(
  { partition, no, forgetting }: Extract<JournalEntry, { type: 'forgotten' }>,
  encoding: Encoding,
): Uint8Array {
  const { device, ...forgotten } = forgetting;
  const body: ForgottenBody = { device, partition, no, forgotten };
  return encode(body, encoding);
}

/** Encodes the reply to `forget`. */
export function encodeForget(reply: Omit<ForgetReply, 'outcome'>, encoding: Encoding): EncodedReply {
  const body: ForgetReply = { outcome: 'forgotten', ...reply };
  return { payload: encode(body, encoding) };
}

/** Encodes the publication of an outcome. */
export function encodeOutcome(
  line: Extract<JournalEntry, { type: 'outcome' }>,
  encoding: Encoding,
): Uint8Array {
  const body: OutcomeBody = { ...commandOutcome(line.entry), partition: line.partition, no: line.no };
  return encode(body, encoding);
}

/** Encodes the publication of a dead letter. */
export function encodeDeadLetter(
  line: Extract<JournalEntry, { type: 'dead-letter' }>,
  encoding: Encoding,
): Uint8Array {
  const body: NumberedDeadLetter = { ...line.deadLetter, no: line.no };
  return encode(body, encoding);
}
