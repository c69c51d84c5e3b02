/** Reads what the store holds in the end. */
import type { LedgerEntry } from '../../../actors/ledger.ts';
import type { Twin } from '../../../actors/twin.ts';
import type { MemoryStore } from '../../../src/memory/store.ts';
import type { ArchivedReport } from '../../../src/runtime/archive.ts';
import type { JournalLine } from '../../../src/runtime/ports.ts';
import { PARTITIONS } from '../../../src/wire/partition.ts';
import type { FinalStore } from './evidence.ts';

const ARCHIVE_PAGE = 10_000;

/** All of it, of these devices. */
export async function readFinalStore(store: MemoryStore, devices: readonly string[]): Promise<FinalStore> {
  const twins = new Map<string, Twin>();
  const reports = new Map<string, readonly ArchivedReport[]>();
  const ledger = new Map<string, readonly LedgerEntry[]>();
  for (const name of devices) {
    const found = await store.twin(name);
    if (found !== null) twins.set(name, found.twin);
    reports.set(name, await reportsOf(store, name));
    ledger.set(name, await store.commands(name, { beforeN: null, limit: ARCHIVE_PAGE }));
  }
  const journal: (readonly JournalLine[])[] = [];
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    journal.push(await store.journalAfter(partition, 0, ARCHIVE_PAGE * 10));
  }
  return { twins, reports, ledger, journal };
}

async function reportsOf(store: MemoryStore, device: string): Promise<readonly ArchivedReport[]> {
  const found: ArchivedReport[] = [];
  for (;;) {
    const after = found.at(-1) ?? null;
    const page = { from: null, to: null, after, isNewestFirst: false, limit: ARCHIVE_PAGE };
    const reports = await store.reports(device, page);
    if (reports.length === 0) return found;
    found.push(...reports);
  }
}
