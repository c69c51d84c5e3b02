/** Reads what the store holds in the end. */
import type { JournalEntry } from '../../../src/contract/journal-entry.ts';
import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import type { SensorChange } from '../../../actors/sensor-changes.ts';
import type { TimelineFold, WindowedInterval } from '../../../actors/timeline.ts';
import type { Twin } from '../../../actors/twin.ts';
import type { Kind } from '../../../machines/kind.ts';
import { kinds } from '../../../machines/kinds.ts';
import { readSensors } from '../../../src/http/sensor-page.ts';
import { readTimeline } from '../../../src/http/timeline-page.ts';
import type { MemoryStore } from '../../../src/memory/store.ts';
import type { HistoryReport, ReportPage } from '../../../src/history/ports.ts';
import { PARTITIONS } from '../../../src/wire/partition.ts';
import type { FinalStore, Past } from './evidence.ts';

const ARCHIVE_PAGE = 10_000;
/** Intervals, and changes, of a page: so few that most devices have several. */
const HISTORY_PAGE = 40;
const ALL_TIME = { from: null, to: null };

/** All of it, of these devices. */
export async function readFinalStore(store: MemoryStore, devices: readonly string[]): Promise<FinalStore> {
  const twins = new Map<string, Twin>();
  const reports = new Map<string, readonly HistoryReport[]>();
  const ledger = new Map<string, readonly LedgerEntry[]>();
  for (const name of devices) {
    const found = await store.twin(name);
    if (found !== null) twins.set(name, found.twin);
    reports.set(name, await reportsOf(store, name));
    ledger.set(name, await store.commands(name, { beforeN: null, limit: ARCHIVE_PAGE }));
  }
  const journal: (readonly JournalEntry[])[] = [];
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    journal.push(await store.journalAfter(partition, 0, ARCHIVE_PAGE * 10));
  }
  return { twins, reports, ledger, journal };
}

/** What is told of the past of each device that has a twin; `now` by the hub's clock. Of one that cannot be read `broken` is told why. */
export async function readPasts(
  { twins, reports }: FinalStore,
  { now, broken }: { readonly now: number; readonly broken: (what: string) => void },
): Promise<ReadonlyMap<string, Past>> {
  const pasts = new Map<string, Past>();
  for (const [device, twin] of twins) {
    const kind = kinds.find(({ name }) => name === twin.kind)!;
    const filed = reports.get(device) ?? [];
    try {
      const timeline = await timelineOf(filed, kind, now);
      pasts.set(device, { timeline, sensorChanges: await sensorChangesOf(filed, kind) });
    } catch (error) {
      broken(`the past of ${device} cannot be read: ${String(error)}`);
    }
  }
  return pasts;
}

async function reportsOf(store: MemoryStore, device: string): Promise<readonly HistoryReport[]> {
  const found: HistoryReport[] = [];
  for (;;) {
    const after = found.at(-1) ?? null;
    const page = { from: null, to: null, after, isNewestFirst: false, limit: ARCHIVE_PAGE };
    const reports = await store.reports(device, page);
    if (reports.length === 0) return found;
    found.push(...reports);
  }
}

async function timelineOf(
  filed: readonly HistoryReport[],
  { limits: { silenceMs } }: Kind,
  now: number,
): Promise<readonly WindowedInterval[]> {
  const found: WindowedInterval[] = [];
  const common = { read: readerOf(filed), window: ALL_TIME, limit: HISTORY_PAGE, silenceMs, now };
  let fold: TimelineFold | null = null;
  do {
    const page = await readTimeline({ ...common, fold });
    found.push(...page.intervals);
    fold = page.fold;
  } while (fold !== null);
  return found;
}

async function sensorChangesOf(
  filed: readonly HistoryReport[],
  { binarySensors: sensors, limits: { silenceMs, driftPpm } }: Kind,
): Promise<readonly SensorChange[]> {
  const found: SensorChange[] = [];
  const common = {
    read: readerOf(filed),
    sensors,
    driftPpm,
    window: ALL_TIME,
    limit: HISTORY_PAGE,
    silenceMs,
  };
  let cursor: string | null = null;
  do {
    const page = await readSensors({ ...common, cursor: cursor ?? undefined });
    found.push(...page.changes);
    cursor = page.cursor;
  } while (cursor !== null);
  return found;
}

/** Reads on in what was read from the store already. */
function readerOf(filed: readonly HistoryReport[]): (page: ReportPage) => Promise<readonly HistoryReport[]> {
  return async ({ to, after, limit }) => {
    const isIt = (other: HistoryReport): boolean =>
      other.incarnation === after?.incarnation && other.boot === after.boot && other.seq === after.seq;
    const first = after === null ? 0 : filed.findIndex(isIt) + 1;
    if (to === null) return filed.slice(first, first + limit);
    const found: HistoryReport[] = [];
    for (let index = first; index < filed.length && found.length < limit; index += 1) {
      const report = filed[index]!;
      if (report.measuredAt < to) found.push(report);
    }
    return found;
  };
}
