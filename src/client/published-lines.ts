/** Journal lines that a watcher has seen, to pass over what was published twice around an outage. */

/** Numbers remembered of each partition: more than a node has on its way to the hub at once. */
const REMEMBERED_MAX = 4_096;

/** By partition, because each counts its lines by itself. */
export class PublishedLines {
  readonly #seen = new Map<number, Set<number>>();

  /** Whether the line was seen before; from now on it was. */
  has(partition: number, no: number): boolean {
    const numbers = this.#seen.get(partition) ?? new Set<number>();
    this.#seen.set(partition, numbers);
    if (numbers.has(no)) return true;
    numbers.add(no);
    if (numbers.size > REMEMBERED_MAX) {
      const [oldest] = numbers;
      if (oldest !== undefined) numbers.delete(oldest);
    }
    return false;
  }
}
