/**
 * A command as a row of the ledger. Its times are exact to the microsecond.
 */
import type { LedgerEntry } from '../contract/ledger-entry.ts';
import type { FilledPart, StatementPart } from './statement.ts';
import { columns, fillTable, typesOf } from './table.ts';

interface Writing {
  readonly keyOf: (device: string) => number;
}
const column = columns<LedgerEntry, Writing>();

/** The columns, each of which is a field of the entry under its name in camel case. */
const table = {
  device: column('integer', (to, { device }, { keyOf }) => to.integer(keyOf(device))),
  id: column('text', (to, { id }) => to.text(id)),
  n: column('bigint', (to, { n }) => to.bigint(n)),
  name: column('text', (to, { name }) => to.text(name)),
  args: column('json', (to, { args }) => to.text(JSON.stringify(args))),
  by: column('text', (to, { by }) => to.text(by)),
  asker: column('text', (to, { asker }) => to.text(asker)),
  epoch: column('bigint', (to, { epoch }) => to.bigint(epoch)),
  incarnation: column('integer', (to, { incarnation }) => to.integer(incarnation)),
  boot: column('bigint', (to, { boot }) => to.bigint(boot)),
  not_after_up: column('double precision', (to, { notAfterUp }) => to.double(notAfterUp)),
  hold_ms: column('double precision', (to, { holdMs }) => to.double(holdMs)),
  accepted_at: column('timestamptz', (to, { acceptedAt }) => to.time(acceptedAt)),
  sent_at: column('timestamptz', (to, { sentAt }) => to.time(sentAt)),
  certain_at: column('timestamptz', (to, { certainAt }) => to.time(certainAt)),
  outcome: column('text', (to, { outcome }) => to.text(outcome)),
  reason: column('text', (to, { reason }) => to.text(reason)),
  proof: column('text', (to, { proof }) => to.text(proof)),
  decided_at: column('timestamptz', (to, { decidedAt }) => to.time(decidedAt)),
  closed_at: column('timestamptz', (to, { closedAt }) => to.time(closedAt)),
  compensated_by: column('text', (to, { compensatedBy }) => to.text(compensatedBy)),
  ends: column('text', (to, { ends }) => to.text(ends ?? null)),
};

const all = Object.keys(table).join(', ');
/** What never changes of a command stays as it stands: also a `by` in whose place there is another one since (see `anonymise`). */
const FIXED = ['device', 'id', 'by'];
const changing = Object.keys(table).filter((name) => !FIXED.includes(name));

const ledgerPart: StatementPart = {
  name: 'ledger',
  columns: typesOf(table),
  sql: (input) => `ledger as (
  insert into command (${all}) ${input}
  on conflict (device, id) do update set ${changing.map((name) => `${name} = excluded.${name}`).join(', ')}
)`,
};

/** Fills the part that writes entries, new ones and known ones alike. */
export function fillLedger(entries: readonly LedgerEntry[], context: Writing): FilledPart {
  return fillTable(ledgerPart, table, { rows: entries, context });
}

/** The columns of `c` (table command) and `d` (table device) that are a ledger entry, under its names. */
export const entrySelection = Object.entries(table)
  .map(([name, { type }]) => {
    if (name === 'device') return 'd.id as device';
    const field = name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    return `${type === 'timestamptz' ? `ms_of(c.${name})` : `c.${name}`} as "${field}"`;
  })
  .join(', ');

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
