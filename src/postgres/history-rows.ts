/**
 * Reports and the clocks of boots as rows: what a device was, and when.
 */
import type { BootClock } from '../../actors/clock.ts';
import type { FiledReport } from '../../actors/decision.ts';
import type { Commit } from '../runtime/ports.ts';
import type { Columns } from './array-parameter.ts';
import type { StatementPart } from './statement.ts';
import type { TwinRowContext } from './twin-row.ts';

const reportColumns = {
  device: 'integer',
  incarnation: 'integer',
  boot: 'bigint',
  seq: 'bigint',
  up: 'bigint',
  received_at: 'timestamptz',
  is_late: 'boolean',
  state: 'text',
  body: 'json',
} as const;

/** Files reports. */
export const reportPart: StatementPart<typeof reportColumns> = {
  name: 'reports',
  columns: reportColumns,
  sql: (input) => `reports as (
  insert into report (${Object.keys(reportColumns).join(', ')}) ${input}
)`,
};

/** Writes a report's row. */
export function writeReport(
  filed: FiledReport,
  row: Columns<typeof reportColumns>,
  { keyOf, jsonOf }: Pick<TwinRowContext, 'keyOf' | 'jsonOf'>,
): void {
  const { report } = filed;
  row.device.integer(keyOf(filed.device));
  row.incarnation.integer(filed.incarnation);
  row.boot.bigint(report.boot);
  row.seq.bigint(report.seq);
  row.up.bigint(report.up);
  row.received_at.time(filed.receivedAt);
  row.is_late.boolean(filed.fate === 'late');
  row.state.text(report.state);
  row.body.text(jsonOf(report));
}

const clockColumns = {
  device: 'integer',
  incarnation: 'integer',
  boot: 'bigint',
  latest_up: 'bigint',
  latest_at: 'double precision',
  earliest_up: 'bigint',
  earliest_at: 'double precision',
} as const;

/** Keeps clocks of boots. */
export const clockPart: StatementPart<typeof clockColumns> = {
  name: 'clocks',
  columns: clockColumns,
  sql: (input) => `clocks as (
  insert into boot_clock (${Object.keys(clockColumns).join(', ')}) ${input}
  on conflict (device, incarnation, boot) do update
  set latest_up = excluded.latest_up, latest_at = excluded.latest_at,
    earliest_up = excluded.earliest_up, earliest_at = excluded.earliest_at
)`,
};

/** Each boot once, as it stands after the batch: a row can be written only once by one statement. */
export function lastClocks(clocks: Commit['clocks']): Commit['clocks'] {
  if (clocks.length < 2) return clocks;
  const last = new Map(
    clocks.map((kept) => [
      `${kept.device} ${String(kept.clock.incarnation)} ${String(kept.clock.boot)}`,
      kept,
    ]),
  );
  return [...last.values()];
}

/** Writes a clock's row. */
export function writeClock(key: number, clock: BootClock, row: Columns<typeof clockColumns>): void {
  row.device.integer(key);
  row.incarnation.integer(clock.incarnation);
  row.boot.bigint(clock.boot);
  row.latest_up.bigint(clock.latest.up);
  row.latest_at.double(clock.latest.at);
  row.earliest_up.bigint(clock.earliest?.up ?? null);
  row.earliest_at.double(clock.earliest?.at ?? null);
}

/** The columns that {@link readClock} takes. */
export const clockSelection = 'incarnation, boot, latest_up, latest_at, earliest_up, earliest_at';

/** A row of {@link clockSelection}. */
export interface ClockRow {
  readonly incarnation: number;
  readonly boot: number;
  readonly latest_up: number;
  readonly latest_at: number;
  readonly earliest_up: number | null;
  readonly earliest_at: number | null;
}

/** Reads a clock. */
export function readClock(row: ClockRow): BootClock {
  const { incarnation, boot, earliest_up: up, earliest_at: at } = row;
  const latest = { up: row.latest_up, at: row.latest_at };
  return { incarnation, boot, latest, earliest: up === null || at === null ? null : { up, at } };
}
