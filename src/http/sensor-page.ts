/**
 * Reads a page of what the binary sensors of a device were: streams reports from the archive through the fold, and stops when the
 * page is full.
 */
import { type Static, Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { placeReports } from '../../actors/placed-reports.ts';
import { foldSensors, type SensorChange, type SensorLanes } from '../../actors/sensor-changes.ts';
import type { TimelineWindow } from '../../actors/timeline.ts';
import type { Report } from '../../machines/report.ts';
import { measuredFirst, type ReadReports } from './measured-first.ts';
import { INCARNATION_MAX } from './page.ts';
import { badQuery } from './problem.ts';

/** Reports read from the archive at once. */
const READ_SIZE = 1_000;

/** The most reads for one page. A page that needs more ends early: it may hold fewer changes than asked for, even none. */
const READS_MAX = 100;

/** How much farther each step looks back for the report that was the newest one when the window began. */
const LOOK_BACK_GROWTH = 8;

/** The fold as a page left it, and behind which report the next one goes on. */
interface Fold {
  readonly lanes: SensorLanes;
  readonly last: { readonly incarnation: number; readonly boot: number; readonly seq: number };
}

/** What to read. */
export interface SensorRequest {
  /** Reads reports of the device from the archive. */
  readonly read: ReadReports;
  readonly sensors: readonly string[];
  /** How far the clock of a device of this kind may drift, parts per million. */
  readonly driftPpm: number;
  readonly window: TimelineWindow;
  /** The most changes; the report that fills the page may tell some more. */
  readonly limit: number;
  /** Of the page before; `undefined` for the first one. */
  readonly cursor: string | undefined;
  /** How long a device of this kind is silent at most while all is well, ms. */
  readonly silenceMs: number;
}

/** A page. */
export interface SensorPage {
  /** What each sensor was when the window began, or when it was first told, ms epoch. Only on the first page. */
  readonly began: readonly { readonly sensor: string; readonly value: boolean; readonly from: number }[];
  readonly changes: readonly SensorChange[];
  /** Of the next page; `null` on the last one. */
  readonly cursor: string | null;
}

/** Reads a page. Throws `bad-query` for a cursor that was not given out as one. */
export async function readSensors(request: SensorRequest): Promise<SensorPage> {
  const { read, sensors, window, limit, cursor } = request;
  let fold: Fold | null = cursor === undefined ? null : readCursor(cursor);
  const began = new Map<string, { value: boolean; from: number }>();
  const changes: SensorChange[] = [];
  let from = fold === null ? await whereToBegin(request) : null;
  for (let reads = 0; reads < READS_MAX; reads += 1) {
    const after = fold?.last ?? null;
    const reports = await read({ from, to: null, after, isNewestFirst: false, limit: READ_SIZE });
    const newest = reports.at(-1);
    if (newest === undefined) return pageOf(began, changes, null, window);
    from = null;
    const latest = Math.max(...reports.map(({ measuredAt }) => measuredAt));
    const first = await measuredFirst(read, { after: newest, before: latest });
    for (const { report, at, errorMs, isOvertaken } of placeReports(reports, first)) {
      const { incarnation, boot, seq } = report;
      const last = { incarnation, boot, seq };
      if (isOvertaken) {
        fold = { lanes: fold?.lanes ?? {}, last };
        continue;
      }
      // What is in history was checked before it was filed.
      const checked = { ...report, measuredAt: at, errorMs, body: report.body as Report };
      const step = foldSensors(fold?.lanes ?? {}, checked, request);
      for (const sensor of sensors) {
        const lane = step.lanes[sensor];
        if (cursor === undefined && lane !== undefined && fold?.lanes[sensor] === undefined)
          began.set(sensor, { value: lane.value, from: lane.at });
      }
      for (const change of step.changes) {
        if (window.from !== null && change.at < window.from)
          began.set(change.sensor, { value: change.value, from: change.at });
        else if (window.to === null || change.notBefore < window.to) changes.push(change);
      }
      fold = { lanes: step.lanes, last };
      if (window.to !== null && at >= window.to) return pageOf(began, changes, null, window);
      if (changes.length >= limit) return pageOf(began, changes, fold, window);
    }
  }
  return pageOf(began, changes, fold, window);
}

/**
 * The measured time to read from, so that the report that was the newest one when the window began is among what is read.
 * Most devices were heard shortly before; for one that was silent, the look back grows until it finds something.
 */
async function whereToBegin({ read, window, silenceMs }: SensorRequest): Promise<number | null> {
  if (window.from === null) return null;
  for (let lookBackMs = silenceMs; lookBackMs < window.from; lookBackMs *= LOOK_BACK_GROWTH) {
    const from = window.from - lookBackMs;
    const found = await read({ from, to: window.from, after: null, isNewestFirst: false, limit: 1 });
    if (found.length > 0) return from;
  }
  return null;
}

function pageOf(
  began: ReadonlyMap<string, { readonly value: boolean; readonly from: number }>,
  changes: readonly SensorChange[],
  fold: Fold | null,
  window: TimelineWindow,
): SensorPage {
  return {
    began: [...began].map(([sensor, { value, from }]) => ({
      sensor,
      value,
      from: Math.max(from, window.from ?? from),
    })),
    changes: changes.toSorted((a, b) => a.at - b.at),
    cursor: fold && Buffer.from(JSON.stringify(fold)).toString('base64url'),
  };
}

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const position = {
  incarnation: Type.Integer({ minimum: 0, maximum: INCARNATION_MAX }),
  boot: Count,
  seq: Count,
};
const FoldSchema = Type.Object({
  lanes: Type.Record(
    Type.String(),
    Type.Object({
      value: Type.Boolean(),
      ...position,
      up: Count,
      at: Type.Number(),
      errorMs: Type.Union([Type.Number(), Type.Null()]),
    }),
  ),
  last: Type.Object(position),
});
const check = TypeCompiler.Compile(FoldSchema);

function readCursor(text: string): Fold {
  const value = parsed(Buffer.from(text, 'base64url').toString());
  if (check.Check(value)) {
    const fold: Static<typeof FoldSchema> = value;
    return fold;
  }
  throw badQuery('cursor', 'expected `cursor` of the page before, as it was given out');
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
