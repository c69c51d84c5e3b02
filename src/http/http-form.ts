/**
 * What the contract describes, as HTTP has it: the same members under the same names, with times in RFC 3339.
 */
import {
  KindGuard,
  type OptionalKind,
  type Static,
  type TArray,
  type TLiteral,
  type TObject,
  type TOptional,
  type TProperties,
  type TSchema,
  type TString,
  type TUnion,
  type TUnsafe,
  Type,
} from '@sinclair/typebox';
import { MS_EPOCH, TIME, type Told, type TTime } from '../contract/schema.ts';
import { rfc3339 } from './rfc3339.ts';

/** The schema that HTTP has for one of the contract. */
export type HttpSchema<Schema extends TSchema> = Schema extends { readonly [OptionalKind]: 'Optional' }
  ? TOptional<HttpRequired<Schema>>
  : HttpRequired<Schema>;

type HttpRequired<Schema extends TSchema> = Schema extends TTime
  ? TString
  : Schema extends TUnion<infer Members>
    ? Members extends TLiteral<infer Word>[]
      ? TUnsafe<Word>
      : TUnion<{ [Index in keyof Members]: HttpSchema<Members[Index]> }>
    : Schema extends TArray<infer Item>
      ? TArray<HttpSchema<Item>>
      : Schema extends TObject<infer Properties>
        ? TObject<HttpProperties<Properties>>
        : Schema;

type HttpProperties<Properties extends TProperties> = {
  [Name in keyof Properties]: HttpSchema<Properties[Name]>;
};

/** A part of the contract on HTTP. */
export interface HttpForm<Schema extends TObject> {
  readonly schema: HttpSchema<Schema>;
  /** Takes what the schema names of a value, and writes its times out. */
  readonly write: (value: Told<Schema>) => Static<HttpSchema<Schema>>;
}

/** The HTTP form of a schema of the contract. */
export function httpForm<Schema extends TObject>(schema: Schema): HttpForm<Schema> {
  const { properties, writers } = objectForm(schema);
  return {
    // The compiler follows the mapping in the types above; what is built here follows the same cases.
    schema: properties as unknown as HttpSchema<Schema>,
    write: (value) => writeObject(writers, value) as Static<HttpSchema<Schema>>,
  };
}

/** Writes a value; `null` where it is written as it is. */
type Write = ((value: never) => unknown) | null;

interface Formed {
  readonly schema: TSchema;
  readonly write: Write;
}

function formOf(schema: TSchema): Formed {
  if (TIME in schema) return timeForm(schema as unknown as TTime);
  if (KindGuard.IsUnion(schema)) return unionForm(schema);
  if (KindGuard.IsArray(schema)) return arrayForm(schema);
  if (!KindGuard.IsObject(schema)) return { schema, write: null };
  const { properties, writers } = objectForm(schema);
  const isWritten = writers.some(([, write]) => write !== null);
  return { schema: properties, write: isWritten ? (value: object) => writeObject(writers, value) : null };
}

function timeForm({ [TIME]: rounded, ...time }: TTime): Formed {
  const write =
    rounded === 'up' ? (value: number) => rfc3339(Math.ceil(value)) : (value: number) => rfc3339(value);
  return { schema: Type.String({ ...described(time), format: 'date-time' }), write };
}

function unionForm(union: TUnion): Formed {
  const words = union.anyOf.filter((member) => KindGuard.IsLiteral(member)).map((member) => member.const);
  if (words.length === union.anyOf.length) {
    return { schema: Type.Unsafe({ type: 'string', enum: words, ...described(union) }), write: null };
  }
  const members = union.anyOf.map(formOf);
  const written = members.map(({ write }) => write).find((write) => write !== null) as
    ((value: unknown) => unknown) | undefined;
  return {
    schema: Type.Union(
      members.map(({ schema }) => schema),
      described(union),
    ),
    write: written === undefined ? null : (value: unknown) => (value === null ? null : written(value)),
  };
}

function arrayForm(array: TArray): Formed {
  const { schema, write } = formOf(array.items);
  return {
    schema: Type.Array(schema, described(array)),
    write: write === null ? null : (items: readonly never[]) => items.map((item) => write(item)),
  };
}

function objectForm(object: TObject): {
  readonly properties: TObject;
  readonly writers: readonly (readonly [name: string, write: Write])[];
} {
  const formed = Object.entries(object.properties).map(([name, property]) => {
    const { schema, write } = formOf(property);
    return [name, KindGuard.IsOptional(property) ? Type.Optional(schema) : schema, write] as const;
  });
  return {
    properties: Type.Object(
      Object.fromEntries(formed.map(([name, schema]) => [name, schema])),
      described(object),
    ),
    writers: formed.map(([name, , write]) => [name, write] as const),
  };
}

function writeObject(writers: ReturnType<typeof objectForm>['writers'], value: object): object {
  const written: Record<string, unknown> = {};
  const members = value as Readonly<Record<string, unknown>>;
  for (const [name, write] of writers) {
    const member = members[name];
    if (member === undefined) continue;
    written[name] = write === null ? member : write(member as never);
  }
  return written;
}

function described({ description }: { readonly description?: string }): { readonly description?: string } {
  return description === undefined ? {} : { description: description.replace(MS_EPOCH, '') };
}
