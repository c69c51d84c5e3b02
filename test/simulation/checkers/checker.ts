/**
 * What a checker is: one property of the whole system, judged on what really happened. It takes evidence and returns every
 * place at which the property does not hold.
 */
import type { LedgerEntry } from '../../../actors/ledger.ts';
import type { Evidence } from '../world/world.ts';

/** One place at which a property does not hold. */
export interface Flaw {
  /** True time, ms epoch: where in the trace to look. */
  readonly at: number;
  /** Whose lines of the trace tell more, or `null`. */
  readonly device: string | null;
  /** What is wrong, with the values that show it. */
  readonly text: string;
}

/** A property. */
export interface Checker {
  readonly name: string;
  /** The property, as a sentence that has to be true. */
  readonly sentence: string;
  readonly check: (evidence: Evidence) => readonly Flaw[];
}

/** Probes are commands of the twin itself; they are in no ledger. */
export const isProbe = (id: string): boolean => id.startsWith('probe-');

/** A version of a ledger entry, and when the store took it. */
export interface EntryVersion {
  readonly at: number;
  readonly entry: LedgerEntry;
}

/** All versions of each ledger entry, in the order in which the store took them. */
export function versionsById({ record }: Evidence): ReadonlyMap<string, readonly EntryVersion[]> {
  const versions = new Map<string, EntryVersion[]>();
  for (const { at, commit } of record.commits) {
    for (const entry of commit.ledger) {
      const known = versions.get(entry.id);
      if (known === undefined) versions.set(entry.id, [{ at, entry }]);
      else known.push({ at, entry });
    }
  }
  return versions;
}

/** Every ledger entry as it stands in the end. */
export function finalEntries({ store }: Evidence): readonly LedgerEntry[] {
  return [...store.ledger.values()].flat();
}

/** An id short enough for a sentence. */
export const short = (id: string): string => id.slice(0, 8);
