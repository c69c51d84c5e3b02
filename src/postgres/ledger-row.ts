/**
 * A command as a row of the ledger. Its times are exact to the microsecond.
 */
import type { LedgerEntry } from '../contract/ledger-entry.ts';
import type { Columns } from './array-parameter.ts';
import type { StatementPart } from './statement.ts';

const columns = {
  device: 'integer',
  id: 'text',
  n: 'bigint',
  name: 'text',
  args: 'json',
  by: 'text',
  asker: 'text',
  epoch: 'bigint',
  incarnation: 'integer',
  boot: 'bigint',
  not_after_up: 'double precision',
  hold_ms: 'double precision',
  accepted_at: 'timestamptz',
  sent_at: 'timestamptz',
  certain_at: 'timestamptz',
  outcome: 'text',
  reason: 'text',
  proof: 'text',
  decided_at: 'timestamptz',
  closed_at: 'timestamptz',
  compensated_by: 'text',
  ends: 'text',
} as const;

const all = Object.keys(columns).join(', ');
/** What never changes of a command stays as it stands: also a `by` in whose place there is another one since (see `anonymise`). */
const FIXED = ['device', 'id', 'by'];
const changing = Object.keys(columns).filter((name) => !FIXED.includes(name));

/** Writes entries, new ones and known ones alike. */
export const ledgerPart: StatementPart<typeof columns> = {
  name: 'ledger',
  columns,
  sql: (input) => `ledger as (
  insert into command (${all}) ${input}
  on conflict (device, id) do update set ${changing.map((name) => `${name} = excluded.${name}`).join(', ')}
)`,
};

/** Writes an entry's row. */
export function writeEntry(key: number, entry: LedgerEntry, row: Columns<typeof columns>): void {
  row.device.integer(key);
  row.id.text(entry.id);
  row.n.bigint(entry.n);
  row.name.text(entry.name);
  row.args.text(JSON.stringify(entry.args));
  row.by.text(entry.by);
  row.asker.text(entry.asker);
  row.epoch.bigint(entry.epoch);
  row.incarnation.integer(entry.incarnation);
  row.boot.bigint(entry.boot);
  row.not_after_up.double(entry.notAfterUp);
  row.hold_ms.double(entry.holdMs);
  row.accepted_at.time(entry.acceptedAt);
  row.sent_at.time(entry.sentAt);
  row.certain_at.time(entry.certainAt);
  row.outcome.text(entry.outcome);
  row.reason.text(entry.reason);
  row.proof.text(entry.proof);
  row.decided_at.time(entry.decidedAt);
  row.closed_at.time(entry.closedAt);
  row.compensated_by.text(entry.compensatedBy);
  row.ends.text(entry.ends ?? null);
}

/** The columns of `c` (table command) and `d` (table device) that are a ledger entry, under its names. */
export const entrySelection = `d.id as device, c.id, c.n, c.name, c.args, c.by, c.asker, c.epoch, c.incarnation, c.boot,
  c.not_after_up as "notAfterUp", c.hold_ms as "holdMs", ms_of(c.accepted_at) as "acceptedAt",
  ms_of(c.sent_at) as "sentAt", ms_of(c.certain_at) as "certainAt", c.outcome, c.reason, c.proof,
  ms_of(c.decided_at) as "decidedAt", ms_of(c.closed_at) as "closedAt",
  c.compensated_by as "compensatedBy", c.ends`;

/** A row of {@link entrySelection}: `args` is still text, and what is absent is `null`. */
export type EntryRow = Omit<LedgerEntry, 'args' | 'ends'> & {
  readonly args: string;
  readonly ends: string | null;
};

/** Reads an entry. */
export function readEntry({ ends, ...row }: EntryRow): LedgerEntry {
  return {
    ...row,
    args: JSON.parse(row.args) as LedgerEntry['args'],
    ...(ends !== null && { ends }),
  };
}
