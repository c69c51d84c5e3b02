/**
 * What goes with the reports of a day: clocks that time nothing any more, dead letters, transitions, outcomes and commands that are old,
 * and inventory that a device has written without end. With the partitions of `report` this bounds all that devices can make the database keep.
 *
 * Everything is done in small transactions, so that no commit waits behind it for long.
 */
import type { ClientBase } from 'pg';
import type { PostgresLimits } from './limits.ts';

/** How many rows were removed. */
export interface Swept {
  readonly bootClocks: number;
  readonly deadLetters: number;
  readonly transitions: number;
  readonly outcomes: number;
  readonly commands: number;
  readonly inventoryChanges: number;
  readonly models: number;
}

type Limits = Pick<
  PostgresLimits,
  'retentionDays' | 'journalRetentionDays' | 'inventoryChangesMax' | 'maintenanceTimeoutMs'
>;

/** Rows looked at in one transaction. */
const SLICE = 5_000;

const DAY_MS = 86_400_000;

/** Removes what only told of reports received before `oldest`, ms epoch. */
export async function sweep(client: ClientBase, oldest: number, limits: Limits): Promise<Swept> {
  const journalOldest = oldest - (limits.journalRetentionDays - limits.retentionDays) * DAY_MS;
  return {
    bootClocks: await sweepBootClocks(client, oldest),
    deadLetters: await sweepLines(client, DEAD_LETTERS, oldest),
    transitions: await sweepLines(client, TRANSITIONS, journalOldest),
    outcomes: await sweepLines(client, OUTCOMES, journalOldest),
    commands: await sweepCommands(client, journalOldest),
    inventoryChanges: await sweepInventoryChanges(client, limits.inventoryChangesMax),
    models: await sweepModels(client, limits),
  };
}

/** The clock of a boot or segment is needed while a report of it is kept. Looked up one by one: a hash of all reports would be the history again. */
const BOOT_CLOCKS = `with page as materialized (
  select device, incarnation, boot, from_seq, until_seq, latest_at from boot_clock
  where (device, incarnation, boot, from_seq) > ($1, $2, $3, $4)
  order by device, incarnation, boot, from_seq limit ${String(SLICE)}
), gone as (
  delete from boot_clock c using page p
  where c.device = p.device and c.incarnation = p.incarnation and c.boot = p.boot and c.from_seq = p.from_seq
    and p.latest_at < $5
    and (select r.device from report r
      where r.device = p.device and r.incarnation = p.incarnation and r.boot = p.boot
        and r.seq >= p.from_seq and (p.until_seq is null or r.seq < p.until_seq) limit 1) is null
  returning c.device
)
select device, incarnation, boot, from_seq as "fromSeq", (select count(*) from gone)::integer as removed from page
order by device desc, incarnation desc, boot desc, from_seq desc limit 1`;

interface BootRow {
  readonly device: number;
  readonly incarnation: number;
  readonly boot: number;
  readonly fromSeq: number;
  readonly removed: number;
}

async function sweepBootClocks(client: ClientBase, oldest: number): Promise<number> {
  let removed = 0;
  let after: Omit<BootRow, 'removed'> = { device: -1, incarnation: -1, boot: -1, fromSeq: -1 };
  for (;;) {
    const values = [after.device, after.incarnation, after.boot, after.fromSeq, oldest];
    const { rows } = await client.query<BootRow>({ text: BOOT_CLOCKS, values });
    const [last] = rows;
    if (last === undefined) return removed;
    removed += last.removed;
    after = last;
  }
}

/** What is not known to be published stays: the next owner has to publish it. Lines stand in the order of their times. */
const DEAD_LETTERS = linesBefore('dead_letter', 's.received_at');
const TRANSITIONS = linesBefore('transition', 's.recorded_at');
/** An outcome is decided when it becomes known, which is when its line is written. */
const OUTCOMES = linesBefore('outcome', "time_of((s.entry ->> 'decidedAt')::float8)");

function linesBefore(table: string, time: string): string {
  return `with first as materialized (
  select t.partition, t.no from lease l, lateral (
    select s.partition, s.no, ${time} as time from ${table} s
    where s.partition = l.partition and s.no <= l.published order by s.no limit ${String(SLICE)}
  ) t where t.time < time_of($1)
)
delete from ${table} t using first f where t.partition = f.partition and t.no = f.no`;
}

async function sweepLines(client: ClientBase, text: string, oldest: number): Promise<number> {
  return untilNothing(async () => (await client.query({ text, values: [oldest] })).rowCount);
}

/** Only what nothing can be learnt of any more. A page at a time, as the ledger has no index of times. */
const COMMANDS = `with page as materialized (
  select device, id, closed_at from command where (device, id) > ($1, $2) order by device, id limit ${String(SLICE)}
), gone as (
  delete from command c using page p where c.device = p.device and c.id = p.id and p.closed_at < time_of($3) returning c.device
)
select device, id, (select count(*) from gone)::integer as removed from page order by device desc, id desc limit 1`;

interface CommandRow {
  readonly device: number;
  readonly id: string;
  readonly removed: number;
}

async function sweepCommands(client: ClientBase, oldest: number): Promise<number> {
  let removed = 0;
  let after: Pick<CommandRow, 'device' | 'id'> = { device: -1, id: '' };
  for (;;) {
    const { rows } = await client.query<CommandRow>({
      text: COMMANDS,
      values: [after.device, after.id, oldest],
    });
    const [last] = rows;
    if (last === undefined) return removed;
    removed += last.removed;
    after = last;
  }
}

async function sweepInventoryChanges(client: ClientBase, changesMax: number): Promise<number> {
  const { rows } = await client.query<{ device: number }>({
    text: 'select device from inventory_change group by device having count(*) > $1',
    values: [changesMax],
  });
  let removed = 0;
  for (const { device } of rows) {
    removed += await untilNothing(async () => {
      const { rowCount } = await client.query({
        text: `delete from inventory_change where device = $1 and no in (
            select no from inventory_change where device = $1 order by no desc offset $2 limit ${String(SLICE)})`,
        values: [device, changesMax],
      });
      return rowCount;
    });
  }
  return removed;
}

/** A model that a commit is just about to name is locked by it, and stays. */
async function sweepModels(client: ClientBase, { maintenanceTimeoutMs }: Limits): Promise<number> {
  const text = `with unnamed as (
      select key from model m where not exists (select from component c where c.model = m.key)
      limit ${String(SLICE)} for update skip locked
    )
    delete from model m using unnamed u
    where m.key = u.key and not exists (select from component c where c.model = m.key)`;
  return untilNothing(
    async () =>
      (await client.query({ text, query_timeout: maintenanceTimeoutMs } as { text: string })).rowCount,
  );
}

async function untilNothing(remove: () => Promise<number | null>): Promise<number> {
  for (let removed = 0; ;) {
    const count = (await remove()) ?? 0;
    if (count === 0) return removed;
    removed += count;
  }
}
