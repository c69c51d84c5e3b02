/**
 * Reading for people and backends.
 */
import type { LedgerEntry } from '../../actors/ledger.ts';
import type { Twin } from '../../actors/twin.ts';
import type {
  Archive,
  ArchivedReport,
  DeviceQuery,
  DeviceRow,
  InventoryEntry,
  JournalPage,
  ReportPage,
} from '../runtime/ports.ts';
import { readLabelFilter, type TwinReading } from '../runtime/twin-reading.ts';
import { deviceTwinSelection, type DeviceTwinRow, readDeviceTwin } from './device-row.ts';
import { type NumberedTransition, transitionJson } from './journal-rows.ts';
import { type EntryRow, entrySelection, readEntry } from './ledger-row.ts';
import type { PostgresLimits } from './limits.ts';
import { ReportArchive } from './report-archive.ts';
import type { SessionPool } from './sessions.ts';

/** What the archive asks with. */
export interface PostgresArchiveOptions {
  readonly sessions: SessionPool;
  readonly reading: TwinReading;
  readonly limits: Pick<PostgresLimits, 'searchedDevicesMax'>;
}

const FIND = `select ${deviceTwinSelection}
from device d left join twin t on t.device = d.key
where d.id > $1
  and ($2::text is null or d.kind = $2)
  and ($3::text is null or t.state = $3 or (t.device is null and d.kind = any($4::text[])))
  and ($5::text is null or d.site = $5)
  and ($6::text is null or t.firmware = $6)
  and ($7::text is null or (d.labels ? $7 and ($8::text is null or d.labels ->> $7 = $8)))
order by d.id limit $9`;

/** The archive on Postgres. */
export class PostgresArchive implements Archive {
  readonly #options: PostgresArchiveOptions;
  readonly #reports: ReportArchive;

  constructor(options: PostgresArchiveOptions) {
    this.#options = options;
    this.#reports = new ReportArchive(options);
  }

  async twin(device: string): Promise<{ readonly twin: Twin; readonly inventory: InventoryEntry } | null> {
    const found = await this.#device(device);
    if (found === null) return null;
    const twin = found.twin ?? this.#options.reading.unheard(found.inventory);
    return twin && { twin, inventory: found.inventory };
  }

  async find(
    query: DeviceQuery,
  ): Promise<{ readonly devices: readonly DeviceRow[]; readonly cursor: string | null }> {
    const { reading, limits } = this.#options;
    const devices: DeviceRow[] = [];
    let cursor = query.cursor ?? '';
    for (let looked = 0; looked < limits.searchedDevicesMax;) {
      const pageSize = query.limit + 1;
      const rows = await this.#findPage({ ...query, cursor, limit: pageSize });
      for (const row of rows) {
        if (devices.length === query.limit) return { devices, cursor };
        const { inventory, twin: heard } = readDeviceTwin(row);
        const twin = heard ?? reading.unheard(inventory);
        const device = twin && { ...inventory, twin };
        if (device !== null && reading.hasQuality(device, query.quality)) devices.push(device);
        cursor = inventory.device;
      }
      if (rows.length < pageSize) return { devices, cursor: null };
      looked += rows.length;
    }
    return { devices, cursor };
  }

  async reports(device: string, page: ReportPage): Promise<readonly ArchivedReport[]> {
    const found = await this.#device(device);
    const twin = found?.twin ?? null;
    return found === null || twin === null ? [] : this.#reports.page(found.key, twin, page);
  }

  async transitions(device: string, { before, limit }: JournalPage): Promise<readonly NumberedTransition[]> {
    const rows = await this.#options.sessions.query<{ line: string }>({
      text: `select ${transitionJson} as line from transition t join device d on d.key = t.device
        where t.device = (select key from device where id = $1) and ($2::bigint is null or t.no < $2)
        order by t.no desc limit $3`,
      values: [device, before, limit],
    });
    return rows.map(({ line }) => JSON.parse(line) as NumberedTransition);
  }

  async commands(
    device: string,
    { beforeN, limit }: { readonly beforeN: number | null; readonly limit: number },
  ): Promise<readonly LedgerEntry[]> {
    const rows = await this.#options.sessions.query<EntryRow>({
      text: `select ${entrySelection} from command c join device d on d.key = c.device
        where c.device = (select key from device where id = $1) and ($2::bigint is null or c.n < $2)
        order by c.n desc limit $3`,
      values: [device, beforeN, limit],
    });
    return rows.map(readEntry);
  }

  async counts(): Promise<
    readonly { readonly kind: string; readonly state: string; readonly devices: number }[]
  > {
    const rows = await this.#options.sessions.query<{ kind: string; state: string | null; devices: number }>({
      text: `select d.kind, t.state, count(*) as devices from device d left join twin t on t.device = d.key
        group by d.kind, t.state`,
    });
    const counts = new Map<string, { kind: string; state: string; devices: number }>();
    for (const { kind, state: known, devices } of rows) {
      const state = known ?? this.#options.reading.unheardState(kind);
      const count = counts.get(`${kind} ${state}`);
      counts.set(`${kind} ${state}`, { kind, state, devices: devices + (count?.devices ?? 0) });
    }
    return [...counts.values()];
  }

  async #device(device: string): Promise<ReturnType<typeof readDeviceTwin> | null> {
    const [row] = await this.#options.sessions.lists<DeviceTwinRow>({
      name: 'device',
      text: `select ${deviceTwinSelection} from device d left join twin t on t.device = d.key where d.id = $1`,
      values: [device],
    });
    return row === undefined ? null : readDeviceTwin(row);
  }

  #findPage(query: DeviceQuery): Promise<readonly DeviceTwinRow[]> {
    const { kind, state, site, firmware, limit, cursor } = query;
    const label = query.label === null ? null : readLabelFilter(query.label);
    const unheardKinds = state === null ? [] : this.#options.reading.kindsUnheardIn(state);
    return this.#options.sessions.lists<DeviceTwinRow>({
      name: 'find',
      text: FIND,
      values: [cursor, kind, state, unheardKinds, site, firmware, label?.name, label?.value, limit],
    });
  }
}
