/**
 * Searches the fleet: a question becomes a statement of its own, with the conditions it has and no others, so that Postgres can plan
 * it by what it knows of the values. Which quality a twin has follows from what is in its snapshot; the columns tell of nearly all
 * twins that they have it or have it not, and those that are found are judged by the one function that judges quality.
 */
import type { DeviceCursor, DeviceOrder, DeviceQuery, DeviceRow } from '../history/ports.ts';
import type { DeviceFilter } from '../contract/device-filter.ts';
import type { TwinReading } from '../runtime/twin-reading.ts';
import { certainly, Conditions, restrict } from './device-conditions.ts';
import { deviceTwinSelection, type DeviceTwinRow, readDeviceTwin } from './device-row.ts';
import type { PostgresLimits } from './limits.ts';
import type { SessionPool } from './sessions.ts';

/** What is searched with. */
export interface DeviceSearchOptions {
  readonly sessions: SessionPool;
  readonly reading: TwinReading;
  readonly limits: Pick<PostgresLimits, 'searchedDevicesMax'>;
}

const SORT_COLUMNS = { since: 't.since', lastContact: 't.received_at', asOf: 't.measured_at' } as const;

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
        const twin = heard ?? reading.initialTwin(inventory);
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
    const certain =
      filter.quality === null ? 'true' : certainly(filter.quality, conditions, this.#options.reading);
    const [row] = await this.#options.sessions.query<{ devices: number; certain: number }>({
      text: `select count(*) as devices, count(*) filter (where ${certain}) as certain ${conditions.fromForCount}`,
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
    restrict(conditions, filter, this.#options.reading);
    return conditions;
  }
}

type SearchRow = [sortedBy: number | null, ...device: DeviceTwinRow];

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
