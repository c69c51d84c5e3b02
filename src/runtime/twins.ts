/**
 * The twins of a host: those of which something was heard lately as objects, all others at rest, as bytes. Most twins of a large
 * fleet have nothing to do for a minute at a time; as objects they would take three times the memory, and the garbage collector
 * would walk over all of them.
 *
 * Invariants:
 * I1  a device has a twin here as an object (it is awake) or as bytes (it rests), which make an equal one.
 * I2  at most `awakeMax` twins are awake, and more than one of them has at most `awakeBytesMax` bytes in all; beyond that the one that
 *     was woken longest ago goes to rest.
 * I3  when a resting twin wants to be woken is known without making it.
 */
import { assertInvariants } from '../../actors/invariants.ts';
import type { Twin } from '../../actors/twin.ts';
import { nextWakeAt, restingWakeAt, wakeTimes, type WakeTimes } from '../../actors/wake.ts';
import type { Kind } from '../../machines/kind.ts';
import { ByteArena, type Place } from './byte-arena.ts';
import type { Store, StoredTwin } from './ports.ts';
import { twinWeight } from './twin-weight.ts';

/** What it takes to keep twins. */
export interface TwinsOptions {
  readonly kinds: readonly Kind[];
  /** Makes bytes of twins, and twins of bytes. */
  readonly store: Pick<Store, 'packTwin' | 'unpackTwin'>;
  readonly awakeMax: number;
  /** Bytes as `twinWeight` has them. */
  readonly awakeBytesMax: number;
}

/** Before a resting twin's bytes: when it is due, since when it is silent (NaN: silence is not counted), its kind. */
const DUE_AT = 0;
const HEARD_AT = 8;
const KIND = 16;
const HEADER_BYTES = 18;
/** Number of a kind that this node does not have: nobody knows when such a twin wants to be woken. */
const NO_KIND = 0xffff;
/** Instead of a place: the twin is awake, and the bytes it was made of are out of date. */
const NOWHERE: Place = 0;

/** A twin as an object. */
interface AwakeTwin {
  readonly twin: Twin;
  readonly bytes: number;
}

/** See the head of this file. */
export class Twins {
  readonly #options: TwinsOptions;
  readonly #kindNumbers: ReadonlyMap<string, number>;
  readonly #arena = new ByteArena();
  readonly #places = new Map<string, Place>();
  readonly #awake = new Map<string, AwakeTwin>();
  #awakeBytes = 0;
  /** Walks over the awake in the order in which they were woken. */
  #woken = this.#awake.keys();

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

  /** The twin of a device; wakes it. Throws when what was stored breaks an invariant: a programmer's error. */
  get(device: string): Twin | undefined {
    const awake = this.#awake.get(device);
    if (awake !== undefined) return awake.twin;
    const place = this.#places.get(device);
    if (place === undefined) return undefined;
    const twin = this.#options.store.unpackTwin(device, this.#arena.at(place).subarray(HEADER_BYTES));
    assertInvariants(twin);
    this.#keepAwake(twin);
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
    this.#keepAwake(twin);
  }

  /** Nothing is left of the device's. */
  delete(device: string): void {
    const place = this.#places.get(device);
    if (place !== undefined && place !== NOWHERE) this.#arena.free(place);
    this.#places.delete(device);
    this.#awakeBytes -= this.#awake.get(device)?.bytes ?? 0;
    this.#awake.delete(device);
  }

  /** Takes a twin from the store, to rest until something happens to it. */
  lay({ device, kind, heardAt, isBusy, bytes }: StoredTwin): void {
    const number = this.#kindNumbers.get(kind) ?? NO_KIND;
    const definition = this.#options.kinds[number];
    const dueAt =
      isBusy && definition !== undefined
        ? wakeTimes(definition, this.#options.store.unpackTwin(device, bytes)).dueAt
        : Infinity;
    this.#places.set(device, this.#write(number, { dueAt, heardAt }, bytes));
  }

  /** Tells of each twin when it wants to be woken (see `nextWakeAt`). */
  tellWakeUps(hearingSince: number | null, tell: (device: string, at: number) => void): void {
    for (const [device, place] of this.#places) {
      const twin = this.#awake.get(device)?.twin;
      if (twin === undefined) tell(device, this.#restingWakeAt(this.#arena.at(place), hearingSince));
      else {
        const kind = this.#options.kinds[this.#kindNumbers.get(twin.kind) ?? NO_KIND];
        if (kind !== undefined) tell(device, nextWakeAt(kind, twin, hearingSince));
      }
    }
  }

  #restingWakeAt(record: Buffer, hearingSince: number | null): number {
    const kind = this.#options.kinds[record.readUInt16LE(KIND)];
    if (kind === undefined) return Infinity;
    const heardAt = record.readDoubleLE(HEARD_AT);
    const times = { dueAt: record.readDoubleLE(DUE_AT), heardAt: Number.isNaN(heardAt) ? null : heardAt };
    return restingWakeAt(kind, times, hearingSince);
  }

  #keepAwake(twin: Twin): void {
    const bytes = twinWeight(twin);
    this.#awakeBytes += bytes - (this.#awake.get(twin.device)?.bytes ?? 0);
    this.#awake.set(twin.device, { twin, bytes });
    this.#restBeyondMax();
  }

  #restBeyondMax(): void {
    const { awakeMax, awakeBytesMax } = this.#options;
    while (this.#awake.size > awakeMax || (this.#awake.size > 1 && this.#awakeBytes > awakeBytesMax)) {
      const { value: device } = this.#woken.next();
      if (device === undefined) this.#woken = this.#awake.keys();
      else this.#rest(device);
    }
  }

  #rest(device: string): void {
    const awake = this.#awake.get(device);
    if (awake === undefined) return;
    const { twin, bytes } = awake;
    if (this.#places.get(device) === NOWHERE) {
      const number = this.#kindNumbers.get(twin.kind) ?? NO_KIND;
      const kind = this.#options.kinds[number];
      const times = kind === undefined ? { dueAt: Infinity, heardAt: null } : wakeTimes(kind, twin);
      this.#places.set(device, this.#write(number, times, this.#options.store.packTwin(twin)));
    }
    this.#awake.delete(device);
    this.#awakeBytes -= bytes;
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
