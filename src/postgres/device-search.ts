/**
 * Searches the fleet: a question becomes a statement of its own, with the conditions it has and no others, so that Postgres can plan
 * it by what it knows of the values. Which quality a twin has follows from what is in its snapshot; the columns tell of nearly all
 * twins that they have it or have it not, and those that are found are judged by the one function that judges quality.
 */
import { DOUBTED, OUT_OF_SERVICE } from '../../machines/shown-state.ts';
import type { DeviceCursor, DeviceOrder, DeviceQuery, DeviceRow } from '../history/ports.ts';
import type { DeviceFilter } from '../contract/device-filter.ts';
import { readLabelFilter, type TwinReading } from '../runtime/twin-reading.ts';
import { deviceTwinSelection, type DeviceTwinRow, readDeviceTwin } from './device-row.ts';
import type { PostgresLimits } from './limits.ts';
import type { SessionPool } from './sessions.ts';

/** What is searched with. */
export interface DeviceSearchOptions {
  readonly sessions: SessionPool;
  readonly reading: TwinReading;
  readonly limits: Pick<PostgresLimits, 'searchedDevicesMax'>;
}

/** Times are rounded to microseconds in columns: what is this close to a limit, ms, is judged by the twin itself. */
const ROUNDING_MS = 1;

/** Who speaks for the device gives no reason to distrust what was said. */
const IS_TRUSTED = `(t.via ->> 'doubt' is null)`;

const SORT_COLUMNS = { since: 't.since', lastContact: 't.received_at', asOf: 't.measured_at' } as const;

/** A statement that grows: its conditions and their parameters. */
class Conditions {
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

  add(condition: string): void {
    this.#needsDevice = true;
    this.#conditions.push(`(${condition})`);
  }

  ofTwin(condition: string): void {
    this.#needsTwin = true;
    this.#conditions.push(`(${condition})`);
  }

  get from(): string {
    const join = this.#needsTwin ? 'join' : 'left join';
    return `from device d ${join} twin t on t.device = d.key ${this.#where}`;
  }

  /** For counting: a twin has its device, so where nothing is asked of that, it need not be looked up. */
  get fromFewest(): string {
    return this.#needsTwin && !this.#needsDevice ? `from twin t ${this.#where}` : this.from;
  }

  get #where(): string {
    return this.#conditions.length === 0 ? '' : `where ${this.#conditions.join(' and ')}`;
  }
}

/** Finds devices, and counts them. */
export class DeviceSearch {
  readonly #options: DeviceSearchOptions;

  constructor(options: DeviceSearchOptions) {
    this.#options = options;
  }

  /** See `Archive.find`. */
  async find(
    query: DeviceQuery,
  ): Promise<{ readonly devices: readonly DeviceRow[]; readonly cursor: DeviceCursor | null }> {
    const { reading, limits } = this.#options;
    const devices: DeviceRow[] = [];
    let { cursor } = query;
    for (let looked = 0; looked < limits.searchedDevicesMax;) {
      const pageSize = query.limit + 1;
      const rows = await this.#page({ ...query, cursor, limit: pageSize });
      for (const [value, ...row] of rows) {
        if (devices.length === query.limit) return { devices, cursor };
        const { inventory, twin: heard } = readDeviceTwin(row);
        const twin = heard ?? reading.unheard(inventory);
        const device = twin && { ...inventory, twin };
        const hasQuality =
          query.quality === null || (twin !== null && reading.qualityNow(twin) === query.quality);
        if (device !== null && hasQuality) devices.push(device);
        cursor = { value, device: inventory.device };
      }
      if (rows.length < pageSize) return { devices, cursor: null };
      looked += rows.length;
    }
    return { devices, cursor };
  }

  /** See `Archive.count`. */
  async count(filter: DeviceFilter): Promise<{ readonly devices: number; readonly isExact: boolean }> {
    const conditions = this.#conditionsOf(filter);
    const certain = filter.quality === null ? 'true' : this.#certainly(filter.quality, conditions);
    const [row] = await this.#options.sessions.query<{ devices: number; certain: number }>({
      text: `select count(*) as devices, count(*) filter (where ${certain}) as certain ${conditions.fromFewest}`,
      values: conditions.values,
    });
    const { devices, certain: proved } = row ?? { devices: 0, certain: 0 };
    return { devices, isExact: devices === proved };
  }

  #page(query: DeviceQuery): Promise<readonly SearchRow[]> {
    const conditions = this.#conditionsOf(query);
    const order = sorted(query, conditions);
    const limit = conditions.value(query.limit, 'integer');
    return this.#options.sessions.lists<SearchRow>({
      text: `select ${order.value} as sorted_by, ${deviceTwinSelection} ${conditions.from}
        order by ${order.by} limit ${limit}`,
      values: conditions.values,
    });
  }

  #conditionsOf(filter: DeviceFilter): Conditions {
    const conditions = new Conditions();
    const { kind, state, site, firmware, label, text, quality } = filter;
    if (kind !== null) conditions.add(`d.kind = ${conditions.value(kind, 'text')}`);
    if (site !== null) conditions.add(`d.site = ${conditions.value(site, 'text')}`);
    if (firmware !== null) conditions.ofTwin(`t.firmware = ${conditions.value(firmware, 'text')}`);
    if (text !== null)
      conditions.add(`position(lower(${conditions.value(text, 'text')}) in lower(d.id)) > 0`);
    if (state !== null) this.#inState(state, conditions);
    if (label !== null) hasLabel(label, conditions);
    if (quality !== null) this.#possibly(quality, conditions);
    this.#inDoubt(filter, conditions);
    return conditions;
  }

  #inDoubt({ suspicion, staleForMs, isPending }: DeviceFilter, conditions: Conditions): void {
    if (suspicion !== null) {
      const reason = conditions.value(suspicion, 'text');
      conditions.ofTwin(`t.suspicions is not null
        and exists (select from json_array_elements(t.suspicions) s where s ->> 'reason' = ${reason})`);
    }
    if (staleForMs !== null) {
      const { now } = this.#options.reading.judging();
      conditions.ofTwin(`t.measured_at < time_of(${conditions.value(now - staleForMs, 'double precision')})`);
    }
    if (isPending !== null) {
      const open = 'exists (select from command c where c.device = d.key and c.closed_at is null)';
      conditions.add(isPending ? open : `not ${open}`);
    }
  }

  /** A device that was never heard is in the state in which its kind is born. */
  #inState(state: string, conditions: Conditions): void {
    if (state === OUT_OF_SERVICE || state === DOUBTED) {
      const is = state === OUT_OF_SERVICE ? '=' : '<>';
      conditions.ofTwin(`t.state = 'suspect' and t.path ${is} ${conditions.value(OUT_OF_SERVICE, 'text')}`);
      return;
    }
    const unheard = this.#options.reading.kindsUnheardIn(state);
    const isIn = `t.state = ${conditions.value(state, 'text')}`;
    if (unheard.length === 0) conditions.ofTwin(isIn);
    else
      conditions.add(
        `${isIn} or (t.device is null and d.kind = any(${conditions.value(unheard, 'text[]')}))`,
      );
  }

  /**
   * Leaves out only twins that certainly have another quality. Where who speaks for a device is not to be trusted, nothing else counts.
   */
  #possibly(quality: string, conditions: Conditions): void {
    const { age, limit, error, drift, isKnown } = this.#judged(conditions);
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
  #certainly(quality: string, conditions: Conditions): string {
    const { age, limit, error, drift } = this.#judged(conditions);
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
  #judged(conditions: Conditions) {
    const { now, serverErrorMs, kinds } = this.#options.reading.judging();
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
}

type SearchRow = [sortedBy: number | null, ...device: DeviceTwinRow];

function hasLabel(label: string, conditions: Conditions): void {
  const { name, value } = readLabelFilter(label);
  const named = conditions.value(name, 'text');
  conditions.add(`d.labels ? ${named}`);
  if (value !== null) conditions.add(`d.labels ->> ${named} = ${conditions.value(value, 'text')}`);
}

/** The order, what is sorted by, and the condition that leaves out what comes before the cursor. */
function sorted(
  { order, cursor }: { readonly order: DeviceOrder; readonly cursor: DeviceCursor | null },
  conditions: Conditions,
): { readonly value: string; readonly by: string } {
  const { by, isDescending } = order;
  const direction = isDescending ? 'desc' : 'asc';
  const isAfter = isDescending ? '<' : '>';
  if (by === 'id') {
    if (cursor !== null) conditions.add(`d.id ${isAfter} ${conditions.value(cursor.device, 'text')}`);
    return { value: 'null::double precision', by: `d.id ${direction}` };
  }
  const value = `ms_of(${SORT_COLUMNS[by]})`;
  if (cursor !== null) {
    const device = conditions.value(cursor.device, 'text');
    if (cursor.value === null) {
      conditions.add(`${value} is null and d.id > ${device}`);
    } else {
      const last = conditions.value(cursor.value, 'double precision');
      conditions.add(
        `${value} ${isAfter} ${last} or (${value} = ${last} and d.id > ${device}) or ${value} is null`,
      );
    }
  }
  return { value, by: `${value} ${direction} nulls last, d.id` };
}
