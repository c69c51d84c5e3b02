/**
 * Keeps many short byte strings in few large pieces of memory, outside of the garbage collector's sight: a million buffers of
 * their own would cost more for their headers than for what is in them, and would be walked over again and again.
 *
 * Invariants:
 * I1  a place belongs to one record from `allocate` to `free`; places never move.
 * I2  a freed place is used again for records of the same size, rounded up to whole steps.
 */

/** Records are placed in multiples of this. */
const STEP_BYTES = 32;
/** Longer records get a piece of memory of their own: they are rare, and would leave large holes. */
const SMALL_BYTES_MAX = 8_192;
const SLAB_BYTES = 1024 * 1024;
/** Before each record stands how long it is. */
const LENGTH_BYTES = 2;

/** Where a record is. Never 0. */
export type Place = number;

/** See the head of this file. Grows with the most that was ever in it at once, and does not shrink. */
export class ByteArena {
  readonly #slabs: Buffer[] = [];
  /** In the last slab, from here on nothing is taken. Place 0 is left out. */
  #end = SLAB_BYTES;
  /** Places that were freed, by their steps. */
  readonly #free: Place[][] = Array.from(
    { length: 1 + (SMALL_BYTES_MAX + LENGTH_BYTES) / STEP_BYTES + 1 },
    () => [],
  );
  /** Records with memory of their own: their places are negative. */
  readonly #large = new Map<Place, Buffer>();
  #lastLarge = 0;

  /** Makes room for a record of so many bytes; `at` is where they are to be written. */
  allocate(bytes: number): Place {
    if (bytes > SMALL_BYTES_MAX) {
      this.#lastLarge -= 1;
      this.#large.set(this.#lastLarge, Buffer.allocUnsafeSlow(bytes));
      return this.#lastLarge;
    }
    const steps = stepsOf(bytes);
    const place = this.#free[steps]?.pop() ?? this.#carve(steps);
    this.#slabOf(place).writeUInt16LE(bytes, place % SLAB_BYTES);
    return place;
  }

  /** The bytes of a record, in place: what is written into them stays. Not to be used after `free`. */
  at(place: Place): Buffer {
    const large = this.#large.get(place);
    if (large !== undefined) return large;
    const slab = this.#slabOf(place);
    const from = place % SLAB_BYTES;
    const start = from + LENGTH_BYTES;
    return slab.subarray(start, start + slab.readUInt16LE(from));
  }

  /** Gives the place of a record back. */
  free(place: Place): void {
    if (this.#large.delete(place)) return;
    const bytes = this.#slabOf(place).readUInt16LE(place % SLAB_BYTES);
    this.#free[stepsOf(bytes)]?.push(place);
  }

  #carve(steps: number): Place {
    const bytes = steps * STEP_BYTES;
    if (this.#end + bytes > SLAB_BYTES) {
      this.#slabs.push(Buffer.allocUnsafeSlow(SLAB_BYTES));
      this.#end = this.#slabs.length === 1 ? STEP_BYTES : 0;
    }
    const place = (this.#slabs.length - 1) * SLAB_BYTES + this.#end;
    this.#end += bytes;
    return place;
  }

  #slabOf(place: Place): Buffer {
    const slab = this.#slabs[Math.floor(place / SLAB_BYTES)];
    if (slab === undefined) throw new Error(`nothing is at place ${String(place)}`);
    return slab;
  }
}

function stepsOf(bytes: number): number {
  return Math.ceil((bytes + LENGTH_BYTES) / STEP_BYTES);
}
