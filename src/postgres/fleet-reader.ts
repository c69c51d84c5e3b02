/**
 * Reading for people and backends.
 */
import type { NumberedDeadLetter } from '../contract/dead-letter.ts';
import type { LedgerEntry } from '../contract/ledger-entry.ts';
import type { Twin } from '../../actors/twin.ts';
import type {
  FleetReader,
  HistoryReport,
  DeadLetterPage,
  DeviceQuery,
  ForgottenDevice,
  JournalPage,
  Ownership,
  ReportPage,
} from '../history/ports.ts';
import type { DeviceFilter } from '../contract/device-filter.ts';
import type { InventoryEntry } from '../runtime/ports.ts';
import type { TwinReading } from '../runtime/twin-reading.ts';
import { deviceTwinSelection, type DeviceTwinRow, readDeviceTwin } from './device-row.ts';
import { DeviceSearch } from './device-search.ts';
import { FORGOTTEN, type ForgottenRow } from './forgotten-rows.ts';
import { FleetNumbers } from './fleet-numbers.ts';
import { type NumberedTransition, transitionJson } from './journal-rows.ts';
import { type EntryRow, entrySelection, readEntry } from './ledger-row.ts';
import type { PostgresLimits } from './limits.ts';
import { ReportHistory } from './report-history.ts';
import type { SessionPool } from './sessions.ts';

/** What the archive asks with. */
export interface PostgresArchiveOptions {
  readonly sessions: SessionPool;
  readonly reading: TwinReading;
  readonly limits: Pick<PostgresLimits, 'searchedDevicesMax'>;
}

const DEAD_LETTERS = `select partition, no, site, device, stream, sequence, ms_of(received_at) as "receivedAt", reason, detail, bytes
from dead_letter
where ($1::text is null or device = $1) and ($2::text is null or reason = $2)
  and ($3::double precision is null
    or (received_at, sequence, partition, no) < (time_of($3), $4::bigint, $5::smallint, $6::bigint))
order by received_at desc, sequence desc, partition desc, no desc limit $7`;

/** The archive on Postgres. */
export class PostgresFleetReader implements FleetReader {
  readonly #options: PostgresArchiveOptions;
  readonly #reports: ReportHistory;
  readonly #search: DeviceSearch;
  readonly #numbers: FleetNumbers;

  constructor(options: PostgresArchiveOptions) {
    this.#options = options;
    this.#reports = new ReportHistory(options);
    this.#search = new DeviceSearch(options);
    this.#numbers = new FleetNumbers(options);
  }

  async forgotten(device: string): Promise<ForgottenDevice | null> {
    const [row] = await this.#options.sessions.query<ForgottenRow>({ ...FORGOTTEN, values: [device] });
    return row ?? null;
  }

  async twin(device: string): Promise<{ readonly twin: Twin; readonly inventory: InventoryEntry } | null> {
    const found = await this.#device(device);
    if (found === null) return null;
    const twin = found.twin ?? this.#options.reading.initialTwin(found.inventory);
    return twin && { twin, inventory: found.inventory };
  }

  find(query: DeviceQuery): ReturnType<FleetReader['find']> {
    return this.#search.find(query);
  }

  count(filter: DeviceFilter): ReturnType<FleetReader['count']> {
    return this.#search.count(filter);
  }

  async reports(device: string, page: ReportPage): Promise<readonly HistoryReport[]> {
    const found = await this.#device(device);
    const twin = found?.twin ?? null;
    return found === null || twin === null ? [] : this.#reports.page(found.key, twin, page);
  }

  async transitions(
    device: string,
    { before, recordedUpTo, limit }: JournalPage,
  ): Promise<readonly NumberedTransition[]> {
    const rows = await this.#options.sessions.query<{ line: string }>({
      text: `select ${transitionJson} as line from transition t join device d on d.key = t.device
        where t.device = (select key from device where id = $1) and ($2::bigint is null or t.no < $2)
          and ($4::double precision is null or t.recorded_at <= time_of($4))
        order by t.no desc limit $3`,
      values: [device, before, limit, recordedUpTo],
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

  async ledgerEntry(device: string, id: string): Promise<LedgerEntry | null> {
    const [row] = await this.#options.sessions.query<EntryRow>({
      name: 'ledger entry',
      text: `select ${entrySelection} from command c join device d on d.key = c.device where d.id = $1 and c.id = $2`,
      values: [device, id],
    });
    return row === undefined ? null : readEntry(row);
  }

  deadLetters({ device, reason, before, limit }: DeadLetterPage): Promise<readonly NumberedDeadLetter[]> {
    return this.#options.sessions.query<NumberedDeadLetter>({
      text: DEAD_LETTERS,
      values: [device, reason, before?.receivedAt, before?.sequence, before?.partition, before?.no, limit],
    });
  }

  counts(): ReturnType<FleetReader['counts']> {
    return this.#numbers.counts();
  }

  stateChanges(options: Parameters<FleetReader['stateChanges']>[0]): ReturnType<FleetReader['stateChanges']> {
    return this.#numbers.stateChanges(options);
  }

  async ownership(partition: number): Promise<Ownership> {
    const [row] = await this.#options.sessions.query<Ownership>({
      name: 'ownership',
      text: `select owner, coalesce(expires_at > now(), false) as "isHeld", refuses from lease where partition = $1`,
      values: [partition],
    });
    return row ?? { owner: null, isHeld: false, refuses: null };
  }

  leases(): ReturnType<FleetReader['leases']> {
    return this.#numbers.leases();
  }

  async #device(device: string): Promise<ReturnType<typeof readDeviceTwin> | null> {
    const [row] = await this.#options.sessions.lists<DeviceTwinRow>({
      name: 'device',
      text: `select ${deviceTwinSelection} from device d left join twin t on t.device = d.key where d.id = $1`,
      values: [device],
    });
    return row === undefined ? null : readDeviceTwin(row);
  }
}
