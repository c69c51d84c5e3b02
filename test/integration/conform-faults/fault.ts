/** What a device made faulty on purpose does, and which rules it breaks by that: those, and no others. */
import type { Spoiling } from '../conform-device.ts';

/** One fault. */
export interface Fault {
  /** What the device does, as a sentence with the device as its subject. */
  readonly does: string;
  /** All the rules that have to be found broken; every other one is kept, or not judged, or cannot be tested. */
  readonly breaks: readonly string[];
  /** Rules that have to be found kept all the same: they are near. */
  readonly keeps?: readonly string[];
  /** How often the kit is told that the device reports when nothing happens, ms; not at all where it is left out. */
  readonly heartbeatMs?: number;
  /** Made anew for every trial: a fault may remember. */
  readonly spoiling: () => Spoiling;
}
