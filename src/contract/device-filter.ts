/**
 * What devices may be searched by: one row for each filter. HTTP, `fleet.find`, the command line and `docs/http.md` are made of this table;
 * `postgres/device-conditions.ts` has how each is asked in SQL.
 */
import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { ID_PATTERN } from '../../machines/report.ts';
import { shownState } from '../../machines/shown-state.ts';
import { worldState } from '../../machines/statechart.ts';
import { QUALITIES, type Quality } from './twin-document.ts';

/** A device, as far as filters look at it. */
export interface JudgedDevice {
  readonly device: string;
  readonly kind: string;
  readonly site: string;
  /** Of the inventory. */
  readonly labels: Readonly<Record<string, unknown>>;
  /** The machine's whole path. */
  readonly path: string;
  readonly firmware: string | undefined;
  /** `null` for a kind that is not known here. */
  readonly quality: Quality | null;
  /** Reasons of the suspicions that are open. */
  readonly suspicions: readonly string[];
  /** How long ago the newest report was measured, ms; `null` before the first one. */
  readonly measuredMsAgo: number | null;
  /** Commands that wait for their final outcome. */
  readonly pending: number;
}

/** One filter. */
interface Filter<Schema extends TSchema> {
  /** Without its description, which is `meaning`. */
  readonly schema: Schema;
  /** Which devices are found, as the end of a sentence that begins with "only devices". */
  readonly meaning: string;
  /** Over HTTP only what there is is taken: an empty list would look like good news. */
  readonly among?: 'kinds' | 'states';
  /** `fleet.find` takes it as well. */
  readonly isOfFind: boolean;
  /** As an option of `corral devices`. */
  readonly option: string;
  readonly judges: (device: JudgedDevice, value: Static<Schema>) => boolean;
}

/** The filters, by their names. */
export const FILTERS = {
  kind: filter({
    schema: Type.String({ minLength: 1, maxLength: 128 }),
    meaning: 'of this kind',
    among: 'kinds',
    isOfFind: true,
    option: '--kind <kind>',
    judges: ({ kind }, value) => kind === value,
  }),
  state: filter({
    schema: Type.String({ minLength: 1, maxLength: 128 }),
    meaning:
      'in this known state; `suspect.doubted` and `suspect.out-of-service` are the two that `suspect` stands for',
    among: 'states',
    isOfFind: true,
    option: '--state <state>',
    judges: ({ path }, value) => worldState(path) === value || shownState(path) === value,
  }),
  quality: filter({
    schema: Type.Unsafe<Quality>(Type.Union(QUALITIES.map((quality) => Type.Literal(quality)))),
    meaning: `whose state can be trusted so far: ${QUALITIES.join(', ')}`,
    isOfFind: true,
    option: '--quality <quality>',
    judges: ({ quality }, value) => quality === value,
  }),
  site: filter({
    schema: Type.String({ pattern: ID_PATTERN }),
    meaning: 'of this site',
    isOfFind: true,
    option: '--site <site>',
    judges: ({ site }, value) => site === value,
  }),
  firmware: filter({
    schema: Type.String({ minLength: 1, maxLength: 64 }),
    meaning: 'with this firmware',
    isOfFind: true,
    option: '--firmware <version>',
    judges: ({ firmware }, value) => firmware === value,
  }),
  label: filter({
    schema: Type.String({ minLength: 1, maxLength: 128 }),
    meaning: 'with this label of the inventory: `name`, or `name=value`',
    isOfFind: true,
    option: '--label <label>',
    judges: ({ labels }, value) => hasLabel(labels, value),
  }),
  suspicion: filter({
    schema: Type.String({ pattern: ID_PATTERN }),
    meaning: 'with an open suspicion of this reason: `divergence`, `unconfirmed-command`, ...',
    isOfFind: false,
    option: '--suspicion <reason>',
    judges: ({ suspicions }, value) => suspicions.includes(value),
  }),
  staleForMs: filter({
    schema: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    meaning: 'whose newest report was measured longer ago than this',
    isOfFind: false,
    option: '--stale-for <duration>',
    judges: ({ measuredMsAgo }, value) => measuredMsAgo !== null && measuredMsAgo > value,
  }),
  pending: filter({
    schema: Type.Boolean(),
    meaning: 'of which a command waits for its final outcome',
    isOfFind: false,
    option: '--pending',
    judges: ({ pending }, value) => value === pending > 0,
  }),
  q: filter({
    schema: Type.String({ pattern: ID_PATTERN }),
    meaning: 'with this in their id, in upper or lower case',
    isOfFind: false,
    option: '--find <text>',
    judges: ({ device }, value) => device.toLowerCase().includes(value.toLowerCase()),
  }),
};

/** The name of a filter. */
export type FilterName = keyof typeof FILTERS;

/** What a filter takes. */
export type FilterValue<Name extends FilterName> = Static<(typeof FILTERS)[Name]['schema']>;

/** Which devices; `null` does not restrict. What depends on time is judged at the time of asking. */
export type DeviceFilter = { readonly [Name in FilterName]: FilterValue<Name> | null };

/** The names of all filters. */
export const FILTER_NAMES = Object.keys(FILTERS) as readonly FilterName[];

/** The filter that has these values, and restricts nothing else. */
export function deviceFilter(values: Readonly<Partial<Record<FilterName, unknown>>>): DeviceFilter {
  return Object.fromEntries(FILTER_NAMES.map((name) => [name, values[name] ?? null])) as DeviceFilter;
}

/** Finds every device. */
export const ANY_DEVICE = deviceFilter({});

/** Whether a device is among those that a filter finds. */
export function isFound(device: JudgedDevice, values: DeviceFilter): boolean {
  return FILTER_NAMES.every((name) => {
    const value = values[name];
    const { judges } = FILTERS[name] as { readonly judges: (of: JudgedDevice, value: unknown) => boolean };
    return value === null || judges(device, value);
  });
}

/** A label filter: `name=value`, or a bare `name` for any value. */
export function readLabelFilter(label: string): { readonly name: string; readonly value: string | null } {
  const equals = label.indexOf('=');
  return equals === -1
    ? { name: label, value: null }
    : { name: label.slice(0, equals), value: label.slice(equals + 1) };
}

function hasLabel(labels: JudgedDevice['labels'], label: string): boolean {
  const { name, value } = readLabelFilter(label);
  const known = labels[name];
  if (known === undefined) return false;
  return value === null || value === (typeof known === 'string' ? known : JSON.stringify(known));
}

function filter<Schema extends TSchema>(row: Filter<Schema>): Filter<Schema> {
  return row;
}
