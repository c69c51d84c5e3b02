/** What `bench ingest` found: for programs one line of JSON, for people a table. */
import Table from 'cli-table3';
import type { IngestMeasurement, IngestOptions } from './ingest.ts';
import type { Round } from './run-round.ts';
import type { PostgresSettings } from './bench-servers.ts';
import type { Rows, Side } from './round.ts';
import type { TargetLine } from './target-table.ts';

/** One side, by the medians of its rounds. */
export interface SideResult {
  readonly reportsPerSecond: number;
  readonly rounds: readonly number[];
  /** Rows written in a round. */
  readonly rows: Rows;
  readonly transactions: number;
  readonly reportsPerTransaction: number;
  readonly walBytes: number;
  readonly cpuMicrosPerReport: {
    readonly process: number;
    readonly postgres: number | null;
    readonly nats: number | null;
  };
}

/** The result. */
export interface IngestResult {
  readonly reportsPerSecond: number;
  readonly floorReportsPerSecond: number;
  /** Of the two; the target is 0.6. */
  readonly ratio: number;
  /** How many times as many as the web application commits; the target is 10. `null` when it was left out. */
  readonly webRatio: number | null;
  /** Of all processes together, µs; the target is 35. */
  readonly cpuMicrosInAll: number | null;
  readonly devices: number;
  readonly reports: number;
  readonly mix: string;
  readonly encoding: string;
  /** Of the payloads in the stream: both sides read the same. */
  readonly bytes: number;
  readonly rows: Readonly<Record<Exclude<Side, 'web'>, Rows>>;
  readonly rowsAreEqual: boolean;
  readonly fsync: string;
  readonly settings: PostgresSettings;
  readonly cpuMicrosPerReport: {
    readonly runtime: number;
    readonly postgres: number | null;
    readonly nats: number | null;
  };
  readonly runtime: SideResult;
  readonly floor: SideResult;
  readonly web: SideResult | null;
}

/** Sums a measurement up. */
export function ingestResult(measured: IngestMeasurement, options: IngestOptions): IngestResult {
  const { devices, reports, payloadBytes, settings, rounds } = measured;
  const runtime = sideResult(rounds.filter(({ side }) => side === 'runtime'));
  const floor = sideResult(rounds.filter(({ side }) => side === 'floor'));
  const webRounds = rounds.filter(({ side }) => side === 'web');
  const web = webRounds.length === 0 ? null : sideResult(webRounds);
  const { process: own, postgres, nats } = runtime.cpuMicrosPerReport;
  return {
    reportsPerSecond: runtime.reportsPerSecond,
    floorReportsPerSecond: floor.reportsPerSecond,
    ratio: Math.round((1_000 * runtime.reportsPerSecond) / floor.reportsPerSecond) / 1_000,
    webRatio: web && tenth(runtime.reportsPerSecond / web.reportsPerSecond),
    cpuMicrosInAll: inAll(runtime),
    devices,
    reports,
    mix: options.mix,
    encoding: options.encoding,
    bytes: payloadBytes,
    rows: { runtime: runtime.rows, floor: floor.rows },
    rowsAreEqual: JSON.stringify(runtime.rows) === JSON.stringify(floor.rows),
    fsync: settings.fsync,
    settings,
    cpuMicrosPerReport: { runtime: own, postgres, nats },
    runtime,
    floor,
    web,
  };
}

/** The result for people. */
export function ingestTable(result: IngestResult): string {
  const table = new Table({
    head: ['', 'runtime', 'floor', 'web application'],
    colAligns: ['left', 'right', 'right', 'right'],
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  const { runtime, floor, web, settings } = result;
  const row = (name: string, of: (side: SideResult) => number | null): void => {
    table.push([name, shown(of(runtime)), shown(of(floor)), shown(web && of(web))]);
  };
  row('reports/s, median', ({ reportsPerSecond }) => reportsPerSecond);
  row('CPU of the process, µs/report', ({ cpuMicrosPerReport }) => cpuMicrosPerReport.process);
  row('CPU of Postgres, µs/report', ({ cpuMicrosPerReport }) => cpuMicrosPerReport.postgres);
  row('CPU of the hub, µs/report', ({ cpuMicrosPerReport }) => cpuMicrosPerReport.nats);
  row('CPU in all, µs/report', inAll);
  for (const name of Object.keys(runtime.rows) as (keyof Rows)[])
    row(`rows: ${name}`, ({ rows }) => rows[name]);
  row('transactions', ({ transactions }) => transactions);
  row('log of Postgres, bytes', (side) => side.walBytes);
  const asked = `${shown(result.reports)} reports of ${shown(result.devices)} devices, ${result.mix}, ${result.encoding}, ${shown(result.bytes)} bytes`;
  const durable = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return `${asked}\n${durable.join(' ')}\n${table.toString()}`;
}

/** The lines of a result in the table of all targets. */
export function ingestTargets(result: IngestResult): readonly TargetLine[] {
  const { devices, mix, encoding, ratio, webRatio, cpuMicrosInAll } = result;
  const which = `${shown(devices)} devices, ${mix}, ${encoding}`;
  return [
    { what: `ingest against the floor (${which})`, target: '>= 0.6', measured: ratio, isMet: ratio >= 0.6 },
    {
      what: `ingest against the web application (${which})`,
      target: '>= 10',
      measured: webRatio,
      isMet: webRatio === null ? null : webRatio >= 10,
    },
    {
      what: `CPU per report in all, µs (${which})`,
      target: '<= 35',
      measured: cpuMicrosInAll,
      isMet: cpuMicrosInAll === null ? null : cpuMicrosInAll <= 35,
    },
  ];
}

function inAll({ cpuMicrosPerReport }: SideResult): number | null {
  const { process: own, postgres, nats } = cpuMicrosPerReport;
  return postgres === null || nats === null ? null : tenth(own + postgres + nats);
}

function sideResult(rounds: readonly Round[]): SideResult {
  const [first] = rounds;
  if (first === undefined) throw new Error('a side had no round');
  const transactions = first.batches.length;
  return {
    reportsPerSecond: Math.round(median(rounds.map(({ reportsPerSecond }) => reportsPerSecond)) ?? 0),
    rounds: rounds.map(({ reportsPerSecond }) => Math.round(reportsPerSecond)),
    rows: first.rows,
    transactions,
    reportsPerTransaction: Math.round(first.rows.report / transactions),
    walBytes: median(rounds.map((round) => round.walBytes)) ?? 0,
    cpuMicrosPerReport: {
      process: tenth(median(rounds.map(({ cpuMicrosPerReport }) => cpuMicrosPerReport.process))) ?? 0,
      postgres: tenth(median(rounds.map(({ cpuMicrosPerReport }) => cpuMicrosPerReport.postgres))),
      nats: tenth(median(rounds.map(({ cpuMicrosPerReport }) => cpuMicrosPerReport.nats))),
    },
  };
}

/** `null` when a value is not known. */
function median(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  if (known.length < values.length || known.length === 0) return null;
  const middle = known.slice(Math.floor((known.length - 1) / 2), Math.floor(known.length / 2) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

function tenth(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10;
}

function shown(value: number | null): string {
  return value === null ? '-' : value.toLocaleString('en-GB');
}
