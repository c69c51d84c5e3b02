/**
 * The ring of a report of which something does not fit, entry by entry: one bad value must not silence the others, which tell what became
 * of other commands. An entry whose `n` or `outcome` cannot be read says nothing and is left out; the ring is then marked, because what it
 * does not name may be what that entry was about. What stands beside the word counts as absent where it does not fit, and is marked, too;
 * but for the reason of a `rejected`, which may be the protocol's (`other-boot`) and not the device's own: without it the entry says nothing.
 * Nor do entries that say different things of one number.
 */
import { Value } from '@sinclair/typebox/value';
import { besideWord, RING_SIZE_MAX, type RingEntry, RingEntrySchema } from '../../machines/report.ts';
import { isMap, withoutNulls } from './plain-map.ts';

/** What could be read of a ring, and the marks of what could not. */
export interface ReadRing {
  readonly entries: readonly RingEntry[];
  readonly unreadable: readonly string[];
}

/** What stands beside the word of an entry. */
const BESIDE = ['reason', 'fence', 'executedAs'] as const;

/** Reads the entries of `list`, as far as they can be read: of more than a ring has, those of the highest numbers. */
export function readRing(list: readonly unknown[]): ReadRing {
  const marks = new Set<string>();
  const entries = new Map<number, RingEntry>();
  const contradicted = new Set<number>();
  for (const item of list) {
    const entry = readEntry(item, marks);
    if (entry === null) {
      marks.add('commands');
      continue;
    }
    const { n } = entry;
    const isAgreed: boolean = Value.Equal(entries.get(n) ?? entry, entry);
    if (isAgreed) entries.set(n, entry);
    else contradicted.add(n);
  }
  const agreed = [...entries.values()].filter(({ n }) => !contradicted.has(n));
  if (contradicted.size > 0 || agreed.length > RING_SIZE_MAX) marks.add('commands');
  const highest = agreed.length <= RING_SIZE_MAX ? agreed : agreed.toSorted((one, other) => other.n - one.n);
  return { entries: highest.slice(0, RING_SIZE_MAX), unreadable: [...marks] };
}

/** True for a ring that names no command twice. */
export function namesEachOnce(ring: readonly RingEntry[]): boolean {
  return ring.every(({ n }, index) => ring.findIndex((other) => other.n === n) === index);
}

/** `null` for an entry that says nothing of any command. */
function readEntry(item: unknown, marks: Set<string>): RingEntry | null {
  if (!isMap(item)) return null;
  const given = withoutNulls(item);
  for (const name of BESIDE) {
    if (given[name] === undefined || Value.Check(RingEntrySchema.properties[name], given[name])) continue;
    Reflect.deleteProperty(given, name);
    marks.add(besideWord(name));
    if (name === 'reason' && given.outcome === 'rejected') return null;
  }
  return Value.Check(RingEntrySchema, given) ? given : null;
}
