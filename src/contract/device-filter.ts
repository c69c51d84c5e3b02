/** What devices may be searched by. */

/** Which devices; `null` does not restrict. What depends on time is judged at the time of asking. */
export interface DeviceFilter {
  readonly kind: string | null;
  /** One that the world sees, or one of the two that `suspect` stands for (`machines/shown-state.ts`). */
  readonly state: string | null;
  readonly quality: string | null;
  readonly site: string | null;
  readonly firmware: string | null;
  /** A name, or `name=value`. */
  readonly label: string | null;
  /** Reason of a suspicion that is open. */
  readonly suspicion: string | null;
  /** The newest report was measured longer ago than this, ms; a device that was never heard is not found. */
  readonly staleForMs: number | null;
  /** Whether a command of it waits for its final outcome. */
  readonly isPending: boolean | null;
  /** A part of the id, in upper or lower case. */
  readonly text: string | null;
}
