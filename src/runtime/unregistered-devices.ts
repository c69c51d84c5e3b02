/**
 * Counts the devices of each site that have a place in the store although nobody registered them: a device says its name itself, so a
 * site can make up as many as it likes, and each would take room for ever.
 *
 * Counted is what one node loaded together, because only that is its to decide on: a site of a fleet that several nodes share
 * may have as many with each of them.
 *
 * Invariant: I1  counts only grow: who has a twin is never refused, and what makes a device known is read anew with its partition.
 */

/** What is known of one device. */
export interface CountedDevice {
  readonly site: string;
  readonly isRegistered: boolean;
}

/** See the head of this file. */
export class UnregisteredDevices {
  readonly #countsBySite = new Map<string, number>();

  /** Takes a device that is in the store, or will be with the next commit. */
  add({ site, isRegistered }: CountedDevice): void {
    if (!isRegistered) this.#countsBySite.set(site, this.of(site) + 1);
  }

  /** How many the site has. */
  of(site: string): number {
    return this.#countsBySite.get(site) ?? 0;
  }
}
