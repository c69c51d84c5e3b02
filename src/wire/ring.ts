/**
 * The ring of a report of which something does not fit, entry by entry: one bad value must not silence the others, which tell what became
 * of other commands. An entry whose `n` or `outcome` cannot be read says nothing and is left out; the ring is then marked, because what it
 * does not name may be what that entry was about. What stands beside the word counts as absent where it does not fit, and is marked, too;
 * but for the reason of a `rejected`, which may be the protocol's (`other-boot`) and not the device's own: without it the entry says nothing.
 * Nor do entries that say different things of one number, also where one of them cannot be read.
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
  /** What is said of each number; `null` where that cannot be read, or is not one thing. */
  const words = new Map<number, RingEntry | null>();
  let isWhole = true;
  for (const item of list) {
    const given = isMap(item) ? withoutNulls(item) : {};
    const { n } = given;
    const entry = readEntry(given, marks);
    if (!Value.Check(RingEntrySchema.properties.n, n)) isWhole = false;
    else words.set(n, words.has(n) && !Value.Equal(words.get(n), entry) ? null : entry);
  }
  const agreed = [...words.values()].filter((entry) => entry !== null);
  // A ring that is as long as rings are has let go of something, however few numbers it names.
  const isCut = list.length >= RING_SIZE_MAX && words.size !== RING_SIZE_MAX;
  if (!isWhole || isCut || agreed.length < words.size) marks.add('commands');
  const highest = agreed.length <= RING_SIZE_MAX ? agreed : agreed.toSorted((one, other) => other.n - one.n);
  return { entries: highest.slice(0, RING_SIZE_MAX), unreadable: [...marks] };
}

/** True for a ring that names no command twice. */
export function namesEachOnce(ring: readonly RingEntry[]): boolean {
  return ring.every(({ n }, index) => ring.findIndex((other) => other.n === n) === index);
}

/** `null` for an entry that says nothing of any command. */
function readEntry(given: Record<string, unknown>, marks: Set<string>): RingEntry | null {
  for (const name of BESIDE) {
    if (given[name] === undefined || Value.Check(RingEntrySchema.properties[name], given[name])) continue;
    Reflect.deleteProperty(given, name);
    marks.add(besideWord(name));
    if (name === 'reason' && given.outcome === 'rejected') return null;
  }
  return Value.Check(RingEntrySchema, given) ? given : null;
}
