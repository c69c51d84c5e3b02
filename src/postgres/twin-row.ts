/**
 * A twin as a row of the table `twin`: plain columns for whoever asks with psql, and the snapshot for the rest.
 *
 * Invariant: I1  twin -> row -> twin gives an equal twin (but for -0, which JSON does not know: it comes back as 0).
 */
import { measuredAt } from '../../actors/clock.ts';
import type { Desired, Hold, NewestReport, SpokenFor, Twin } from '../../actors/twin.ts';
import type { Suspicion } from '../contract/twin-document.ts';
import type { Report } from '../../machines/report.ts';
import { partitionOf } from '../wire/partition.ts';
import type { Columns } from './array-parameter.ts';
import { decodeSnapshot, encodeSnapshot, type Snapshot } from './snapshot.ts';
import type { StatementPart } from './statement.ts';

const columns = {
  device: 'integer',
  partition: 'smallint',
  kind: 'text',
  site: 'text',
  version: 'bigint',
  path: 'text',
  since: 'timestamptz',
  measured_at: 'timestamptz',
  error_ms: 'double precision',
  received_at: 'timestamptz',
  incarnation: 'integer',
  boot: 'bigint',
  seq: 'bigint',
  up: 'bigint',
  firmware: 'text',
  reported: 'json',
  hold: 'json',
  suspicions: 'json',
  via: 'json',
  desired_version: 'bigint',
  desired: 'json',
  snapshot: 'bytea',
} as const;

const all = Object.keys(columns).join(', ');
const changing = Object.keys(columns).filter((name) => name !== 'device' && name !== 'partition');

/** Writes twins, new ones and known ones alike. */
export const twinPart: StatementPart<typeof columns> = {
  name: 'twins',
  columns,
  sql: (input) => `twins as (
  insert into twin (${all}, first_heard_at)
  select ${all}, received_at from (${input}) i
  on conflict (device) do update
  set ${changing.map((name) => `${name} = excluded.${name}`).join(', ')},
    first_heard_at = coalesce(twin.first_heard_at, excluded.received_at)
)`,
};

/** What writing a twin takes besides the twin. */
export interface TwinRowContext {
  readonly keyOf: (device: string) => number;
  readonly driftPpmOf: (kind: string) => number;
  /** The report as JSON; most are in the history of the same commit and need not be written out twice. */
  readonly jsonOf: (report: Report) => string;
}

/** Writes a twin's row. */
export function writeTwin(twin: Twin, row: Columns<typeof columns>, context: TwinRowContext): void {
  const { newest, clock, hold, suspicions, via, desired } = twin;
  const measured = newest && clock ? measuredAt(clock, newest, context.driftPpmOf(twin.kind)) : null;
  row.device.integer(context.keyOf(twin.device));
  row.partition.smallint(partitionOf(twin.device));
  row.kind.text(twin.kind);
  row.site.text(twin.site);
  row.version.bigint(twin.version);
  row.path.text(twin.path);
  row.since.time(twin.since);
  row.measured_at.time(measured?.at ?? null);
  row.error_ms.double(measured?.errorMs ?? null);
  row.received_at.time(twin.lastContactAt);
  row.incarnation.integer(twin.incarnation);
  row.boot.bigint(newest?.boot ?? null);
  row.seq.bigint(newest?.seq ?? null);
  row.up.bigint(newest?.up ?? null);
  row.firmware.text(newest?.report.firmware ?? null);
  row.reported.text(newest && context.jsonOf(newest.report));
  row.hold.text(hold && JSON.stringify(hold));
  row.suspicions.text(suspicions.length === 0 ? null : JSON.stringify(suspicions));
  row.via.text(via && JSON.stringify(via));
  row.desired_version.bigint(desired.version);
  row.desired.text(isEmpty(desired.values) ? null : JSON.stringify(desired.values));
  row.snapshot.bytea(encodeSnapshot(twin));
}

/** The columns of `t` (table twin) that {@link readTwin} takes, in its order. */
export const twinSelection = `t.kind, t.site, t.version, t.path, t.incarnation, t.boot, t.seq, t.up, t.reported,
  t.hold, t.suspicions, t.desired_version, t.desired, t.snapshot, t.via`;

/** A row of {@link twinSelection}: JSON is still text. */
export type TwinRow = readonly [
  kind: string,
  site: string,
  version: number,
  path: string,
  incarnation: number,
  boot: number | null,
  seq: number | null,
  up: number | null,
  reported: string | null,
  hold: string | null,
  suspicions: string | null,
  desiredVersion: number,
  desired: string | null,
  snapshot: Uint8Array,
  via: string | null,
];

/** Reads the twin of a device. Throws a `SnapshotError` when its snapshot is of a version not known here. */
export function readTwin(device: string, row: TwinRow): Twin {
  const [kind, site, version, path, incarnation, boot, seq, up, reported, ...rest] = row;
  const [hold, suspicions, desiredVersion, desired, snapshot, via] = rest;
  return makeTwin(device, [
    ...([kind, site, version, path, incarnation, boot, seq, up] as const),
    reported === null ? null : (JSON.parse(reported) as Report),
    hold === null ? null : (JSON.parse(hold) as Hold),
    suspicions === null ? [] : (JSON.parse(suspicions) as readonly Suspicion[]),
    desiredVersion,
    desired === null ? {} : (JSON.parse(desired) as Desired['values']),
    snapshot,
    via === null ? null : (JSON.parse(via) as SpokenFor),
  ]);
}

/** What a twin is made of: as a {@link TwinRow}, but JSON is read. */
export type TwinParts = readonly [
  kind: string,
  site: string,
  version: number,
  path: string,
  incarnation: number,
  boot: number | null,
  seq: number | null,
  up: number | null,
  reported: Report | null,
  hold: Hold | null,
  suspicions: readonly Suspicion[],
  desiredVersion: number,
  desired: Desired['values'],
  snapshot: Uint8Array,
  via: SpokenFor | null,
];

/** Makes the twin of a device. Throws a `SnapshotError` when its snapshot is of a version not known here. */
export function makeTwin(device: string, parts: TwinParts): Twin {
  const snapshot = decodeSnapshot(device, parts[13]);
  const boot = parts[5];
  const seq = parts[6];
  const up = parts[7];
  const report = parts[8];
  const isHeard = snapshot.newest !== null && boot !== null && seq !== null && up !== null && report !== null;
  // Written out property by property: a literal that begins with a spread takes a hundred times as long to make.
  return {
    device,
    kind: parts[0],
    site: parts[1],
    version: parts[2],
    path: parts[3],
    since: snapshot.since,
    lastContactAt: snapshot.lastContactAt,
    incarnation: parts[4],
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
    unheard: snapshot.unheard,
    identity: snapshot.identity,
    claim: snapshot.claim,
    via: parts[14],
    replayedAt: snapshot.replayedAt,
    first: snapshot.first,
    hold: parts[9],
    suspicions: parts[10],
    desired: { version: parts[11], values: parts[12] },
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
