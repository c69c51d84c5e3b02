/**
 * What backends are told over NATS (wire contract 2.3, 2.4, 3). Times are whole ms epoch under names that end in `At`, absent knowledge is
 * `null`, never left out.
 *
 *   twin.<id>.get                    TwinDocument
 *   twin.<id>.command.*, .ledger     CommandOutcome
 *   twin.<id>.desired                DesiredReply
 *   fleet.find                       Found
 *   refused, whatever was asked      RefusalBody, and its code in the service error headers
 *   not answered by the owner        FailureBody, and its code in the service error headers
 *   twin.<id>.changed                ChangedBody, at last ForgottenBody
 *   twin.<id>.outcome                OutcomeBody
 *   deadletter.<reason>.<partition>  NumberedDeadLetter
 */
import { Type } from '@sinclair/typebox';
import {
  ForgettingSchema,
  type JournalPlace,
  JournalPlaceSchema,
  type Transition,
  TransitionSchema,
} from './journal-entry.ts';
import { CommandOutcomeSchema } from './ledger-entry.ts';
import { AnyMap, OneOf, OneOfGrowing, TimeOrNull, type Told } from './schema.ts';
import { TwinDocumentSchema } from './twin-document.ts';

/**
 * Answers that decide nothing, with their number in HTTP; `wire/acceptance.ts` has what each means for a command. The list may grow: a code
 * that a caller does not know means that the command may have been accepted.
 *
 * - `unavailable`: this copy of the request was not accepted. Ask again, with the same id.
 * - `undecided`: a copy with the same id waits until the device has answered, or was decided on by a node that gave the device up before it
 *   knew whether the decision is kept. It may be accepted yet, or have been.
 * - `outcome-unreadable`: the command was accepted, and how it stands cannot be said here. Ask again, with the same id.
 * - `internal`: a fault of ours, which is in the log; whether the command was accepted, the ledger knows.
 */
export const FAILURES = {
  unavailable: 503,
  undecided: 504,
  'outcome-unreadable': 504,
  internal: 500,
} as const;
export type FailureCode = keyof typeof FAILURES;

/** Nobody decided on the request. */
export const FailureSchema = Type.Object({
  outcome: Type.Literal('failed'),
  code: OneOfGrowing(Object.keys(FAILURES) as FailureCode[]),
  detail: Type.String(),
});
export type FailureBody = Told<typeof FailureSchema>;

/** Reply to `desired`. */
export const DesiredReplySchema = Type.Object({
  version: Type.Number({ description: 'of the desired configuration that holds the patch' }),
  delta: AnyMap('what the device has not applied'),
});
export type DesiredReply = Told<typeof DesiredReplySchema>;

/** A page of `fleet.find`. */
export const FoundSchema = Type.Object({
  devices: Type.Array(TwinDocumentSchema),
  cursor: Type.Optional(Type.String({ description: 'of the next page; absent on the last one' })),
});

/** A line of the journal, and the twin's document as it stood when the line was published. */
export const ChangedSchema = Type.Object({
  ...TransitionSchema.properties,
  ...JournalPlaceSchema.properties,
  twin: TwinDocumentSchema,
});
/** The same; `Document` is what stands for the twin where it cannot be read. */
export type ChangedBody<Document extends object = object> = Transition &
  JournalPlace & { readonly twin: Document };

/** A command's outcome became known. */
export const PublishedOutcomeSchema = Type.Object({
  ...CommandOutcomeSchema.properties,
  ...JournalPlaceSchema.properties,
});
export type OutcomeBody = Told<typeof PublishedOutcomeSchema>;

/** `twin.<id>.changed` for the last time: the device is forgotten. */
export const ForgottenSchema = Type.Object({
  device: Type.String(),
  ...JournalPlaceSchema.properties,
  forgotten: Type.Omit(ForgettingSchema, ['device']),
});
export type ForgottenBody = Told<typeof ForgottenSchema>;

/**
 * Whether a forgotten device may still execute a command that it was sent:
 * - `nothing`: it may not;
 * - `until`: until a time that is told beside it;
 * - `undecided`: at any time. The device has named it `undecided`, so that it is in flight beyond it, and no time ends that;
 * - `not-known`: nobody can tell: it was forgotten before, and what was answered then is not kept; or its twin could not be read.
 */
const IN_FLIGHT = ['nothing', 'until', 'undecided', 'not-known'] as const;

/** Reply to `forget`. */
export const ForgetReplySchema = Type.Object({
  outcome: Type.Literal('forgotten'),
  ...ForgettingSchema.properties,
  isRepeated: Type.Boolean({ description: 'it was forgotten before, as it says here; nothing was done now' }),
  inFlight: OneOf(
    IN_FLIGHT,
    'whether the device may still execute a command that it was sent. nothing: it may not; until: until inFlightUntil; undecided: at any ' +
      'time, as it is in flight beyond the device; not-known: nobody can tell, as it was forgotten before or its twin could not be read',
  ),
  inFlightUntil: TimeOrNull(
    'with until: when the device certainly does not begin any more; null says nothing of its own',
  ),
});
export type ForgetReply = Told<typeof ForgetReplySchema>;
