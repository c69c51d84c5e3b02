/**
 * The state as people are told it. To backends a device is `suspect` whoever says so; for people it matters who: the device itself, which
 * then needs a mechanic, or its twin, which then needs somebody who looks.
 */
import { worldState } from './statechart.ts';

/** The path of a device that says itself that it must not be used. */
export const OUT_OF_SERVICE = 'suspect.out-of-service';

/** The path of a twin that is in doubt. */
export const DOUBTED = 'suspect.doubted';

/** The two that `suspect` stands for. */
export const SUSPECT_STATES = [DOUBTED, OUT_OF_SERVICE] as const;

/** The state of a twin at this path as people are told it: the one the world sees, and of `suspect` which of the two. */
export function shownState(path: string): string {
  const state = worldState(path);
  if (state !== 'suspect') return state;
  return path === OUT_OF_SERVICE ? OUT_OF_SERVICE : DOUBTED;
}
