/**
 * The twin document (design 2.4): what a twin says of itself at a given time. This is the only place where its members are listed.
 */
import { Type } from '@sinclair/typebox';
import {
  DIVERGENCES,
  type DivergencePolicy,
  type DivergenceSort,
  POLICIES,
} from '../../machines/divergence.ts';
import { AnyMap, NumberOrNull, OneOf, TextOrNull, Time, TimeOrNull, type Told } from './schema.ts';

/**
 * - `fresh`: proved to be no older than the kind's limit;
 * - `stale`: certainly, or possibly, older than that;
 * - `unknown`: nothing bounds its age yet, because no round trip was made in this boot, or who speaks for it is away, has begun another
 *   session, or plays again what was said before;
 * - `suspect`: there is a reason to doubt it, however fresh.
 */
export const QUALITIES = ['fresh', 'stale', 'suspect', 'unknown'] as const;
export type Quality = (typeof QUALITIES)[number];

/**
 * Why what was said through a source is not to be trusted; see `actors/source.ts`:
 * - `away`: the source is silent;
 * - `back`: it is heard again, and has not said since how the device is;
 * - `session`: the session in which it was said has ended;
 * - `replay`: the source plays again what was said before.
 */
const SOURCE_DOUBTS = ['away', 'back', 'session', 'replay'] as const;
export type SourceDoubt = (typeof SOURCE_DOUBTS)[number];

const DivergenceSchema = Type.Object({
  sort: OneOf(Object.keys(DIVERGENCES) as DivergenceSort[], 'what kind of disagreement it is'),
  hold: Type.String({
    description: 'id of the command that began, or would have begun, the hold in question',
  }),
  by: TextOrNull('on whose behalf that was, where it is known'),
  expected: Type.String({ description: 'what the twin expected: `held for <id>`' }),
  reported: Type.String({ description: 'what the device says: `available, no hold`' }),
  until: TimeOrNull(
    'when the device was expected to let go of the hold; `null` for one that should not be there at all',
  ),
  policy: OneOf(
    Object.keys(POLICIES) as DivergencePolicy[],
    "what is done about it: the kind's policy, or `trust-device` where that would not be safe",
  ),
  reassertedBy: TextOrNull('id of the command by which the twin re-asserted it, once; `null` before'),
});
/** Where the device and the ledger disagree about a hold: both views (`docs/suspicions.md`). */
export type Divergence = Told<typeof DivergenceSchema>;

const SuspicionSchema = Type.Object({
  reason: Type.String({ description: 'stable, in kebab-case' }),
  since: Time('since when'),
  detail: Type.String(),
  divergence: Type.Optional(DivergenceSchema),
});
/** A reason to doubt the known state: a contradiction's code, or one of those that `actors/suspicions.ts` lists. */
export type Suspicion = Told<typeof SuspicionSchema>;

/** A twin's document. Times are whole milliseconds. */
export const TwinDocumentSchema = Type.Object({
  device: Type.String(),
  kind: Type.String(),
  site: Type.String(),
  version: Type.Integer({ description: 'grows with every change of the twin, by any step: the ETag' }),
  state: Type.String({ description: 'the known state, as the world sees it' }),
  path: Type.String({ description: "the machine's whole path: `charging.delivering`" }),
  since: TimeOrNull('when the state began, as measured'),
  quality: OneOf(QUALITIES, 'how far the state can be trusted now: fresh, stale, suspect or unknown'),
  asOf: TimeOrNull('when the state was measured, ± `errorMs`'),
  errorMs: NumberOrNull('`asOf` is right within ± this; `null` while no round trip bounds it'),
  ageMs: NumberOrNull('how old the state is now'),
  lastContact: TimeOrNull('when anything was heard, however old its content'),
  connected: Type.Boolean({ description: "something was heard within the kind's silence limit" }),
  responsive: Type.Boolean({
    description: 'false when reports arrive, but the last 3 commands in a row got no response',
  }),
  hears: Type.Boolean({ deprecated: true, description: 'what `responsive` says, under its old name' }),
  reported: AnyMap('the sensors of the newest report'),
  firmware: TextOrNull(),
  via: Type.Optional(
    Type.Object(
      {
        id: Type.String(),
        session: Type.Integer({ description: 'the boot of the source in which it said this' }),
        doubt: Type.Union([
          OneOf(SOURCE_DOUBTS, 'why what it said is not to be trusted: away, back, session or replay'),
          Type.Null(),
        ]),
        since: TimeOrNull('since when there is that doubt'),
      },
      {
        description:
          'who speaks for it, and why what that said is not to be trusted; absent where the device speaks itself',
      },
    ),
  ),
  desired: Type.Object({ version: Type.Integer(), values: AnyMap(), delta: AnyMap() }),
  pending: Type.Array(
    Type.Object({
      id: Type.String(),
      n: Type.Integer(),
      name: Type.String(),
      outcome: Type.String(),
      sentAt: Time('when it was sent last'),
      certainAt: Time('after this it cannot start any more, unless it is `undecided`', 'up'),
      undecided: Type.Optional(
        Type.Literal(true, {
          description: 'the device has passed it on, and cannot tell yet what became of it',
        }),
      ),
    }),
  ),
  hold: Type.Union([
    Type.Object({
      id: Type.String({ description: 'of the command that began it' }),
      by: TextOrNull('on whose behalf'),
      until: Time('when the device is expected to let go'),
      certainUntil: TimeOrNull(
        'when it certainly has let go; `null` while the command that begins it is undecided',
      ),
    }),
    Type.Null(),
  ]),
  suspicions: Type.Array(SuspicionSchema),
  clock: Type.Object({
    offsetMs: NumberOrNull("the device's wall clock minus server time; `null` when it tells none"),
    errorMs: NumberOrNull(),
    verified: Type.Boolean({ description: 'a round trip in this boot bounds when things were measured' }),
  }),
  sequence: Type.Object({
    incarnation: Type.Integer(),
    boot: NumberOrNull(),
    seq: NumberOrNull(),
    missing: Type.Integer(),
    late: Type.Integer(),
    duplicates: Type.Integer(),
  }),
  allowed: Type.Array(Type.String(), {
    description: 'commands that would be accepted now, at once or once the device has answered `report`',
  }),
  unreadable: Type.Optional(
    Type.Array(Type.String(), {
      description:
        'sensors and fields of the newest report whose values did not fit, and so count as absent; with `hold` it is not known whether there is one, with `commands` its ring proves nothing by what it does not name',
    }),
  ),
  leftOut: Type.Optional(
    Type.Array(Type.String(), {
      description:
        'what had to be left out so that one message holds the rest; absent where nothing was. The store has it',
    }),
  ),
});
export type TwinDocument = Told<typeof TwinDocumentSchema>;
