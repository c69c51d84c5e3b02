/**
 * The fleet in numbers, as `GET /v1/fleet` tells it.
 */

/** How many devices there are of each, by name. */
export type Counts = Readonly<Record<string, number>>;

/** Devices, counted. */
interface Counted {
  readonly devices: number;
  /** By state as people are told it: each name is a value of the filter `state`. */
  readonly shownStates: Counts;
  readonly qualities: Counts;
}

/** The fleet, counted. */
export interface FleetCounts extends Counted {
  readonly countedAt: string;
  readonly kinds: readonly (Counted & { readonly kind: string })[];
  readonly sites: readonly (Counted & { readonly site: string })[];
  /** `null` is the firmware of devices that never told one. */
  readonly firmwares: readonly (Counted & { readonly kind: string; readonly firmware: string | null })[];
}
