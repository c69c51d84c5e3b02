/**
 * The twins of a host: resident ones, of which something was heard lately, as objects; all others evicted, as bytes. Most twins of a large
 * fleet have nothing to do for a minute at a time; as objects they would take three times the memory, and the garbage collector
 * would walk over all of them.
 *
 * Invariants:
 * I1  a device has a twin here as an object (it is resident) or as bytes (it is evicted), which make an equal one.
 * I2  at most `residentMax` twins are resident, and more than one of them has at most `residentBytesMax` bytes in all; beyond that
 *     the one that became resident longest ago is evicted.
 * I3  when an evicted twin wants to be woken is known without restoring it.
 */
import { assertInvariants } from '../../actors/invariants.ts';
import type { Twin } from '../../actors/twin.ts';
import { nextWakeAt, evictedWakeAt, wakeTimes, type WakeTimes } from '../../actors/wake.ts';
import type { Kind } from '../../machines/kind.ts';
import { ByteArena, type Place } from './byte-arena.ts';
import type { Store, StoredTwin } from './ports.ts';
import { twinWeight } from './twin-weight.ts';

/** What it takes to keep twins. */
export interface TwinsOptions {
  readonly kinds: readonly Kind[];
  /** Makes bytes of twins, and twins of bytes. */
  readonly store: Pick<Store, 'packTwin' | 'unpackTwin'>;
  readonly residentMax: number;
  /** Bytes as `twinWeight` has them. */
  readonly residentBytesMax: number;
}

/** Before an evicted twin's bytes: when it is due, since when it is silent (NaN: silence is not counted), its kind. */
const DUE_AT = 0;
const HEARD_AT = 8;
const KIND = 16;
const HEADER_BYTES = 18;
/** Number of a kind that this node does not have: nobody knows when such a twin wants to be woken. */
const NO_KIND = 0xffff;
/** Instead of a place: the twin is resident, and the bytes it was made of are out of date. */
const NOWHERE: Place = 0;

/** A twin as an object. */
interface ResidentTwin {
  readonly twin: Twin;
  readonly bytes: number;
}

/** See the head of this file. */
export class Twins {
  readonly #options: TwinsOptions;
  readonly #kindNumbers: ReadonlyMap<string, number>;
  readonly #arena = new ByteArena();
  readonly #places = new Map<string, Place>();
  readonly #resident = new Map<string, ResidentTwin>();
  #residentBytes = 0;
  /** Walks over the resident twins in the order in which they became resident. */
  #evictionOrder = this.#resident.keys();

  constructor(options: TwinsOptions) {
    this.#options = options;
    this.#kindNumbers = new Map(options.kinds.map(({ name }, number) => [name, number]));
  }

  /** How many devices have a twin here. */
  get size(): number {
    return this.#places.size;
  }

  has(device: string): boolean {
    return this.#places.has(device);
  }

  /** The twin of a device; makes it resident. Throws when what was stored breaks an invariant: a programmer's error. */
  get(device: string): Twin | undefined {
    const resident = this.#resident.get(device);
    if (resident !== undefined) return resident.twin;
    const place = this.#places.get(device);
    if (place === undefined) return undefined;
    const twin = this.#options.store.unpackTwin(device, this.#arena.at(place).subarray(HEADER_BYTES));
    assertInvariants(twin);
    this.#keepResident(twin);
    return twin;
  }

  /** Takes a twin as it stands after a decision. */
  set(twin: Twin): void {
    const { device } = twin;
    const place = this.#places.get(device);
    if (place !== NOWHERE) {
      if (place !== undefined) this.#arena.free(place);
      this.#places.set(device, NOWHERE);
    }
    this.#keepResident(twin);
  }

  /** Nothing is left of the device's. */
  delete(device: string): void {
    const place = this.#places.get(device);
    if (place !== undefined && place !== NOWHERE) this.#arena.free(place);
    this.#places.delete(device);
    this.#residentBytes -= this.#resident.get(device)?.bytes ?? 0;
    this.#resident.delete(device);
  }

  /** Takes a twin from the store, evicted until something happens to it. */
  restore({ device, kind, heardAt, isBusy, bytes }: StoredTwin): void {
    const number = this.#kindNumbers.get(kind) ?? NO_KIND;
    const definition = this.#options.kinds[number];
    const dueAt =
      isBusy && definition !== undefined
        ? wakeTimes(definition, this.#options.store.unpackTwin(device, bytes)).dueAt
        : Infinity;
    this.#places.set(device, this.#write(number, { dueAt, heardAt }, bytes));
  }

  /** Tells of each twin when it wants to be woken (see `nextWakeAt`). */
  forEachWakeTime(hearingSince: number | null, tell: (device: string, at: number) => void): void {
    for (const [device, place] of this.#places) {
      const twin = this.#resident.get(device)?.twin;
      if (twin === undefined) tell(device, this.#evictedWakeAt(this.#arena.at(place), hearingSince));
      else {
        const kind = this.#options.kinds[this.#kindNumbers.get(twin.kind) ?? NO_KIND];
        if (kind !== undefined) tell(device, nextWakeAt(kind, twin, hearingSince));
      }
    }
  }

  #evictedWakeAt(record: Buffer, hearingSince: number | null): number {
    const kind = this.#options.kinds[record.readUInt16LE(KIND)];
    if (kind === undefined) return Infinity;
    const heardAt = record.readDoubleLE(HEARD_AT);
    const times = { dueAt: record.readDoubleLE(DUE_AT), heardAt: Number.isNaN(heardAt) ? null : heardAt };
    return evictedWakeAt(kind, times, hearingSince);
  }

  #keepResident(twin: Twin): void {
    const bytes = twinWeight(twin);
    this.#residentBytes += bytes - (this.#resident.get(twin.device)?.bytes ?? 0);
    this.#resident.set(twin.device, { twin, bytes });
    this.#evictBeyondMax();
  }

  #evictBeyondMax(): void {
    const { residentMax, residentBytesMax } = this.#options;
    while (
      this.#resident.size > residentMax ||
      (this.#resident.size > 1 && this.#residentBytes > residentBytesMax)
    ) {
      const { value: device } = this.#evictionOrder.next();
      if (device === undefined) this.#evictionOrder = this.#resident.keys();
      else this.#evict(device);
    }
  }

  #evict(device: string): void {
    const resident = this.#resident.get(device);
    if (resident === undefined) return;
    const { twin, bytes } = resident;
    if (this.#places.get(device) === NOWHERE) {
      const number = this.#kindNumbers.get(twin.kind) ?? NO_KIND;
      const kind = this.#options.kinds[number];
      const times = kind === undefined ? { dueAt: Infinity, heardAt: null } : wakeTimes(kind, twin);
      this.#places.set(device, this.#write(number, times, this.#options.store.packTwin(twin)));
    }
    this.#resident.delete(device);
    this.#residentBytes -= bytes;
  }

  #write(kindNumber: number, { dueAt, heardAt }: WakeTimes, bytes: Uint8Array): Place {
    const place = this.#arena.allocate(HEADER_BYTES + bytes.length);
    const record = this.#arena.at(place);
    record.writeDoubleLE(dueAt, DUE_AT);
    record.writeDoubleLE(heardAt ?? NaN, HEARD_AT);
    record.writeUInt16LE(kindNumber, KIND);
    record.set(bytes, HEADER_BYTES);
    return place;
  }
}
