/**
 * A command in the ledger, from the decision to its outcome (design, section 3): as it is kept, and as backends are told.
 */
import { Type } from '@sinclair/typebox';
import { AnyMap, NumberOrNull, OneOf, TextOrNull, Time, TimeOrNull, type Told } from './schema.ts';

/**
 * How a command stands. `pending` until something is known; `unknown` once it can no longer START and nothing proves
 * whether it was executed. With `closedAt` set nothing is waited for any more: of an `unknown` command only a report that
 * still comes late from a buffer can tell more.
 */
export const OUTCOMES = ['pending', 'done', 'rejected', 'expired', 'unknown'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What backends are told of a command. */
const told = {
  id: Type.String({ description: "the caller's idempotency key" }),
  outcome: OneOf(
    OUTCOMES,
    '`expired`: proved not executed; `unknown`: it can no longer start, and nothing proves yet whether it was executed',
  ),
  device: Type.String(),
  n: Type.Integer({ description: "the twin's number for it; only grows" }),
  name: Type.String(),
  args: AnyMap(),
  by: TextOrNull('on whose behalf, as the caller wrote it: a claim'),
  asker: TextOrNull(
    'who asked, proved: `nats:<account>` or `http:<token name>`; `null` for what the twin commands by itself',
  ),
  reason: TextOrNull("the device's reason for `rejected`, or why it is `expired`, `unknown` or `undecided`"),
  proof: TextOrNull('what proved the outcome, by its name and in words'),
  acceptedAt: Time('when it was accepted into the ledger'),
  sentAt: Time('when it was sent last; it is sent again, with the same `n`, until it may not start'),
  certainAt: Time('after this it cannot start any more, whatever is still in a buffer', 'up'),
  decidedAt: TimeOrNull('when the present outcome was decided; `null` while pending'),
  closedAt: TimeOrNull(
    'when nothing was awaited any more: of an unknown command only a report that still comes late can tell more',
  ),
  compensatedBy: TextOrNull('the command that undoes this one; it is never sent of itself'),
  ends: Type.Optional(
    Type.String({
      description:
        'what executing it ends besides, in the state in which it was accepted; absent where nothing',
    }),
  ),
};

/** What only the runtime and the device need, and who looks into the ledger. */
const kept = {
  epoch: Type.Integer({ description: 'of the lease under which it was accepted' }),
  incarnation: Type.Integer(),
  boot: NumberOrNull('the only boot it may be executed in; `null` for a command without a deadline'),
  notAfterUp: NumberOrNull('the uptime of the device after which it may not start, ms'),
  holdMs: NumberOrNull('how long it makes the device hold itself, ms'),
};

/** A command as the ledger keeps it. */
export const LedgerEntrySchema = Type.Object({ ...told, ...kept });
export type LedgerEntry = Told<typeof LedgerEntrySchema>;

/** A command as backends see it: the reply to `command` and `ledger`. */
export const CommandOutcomeSchema = Type.Object(told);
export type CommandOutcome = Told<typeof CommandOutcomeSchema>;

/** A ledger entry as backends see it. */
export function commandOutcome(entry: LedgerEntry): CommandOutcome {
  const { epoch: _, incarnation: _i, boot: _b, notAfterUp: _u, holdMs: _h, ...outcome } = entry;
  return { ...outcome, certainAt: Math.ceil(entry.certainAt) };
}
