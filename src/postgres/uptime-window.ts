/**
 * Which uptimes of a boot lie in a window of measured time. History is stored by uptime, because when it was measured follows from
 * the boot's clock and gets better; so a question about time becomes one about uptimes first.
 */
import { type BootClock, measuredAt } from '../../actors/clock.ts';

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

/** The uptimes of the boot that were measured in the window. */
export function uptimeWindow(clock: BootClock, driftPpm: number, { from, to }: MeasuredWindow): UptimeWindow {
  return {
    first: from === null ? 0 : firstUptimeAt(clock, driftPpm, from),
    last: to === null ? Number.MAX_SAFE_INTEGER : firstUptimeAt(clock, driftPpm, to) - 1,
  };
}

/** The smallest uptime that was measured at or after `time`; one above all uptimes if none was. Measured time grows with uptime. */
function firstUptimeAt(clock: BootClock, driftPpm: number, time: number): number {
  let low = 0;
  let high = Number.MAX_SAFE_INTEGER + 1;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    if (measuredAt(clock, middle, driftPpm).at >= time) high = middle;
    else low = middle + 1;
  }
  return low;
}
