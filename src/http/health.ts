/**
 * The port through which HTTP asks whether this node can do its work. What there is to check is known where the parts are put
 * together, so that is where it is implemented.
 */

/** One thing the node needs. */
export interface HealthPart {
  /** `store`, `hub`, `feed`, `leases`, ... */
  readonly part: string;
  readonly ok: boolean;
  /** One sentence: how it is, or what is wrong. */
  readonly detail: string;
  /** Given where it has nothing to do because other nodes do it, and is whole. */
  readonly standsBy?: true;
}

/** Tells how the node is now. */
export interface Health {
  /** Every part, whole or not. What takes longer than `READY_WAIT_MS` counts as not ready. */
  check(): Promise<readonly HealthPart[]>;
}

/** How long `/readyz` waits for a check before it says that the node is not ready, ms. */
export const READY_WAIT_MS = 2_000;
