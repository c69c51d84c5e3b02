/**
 * Which records of a file are sessions, and which are set aside with a reason. A function of its arguments.
 *
 * A connector charges one car at a time. That is what overlaps are judged by, and also what tells most times apart that the
 * clock showed twice: in the hour that comes twice, records are read in the way in which most of them can have been so.
 */
import {
  earliest,
  type ReadRecord,
  readRecord,
  type Session,
  type SetAside,
  type SetAsideReason,
} from './session.ts';
import type { SessionFile } from './session-file.ts';
import type { Shown, WallClock } from './wall-clock.ts';

/** What a file amounts to. */
export interface Judgement {
  /** In the order of their start. */
  readonly sessions: readonly Session[];
  readonly setAside: readonly SetAside[];
  /** Lines of kept sessions with a time that the clock showed twice, and that was told by the sessions around it. */
  readonly toldApart: ReadonlySet<number>;
}

/** A way to read a record. */
interface Reading {
  readonly startAt: number;
  readonly endAt: number;
}

/**
 * So many records in a row with a time that was shown twice are read together; a longer row is read in parts of this length.
 * Each record has up to three readings, or none, and all combinations are tried.
 */
const TWICE_RUN_MAX = 8;

/** Judges all records of a file. */
export function judge(file: SessionFile, clock: WallClock): Judgement {
  const broken = file.brokenLines.map((line): SetAside => ({
    line,
    reason: 'unreadable',
    startAt: null,
    connector: null,
  }));
  const setAside: SetAside[] = [...broken];
  const byConnector = new Map<string, ReadRecord[]>();
  for (const record of file.records) {
    const read = readRecord(record, clock);
    if ('reason' in read) setAside.push(read);
    else listOf(byConnector, read.connector).push(read);
  }
  const sessions: Session[] = [];
  const toldApart = new Set<number>();
  for (const records of byConnector.values()) {
    const judged = judgeConnector(records);
    sessions.push(...judged.sessions);
    setAside.push(...judged.setAside);
    for (const line of judged.toldApart) toldApart.add(line);
  }
  sessions.sort((a, b) => a.startAt - b.startAt || a.line - b.line);
  return { sessions, setAside, toldApart };
}

function judgeConnector(records: readonly ReadRecord[]): Judgement {
  const sessions: Session[] = [];
  const setAside: SetAside[] = [];
  const toldApart = new Set<number>();
  // A sort that keeps the file's order of records that began in the same minute.
  const inOrder = [...records].sort((a, b) => (earliest(a.start) ?? 0) - (earliest(b.start) ?? 0));
  let freeFrom = -Infinity;
  for (const run of runsOf(inOrder)) {
    const readings = bestReadings(run, freeFrom);
    for (const [index, record] of run.entries()) {
      const reading = readings[index] ?? null;
      if (reading === null) {
        const { line, connector, start } = record;
        setAside.push({ line, connector, startAt: earliest(start), reason: reasonOf(record) });
        continue;
      }
      const { line, connector, energyWh, site, model } = record;
      sessions.push({ line, connector, ...reading, energyWh, site, model });
      if (isShownTwice(record)) toldApart.add(line);
      freeFrom = Math.max(freeFrom, reading.endAt);
    }
  }
  return { sessions, setAside, toldApart };
}

/** Cuts records into such that stand alone, and rows of such that have to be read together. */
function runsOf(records: readonly ReadRecord[]): ReadRecord[][] {
  const runs: ReadRecord[][] = [];
  for (const record of records) {
    const last = runs.at(-1);
    const canJoin = last?.every(isShownTwice) === true && last.length < TWICE_RUN_MAX;
    if (canJoin && isShownTwice(record)) last.push(record);
    else runs.push([record]);
  }
  return runs;
}

function isShownTwice({ start, end }: ReadRecord): boolean {
  return start.type === 'twice' || end?.type === 'twice';
}

/** A reading for each record, or `null`: as many as possible, and of those the shortest, which do not overlap. */
function bestReadings(run: readonly ReadRecord[], freeFrom: number): readonly (Reading | null)[] {
  const choices = run.map((record) => readingsOf(record).filter(({ startAt }) => startAt >= freeFrom));
  let best: { readonly readings: readonly (Reading | null)[]; readonly worth: Worth } | null = null;
  const tried: (Reading | null)[] = [];
  const tryFrom = (index: number): void => {
    const options = choices[index];
    if (options === undefined) {
      const worth = worthOf(tried);
      if (best === null || isBetter(worth, best.worth)) best = { readings: [...tried], worth };
      return;
    }
    for (const option of options) {
      if (tried.some((other) => other !== null && overlap(option, other))) continue;
      tried.push(option);
      tryFrom(index + 1);
      tried.pop();
    }
    tried.push(null);
    tryFrom(index + 1);
    tried.pop();
  };
  tryFrom(0);
  return (best as { readonly readings: readonly (Reading | null)[] } | null)?.readings ?? [];
}

interface Worth {
  readonly kept: number;
  readonly totalMs: number;
}

function worthOf(readings: readonly (Reading | null)[]): Worth {
  const kept = readings.filter((reading) => reading !== null);
  return { kept: kept.length, totalMs: kept.reduce((sum, { startAt, endAt }) => sum + endAt - startAt, 0) };
}

function isBetter(a: Worth, b: Worth): boolean {
  return a.kept === b.kept ? a.totalMs < b.totalMs : a.kept > b.kept;
}

function overlap(a: Reading, b: Reading): boolean {
  return a.startAt < b.endAt && b.startAt < a.endAt;
}

/** All ways to read a record as a time that passed; the earliest first. */
function readingsOf({ start, end }: ReadRecord): Reading[] {
  if (end === null || isSameMinute(start, end)) return [];
  const readings = instantsOf(start).flatMap((startAt) =>
    instantsOf(end).map((endAt) => ({ startAt, endAt })),
  );
  return readings.filter(({ startAt, endAt }) => startAt < endAt);
}

function reasonOf(record: ReadRecord): SetAsideReason {
  const { start, end } = record;
  if (end === null) return 'no-end';
  if (start.type === 'never' || end.type === 'never') return 'no-such-time';
  if (isSameMinute(start, end)) return 'zero-length';
  return readingsOf(record).length === 0 ? 'ends-before-start' : 'overlap';
}

function isSameMinute(a: Shown, b: Shown): boolean {
  return a.type === b.type && earliest(a) === earliest(b);
}

function instantsOf(shown: Shown): readonly number[] {
  switch (shown.type) {
    case 'once':
      return [shown.at];
    case 'twice':
      return [shown.first, shown.second];
    case 'never':
      return [];
  }
}

function listOf<T>(map: Map<string, T[]>, key: string): T[] {
  const known = map.get(key);
  if (known !== undefined) return known;
  const list: T[] = [];
  map.set(key, list);
  return list;
}
