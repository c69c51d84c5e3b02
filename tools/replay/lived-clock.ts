/**
 * The clock of a device whose life passes faster than time: it shows the time that passes for everybody, as the clock of a device has to.
 * What happens in its life happens so many times sooner.
 */
import type { DeviceClock } from '../../src/device/ports.ts';

/** What a clock that shows the life shows in a time that is `speed` times shorter. */
export function livedClock(life: DeviceClock, speed: number): DeviceClock {
  return {
    uptime: () => Math.floor(life.uptime() / speed),
    wall: () => life.wall(),
    after: (delayMs, work) => life.after(delayMs * speed, work),
  };
}
