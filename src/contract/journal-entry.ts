/** The journal of a partition: what its twins believed and why, and what else is published once it is committed. */
import { Type } from '@sinclair/typebox';
import type { DeadLetter } from './dead-letter.ts';
import type { LedgerEntry } from './ledger-entry.ts';
import { NumberOrNull, OneOf, TextOrNull, Time, type Told } from './schema.ts';

const CauseSchema = Type.Object({
  type: OneOf(['report', 'silence', 'deadline', 'command', 'engineer'], 'what made it change'),
  detail: Type.String({ description: 'one sentence: `report 3/17 says charging`' }),
});
/** Why the known state changed. */
export type Cause = Told<typeof CauseSchema>;

/** A transition of the KNOWN state. */
export const TransitionSchema = Type.Object({
  device: Type.String(),
  from: Type.String({ description: "the machine's path before" }),
  to: Type.String({ description: 'and after' }),
  cause: CauseSchema,
  measuredAt: Time('when what caused it was measured, ± `errorMs`'),
  errorMs: NumberOrNull('`null` where no round trip bounds it'),
  recordedAt: Time('when the twin decided'),
  version: Type.Integer({ description: "the twin's version after it" }),
  incarnation: Type.Integer(),
  boot: NumberOrNull('position of the report it rests on'),
  seq: NumberOrNull(),
});
export type Transition = Told<typeof TransitionSchema>;

/** Where a line stands in the journal of a partition. All sorts share one number line. */
export const JournalPlaceSchema = Type.Object({
  partition: Type.Integer(),
  no: Type.Integer({
    description:
      'journal number: grows within the partition, by any step; a line may come twice, with the same, and no other line ever has it',
  }),
});
export type JournalPlace = Told<typeof JournalPlaceSchema>;

/** What is kept of a device that is forgotten at an operator's word; what still comes of it is refused. */
export const ForgettingSchema = Type.Object({
  device: Type.String(),
  site: Type.String({ description: 'that it belonged to' }),
  at: Time('when'),
  asker: Type.String({ description: 'who asked, proved' }),
  by: TextOrNull('on whose behalf, claimed'),
  reason: Type.String(),
});
export type Forgetting = Told<typeof ForgettingSchema>;

/** A line of a partition's journal that is published after it is committed. */
export type JournalEntry =
  | (JournalPlace & { readonly type: 'transition'; readonly transition: Transition })
  | (JournalPlace & { readonly type: 'outcome'; readonly entry: LedgerEntry })
  | (JournalPlace & { readonly type: 'dead-letter'; readonly deadLetter: DeadLetter })
  /** Everything of the device is gone with the commit of this line. */
  | (JournalPlace & { readonly type: 'forgotten'; readonly forgetting: Forgetting });
