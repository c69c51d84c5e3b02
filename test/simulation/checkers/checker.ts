/**
 * What a checker is: one property of the whole system, judged on what really happened. It takes evidence and returns every
 * place at which the property does not hold.
 */
import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import type { Committed } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';

/** One place at which a property does not hold. */
export interface Flaw {
  /** True time, ms epoch: where in the trace to look. */
  readonly at: number;
  /** Whose lines of the trace tell more, or `null`. */
  readonly device: string | null;
  /** What is wrong, with the values that show it. */
  readonly text: string;
}

/** A property, of worlds or of whatever else leaves evidence. */
export interface Checker<Of = Evidence> {
  readonly name: string;
  /** The property, as a sentence that has to be true. */
  readonly sentence: string;
  readonly check: (evidence: Of) => readonly Flaw[];
}

/** Probes are commands of the twin itself; they are in no ledger. */
export const isProbe = (id: string): boolean => id.startsWith('probe-');

/** A version of a ledger entry, and when the store took it. */
export interface EntryVersion {
  readonly at: number;
  readonly entry: LedgerEntry;
  /** When the store was set back to before it, or `null`. */
  readonly lostAt: number | null;
}

/** All versions of each ledger entry, in the order in which the store took them. */
export function versionsById({ record }: Evidence): ReadonlyMap<string, readonly EntryVersion[]> {
  const versions = new Map<string, EntryVersion[]>();
  for (const { at, commit, lostAt } of record.commits) {
    for (const entry of commit.ledger) {
      const known = versions.get(entry.id);
      if (known === undefined) versions.set(entry.id, [{ at, entry, lostAt }]);
      else known.push({ at, entry, lostAt });
    }
  }
  return versions;
}

/**
 * What the store has lived through, one after the other: what it took up to each time at which it was set back, as it was then, and what it
 * holds in the end. A life is judged by itself: what was committed and then lost is lost.
 */
export function storeLives({ record }: Evidence): readonly (readonly Committed[])[] {
  const { commits, setBacks } = record;
  const held = (time: number): Committed[] =>
    commits.filter(({ at, lostAt }) => at <= time && (lostAt === null || lostAt >= time));
  return [...setBacks.map(held), commits.filter(({ lostAt }) => lostAt === null)];
}

/** Ids of commands that the store has forgotten once: they may be accepted, and executed, a second time. */
export function forgottenIds({ record }: Evidence): ReadonlySet<string> {
  const lost = record.commits.filter(({ lostAt }) => lostAt !== null);
  return new Set(lost.flatMap(({ commit }) => commit.ledger.map(({ id }) => id)));
}

/** A version that the store still had at a time. */
export function isHeldAt({ lostAt }: Pick<Committed, 'lostAt'>, time: number): boolean {
  return lostAt === null || lostAt > time;
}

/** Every ledger entry as it stands in the end. */
export function finalEntries({ store }: Evidence): readonly LedgerEntry[] {
  return [...store.ledger.values()].flat();
}

/** All of them by their keys, each in its order. */
export function grouped<T>(all: Iterable<T>, keyOf: (one: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [one]);
    else known.push(one);
  }
  return groups;
}

/** An id short enough for a sentence. */
export const short = (id: string): string => id.slice(0, 8);

/** A reader may be told the time of a message rounded, ms. */
export const ROUNDING_MS = 1;

/**
 * Whether the hub's times tell where a tail was cut that it lost at a moment. They do not where its clock was wrong before: then a node goes
 * back to what it knows by the message alone, and more is read again than is lost (`src/runtime/lost-tail.ts`).
 */
export function isCutTold({ hubClock }: Evidence, lostAt: number): boolean {
  return hubClock === null || hubClock.setBetween(-Infinity, lostAt).length === 0;
}
