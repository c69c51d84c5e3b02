/**
 * How much time has passed, by whichever clock saw more of it: a sleeping machine's monotonic clock stands still, its wall clock does
 * not. A wall clock that is set forward passes for time: whoever uses this must lose nothing by that.
 */
import type { Clock } from './ports.ts';

/** Begins to measure; the returned function tells how many ms have passed since. */
export function startElapsed(clock: Pick<Clock, 'now' | 'monotonic'>): () => number {
  const now = clock.now();
  const monotonic = clock.monotonic();
  return () => Math.max(clock.now() - now, clock.monotonic() - monotonic);
}
