/**
 * Bytes of `report.<partition>.<site>.<device>` to reports. It reads everything that devices and strangers send, so it
 * never throws: what cannot be read comes back with a stable reason and a sentence, and becomes a dead letter.
 */
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { Value } from '@sinclair/typebox/value';
import { ID_PATTERN, markUnreadable, type Report, ReportSchema } from '../../machines/report.ts';
import { announcesList, decode, type DecodeProblem, encodingOf } from './codec.ts';
import { listLengthOf } from './msgpack-scan.ts';
import { isMap, withoutNulls } from './plain-map.ts';
import { namesEachOnce, readRing } from './ring.ts';
import { schemaProblem } from './schema-problem.ts';

/** The most reports in one frame. A frame with more is refused whole as `bad-frame`; devices send several instead. */
export const FRAME_REPORTS_MAX = 20_000;

/**
 * The most reports of one frame that become dead letters of their own. Above it one more, `bad-frame`, says how many others could not
 * be read: a small message must not become thousands of rows.
 */
export const FRAME_PROBLEMS_MAX = 100;

/**
 * The largest report, bytes: in a message of its own as it came, in a frame as JSON. A larger one is refused as `too-large`. A twin
 * keeps its newest report in memory, so that without this a fleet of thousands could fill any memory with what nobody reads.
 */
export const REPORT_BYTES_MAX = 64 * 1024;

/** Why a message, or one report of a frame, could not be read. Stable: it is part of the subject of a dead letter. */
export type ReportProblemReason =
  DecodeProblem | 'bad-device-id' | 'bad-frame' | 'bad-report' | 'device-mismatch' | 'too-large';

/** One report of a message that could not be read. */
export interface ReportProblem {
  /** Its place in the frame, from 0; 0 for a message that is one report. */
  readonly index: number;
  readonly reason: ReportProblemReason;
  /** What was wrong and what would be right. */
  readonly detail: string;
}

/** What a message held. A frame with some bad reports yields its good ones, in order, and a problem for each bad one. */
export type ReadReports =
  | { readonly ok: true; readonly reports: readonly Report[]; readonly problems: readonly ReportProblem[] }
  | { readonly ok: false; readonly reason: ReportProblemReason; readonly detail: string };

const reportCheck = TypeCompiler.Compile(ReportSchema);
const idPattern = new RegExp(ID_PATTERN);
const NO_PROBLEMS: readonly ReportProblem[] = [];

/** True when `token` may be a device's, a site's or a kind's name. */
export function isId(token: string): boolean {
  return idPattern.test(token);
}

/** Reads the payload of a message on the subject of `device`. Sensor values are checked later, when the kind is known. */
export function readReports(device: string, payload: Uint8Array): ReadReports {
  if (!isId(device)) {
    return { ok: false, reason: 'bad-device-id', detail: `a device id matches ${ID_PATTERN}` };
  }
  const isLarge = payload.length > REPORT_BYTES_MAX;
  if (isLarge && !announcesList(payload) && encodingOf(payload) !== null)
    return { ok: false, ...tooLarge(payload.length) };
  const length = listLengthOf(payload);
  if (length !== null && length > FRAME_REPORTS_MAX) return wrongLength(length);
  const decoded = decode(payload);
  if (!decoded.ok) return { ok: false, reason: decoded.problem, detail: decoded.detail };
  if (Array.isArray(decoded.value)) return readFrame(device, decoded.value, isLarge);
  const report = readReport(device, decoded.value);
  if (report !== null) return { ok: true, reports: [report], problems: NO_PROBLEMS };
  return { ok: false, ...problemOf(device, decoded.value) };
}

/** `isLarge`: the frame has more bytes than a report may have, so that one of its reports may as well. */
function readFrame(device: string, frame: readonly unknown[], isLarge: boolean): ReadReports {
  if (frame.length === 0 || frame.length > FRAME_REPORTS_MAX) return wrongLength(frame.length);
  const reports: Report[] = [];
  const problems: ReportProblem[] = [];
  /** Those that get no problem of their own, for which to find out what is wrong would take longer than to read them. */
  const unnamed: number[] = [];
  for (const [index, item] of frame.entries()) {
    const bytes = isLarge ? Buffer.byteLength(JSON.stringify(item)) : 0;
    const isTooLarge = bytes > REPORT_BYTES_MAX;
    const report = isTooLarge ? null : readReport(device, item);
    if (report !== null) reports.push(report);
    else if (problems.length === FRAME_PROBLEMS_MAX) unnamed.push(index);
    else problems.push({ index, ...(isTooLarge ? tooLarge(bytes) : problemOf(device, item)) });
  }
  const [index] = unnamed;
  if (index !== undefined) {
    const detail = `and ${String(unnamed.length)} more reports of the frame cannot be read`;
    problems.push({ index, reason: 'bad-frame', detail });
  }
  return { ok: true, reports, problems };
}

function wrongLength(length: number): ReadReports {
  const detail = `a frame holds 1 to ${String(FRAME_REPORTS_MAX)} reports, this one ${String(length)}`;
  return { ok: false, reason: 'bad-frame', detail };
}

/** The report as it came, or without what does not fit; `null` for what is none. */
function readReport(device: string, value: unknown): Report | null {
  return isReportOf(device, value) ? value : forgiven(device, value);
}

function isReportOf(device: string, value: unknown): value is Report {
  return (
    reportCheck.Check(value) &&
    !Object.hasOwn(value, 'unreadable') &&
    value.via?.id !== device &&
    (value.device === undefined || value.device === device) &&
    namesEachOnce(value.commands ?? [])
  );
}

/**
 * Fields of a report that may be left out, so that a value which does not fit may count as absent. Of a hold that says too much: a report
 * without one says that there is none. Who looks for one asks for the mark as well (`isHoldUnreadable`).
 */
const FORGIVEN = [
  'at',
  'since',
  'commands',
  'hold',
  'firmware',
  'config',
  'components',
  'kind',
  'via',
] as const satisfies readonly (keyof typeof ReportSchema.properties)[];

/**
 * The report without what does not fit, marked; `null` where what is left is none. `null` is what many writers make of "no value", so it
 * is absent wherever a value may be.
 */
function forgiven(device: string, value: unknown): Report | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  // Only Corral says what it could not read.
  const { unreadable: _claimed, ...given } = value as Record<string, unknown>;
  const report = withoutNulls(given, ['hold']);
  const ring = Array.isArray(report.commands) ? readRing(report.commands) : null;
  if (ring !== null) report.commands = ring.entries;
  if (Array.isArray(report.components))
    report.components = report.components.map((item: unknown) => (isMap(item) ? withoutNulls(item) : item));
  if (isMap(report.since)) report.since = withoutNulls(report.since);
  const misfits = FORGIVEN.filter(
    (name) =>
      report[name] !== undefined &&
      (!Value.Check(ReportSchema.properties[name], report[name]) || isNamedAsSource(device, report[name])),
  );
  for (const name of misfits) Reflect.deleteProperty(report, name);
  if (!isReportOf(device, report)) return null;
  const unreadable = [...(ring?.unreadable ?? []), ...misfits];
  return unreadable.length === 0 ? report : markUnreadable(report, unreadable);
}

/** Nobody is the source of what it says itself: there would be nobody whose silence is told apart from its own. */
function isNamedAsSource(device: string, value: unknown): boolean {
  return isMap(value) && value.id === device;
}

function tooLarge(bytes: number): { readonly reason: 'too-large'; readonly detail: string } {
  const detail = `a report has at most ${String(REPORT_BYTES_MAX)} bytes, this one has ${String(bytes)}: leave out what nobody needs`;
  return { reason: 'too-large', detail };
}

function problemOf(
  device: string,
  value: unknown,
): { readonly reason: 'bad-report' | 'device-mismatch'; readonly detail: string } {
  if (!reportCheck.Check(value)) return { reason: 'bad-report', detail: schemaProblem(reportCheck, value) };
  const claimed = JSON.stringify(value.device).slice(0, 80).toWellFormed();
  return {
    reason: 'device-mismatch',
    detail: `the report says device ${claimed}, its subject ${device}: leave the field out or make them agree`,
  };
}
