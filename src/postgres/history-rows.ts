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
  row.is_late.boolean(filed.disposition === 'late');
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
  from_seq: 'bigint',
  until_seq: 'bigint',
  broken_at: 'double precision',
  began_up: 'bigint',
  agreed_from: 'bigint',
  agreed_to: 'bigint',
  slowest_ms: 'double precision',
} as const;

const clockKey = ['device', 'incarnation', 'boot', 'from_seq'];
const clockChanging = Object.keys(clockColumns).filter((name) => !clockKey.includes(name));

/** Keeps clocks of boots and segments. One that no round trip has proved never takes the place of one that was proved. */
export const clockPart: StatementPart<typeof clockColumns> = {
  name: 'clocks',
  columns: clockColumns,
  sql: (input) => `clocks as (
  insert into boot_clock (${Object.keys(clockColumns).join(', ')}) ${input}
  on conflict (${clockKey.join(', ')}) do update
  set ${clockChanging.map((name) => `${name} = excluded.${name}`).join(', ')}
  where boot_clock.earliest_at is null or excluded.earliest_at is not null
)`,
};

/** Each boot and segment once, as it stands after the batch: a row can be written only once by one statement. */
export function lastClocks(clocks: Commit['clocks']): Commit['clocks'] {
  if (clocks.length < 2) return clocks;
  const last = new Map(
    clocks.map((kept) => [
      `${kept.device} ${String(kept.clock.incarnation)} ${String(kept.clock.boot)} ${String(kept.clock.fromSeq)}`,
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
  row.from_seq.bigint(clock.fromSeq);
  row.until_seq.bigint(clock.untilSeq);
  row.broken_at.double(clock.brokenAt);
  row.began_up.bigint(clock.beganUp);
  row.agreed_from.bigint(clock.agreed?.fromUp ?? null);
  row.agreed_to.bigint(clock.agreed?.toUp ?? null);
  row.slowest_ms.double(clock.agreed?.slowestMs ?? null);
}

/** The columns that {@link readClock} takes. */
export const clockSelection = `incarnation, boot, latest_up, latest_at, earliest_up, earliest_at,
  from_seq, until_seq, broken_at, began_up, agreed_from, agreed_to, slowest_ms`;

/** A row of {@link clockSelection}. */
export interface ClockRow {
  readonly incarnation: number;
  readonly boot: number;
  readonly latest_up: number;
  readonly latest_at: number;
  readonly earliest_up: number | null;
  readonly earliest_at: number | null;
  readonly from_seq: number;
  readonly until_seq: number | null;
  readonly broken_at: number | null;
  readonly began_up: number;
  readonly agreed_from: number | null;
  readonly agreed_to: number | null;
  readonly slowest_ms: number | null;
}

/** Reads a clock, as far as it times what was filed: what is awaited of it is in its twin. */
export function readClock(row: ClockRow): BootClock {
  const { incarnation, boot, earliest_up: up, earliest_at: at } = row;
  const { agreed_from: fromUp, agreed_to: toUp, slowest_ms: slowestMs } = row;
  const isAgreed = fromUp !== null && toUp !== null && slowestMs !== null;
  return {
    incarnation,
    boot,
    fromSeq: row.from_seq,
    untilSeq: row.until_seq,
    brokenAt: row.broken_at,
    beganUp: row.began_up,
    latest: { up: row.latest_up, at: row.latest_at },
    earliest: up === null || at === null ? null : { up, at },
    agreed: isAgreed ? { fromUp, toUp, slowestMs } : null,
    crossings: 0,
    lag: null,
    endedUp: null,
    lastLate: null,
    notBefore: null,
  };
}
