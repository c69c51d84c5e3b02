/**
 * Things in (boot, seq) order: added at the end, taken out in runs, nearly always from the beginning.
 *
 * Invariant:
 * I1  positions rise strictly from the first to the last.
 */
import { comparePositions, type ReportPosition } from '../../machines/report.ts';

/** Positions from one to another, both inclusive. */
export interface PositionRange {
  readonly from: ReportPosition;
  readonly to: ReportPosition;
}

/** Spent places at the beginning are given back once there are this many. */
const SPENT_MAX = 1_024;

/** A queue by position. */
export class PositionQueue<Item extends ReportPosition> {
  #items: (Item | undefined)[] = [];
  /** Everything before this index has been taken out. */
  #start = 0;

  get length(): number {
    return this.#items.length - this.#start;
  }

  /** The item at `index`, counted from the first one that is left. */
  at(index: number): Item | undefined {
    return index < 0 ? undefined : this.#items[this.#start + index];
  }

  last(): Item | undefined {
    return this.length === 0 ? undefined : this.#items.at(-1);
  }

  /** Adds behind the last. Throws when it does not come after it. */
  add(item: Item): void {
    const last = this.last();
    if (last !== undefined && comparePositions(item, last) <= 0) {
      throw new Error(`position ${nameOf(item)} does not come after ${nameOf(last)} (I1)`);
    }
    this.#items.push(item);
  }

  /** Takes out what lies in the range; returns it. */
  remove({ from, to }: PositionRange): Item[] {
    const first = this.indexOf(from);
    const end = this.#firstIndex((item) => comparePositions(item, to) > 0);
    const removed = this.#items.slice(this.#start + first, this.#start + end) as Item[];
    if (first > 0) {
      this.#items.splice(this.#start + first, removed.length);
      return removed;
    }
    this.#items.fill(undefined, this.#start, this.#start + end);
    this.#start += end;
    if (this.#start >= SPENT_MAX && this.#start * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#start);
      this.#start = 0;
    }
    return removed;
  }

  /** Index of the first item at or after the position; `length` when there is none. */
  indexOf(position: ReportPosition): number {
    return this.#firstIndex((item) => comparePositions(item, position) >= 0);
  }

  list(): Item[] {
    return this.#items.slice(this.#start) as Item[];
  }

  /** Binary search for the first item of which `isReached` is true; it is true of all that follow. */
  #firstIndex(isReached: (item: Item) => boolean): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const item = this.at(middle);
      if (item === undefined || isReached(item)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function nameOf({ boot, seq }: ReportPosition): string {
  return `${String(boot)}/${String(seq)}`;
}
