/**
 * Bytes of a reply to what the client works with.
 */
import { type TSchema, Type } from '@sinclair/typebox';
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler';
import { CommandOutcomeSchema } from '../contract/ledger-entry.ts';
import { type RefusalBody, RefusalSchema } from '../contract/refusal.ts';
import {
  type DesiredReply,
  DesiredReplySchema,
  FailureSchema,
  type ForgetReply,
  ForgetReplySchema,
} from '../contract/reply-bodies.ts';
import type { TwinDocument } from '../contract/twin-document.ts';
import { decode } from '../wire/codec.ts';
import { REPLY_LIMITS } from '../wire/decode-limits.ts';
import { schemaProblem } from '../wire/schema-problem.ts';
import type { CommandResult } from './command-result.ts';
import { CorralBadReply } from './errors.ts';

/** A reply that is no answer to the question. */
export type Trouble =
  | { readonly type: 'refused'; readonly refusal: RefusalBody }
  /** An answer that decides nothing; `acceptanceOf` tells what its code means for a command. */
  | { readonly type: 'failed'; readonly code: string; readonly detail: string };

/** A reply, read. */
export type ReadReply<Body> = { readonly type: 'answered'; readonly body: Body } | Trouble;

const refusalCheck = TypeCompiler.Compile(RefusalSchema);
const failureCheck = TypeCompiler.Compile(FailureSchema);
const outcomeCheck = TypeCompiler.Compile(CommandOutcomeSchema);
const desiredCheck = TypeCompiler.Compile(DesiredReplySchema);
/** Only what tells it from everything else: a document has many fields, and grows. */
const DocumentSchema = Type.Object({ device: Type.String(), version: Type.Number(), state: Type.String() });
const documentCheck = TypeCompiler.Compile(DocumentSchema);
const pageCheck = TypeCompiler.Compile(
  Type.Object({ devices: Type.Array(DocumentSchema), cursor: Type.Optional(Type.String()) }),
);

const forgetCheck = TypeCompiler.Compile(ForgetReplySchema);

/** One page of `fleet.find`. */
export interface FoundPage {
  readonly devices: readonly TwinDocument[];
  readonly cursor?: string;
}

type Guard<Body> = (value: unknown) => value is Body;
const isResult = (value: unknown): value is CommandResult => outcomeCheck.Check(value);
const isDocument = (value: unknown): value is TwinDocument => documentCheck.Check(value);
const isDesiredReply = (value: unknown): value is DesiredReply => desiredCheck.Check(value);
const isForgetReply = (value: unknown): value is ForgetReply => forgetCheck.Check(value);
const isPage = (value: unknown): value is FoundPage => pageCheck.Check(value);
const isRefusal = (value: unknown): value is RefusalBody => refusalCheck.Check(value);

/** Reads the reply to `command` and `ledger`. Throws {@link CorralBadReply}. */
export function readResult(payload: Uint8Array): ReadReply<CommandResult> {
  return readReply(payload, isResult, outcomeCheck);
}

/** Reads the reply to `get`. Throws {@link CorralBadReply}. */
export function readDocument(payload: Uint8Array): ReadReply<TwinDocument> {
  return readReply(payload, isDocument, documentCheck);
}

/** Reads the reply to `desired`. Throws {@link CorralBadReply}. */
export function readDesiredReply(payload: Uint8Array): ReadReply<DesiredReply> {
  return readReply(payload, isDesiredReply, desiredCheck);
}

/** Reads the reply to `forget`. Throws {@link CorralBadReply}. */
export function readForgetReply(payload: Uint8Array): ReadReply<ForgetReply> {
  return readReply(payload, isForgetReply, forgetCheck);
}

/** Reads the reply to `fleet.find`. Throws {@link CorralBadReply}. */
export function readPage(payload: Uint8Array): ReadReply<FoundPage> {
  return readReply(payload, isPage, pageCheck);
}

function readReply<Body>(
  payload: Uint8Array,
  isBody: Guard<Body>,
  check: TypeCheck<TSchema>,
): ReadReply<Body> {
  const decoded = decode(payload, REPLY_LIMITS);
  if (!decoded.ok) throw new CorralBadReply(decoded.detail);
  const value: unknown = decoded.value;
  if (isRefusal(value)) return { type: 'refused', refusal: value };
  if (failureCheck.Check(value)) return { type: 'failed', code: value.code, detail: value.detail };
  if (isBody(value)) return { type: 'answered', body: value };
  throw new CorralBadReply(schemaProblem(check, value));
}
