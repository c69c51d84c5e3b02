/**
 * What kinds of device there are: their limits, sensors and commands, as `GET /v1/kinds` tells them.
 */
import { Observable } from '../observable.ts';
import { get } from './request.ts';

/** The schema of one argument of a command, as far as a form needs it (JSON Schema). */
export interface ArgumentSchema {
  readonly type?: string;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
}

/** The schema of a sensor, as far as it is needed to read its values. */
export interface SensorSchema {
  readonly description?: string;
  readonly unit?: string;
}

/** A command of a kind. */
export interface CommandKind {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of its arguments. */
  readonly args: {
    readonly properties?: Readonly<Record<string, ArgumentSchema>>;
    readonly required?: readonly string[];
  };
}

/** A kind of device, as far as the page needs it. */
export interface Kind {
  /** Its name. */
  readonly kind: string;
  readonly description: string;
  readonly limits: { readonly freshMs: number; readonly silenceMs: number };
  readonly sensors: { readonly properties?: Readonly<Record<string, SensorSchema>> };
  readonly commands: readonly CommandKind[];
}

/** The kinds by name; empty until they were read. */
export const kinds = new Observable<ReadonlyMap<string, Kind>>(new Map());

/** The unit of a sensor's values, with the space before it; nothing where none is known. */
export function unitOf(kind: Kind | null, sensor: string): string {
  const unit = kind?.sensors.properties?.[sensor]?.unit;
  return unit === undefined ? '' : `\u00a0${unit}`;
}

let reading: Promise<void> | null = null;

/** Reads the kinds once: they change with the node's version alone. A reading that fails is tried again when asked for again. */
export function readKinds(): Promise<void> {
  reading ??= readAll().catch((error: unknown) => {
    reading = null;
    throw error;
  });
  return reading;
}

async function readAll(): Promise<void> {
  const list = await get<{ readonly kinds: readonly { readonly kind: string }[] }>('/v1/kinds');
  const known = await Promise.all(
    list.kinds.map(({ kind }) => get<Kind>(`/v1/kinds/${encodeURIComponent(kind)}`)),
  );
  kinds.set(new Map(known.map((kind) => [kind.kind, kind])));
}
