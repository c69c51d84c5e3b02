/**
 * A twin as a row of the table `twin`: plain columns for whoever asks with psql, and the snapshot for the rest.
 *
 * Invariant: I1  twin -> row -> twin gives an equal twin (but for -0, which JSON does not know: it comes back as 0).
 */
import { measuredAt, type MeasuredTime } from '../../actors/clock.ts';
import type { Desired, Hold, NewestReport, SpokenFor, Twin } from '../../actors/twin.ts';
import type { Report } from '../../machines/report.ts';
import { partitionOf } from '../wire/partition.ts';
import type { CopiedRow } from './copied-row.ts';
import { decodeSnapshot, encodeSnapshot, type Snapshot } from './snapshot.ts';
import type { FilledPart } from './statement.ts';
import { columns, fillTable, typesOf } from './table.ts';

/** What writing a twin takes besides the twin. */
export interface TwinRowContext {
  readonly keyOf: (device: string) => number;
  readonly driftPpmOf: (kind: string) => number;
  /** The report as JSON; most are in the history of the same commit and need not be written out twice. */
  readonly jsonOf: (report: Report) => string;
}

type Writing = TwinRowContext & { readonly measured: readonly (MeasuredTime | null)[] };
const column = columns<Twin, Writing>();

/** The columns, as they are written. */
const written = {
  device: column('integer', (to, { device }, { keyOf }) => to.integer(keyOf(device))),
  partition: column('smallint', (to, { device }) => to.smallint(partitionOf(device))),
  kind: column('text', (to, { kind }) => to.text(kind)),
  site: column('text', (to, { site }) => to.text(site)),
  version: column('bigint', (to, { version }) => to.bigint(version)),
  path: column('text', (to, { path }) => to.text(path)),
  since: column('timestamptz', (to, { since }) => to.time(since)),
  measured_at: column('timestamptz', (to, _, { measured }, row) => to.time(measured[row]?.at ?? null)),
  error_ms: column('double precision', (to, _, { measured }, row) =>
    to.double(measured[row]?.errorMs ?? null),
  ),
  received_at: column('timestamptz', (to, { lastContactAt }) => to.time(lastContactAt)),
  incarnation: column('integer', (to, { incarnation }) => to.integer(incarnation)),
  boot: column('bigint', (to, { newest }) => to.bigint(newest?.boot ?? null)),
  seq: column('bigint', (to, { newest }) => to.bigint(newest?.seq ?? null)),
  up: column('bigint', (to, { newest }) => to.bigint(newest?.up ?? null)),
  firmware: column('text', (to, { newest }) => to.text(newest?.report.firmware ?? null)),
  reported: column('json', (to, { newest }, { jsonOf }) => to.text(newest && jsonOf(newest.report))),
  hold: column('json', (to, { hold }) => to.text(hold && JSON.stringify(hold))),
  suspicions: column('json', (to, { suspicions }) =>
    to.text(suspicions.length === 0 ? null : JSON.stringify(suspicions)),
  ),
  via: column('json', (to, { via }) => to.text(via && JSON.stringify(via))),
  desired_version: column('bigint', (to, { desired }) => to.bigint(desired.version)),
  desired: column('json', (to, { desired: { values } }) =>
    to.text(isEmpty(values) ? null : JSON.stringify(values)),
  ),
  snapshot: column('bytea', (to, twin) => to.bytea(encodeSnapshot(twin))),
};

/** Those that are read, in the order in which they are selected: what the others say is in the snapshot as well. */
const read = {
  kind: reads('text', (kind) => kind ?? ''),
  site: reads('text', (site) => site ?? ''),
  version: reads('bigint', (version) => version ?? 0),
  path: reads('text', (path) => path ?? ''),
  incarnation: reads('integer', (incarnation) => incarnation),
  boot: reads('bigint', (boot) => boot),
  seq: reads('bigint', (seq) => seq),
  up: reads('bigint', (up) => up),
  reported: reads('text', (text) => parsed(text) as Report | null),
  hold: reads('text', (text) => parsed(text) as Hold | null),
  suspicions: reads('text', (text) => (parsed(text) ?? []) as Twin['suspicions']),
  desired_version: reads('bigint', (version) => version ?? 0),
  desired: reads('text', (text) => (parsed(text) ?? {}) as Desired['values']),
  snapshot: reads('bytes', (snapshot): Uint8Array => snapshot ?? new Uint8Array()),
  via: reads('text', (text) => parsed(text) as SpokenFor | null),
} satisfies { readonly [Name in keyof typeof written]?: unknown };

type ReadName = keyof typeof read;

/** What a twin is made of, by columns. */
export type TwinParts = { readonly [Name in ReadName]: ReturnType<(typeof read)[Name]['value']> };

const readNames = Object.keys(read) as readonly ReadName[];
const all = Object.keys(written).join(', ');
const changing = Object.keys(written).filter((name) => name !== 'device' && name !== 'partition');

/** Writes twins, new ones and known ones alike. */
export const twinPart = {
  name: 'twins',
  columns: typesOf(written),
  sql: (input: string): string => `twins as (
  insert into twin (${all}, first_heard_at)
  select ${all}, received_at from (${input}) i
  on conflict (device) do update
  set ${changing.map((name) => `${name} = excluded.${name}`).join(', ')},
    first_heard_at = coalesce(twin.first_heard_at, excluded.received_at)
)`,
};

/** Fills the part that writes twins. */
export function fillTwins(twins: readonly Twin[], context: TwinRowContext): FilledPart {
  const measured = twins.map(({ newest, clock, kind }) =>
    newest && clock ? measuredAt(clock, newest, context.driftPpmOf(kind)) : null,
  );
  return fillTable(twinPart, written, { rows: twins, context: { ...context, measured } });
}

/** The columns of `t` (table twin) that {@link readTwin} takes, in its order. */
export const twinSelection = readNames.map((name) => `t.${name}`).join(', ');

/** A row of {@link twinSelection}, as the driver gives it. */
export type TwinRow = readonly unknown[];

/** How many columns of {@link twinSelection} lie between two. */
export function columnsBetween(first: ReadName, second: ReadName): number {
  return readNames.indexOf(second) - readNames.indexOf(first) - 1;
}

/** Reads the twin of a device. Throws a `SnapshotError` when its snapshot is of a version not known here. */
export function readTwin(device: string, row: TwinRow): Twin {
  return partsTwin(device, (name, index) => read[name].value(row[index] as never));
}

/** Reads the twin of a device from a row that was copied out. Throws as {@link readTwin} does. */
export function readCopiedTwin(device: string, row: CopiedRow): Twin {
  return partsTwin(device, (name) => read[name].copied(row));
}

function partsTwin(device: string, part: (name: ReadName, index: number) => unknown): Twin {
  const parts: Partial<Record<ReadName, unknown>> = {};
  readNames.forEach((name, index) => {
    parts[name] = part(name, index);
  });
  return makeTwin(device, parts as TwinParts);
}

/** Makes the twin of a device. Throws a `SnapshotError` when its snapshot is of a version not known here. */
export function makeTwin(device: string, parts: TwinParts): Twin {
  const snapshot = decodeSnapshot(device, parts.snapshot);
  const { boot, seq, up, reported: report } = parts;
  const isHeard = snapshot.newest !== null && boot !== null && seq !== null && up !== null && report !== null;
  // Written out property by property: a literal that begins with a spread takes a hundred times as long to make.
  return {
    device,
    kind: parts.kind,
    site: parts.site,
    version: parts.version,
    path: parts.path,
    since: snapshot.since,
    lastContactAt: snapshot.lastContactAt,
    incarnation: parts.incarnation,
    newest: isHeard ? newestReport({ boot, seq, up }, snapshot.newest, report) : null,
    encoding: snapshot.encoding,
    clock: snapshot.clock,
    olderClocks: snapshot.olderClocks,
    sequence: snapshot.sequence,
    lastN: snapshot.lastN,
    open: snapshot.open,
    recent: snapshot.recent,
    probe: snapshot.probe,
    waiting: snapshot.waiting,
    ignoredCommands: snapshot.ignoredCommands,
    identity: snapshot.identity,
    claim: snapshot.claim,
    via: parts.via,
    replayedAt: snapshot.replayedAt,
    first: snapshot.first,
    hold: parts.hold,
    suspicions: parts.suspicions,
    desired: { version: parts.desired_version, values: parts.desired },
  };
}

function newestReport(
  { boot, seq, up }: Pick<NewestReport, 'boot' | 'seq' | 'up'>,
  { receivedAt, at }: NonNullable<Snapshot['newest']>,
  report: Report,
): NewestReport {
  return { boot, seq, up, receivedAt, at, report };
}

function isEmpty(values: Readonly<Record<string, unknown>>): boolean {
  for (const _ in values) return false;
  return true;
}

function reads<Method extends 'text' | 'bigint' | 'integer' | 'bytes', Value>(
  method: Method,
  value: (raw: ReturnType<CopiedRow[Method]>) => Value,
): { readonly copied: (row: CopiedRow) => Value; readonly value: typeof value } {
  return { copied: (row) => value(row[method]() as ReturnType<CopiedRow[Method]>), value };
}

function parsed(json: string | null): unknown {
  return json === null ? null : JSON.parse(json);
}
