/**
 * Forgets devices: with the row that says so goes what a device is and has, in one statement and behind the fence. What it has said and
 * been told may be millions of rows, so it is erased afterwards, a little at a time; nobody finds it any more meanwhile, as everything
 * that reads begins with the device's row.
 */
import type { ClientBase } from 'pg';
import type { ForgottenDevice } from '../history/ports.ts';
import type { Forgetting, JournalEntry } from '../contract/journal-entry.ts';
import type { Columns } from './array-parameter.ts';
import type { StatementPart } from './statement.ts';

const columns = {
  partition: 'smallint',
  no: 'bigint',
  device: 'text',
  site: 'text',
  forgotten_at: 'timestamptz',
  asker: 'text',
  by: 'text',
  reason: 'text',
} as const;

const names = Object.keys(columns).join(', ');

/** Tables of what a device is and has, by the column that names it: few rows each. */
const OWN_TABLES = ['twin', 'component', 'inventory_scan', 'inventory_change', 'boot_clock'];

/** Writes that devices are forgotten, and removes them. */
export const forgottenPart: StatementPart<typeof columns> = {
  name: 'forgotten',
  columns,
  sql: (input) => `forgotten_now as (
  insert into forgotten (${names}, key)
  select ${Object.keys(columns)
    .map((name) => `i.${name}`)
    .join(', ')}, d.key from (${input}) i left join device d on d.id = i.device
  returning key
), ${OWN_TABLES.map(
    (table) => `forgotten_${table} as (
  delete from ${table} t using forgotten_now f where t.device = f.key
)`,
  ).join(', ')}, forgotten_replays as (
  delete from source_replay r using (${input}) i where r.source = i.device
), forgotten_devices as (
  delete from device d using forgotten_now f where d.key = f.key
)`,
};

/** Writes one row. */
export function writeForgotten(
  { partition, no, forgetting }: Extract<JournalEntry, { readonly type: 'forgotten' }>,
  row: Columns<typeof columns>,
): void {
  row.partition.smallint(partition);
  row.no.bigint(no);
  row.device.text(forgetting.device);
  row.site.text(forgetting.site);
  row.forgotten_at.time(forgetting.at);
  row.asker.text(forgetting.asker);
  row.by.text(forgetting.by);
  row.reason.text(forgetting.reason);
}

/** What is said of a row of `forgotten`, as {@link Forgetting}. */
const selection = `device, site, ms_of(forgotten_at) as at, asker, by, reason`;

/** The same as JSON, for a line of the journal. */
export const forgettingJson = `json_build_object('device', device, 'site', site, 'at', ms_of(forgotten_at),
  'asker', asker, 'by', by, 'reason', reason)`;

/** Devices of partitions that are forgotten now. */
export async function readForgotten(
  client: ClientBase,
  partitions: readonly number[],
): Promise<readonly Forgetting[]> {
  const { rows } = await client.query<Forgetting>({
    text: `select ${selection} from forgotten where lifted_at is null and partition = any($1::smallint[])`,
    values: [partitions],
  });
  return rows;
}

/** Of one device; see `Archive.forgotten`. */
export const FORGOTTEN = {
  name: 'forgotten',
  text: `select ${selection}, ms_of(erased_at) as "erasedAt" from forgotten where device = $1 and lifted_at is null`,
} as const;
/** A row of {@link FORGOTTEN}. */
export type ForgottenRow = ForgottenDevice;

/** Rows erased in one transaction. */
const SLICE = 5_000;

interface Unerased {
  readonly partition: number;
  readonly no: number;
  readonly device: string;
  readonly key: number | null;
}

/** Tables that name a device by its key, and may have any number of rows of it. */
const HISTORY_TABLES = ['report', 'transition', 'command'];

/**
 * Erases the history of everything that is forgotten; returns how many rows that were. Any number of nodes may do it at once, and whoever
 * stops leaves the rest to the next.
 */
export async function eraseForgotten(client: ClientBase, isStopping: () => boolean): Promise<number> {
  const { rows } = await client.query<Unerased>(
    'select partition, no, device, key from forgotten where erased_at is null order by forgotten_at',
  );
  let erased = 0;
  for (const forgotten of rows) erased += await erase(client, forgotten, isStopping);
  return erased;
}

async function erase(
  client: ClientBase,
  { partition, no, device, key }: Unerased,
  isStopping: () => boolean,
): Promise<number> {
  let erased = 0;
  const remove = async (text: string, values: readonly unknown[]): Promise<number> => {
    const { rowCount } = await client.query({ text, values: [...values] });
    erased += rowCount ?? 0;
    return rowCount ?? 0;
  };
  for (const table of key === null ? [] : HISTORY_TABLES) {
    // Tables of days lie beside each other, so a row is told by its table as well.
    const slice = `delete from ${table} t using (select tableoid, ctid from ${table} where device = $1 limit ${String(SLICE)}) s
      where t.tableoid = s.tableoid and t.ctid = s.ctid and t.device = $1`;
    while ((await remove(slice, [key])) > 0) if (isStopping()) return erased;
  }
  if (key !== null)
    await remove('delete from outcome where partition = $1 and device = $2', [partition, key]);
  await remove('delete from dead_letter where partition = $1 and device = $2 and no < $3', [
    partition,
    device,
    no,
  ]);
  await client.query('update forgotten set erased_at = now() where partition = $1 and no = $2', [
    partition,
    no,
  ]);
  return erased;
}
