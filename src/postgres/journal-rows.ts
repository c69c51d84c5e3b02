/**
 * Lines of a partition's journal as rows of tables that share one number line. Times are exact to the microsecond, but
 * for an outcome's entry, which is kept as it stood.
 */
import type { DeadLetter } from '../contract/dead-letter.ts';
import type { Forgetting, JournalEntry, Transition } from '../contract/journal-entry.ts';
import type { LedgerEntry } from '../contract/ledger-entry.ts';
import type { Columns } from './array-parameter.ts';
import { forgettingJson } from './forgotten-rows.ts';
import type { StatementPart } from './statement.ts';

type EntryOf<Type extends JournalEntry['type']> = Extract<JournalEntry, { readonly type: Type }>;

const transitionColumns = {
  partition: 'smallint',
  no: 'bigint',
  device: 'integer',
  from_path: 'text',
  to_path: 'text',
  cause: 'text',
  detail: 'text',
  measured_at: 'timestamptz',
  error_ms: 'double precision',
  recorded_at: 'timestamptz',
  version: 'bigint',
  incarnation: 'integer',
  boot: 'bigint',
  seq: 'bigint',
} as const;

/** Writes transitions. */
export const transitionPart: StatementPart<typeof transitionColumns> = {
  name: 'transitions',
  columns: transitionColumns,
  sql: (input) => `transitions as (
  insert into transition (${Object.keys(transitionColumns).join(', ')}) ${input}
)`,
};

/** Writes a transition's row. */
export function writeTransition(
  key: number,
  { partition, no, transition }: EntryOf<'transition'>,
  row: Columns<typeof transitionColumns>,
): void {
  row.partition.smallint(partition);
  row.no.bigint(no);
  row.device.integer(key);
  row.from_path.text(transition.from);
  row.to_path.text(transition.to);
  row.cause.text(transition.cause.type);
  row.detail.text(transition.cause.detail);
  row.measured_at.time(transition.measuredAt);
  row.error_ms.double(transition.errorMs);
  row.recorded_at.time(transition.recordedAt);
  row.version.bigint(transition.version);
  row.incarnation.integer(transition.incarnation);
  row.boot.bigint(transition.boot);
  row.seq.bigint(transition.seq);
}

const outcomeColumns = {
  partition: 'smallint',
  no: 'bigint',
  device: 'integer',
  outcome: 'text',
  entry: 'json',
} as const;

/** Writes outcomes. */
export const outcomePart: StatementPart<typeof outcomeColumns> = {
  name: 'outcomes',
  columns: outcomeColumns,
  sql: (input) => `outcomes as (
  insert into outcome (${Object.keys(outcomeColumns).join(', ')}) ${input}
)`,
};

/** Writes an outcome's row. */
export function writeOutcome(
  key: number,
  { partition, no, entry }: EntryOf<'outcome'>,
  row: Columns<typeof outcomeColumns>,
): void {
  row.partition.smallint(partition);
  row.no.bigint(no);
  row.device.integer(key);
  row.outcome.text(entry.outcome);
  row.entry.text(JSON.stringify(entry));
}

const deadLetterColumns = {
  partition: 'smallint',
  no: 'bigint',
  site: 'text',
  device: 'text',
  stream: 'text',
  sequence: 'bigint',
  received_at: 'timestamptz',
  reason: 'text',
  detail: 'text',
  bytes: 'integer',
} as const;

/** Writes dead letters. */
export const deadLetterPart: StatementPart<typeof deadLetterColumns> = {
  name: 'dead letters',
  columns: deadLetterColumns,
  sql: (input) => `dead_letters as (
  insert into dead_letter (${Object.keys(deadLetterColumns).join(', ')}) ${input}
)`,
};

/** Writes a dead letter's row. */
export function writeDeadLetter(
  { partition, no, deadLetter }: EntryOf<'dead-letter'>,
  row: Columns<typeof deadLetterColumns>,
): void {
  row.partition.smallint(partition);
  row.no.bigint(no);
  row.site.text(storable(deadLetter.site));
  row.device.text(storable(deadLetter.device));
  row.stream.text(deadLetter.stream);
  row.sequence.bigint(deadLetter.sequence);
  row.received_at.time(deadLetter.receivedAt);
  row.reason.text(deadLetter.reason);
  row.detail.text(storable(deadLetter.detail));
  row.bytes.integer(deadLetter.bytes);
}

/** Text from outside that nobody has read: Postgres holds no NUL character, and a lone surrogate is no character at all. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\u{fffd}');
}

/** A transition of `t` (table transition) and `d` (table device) with its place in the journal, as JSON. */
export const transitionJson = `json_build_object(
  'partition', t.partition, 'no', t.no, 'device', d.id, 'from', t.from_path, 'to', t.to_path,
  'cause', json_build_object('type', t.cause, 'detail', t.detail),
  'measuredAt', ms_of(t.measured_at), 'errorMs', t.error_ms, 'recordedAt', ms_of(t.recorded_at),
  'version', t.version, 'incarnation', t.incarnation, 'boot', t.boot, 'seq', t.seq)`;

/** What {@link transitionJson} makes. */
export type NumberedTransition = Transition & { readonly partition: number; readonly no: number };

/** Lines of a partition ($1) after a number ($2) in order, at most so many ($3), each with its type and JSON. */
export const linesAfter = `select type, no::float8 as no, line from (
  (select 'transition' as type, t.no, ${transitionJson} as line
    from transition t join device d on d.key = t.device
    where t.partition = $1 and t.no > $2 order by t.no limit $3)
  union all
  (select 'outcome', no, entry from outcome where partition = $1 and no > $2 order by no limit $3)
  union all
  (select 'dead-letter', no, json_build_object(
      'partition', partition, 'site', site, 'device', device, 'stream', stream, 'sequence', sequence,
      'receivedAt', ms_of(received_at), 'reason', reason, 'detail', detail, 'bytes', bytes)
    from dead_letter where partition = $1 and no > $2 order by no limit $3)
  union all
  (select 'forgotten', no, ${forgettingJson} from forgotten where partition = $1 and no > $2 order by no limit $3)
) lines order by no limit $3`;

/** A row of {@link linesAfter}. */
export interface LineRow {
  readonly type: JournalEntry['type'];
  readonly no: number;
  readonly line: string;
}

/** Reads a line of a partition. */
export function readLine(partition: number, { type, no, line }: LineRow): JournalEntry {
  switch (type) {
    case 'transition': {
      const { partition: _partition, no: _no, ...transition } = JSON.parse(line) as NumberedTransition;
      return { type, partition, no, transition };
    }
    case 'outcome':
      return { type, partition, no, entry: JSON.parse(line) as LedgerEntry };
    case 'dead-letter':
      return { type, partition, no, deadLetter: JSON.parse(line) as DeadLetter };
    case 'forgotten':
      return { type, partition, no, forgetting: JSON.parse(line) as Forgetting };
  }
}
