/**
 * What the schemas of the contract are built of. A type is what its schema says, and nobody may change what they were told.
 */
import {
  type Static,
  type TLiteral,
  type TNull,
  type TNumber,
  type TRecord,
  type TSchema,
  type TString,
  type TUnion,
  type TUnknown,
  type TUnsafe,
  Type,
} from '@sinclair/typebox';
import { AnyKey } from '../../machines/report.ts';

/** The type of a schema, read-only throughout. */
export type Told<Schema extends TSchema> = Unchanging<Static<Schema>>;

type Unchanging<Value> = Value extends readonly (infer Item)[]
  ? readonly Unchanging<Item>[]
  : Value extends object
    ? { readonly [Key in keyof Value]: Unchanging<Value[Key]> }
    : Value;

/** Marks a number that is a time, with the way to whole milliseconds. */
export const TIME = Symbol('time');

/** A time, ms epoch. */
export interface TTime extends TNumber {
  readonly [TIME]: 'down' | 'up';
}

/** What is said of each time here, and of none where it is written out. */
export const MS_EPOCH = ', ms epoch';

/** A time; `up`: what is certain a fraction of a millisecond later is not certain before. */
export function Time(description: string, rounded: TTime[typeof TIME] = 'down'): TTime {
  return { ...Type.Number({ description: `${description}${MS_EPOCH}` }), [TIME]: rounded };
}

type OrNull<Schema extends TSchema> = TUnion<[Schema, TNull]>;

/** A time, or `null` for one that is known to be absent. */
export function TimeOrNull(description: string): OrNull<TTime> {
  const time: TTime = { ...Type.Number(), [TIME]: 'down' };
  return Type.Union([time, Type.Null()], { description: `${description}${MS_EPOCH}` });
}

/** A number, or `null` where there is none. */
export function NumberOrNull(description?: string): OrNull<TNumber> {
  return Type.Union([Type.Number(), Type.Null()], description === undefined ? {} : { description });
}

/** A text, or `null` where there is none. */
export function TextOrNull(description?: string): OrNull<TString> {
  return Type.Union([Type.String(), Type.Null()], description === undefined ? {} : { description });
}

/** One of these words, and no other. */
export function OneOf<const Word extends string>(
  words: readonly Word[],
  description: string,
): TUnion<TLiteral<Word>[]> {
  return Type.Union(
    words.map((word) => Type.Literal(word)),
    { description },
  );
}

/** One of these words now, and of more in later versions: whoever reads takes any. */
export function OneOfGrowing<Word extends string>(words: readonly Word[]): TUnsafe<Word> {
  return Type.Unsafe<Word>(Type.String({ description: `stable; ${words.join(', ')}` }));
}

/** A map whose keys are free. */
export function AnyMap(description?: string): TRecord<TString, TUnknown> {
  return Type.Record(AnyKey, Type.Unknown(), description === undefined ? {} : { description });
}
