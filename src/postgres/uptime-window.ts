/**
 * Which uptimes of a boot may lie in a window of measured time. History is stored by uptime, because when it was measured follows from
 * the boot's clock and gets better; so a question about time becomes one about uptimes first.
 */
import { type BootClock, leastMeasuredAt, paceAt } from '../../actors/clock.ts';

/** Uptimes from `first` to `last`, both inside, ms; none when `first` is greater. */
export interface UptimeWindow {
  readonly first: number;
  readonly last: number;
}

/** Measured time from `from` (inside) to `to` (outside), ms epoch; `null` is open. */
export interface MeasuredWindow {
  readonly from: number | null;
  readonly to: number | null;
}

/**
 * The uptimes of the boot that may have been measured in the window: a report that arrived sooner than the clock now says was measured
 * by then, which the drift of the clock allows for.
 */
export function uptimeWindow(clock: BootClock, driftPpm: number, { from, to }: MeasuredWindow): UptimeWindow {
  const pace = (up: number): number => paceAt(clock, up, driftPpm);
  const least = (up: number): number => leastMeasuredAt(clock, up, driftPpm);
  return {
    first: from === null ? 0 : firstUptimeAt(pace, from),
    last: to === null ? Number.MAX_SAFE_INTEGER : firstUptimeAt(least, to) - 1,
  };
}

/** The smallest uptime whose time is `time` or later; one above all uptimes if none is. Time grows with uptime. */
function firstUptimeAt(timeOf: (up: number) => number, time: number): number {
  let low = 0;
  let high = Number.MAX_SAFE_INTEGER + 1;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    if (timeOf(middle) >= time) high = middle;
    else low = middle + 1;
  }
  return low;
}
