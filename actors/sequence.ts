/**
 * The exact set of (boot, seq) positions seen of one device, in bounded memory.
 *
 * Invariants:
 * I1  `ranges` are triples boot, first, last: ascending, not touching, first <= last.
 * I2  at most RANGES_MAX ranges. One more closes the oldest hole, and its positions count as `missing` for good.
 * I3  counts are whole numbers from 0 to COUNT_MAX, and stop there: a device may number as far as it likes.
 * I4  every boot before `floorBoot` is closed: what still comes of it counts as seen before.
 */

/**
 * How many ranges a twin keeps. A lossless device needs one per boot of which reports may still be late, and one more for each time
 * that its link broke before it had emptied its buffer: it begins with its newest report each time.
 */
export const RANGES_MAX = 128;

/** Where counts stop: above it whole numbers are no longer exact. */
export const COUNT_MAX = Number.MAX_SAFE_INTEGER;

/**
 * A hole of more positions than this is none of lost reports: nobody has lost a million reports between two that arrived. Its positions
 * are not counted as missing.
 */
export const HOLE_MAX = 2 ** 20;

/** Positions seen, and what was counted on the way. */
export interface SequenceSet {
  /** Flat triples: boot, first seq, last seq. */
  readonly ranges: readonly number[];
  /** Boots before this one are closed. */
  readonly floorBoot: number;
  /** Positions in holes that were closed. */
  readonly closedMissing: number;
  /** Reports that came after a newer one. */
  readonly late: number;
  /** Reports seen before and dropped. */
  readonly duplicates: number;
}

/** Nothing seen yet. */
export const EMPTY_SEQUENCE: SequenceSet = {
  ranges: [],
  floorBoot: 0,
  closedMissing: 0,
  late: 0,
  duplicates: 0,
};

/** `set` with the position in it, or `null` when it was seen before or belongs to what is closed. */
export function addPosition(set: SequenceSet, boot: number, seq: number): SequenceSet | null {
  const { ranges } = set;
  const last = ranges.length - 3;
  if (last >= 0 && ranges[last] === boot && ranges[last + 2] === seq - 1) {
    const next = ranges.slice();
    next[last + 2] = seq;
    const { floorBoot, closedMissing, late, duplicates } = set;
    return { ranges: next, floorBoot, closedMissing, late, duplicates };
  }
  if (boot < set.floorBoot) return null;
  const index = firstRangeEndingAtOrAfter(ranges, boot, seq);
  if (index < ranges.length && at(ranges, index) === boot && at(ranges, index + 1) <= seq) return null;
  return bounded({ ...set, ranges: inserted(ranges, index, boot, seq) });
}

/** True when anything of the boot was seen, and is not closed. */
export function hasBoot(set: SequenceSet, boot: number): boolean {
  for (let index = 0; index < set.ranges.length; index += 3) if (set.ranges[index] === boot) return true;
  return false;
}

/** The highest number seen of the boot, or 0. */
export function lastSeq({ ranges }: SequenceSet, boot: number): number {
  const index = firstRangeEndingAtOrAfter(ranges, boot, Infinity) - 3;
  return index >= 0 && ranges[index] === boot ? at(ranges, index + 2) : 0;
}

/**
 * A set for an incarnation that begins with the first position; counts go on. What was seen of its boot before stays seen where the
 * numbering goes on from there: it came before anybody knew that a new incarnation had begun. Empty where nothing is heard of it yet.
 */
export function beginSequence(
  before: SequenceSet,
  first: { readonly boot: number; readonly seq: number } | null,
): SequenceSet {
  const { late, duplicates } = before;
  const ranges = first === null ? [] : rangesBefore(before, first.boot, first.seq);
  const kept: SequenceSet = { ...EMPTY_SEQUENCE, ranges, late, duplicates };
  const fresh = { ...kept, closedMissing: countOf(missing(before) - missing(kept)) };
  return first === null ? fresh : (addPosition(fresh, first.boot, first.seq) ?? fresh);
}

/**
 * `set`, which knows nothing of the boot, with what another one saw of it below number `end`, where the numbering goes on from
 * there. Its holes are open again: they were closed when the other one ended.
 */
export function adoptBoot(set: SequenceSet, seenBy: SequenceSet, boot: number, end: number): SequenceSet {
  const adopted = boot < set.floorBoot ? [] : rangesBefore(seenBy, boot, end);
  const index = firstRangeEndingAtOrAfter(set.ranges, boot, end);
  let next: SequenceSet = {
    ...set,
    ranges: [...set.ranges.slice(0, index), ...adopted, ...set.ranges.slice(index)],
    closedMissing: countOf(set.closedMissing - missing({ ...EMPTY_SEQUENCE, ranges: adopted })),
  };
  while (next.ranges.length / 3 > RANGES_MAX) next = bounded(next);
  return next;
}

/** The triples of a boot before this position; none where the position itself was seen, or is closed: that is another count. */
function rangesBefore(set: SequenceSet, boot: number, seq: number): number[] {
  if (addPosition(set, boot, seq) === null) return [];
  const ranges: number[] = [];
  for (let index = 0; index < set.ranges.length; index += 3) {
    const [first, last] = [at(set.ranges, index + 1), at(set.ranges, index + 2)];
    if (at(set.ranges, index) === boot && last < seq) ranges.push(boot, first, last);
  }
  return ranges;
}

/** Positions known to be missing now: closed holes, and the open ones between what was seen. */
export function missing(set: SequenceSet): number {
  let open = 0;
  for (let index = 0; index < set.ranges.length; index += 3) {
    const follows = index > 0 && set.ranges[index - 3] === set.ranges[index];
    const expected = follows ? at(set.ranges, index - 1) + 1 : 1;
    open += lostIn(at(set.ranges, index + 1) - expected);
  }
  return countOf(set.closedMissing + open);
}

/** A count of what is no more than that many (I3). */
export function countOf(number: number): number {
  return Math.min(COUNT_MAX, Math.max(0, number));
}

/** How many reports a hole of so many positions counts for. */
function lostIn(positions: number): number {
  return positions > HOLE_MAX ? 0 : positions;
}

function at(ranges: readonly number[], index: number): number {
  const value = ranges[index];
  if (value === undefined) throw new Error('ranges are triples');
  return value;
}

/** Index of the first triple whose last position is not before (boot, seq); `ranges.length` when there is none. */
function firstRangeEndingAtOrAfter(ranges: readonly number[], boot: number, seq: number): number {
  let low = 0;
  let high = ranges.length / 3;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const ranked = at(ranges, middle * 3) - boot || at(ranges, middle * 3 + 2) - seq;
    if (ranked < 0) low = middle + 1;
    else high = middle;
  }
  return low * 3;
}

/** `ranges` with the position put in before triple `index`, joined with the neighbours it touches. */
function inserted(ranges: readonly number[], index: number, boot: number, seq: number): number[] {
  const next = ranges.slice();
  const joinsPrevious = index > 0 && next[index - 3] === boot && next[index - 1] === seq - 1;
  const joinsNext = next[index] === boot && next[index + 1] === seq + 1;
  if (joinsPrevious && joinsNext) next.splice(index - 1, 3);
  else if (joinsPrevious) next[index - 1] = seq;
  else if (joinsNext) next[index + 1] = seq;
  else next.splice(index, 0, boot, seq, seq);
  return next;
}

/** Closes the oldest hole when there are too many ranges. */
function bounded(set: SequenceSet): SequenceSet {
  const { ranges } = set;
  if (ranges.length / 3 <= RANGES_MAX) return set;
  if (ranges[0] === ranges[3]) {
    const closed = lostIn(at(ranges, 4) - at(ranges, 2) - 1);
    return {
      ...set,
      ranges: [...ranges.slice(0, 2), ...ranges.slice(5)],
      closedMissing: countOf(set.closedMissing + closed),
    };
  }
  const closed = lostIn(at(ranges, 1) - 1);
  return {
    ...set,
    ranges: ranges.slice(3),
    floorBoot: at(ranges, 3),
    closedMissing: countOf(set.closedMissing + closed),
  };
}
