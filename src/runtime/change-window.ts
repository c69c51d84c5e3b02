/**
 * What was delivered lately of the stream of changes, kept for all who follow it: each of them stands at a place of its own in it.
 *
 * Invariants:
 * I1  entries are numbered without a hole; those before `first` are forgotten.
 * I2  everything that the stream holds after `coveredAfter`, up to `last`, is in entries behind the last `gone`.
 * I3  a number is of no account in here but in the stream `made`, in which everything behind the last `gone` stands.
 * I4  a place that names the time of its message goes on in here only where that message is known here by the same time.
 * I5  the payloads in it are at most `bytesMax`, and one entry.
 */
import type { ChangePlace } from '../wire/change-place.ts';
import type { ChangesGone, PublishedChange } from './change-feed.ts';

/** Changes that were delivered together, or a stretch that nobody can be told. */
export type WindowEntry =
  | {
      readonly type: 'changes';
      readonly changes: readonly PublishedChange[];
      readonly bytes: number;
      /** Made for the first one who follows a single device. */
      byDevice: ReadonlyMap<string, readonly PublishedChange[]> | null;
    }
  | { readonly type: 'gone'; readonly range: ChangesGone };

const NOTHING: readonly PublishedChange[] = [];

/** See the head of this file. */
export class ChangeWindow {
  readonly #bytesMax: number;
  #entries: WindowEntry[] = [];
  #first = 0;
  /** The number of the first entry behind the last `gone`. */
  #behindGone = 0;
  #bytes = 0;
  #made: string;
  #coveredAfter: number;
  /** When what stands there was stored; `undefined` where nobody knows. */
  #coveredAt: number | undefined;
  #last: number;

  /** Nothing yet, of what comes after a place. */
  constructor({ made, sequence, storedAt }: ChangePlace & { readonly made: string }, bytesMax: number) {
    this.#made = made;
    this.#coveredAfter = sequence;
    this.#coveredAt = storedAt;
    this.#last = sequence;
    this.#bytesMax = bytesMax;
  }

  /** The place of the newest change, or where it began. */
  get last(): ChangePlace & { readonly made: string } {
    return { made: this.#made, sequence: this.#last };
  }

  /** Adds what follows. */
  add(changes: readonly PublishedChange[]): void {
    const last = changes.at(-1);
    if (last === undefined) return;
    const bytes = changes.reduce((sum, { payload }) => sum + payload.length, 0);
    this.#entries.push({ type: 'changes', changes, bytes, byDevice: null });
    this.#bytes += bytes;
    this.#last = last.sequence;
    while (this.#bytes > this.#bytesMax && this.#entries.length > 1) this.#forget();
  }

  /** What follows is gone, or the stream was made anew: whoever has not come that far is told it in its turn. */
  gone(range: ChangesGone): void {
    this.#entries.push({ type: 'gone', range });
    this.#behindGone = this.#first + this.#entries.length;
    this.#made = range.made;
    this.#coveredAfter = range.to;
    this.#coveredAt = undefined;
    this.#last = range.to;
  }

  /** The entry of a number; `undefined` where it is yet to come, `forgotten` where it is no more. */
  at(number: number): WindowEntry | 'forgotten' | undefined {
    return number < this.#first ? 'forgotten' : this.#entries[number - this.#first];
  }

  /**
   * The number of the entry with which somebody goes on who has everything up to a place; `null` where something after that is not in
   * here any more, or the place is in another stream, or in a tail that may be lost.
   */
  numberAfter({ made, sequence: place, storedAt }: ChangePlace): number | null {
    if ((made !== null && made !== this.#made) || place < this.#coveredAfter) return null;
    let number = this.#first + this.#entries.length;
    while (number > Math.max(this.#first, this.#behindGone)) {
      const before = this.#entries[number - 1 - this.#first];
      if (before?.type !== 'changes' || (before.changes.at(-1)?.sequence ?? 0) <= place) break;
      number -= 1;
    }
    return storedAt === undefined || storedAt === this.#storedAt(place, number) ? number : null;
  }

  /** When what stands at a place was stored, with which the entry before `number` ends, or which is in that; see I4. */
  #storedAt(place: number, number: number): number | undefined {
    if (place === this.#coveredAfter) return this.#coveredAt;
    const standing = [number - 1, number].flatMap((near) => {
      const entry = this.#entries[near - this.#first];
      return entry?.type === 'changes' ? entry.changes.filter(({ sequence }) => sequence === place) : [];
    });
    return standing[0]?.storedAt;
  }

  #forget(): void {
    const forgotten = this.#entries.shift();
    this.#first += 1;
    if (forgotten?.type !== 'changes') return;
    this.#bytes -= forgotten.bytes;
    const last = forgotten.changes.at(-1);
    if (this.#first <= this.#behindGone || last === undefined) return;
    this.#coveredAfter = last.sequence;
    this.#coveredAt = last.storedAt;
  }
}

/** What of an entry is for somebody: the changes after a place, of one device or of all. The same list for all who get the same. */
export function changesFor(
  entry: Extract<WindowEntry, { type: 'changes' }>,
  { after, device }: { readonly after: number; readonly device: string | null },
): readonly PublishedChange[] {
  const { changes } = entry;
  const wanted = device === null ? changes : (byDevice(entry).get(device) ?? NOTHING);
  return (changes[0]?.sequence ?? 0) > after ? wanted : wanted.filter(({ sequence }) => sequence > after);
}

function byDevice(
  entry: Extract<WindowEntry, { type: 'changes' }>,
): ReadonlyMap<string, readonly PublishedChange[]> {
  if (entry.byDevice !== null) return entry.byDevice;
  const lists = new Map<string, PublishedChange[]>();
  for (const change of entry.changes) {
    const list = lists.get(change.device);
    if (list === undefined) lists.set(change.device, [change]);
    else list.push(change);
  }
  return (entry.byDevice = lists);
}
