/**
 * Reading for people and backends.
 */
import type { BootClock } from '../../actors/clock.ts';
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
import { type ClockRow, clockSelection, readClock } from './history-rows.ts';
import { type NumberedTransition, transitionJson } from './journal-rows.ts';
import { type EntryRow, entrySelection, readEntry } from './ledger-row.ts';
import type { PostgresLimits } from './limits.ts';
import type { SessionPool } from './sessions.ts';
import { uptimeWindow } from './uptime-window.ts';

export interface PostgresArchiveOptions {
  readonly sessions: SessionPool;
  readonly reading: TwinReading;
  readonly limits: Pick<PostgresLimits, 'searchedDevicesMax'>;
}

/**
 * No report is taken to be measured so much later than it arrived, ms: even in fourteen years of uptime a clock within its drift
 * bound does not go that wrong. It lets a question about a time leave out the partitions of days before.
 */
const ARRIVAL_SLACK_MS = 86_400_000;

/** Before every time, ms epoch. */
const BEGINNING_MS = -210_866_803_200_000;

const FIND = `select ${deviceTwinSelection}
from device d left join twin t on t.device = d.key
where d.id > $1
  and ($2::text is null or d.kind = $2)
  and ($3::text is null or t.state = $3 or (t.device is null and d.kind = any($4::text[])))
  and ($5::text is null or d.site = $5)
  and ($6::text is null or t.firmware = $6)
  and ($7::text is null or (d.labels ? $7 and ($8::text is null or d.labels ->> $7 = $8)))
order by d.id limit $9`;

const REPORT_COLUMNS = `r.incarnation, r.boot, r.seq, r.up, r.state, ms_of(r.received_at) as "receivedAt", r.is_late, r.body`;

const REPORTS = `select ${REPORT_COLUMNS} from report r
where r.device = $1 and (r.incarnation, r.boot, r.seq) > ($2, $3, $4)
order by r.incarnation, r.boot, r.seq limit $5`;

/** A boot without a clock is judged by arrival, which is all that is known of it. */
const REPORTS_IN_WINDOW = `select ${REPORT_COLUMNS} from report r
left join unnest($6::integer[], $7::bigint[], $8::bigint[], $9::bigint[]) w (incarnation, boot, first_up, last_up)
  on w.incarnation = r.incarnation and w.boot = r.boot
where r.device = $1 and (r.incarnation, r.boot, r.seq) > ($2, $3, $4)
  and (r.incarnation, r.boot) <= ($10, $11)
  and r.received_at >= time_of($12)
  and case when w.boot is null then r.received_at >= time_of($13) and r.received_at < time_of($14)
    else r.up between w.first_up and w.last_up end
order by r.incarnation, r.boot, r.seq limit $5`;

interface ReportRow {
  readonly incarnation: number;
  readonly boot: number;
  readonly seq: number;
  readonly up: number;
  readonly state: string;
  readonly receivedAt: number;
  readonly is_late: boolean;
  readonly body: string;
}

/** The archive on Postgres. */
export class PostgresArchive implements Archive {
  readonly #options: PostgresArchiveOptions;

  constructor(options: PostgresArchiveOptions) {
    this.#options = options;
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
    if (found === null || twin === null) return [];
    const clocks = await this.#clocks(found.key, twin);
    const position = [page.after?.incarnation ?? 0, page.after?.boot ?? -1, page.after?.seq ?? 0];
    const values = [found.key, ...position, page.limit];
    const rows =
      page.from === null && page.to === null
        ? await this.#options.sessions.query<ReportRow>({
            name: 'reports',
            text: REPORTS,
            values,
          })
        : await this.#reportsInWindow(values, twin, clocks, page);
    return rows.map((row) => this.#archived(row, twin, clocks));
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

  /** The clocks of all boots, the present one's last. */
  async #clocks(key: number, twin: Twin): Promise<ReadonlyMap<string, BootClock>> {
    const rows = await this.#options.sessions.query<ClockRow>({
      name: 'clocks',
      text: `select ${clockSelection} from boot_clock where device = $1`,
      values: [key],
    });
    const clocks = [...rows.map(readClock), ...(twin.clock === null ? [] : [twin.clock])];
    return new Map(clocks.map((clock) => [bootKey(clock), clock]));
  }

  #reportsInWindow(
    values: readonly number[],
    twin: Twin,
    clocks: ReadonlyMap<string, BootClock>,
    { from, to }: ReportPage,
  ): Promise<readonly ReportRow[]> {
    const driftPpm = this.#options.reading.driftPpmOf(twin.kind);
    const boots = [...clocks.values()];
    const windows = boots.map((clock) => uptimeWindow(clock, driftPpm, { from, to }));
    const last = lastBoot(boots.filter((_, index) => (windows[index]?.last ?? 0) >= 0));
    return this.#options.sessions.query<ReportRow>({
      name: 'reports in window',
      text: REPORTS_IN_WINDOW,
      values: [
        ...values,
        boots.map(({ incarnation }) => incarnation),
        boots.map(({ boot }) => boot),
        windows.map((window) => window.first),
        windows.map((window) => window.last),
        ...(to === null || last === null
          ? [INTEGER_MAX, Number.MAX_SAFE_INTEGER]
          : [last.incarnation, last.boot]),
        from === null ? BEGINNING_MS : from - ARRIVAL_SLACK_MS,
        from ?? BEGINNING_MS,
        to ?? Number.MAX_SAFE_INTEGER,
      ],
    });
  }

  #archived(row: ReportRow, twin: Twin, clocks: ReadonlyMap<string, BootClock>): ArchivedReport {
    const { incarnation, boot, seq, up, state, receivedAt, is_late: isLate } = row;
    const clock = clocks.get(bootKey(row));
    const { at, errorMs } = this.#options.reading.measuredAt({ kind: twin.kind, clock, up, receivedAt });
    return {
      incarnation,
      boot,
      seq,
      up,
      state,
      receivedAt,
      measuredAt: at,
      errorMs,
      fate: isLate ? 'late' : 'news',
      body: JSON.parse(row.body) as ArchivedReport['body'],
    };
  }
}

const INTEGER_MAX = 2_147_483_647;

type Boot = Pick<BootClock, 'incarnation' | 'boot'>;

function bootKey({ incarnation, boot }: Boot): string {
  return `${String(incarnation)} ${String(boot)}`;
}

/** The newest boot that began before a window ended: no report of a later one can lie in it. */
function lastBoot(boots: readonly Boot[]): Boot | null {
  const sorted = [...boots].sort((a, b) => a.incarnation - b.incarnation || a.boot - b.boot);
  return sorted.at(-1) ?? null;
}
