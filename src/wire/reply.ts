/**
 * What backends are told, as it stands on the wire (wire contract 2.3, 2.4, 3): the bodies of replies and of what is
 * published. Times are whole ms epoch under names that end in `At`, absent knowledge is `null`, never left out.
 *
 *   twin.<id>.get                    the twin document
 *   twin.<id>.command.*, .ledger     CommandOutcome
 *   twin.<id>.desired                {version, delta}
 *   fleet.find                       {devices: [twin document], cursor?}
 *   refused, whatever was asked      RefusalBody, and its code in the service error headers
 *   not answered by the owner        FailureBody, and its code in the service error headers
 *   twin.<id>.changed                ChangedBody
 *   twin.<id>.outcome                OutcomeBody
 *   deadletter.<reason>.<partition>  DeadLetterBody
 */
import type { FirstUse, Reply, Refusal, RefusalCode, Transition } from '../../actors/decision.ts';
import type { TwinDocument } from '../../actors/document.ts';
import type { LedgerEntry, Outcome } from '../../actors/ledger.ts';
import type { BackendRequest, DeadLetter, Forgetting, JournalLine } from '../runtime/ports.ts';
import { encode, type Encoding } from './codec.ts';
import { type FailureCode, FAILURES, REFUSAL_ERROR_CODES, type ServiceError } from './service-error.ts';

/** A command as the ledger has it: the reply to `command` and `ledger`. */
export interface CommandOutcome {
  readonly id: string;
  readonly outcome: Outcome;
  readonly device: string;
  readonly n: number;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** On whose behalf, as the caller wrote it. */
  readonly by: string | null;
  /** Who asked, proved: `nats:<account>` or `http:<token name>`; `null` for what the twin commands by itself. */
  readonly asker: string | null;
  /** The device's reason for `rejected`, or why it is `expired` or `unknown`. */
  readonly reason: string | null;
  /** What proved the outcome, by its name and in words: `ring-entry: report 3/17 names it done`. */
  readonly proof: string | null;
  readonly acceptedAt: number;
  readonly sentAt: number;
  /** After this it cannot start any more. */
  readonly certainAt: number;
  readonly decidedAt: number | null;
  /** When no other outcome can follow; `null` while one may. */
  readonly closedAt: number | null;
  /**
   * The command that undoes this one, or `null`: for a caller whose late `done` is not wanted any more. It is never sent of
   * itself.
   */
  readonly compensatedBy: string | null;
  /** What executing it ends besides, in the state in which it was accepted: the session, the reservation. Absent where nothing. */
  readonly ends?: string;
}

/** The twin refused: nothing was sent, and asking again changes nothing until the reason is gone. */
export interface RefusalBody {
  readonly id: string | null;
  readonly outcome: 'refused';
  readonly code: RefusalCode;
  readonly detail: string;
  /** The state it was refused in; `null` for an unknown device. */
  readonly state: string | null;
  /** Commands that would be accepted now. */
  readonly allowed: readonly string[];
  /** For `id-reused`: what the id names already. */
  readonly firstUse?: FirstUse;
}

/** An answer that decides nothing; what it means for a command follows from its code (`acceptance.ts`). */
export interface FailureBody {
  readonly outcome: 'failed';
  readonly code: FailureCode;
  readonly detail: string;
}

/** Reply to `desired`: the version that holds the patch, and what the device has not applied of it. */
export interface DesiredReply {
  readonly version: number;
  readonly delta: Readonly<Record<string, unknown>>;
}

/** `twin.<id>.changed`: a line of the journal, and the twin's document as it stood when the line was published. */
export interface ChangedBody<Document extends object = object> extends Transition {
  readonly partition: number;
  /** Journal number: grows by any step within the partition, and is never given again, also by a database that was set back. */
  readonly no: number;
  readonly twin: Document;
}

/** `twin.<id>.outcome`: a command's outcome became known. */
export interface OutcomeBody extends CommandOutcome {
  readonly partition: number;
  readonly no: number;
}

/** `deadletter.<reason>.<partition>`: a message that could not be read. */
export interface DeadLetterBody extends DeadLetter {
  readonly no: number;
}

/** `twin.<id>.changed` for the last time: the device is forgotten. It has no `twin`. */
export interface ForgottenBody {
  readonly device: string;
  readonly partition: number;
  readonly no: number;
  readonly forgotten: Omit<Forgetting, 'device'>;
}

/**
 * Whether a forgotten device may still execute a command that it was sent:
 * - `nothing`: it may not;
 * - `until`: until a time that is told beside it;
 * - `undecided`: at any time. The device has named it `undecided`, so that it is in flight beyond it, and no time ends that;
 * - `not-known`: nobody can tell: it was forgotten before, and what was answered then is not kept; or its twin could not be read.
 */
export const IN_FLIGHT = ['nothing', 'until', 'undecided', 'not-known'] as const;
export type InFlight = (typeof IN_FLIGHT)[number];

/** Reply to `forget`. */
export interface ForgetReply extends Forgetting {
  readonly outcome: 'forgotten';
  /** It was forgotten before, as it says here. */
  readonly isRepeated: boolean;
  readonly inFlight: InFlight;
  /** With `until`: a command may still be executed until then, ms epoch. Otherwise `null`, which says nothing of its own. */
  readonly inFlightUntil: number | null;
}

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
  operation: BackendRequest['operation']['type'],
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
    ...{ id, outcome: 'refused', code, detail, state, allowed },
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
  line: Extract<JournalLine, { type: 'transition' }>,
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
  { partition, no, forgetting }: Extract<JournalLine, { type: 'forgotten' }>,
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
  line: Extract<JournalLine, { type: 'outcome' }>,
  encoding: Encoding,
): Uint8Array {
  const body: OutcomeBody = { ...commandOutcome(line.entry), partition: line.partition, no: line.no };
  return encode(body, encoding);
}

/** Encodes the publication of a dead letter. */
export function encodeDeadLetter(
  line: Extract<JournalLine, { type: 'dead-letter' }>,
  encoding: Encoding,
): Uint8Array {
  const body: DeadLetterBody = { ...line.deadLetter, no: line.no };
  return encode(body, encoding);
}

/** A ledger entry as backends see it: without what only the runtime and the device need. */
export function commandOutcome(entry: LedgerEntry): CommandOutcome {
  return {
    id: entry.id,
    outcome: entry.outcome,
    device: entry.device,
    n: entry.n,
    name: entry.name,
    args: entry.args,
    by: entry.by,
    asker: entry.asker,
    reason: entry.reason,
    proof: entry.proof,
    acceptedAt: entry.acceptedAt,
    sentAt: entry.sentAt,
    certainAt: Math.ceil(entry.certainAt),
    decidedAt: entry.decidedAt,
    closedAt: entry.closedAt,
    compensatedBy: entry.compensatedBy,
    ...(entry.ends !== undefined && { ends: entry.ends }),
  };
}
