/**
 * What backends are told, as schemas: one for each body of `reply.ts`, with every field it has. The AsyncAPI document is written
 * from them, and the client checks what it is told by them.
 */
import { type TObject, type TSchema, Type } from '@sinclair/typebox';
import { type Cause, type FirstUse, REFUSALS, type Transition } from '../../actors/decision.ts';
import type { TwinDocument } from '../../actors/document.ts';
import type { LedgerEntry, Outcome } from '../../actors/ledger.ts';
import type { Divergence } from '../../actors/twin.ts';
import {
  DIVERGENCES,
  type DivergencePolicy,
  type DivergenceSort,
  POLICIES,
} from '../../machines/divergence.ts';
import type { DeadLetter } from '../runtime/ports.ts';
import type { CommandOutcome, DesiredReply, FailureBody, RefusalBody } from './reply.ts';
import { FAILURES } from './service-error.ts';

/** A schema with exactly these fields: one that is added to a body has to be added here. */
type Fields<Body> = Readonly<Record<keyof Body, TSchema>>;

const Time = (description: string) => Type.Number({ description: `${description}, ms epoch` });
const TimeOrNull = (description: string) =>
  Type.Union([Type.Number(), Type.Null()], { description: `${description}, ms epoch` });
const NumberOrNull = (description?: string) =>
  Type.Union([Type.Number(), Type.Null()], description === undefined ? {} : { description });
const TextOrNull = (description?: string) =>
  Type.Union([Type.String(), Type.Null()], description === undefined ? {} : { description });
const AnyMap = Type.Record(Type.String(), Type.Unknown());
const OneOf = <Value extends string>(values: readonly Value[], description: string) =>
  Type.Union(
    values.map((value) => Type.Literal(value)),
    { description },
  );

const OUTCOMES = ['pending', 'done', 'rejected', 'expired', 'unknown'] as const satisfies readonly Outcome[];

const outcomeFields = {
  id: Type.String({ description: "the caller's idempotency key" }),
  outcome: OneOf(
    OUTCOMES,
    '`expired`: proved not executed; `unknown`: it can no longer start, and nothing proves yet whether it was executed',
  ),
  device: Type.String(),
  n: Type.Integer({ description: "the twin's number for it; only grows" }),
  name: Type.String(),
  args: AnyMap,
  by: TextOrNull('on whose behalf, as the caller wrote it'),
  asker: TextOrNull(
    'who asked, proved: `nats:<account>` or `http:<token name>`; `null` for what the twin commands by itself',
  ),
  reason: TextOrNull("the device's reason for `rejected`, or why it is `expired` or `unknown`"),
  proof: TextOrNull('what proved the outcome'),
  acceptedAt: Time('when it was accepted into the ledger'),
  sentAt: Time('when it was sent last'),
  certainAt: Time('after this it cannot start any more'),
  decidedAt: TimeOrNull('when the present outcome was decided'),
  closedAt: TimeOrNull(
    'when nothing was awaited any more: of an unknown command only a report that still comes late can tell more',
  ),
  compensatedBy: TextOrNull('the command that undoes this one; it is never sent of itself'),
  ends: Type.Optional(
    Type.String({ description: 'what executing it ends besides, in the state in which it was accepted' }),
  ),
} satisfies Fields<CommandOutcome> & Partial<Fields<LedgerEntry>>;

/** A command as the ledger has it. */
export const CommandOutcomeSchema = Type.Object(outcomeFields);

/** What an id names already. */
const FirstUseSchema = Type.Object(
  {
    name: Type.String(),
    args: AnyMap,
    by: TextOrNull('on whose behalf'),
    asker: TextOrNull('who asked, proved by the broker or by a token; `by` anybody can write'),
    acceptedAt: TimeOrNull('when it was accepted; `null` while it waits to be decided on'),
    outcome: Type.Union([OneOf(OUTCOMES, 'how it stands'), Type.Null()]),
  } satisfies Fields<FirstUse>,
  { description: 'for `id-reused`: the command that the id names already' },
);

/** The twin refused. */
export const RefusalSchema = Type.Object({
  id: TextOrNull('of the command; `null` for other requests'),
  outcome: Type.Literal('refused'),
  code: Type.String({ description: `stable; ${Object.keys(REFUSALS).join(', ')}` }),
  detail: Type.String(),
  state: TextOrNull('the state it was refused in; `null` for an unknown device'),
  allowed: Type.Array(Type.String(), { description: 'commands that would be accepted now' }),
  firstUse: Type.Optional(FirstUseSchema),
} satisfies Fields<RefusalBody>);

/** Nobody decided on the request. */
export const FailureSchema = Type.Object({
  outcome: Type.Literal('failed'),
  code: Type.String({ description: `stable; ${Object.keys(FAILURES).join(', ')}` }),
  detail: Type.String(),
} satisfies Fields<FailureBody>);

/** Reply to `desired`. */
export const DesiredReplySchema = Type.Object({
  version: Type.Number({ description: 'of the desired configuration that holds the patch' }),
  delta: Type.Record(Type.String(), Type.Unknown(), { description: 'what the device has not applied' }),
} satisfies Fields<DesiredReply>);

const DivergenceSchema = Type.Object({
  sort: OneOf(Object.keys(DIVERGENCES) as DivergenceSort[], 'what kind of disagreement it is'),
  hold: Type.String({ description: 'id of the command that began the hold in question' }),
  by: TextOrNull('on whose behalf that was'),
  expected: Type.String({ description: 'what the twin expected' }),
  reported: Type.String({ description: 'what the device says' }),
  until: TimeOrNull('when the device was expected to let go of the hold'),
  policy: OneOf(Object.keys(POLICIES) as DivergencePolicy[], 'what is done about it'),
  reassertedBy: TextOrNull('id of the command by which the twin re-asserted it'),
} satisfies Fields<Divergence>);

const SuspicionSchema = Type.Object({
  reason: Type.String({ description: 'stable' }),
  since: Time('since when'),
  detail: Type.String(),
  divergence: Type.Optional(DivergenceSchema),
} satisfies Fields<TwinDocument['suspicions'][number]>);

/** What a twin says of itself. */
export const TwinDocumentSchema = Type.Object({
  device: Type.String(),
  kind: Type.String(),
  site: Type.String(),
  version: Type.Integer({ description: 'grows with every change of the twin, by any step' }),
  state: Type.String({ description: 'the state the world sees' }),
  path: Type.String({ description: "the machine's whole path: `charging.delivering`" }),
  since: TimeOrNull('when the state began, as measured'),
  quality: OneOf(['fresh', 'stale', 'suspect', 'unknown'], 'how far the state can be trusted now'),
  asOf: TimeOrNull('when the state was measured, ± `errorMs`'),
  errorMs: NumberOrNull('`null` while no round trip bounds it'),
  ageMs: NumberOrNull('how old the state is now'),
  lastContact: TimeOrNull('when anything was heard, however old its content'),
  connected: Type.Boolean({ description: "something was heard within the kind's silence limit" }),
  hears: Type.Boolean({ description: 'false when it is heard, and lets commands pass' }),
  reported: Type.Record(Type.String(), Type.Unknown(), { description: 'the sensors of the newest report' }),
  firmware: TextOrNull(),
  via: Type.Optional(
    Type.Object(
      {
        id: Type.String(),
        session: Type.Integer({ description: 'the boot of the source in which it said this' }),
        doubt: Type.Union([
          OneOf(['away', 'back', 'session', 'replay'], 'why what it said is not to be trusted'),
          Type.Null(),
        ]),
        since: TimeOrNull('since when there is that doubt'),
      } satisfies Fields<NonNullable<TwinDocument['via']>>,
      {
        description:
          'who speaks for it, and why what that said is not to be trusted; absent where the device speaks itself',
      },
    ),
  ),
  desired: Type.Object({ version: Type.Integer(), values: AnyMap, delta: AnyMap } satisfies Fields<
    TwinDocument['desired']
  >),
  pending: Type.Array(
    Type.Object({
      id: Type.String(),
      n: Type.Integer(),
      name: Type.String(),
      outcome: Type.String(),
      sentAt: Time('when it was sent last'),
      certainAt: Time('after this it cannot start any more, unless it is `undecided`'),
      undecided: Type.Optional(
        Type.Literal(true, {
          description: 'the device has passed it on, and cannot tell yet what became of it',
        }),
      ),
    } satisfies Fields<TwinDocument['pending'][number]>),
  ),
  hold: Type.Union([
    Type.Object({
      id: Type.String({ description: 'of the command that began it' }),
      by: TextOrNull('on whose behalf'),
      until: Time('when the device is expected to let go'),
      certainUntil: TimeOrNull(
        'when it certainly has let go; `null` while the command that begins it is undecided',
      ),
    } satisfies Fields<NonNullable<TwinDocument['hold']>>),
    Type.Null(),
  ]),
  suspicions: Type.Array(SuspicionSchema),
  clock: Type.Object({
    offsetMs: NumberOrNull("the device's wall clock minus server time"),
    errorMs: NumberOrNull(),
    verified: Type.Boolean({ description: 'a round trip in this boot bounds when things were measured' }),
  } satisfies Fields<TwinDocument['clock']>),
  sequence: Type.Object({
    incarnation: Type.Integer(),
    boot: NumberOrNull(),
    seq: NumberOrNull(),
    missing: Type.Integer(),
    late: Type.Integer(),
    duplicates: Type.Integer(),
  } satisfies Fields<TwinDocument['sequence']>),
  allowed: Type.Array(Type.String(), { description: 'commands that would be accepted now' }),
  unreadable: Type.Optional(
    Type.Array(Type.String(), {
      description:
        'sensors and fields of the newest report whose values did not fit, and so count as absent; with `hold` it is not known whether there is one, with `commands` its ring proves nothing by what it does not name',
    }),
  ),
  leftOut: Type.Optional(
    Type.Array(Type.String(), {
      description: 'what had to be left out so that one message holds the rest; absent where nothing was',
    }),
  ),
} satisfies Fields<TwinDocument>);

/** A page of `fleet.find`. */
export const FoundSchema = Type.Object({
  devices: Type.Array(TwinDocumentSchema),
  cursor: Type.Optional(Type.String({ description: 'of the next page; absent on the last one' })),
});

const journalFields = {
  partition: Type.Integer(),
  no: Type.Integer({
    description:
      'journal number: grows within the partition, by any step; a line may come twice, with the same, and no other line ever has it',
  }),
};

/** A line of the journal. */
export const ChangedSchema: TObject = Type.Object({
  ...({
    device: Type.String(),
    from: Type.String({ description: "the machine's path before" }),
    to: Type.String({ description: 'and after' }),
    cause: Type.Object({
      type: OneOf(['report', 'silence', 'deadline', 'command', 'engineer'], 'what made it change'),
      detail: Type.String(),
    } satisfies Fields<Cause>),
    measuredAt: Time('when what caused it was measured, ± `errorMs`'),
    errorMs: NumberOrNull(),
    recordedAt: Time('when the twin decided'),
    version: Type.Integer({ description: "the twin's version after it" }),
    incarnation: Type.Integer(),
    boot: NumberOrNull('position of the report it rests on'),
    seq: NumberOrNull(),
  } satisfies Fields<Transition>),
  ...journalFields,
  twin: TwinDocumentSchema,
});

/** A command's outcome became known. */
export const PublishedOutcomeSchema = Type.Object({ ...outcomeFields, ...journalFields });

/** A message that could not be read. */
export const DeadLetterSchema: TObject = Type.Object({
  ...({
    partition: Type.Integer({ description: 'of the subject it came on' }),
    site: Type.String({ description: 'that the broker vouches for' }),
    device: Type.String({ description: 'the device token of the subject' }),
    stream: Type.String({ description: 'that keeps it' }),
    sequence: Type.Integer({ description: 'in that stream, under which its bytes are found' }),
    receivedAt: Time('when the hub stored it'),
    reason: Type.String({ description: 'stable' }),
    detail: Type.String({ description: 'what was wrong and what would be right' }),
    bytes: Type.Integer(),
  } satisfies Fields<DeadLetter>),
  no: Type.Integer({ description: 'journal number of the partition' }),
});
