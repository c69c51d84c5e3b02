/**
 * What each filter asks in SQL. Which quality a twin has follows from what is in its snapshot; the columns tell of nearly all twins that they
 * have it or have it not.
 */
import { DOUBTED, OUT_OF_SERVICE } from '../../machines/shown-state.ts';
import {
  type DeviceFilter,
  FILTER_NAMES,
  type FilterName,
  type FilterValue,
  readLabelFilter,
} from '../contract/device-filter.ts';
import type { Quality } from '../contract/twin-document.ts';
import type { TwinReading } from '../runtime/twin-reading.ts';

/** Times are rounded to microseconds in columns: what is this close to a limit, ms, is judged by the twin itself. */
const ROUNDING_MS = 1;

/** Who speaks for the device gives no reason to distrust what was said. */
const IS_TRUSTED = `(t.via ->> 'doubt' is null)`;

/** A statement that grows: its conditions and their parameters. `d` is the table device, `t` its twin. */
export class Conditions {
  readonly values: unknown[] = [];
  readonly #conditions: string[] = [];
  /** A device without a twin cannot be found. */
  #needsTwin = false;
  /** Something is asked of the inventory. */
  #needsDevice = false;

  /** The parameter that stands for a value. */
  value(value: unknown, type: string): string {
    this.values.push(value);
    return `$${String(this.values.length)}::${type}`;
  }

  /** One that a device fulfils. */
  add(condition: string): void {
    this.#needsDevice = true;
    this.#conditions.push(`(${condition})`);
  }

  /** One that only a twin fulfils. */
  ofTwin(condition: string): void {
    this.#needsTwin = true;
    this.#conditions.push(`(${condition})`);
  }

  /** The rest of the statement, up to its conditions. */
  get from(): string {
    const join = this.#needsTwin ? 'join' : 'left join';
    return `from device d ${join} twin t on t.device = d.key ${this.#where}`;
  }

  /** For counting: a twin has its device, so where nothing is asked of that, it need not be looked up. */
  get fromForCount(): string {
    return this.#needsTwin && !this.#needsDevice ? `from twin t ${this.#where}` : this.from;
  }

  get #where(): string {
    return this.#conditions.length === 0 ? '' : `where ${this.#conditions.join(' and ')}`;
  }
}

type Ask<Name extends FilterName> = (
  value: FilterValue<Name>,
  conditions: Conditions,
  reading: TwinReading,
) => void;

const ASKED = {
  kind: (kind, conditions) => conditions.add(`d.kind = ${conditions.value(kind, 'text')}`),
  state: inState,
  quality: possibly,
  site: (site, conditions) => conditions.add(`d.site = ${conditions.value(site, 'text')}`),
  firmware: (version, conditions) => conditions.ofTwin(`t.firmware = ${conditions.value(version, 'text')}`),
  label: (label, conditions) => {
    const { name, value } = readLabelFilter(label);
    const named = conditions.value(name, 'text');
    conditions.add(`d.labels ? ${named}`);
    if (value !== null) conditions.add(`d.labels ->> ${named} = ${conditions.value(value, 'text')}`);
  },
  suspicion: (reason, conditions) =>
    conditions.ofTwin(`t.suspicions is not null
      and exists (select from json_array_elements(t.suspicions) s where s ->> 'reason' = ${conditions.value(reason, 'text')})`),
  staleForMs: (ms, conditions, reading) => {
    const before = conditions.value(reading.judging().now - ms, 'double precision');
    conditions.ofTwin(`t.measured_at < time_of(${before})`);
  },
  pending: (isPending, conditions) => {
    const open = 'exists (select from command c where c.device = d.key and c.closed_at is null)';
    conditions.add(isPending ? open : `not ${open}`);
  },
  q: (text, conditions) =>
    conditions.add(`position(lower(${conditions.value(text, 'text')}) in lower(d.id)) > 0`),
} satisfies { readonly [Name in FilterName]: Ask<Name> };

/** Adds what a filter restricts. */
export function restrict(conditions: Conditions, filter: DeviceFilter, reading: TwinReading): void {
  for (const name of FILTER_NAMES) {
    const value = filter[name];
    if (value !== null) (ASKED[name] as Ask<typeof name>)(value, conditions, reading);
  }
}

/** A device that was never heard is in the state in which its kind is born. */
function inState(state: string, conditions: Conditions, reading: TwinReading): void {
  if (state === OUT_OF_SERVICE || state === DOUBTED) {
    const is = state === OUT_OF_SERVICE ? '=' : '<>';
    conditions.ofTwin(`t.state = 'suspect' and t.path ${is} ${conditions.value(OUT_OF_SERVICE, 'text')}`);
    return;
  }
  const unheard = reading.kindsInitiallyIn(state);
  const isIn = `t.state = ${conditions.value(state, 'text')}`;
  if (unheard.length === 0) conditions.ofTwin(isIn);
  else
    conditions.add(`${isIn} or (t.device is null and d.kind = any(${conditions.value(unheard, 'text[]')}))`);
}

/**
 * Leaves out only twins that certainly have another quality. Where who speaks for a device is not to be trusted, nothing else counts.
 */
function possibly(quality: Quality, conditions: Conditions, reading: TwinReading): void {
  const { age, limit, error, drift, isKnown } = judgedBy(conditions, reading);
  conditions.add(isKnown());
  switch (quality) {
    case 'suspect':
      conditions.ofTwin(`t.measured_at is not null and t.suspicions is not null and ${IS_TRUSTED}`);
      return;
    case 'fresh':
      conditions.ofTwin(`t.measured_at is not null and t.suspicions is null and t.error_ms is not null and ${IS_TRUSTED}
        and ${age()} + ${error()} - ${String(ROUNDING_MS)} <= ${limit()}`);
      return;
    case 'unknown':
      conditions.add(`t.measured_at is null or not ${IS_TRUSTED} or (t.suspicions is null and t.error_ms is null
        and ${age()} - ${error()} - ${drift()} - ${String(ROUNDING_MS)} <= ${limit()})`);
      return;
    default:
      conditions.ofTwin(`t.measured_at is not null and t.suspicions is null and ${IS_TRUSTED}
        and case when t.error_ms is null then ${age()} - ${error()} + ${String(ROUNDING_MS)} > ${limit()}
          else ${age()} + t.error_ms + ${error()} + ${String(ROUNDING_MS)} > ${limit()} end`);
  }
}

/** What is true only of twins that certainly have the quality, among those that possibly have it. */
export function certainly(quality: Quality, conditions: Conditions, reading: TwinReading): string {
  const { age, limit, error, drift } = judgedBy(conditions, reading);
  switch (quality) {
    case 'suspect':
      return 'true';
    case 'fresh':
      return `${age()} + t.error_ms + ${error()} + ${String(ROUNDING_MS)} <= ${limit()}`;
    case 'unknown':
      return `t.measured_at is null or not ${IS_TRUSTED} or ${age()} - ${error()} + ${String(ROUNDING_MS)} <= ${limit()}`;
    default:
      return `case when t.error_ms is null
        then ${age()} - ${error()} - ${drift()} - ${String(ROUNDING_MS)} > ${limit()}
        else ${age()} + ${error()} - ${String(ROUNDING_MS)} > ${limit()} end`;
  }
}

/**
 * The age of a measurement, the limit of its kind up to which it is fresh, how far two servers' clocks differ, and what the drift
 * of the device's clock over its whole boot comes to at most, all ms. Each is a parameter of the statement only where it is used.
 */
function judgedBy(conditions: Conditions, reading: TwinReading) {
  const { now, serverErrorMs, kinds } = reading.judging();
  let names: string | null = null;
  const namesOfKinds = (): string =>
    (names ??= conditions.value(
      kinds.map(({ name }) => name),
      'text[]',
    ));
  const ofKind = (values: readonly number[]): string =>
    `(${conditions.value(values, 'double precision[]')})[array_position(${namesOfKinds()}, t.kind)]`;
  return {
    age: () => `(${conditions.value(now, 'double precision')} - ms_of(t.measured_at))`,
    limit: () => ofKind(kinds.map(({ freshMs }) => freshMs)),
    drift: () => `t.up * ${ofKind(kinds.map(({ driftPpm }) => driftPpm / (1e6 - driftPpm)))}`,
    error: () => conditions.value(serverErrorMs, 'double precision'),
    isKnown: () => `d.kind = any(${namesOfKinds()})`,
  };
}
