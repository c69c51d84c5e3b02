/** What a twin refuses with: it has decided, and certainly nothing was sent. */
import { Type } from '@sinclair/typebox';
import { OUTCOMES } from './ledger-entry.ts';
import { AnyMap, OneOf, OneOfGrowing, TextOrNull, TimeOrNull, type Told } from './schema.ts';

/** Stable codes of refusals. The list may grow; the codes never change. */
export const REFUSALS = {
  'illegal-state': 'the state the device is known to be in does not accept this command',
  stale: 'the knowledge is older than this command allows, and the device did not answer in time to renew it',
  offline: 'the device has not been heard for longer than its kind allows',
  suspect:
    'there is reason to doubt the known state (see suspicions), or the device itself says that it must not be used',
  pending: 'another command is in flight: wait for its outcome',
  'version-mismatch': 'the twin is no longer at the version given as ifVersion',
  'id-reused': 'the id names another command, or the same one with other arguments, already',
  'desired-too-large': 'the desired configuration would become larger than it may be',
  'bad-arguments': 'the request or its arguments are not of the form this command takes',
  'unknown-command': 'this kind of device has no such command',
  'unknown-device': 'no twin and no inventory entry has this id',
  forgotten: 'the device was forgotten at an operator’s word, and nothing of it is kept',
  'unknown-id': 'the ledger has no command with this id for this device',
  overloaded: 'too many requests are waiting for this device; ask again later',
} as const;
export type RefusalCode = keyof typeof REFUSALS;

const FirstUseSchema = Type.Object(
  {
    name: Type.String(),
    args: AnyMap(),
    by: TextOrNull('on whose behalf'),
    asker: TextOrNull('who asked, proved by the broker or by a token; `by` anybody can write'),
    acceptedAt: TimeOrNull('when it was accepted; `null` while it waits to be decided on'),
    outcome: Type.Union([OneOf(OUTCOMES, 'how it stands'), Type.Null()]),
  },
  { description: 'for `id-reused`: the command that the id names already' },
);
/** What an id names already. A request that waits until the device has answered is not accepted yet, and may be refused. */
export type FirstUse = Told<typeof FirstUseSchema>;

/** The twin refused: asking again changes nothing until the reason is gone. */
export const RefusalSchema = Type.Object({
  id: TextOrNull('of the command; `null` for other requests'),
  outcome: Type.Literal('refused'),
  code: OneOfGrowing(Object.keys(REFUSALS) as RefusalCode[]),
  detail: Type.String(),
  state: TextOrNull('the state it was refused in; `null` for an unknown device'),
  allowed: Type.Array(Type.String(), { description: 'commands that would be accepted now' }),
  firstUse: Type.Optional(FirstUseSchema),
});
export type RefusalBody = Told<typeof RefusalSchema>;

/** A refusal as a decision has it. */
export type Refusal = Omit<RefusalBody, 'outcome'>;
