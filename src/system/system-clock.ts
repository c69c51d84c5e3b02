/**
 * Time as this machine tells it.
 */
import type { Clock } from '../runtime/ports.ts';

/** The port Clock on Node's timers and clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, work) => {
    const timer = setTimeout(work, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};
