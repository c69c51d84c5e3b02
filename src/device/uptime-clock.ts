/**
 * The clock of a device on a real machine.
 *
 * Node's monotonic clock stands still while the machine sleeps. A deadline must not: the server counts on the device's
 * uptime to go on, and a gateway that slept through a command's deadline would execute it on waking. Linux has an uptime
 * that goes on in sleep; what it is ahead by is added. (On other systems the uptime of the device stands still in sleep, and
 * in a virtual machine that is frozen from outside every clock does: do not run a gateway where that happens.)
 */
import { uptime as systemUptime } from 'node:os';
import type { DeviceClock } from './ports.ts';

/** The clocks differ by less than this without any sleep, ms: the system's uptime moves in steps of 10 ms. */
const SLEEP_SHORTEST_MS = 50;

/** A timer cannot be set further ahead than this, ms: it is set again until its time has come. */
const TIMER_LONGEST_MS = 2 ** 31 - 1;

/** Begins a boot: uptime 0 is now. */
export function uptimeClock(): DeviceClock {
  const start = performance.now();
  const countsSleep = process.platform === 'linux';
  const systemStart = systemUptime() * 1_000;
  let sleptMs = 0;
  const uptime = (): number => {
    const systemMs = countsSleep ? systemUptime() * 1_000 - systemStart : 0;
    // Read after the other: a pause of this process between the two must not look like sleep.
    const awakeMs = performance.now() - start;
    if (systemMs - awakeMs > sleptMs + SLEEP_SHORTEST_MS) sleptMs = systemMs - awakeMs;
    return Math.floor(awakeMs + sleptMs);
  };
  return { uptime, wall: () => Date.now(), after: (delayMs, work) => timerOf(uptime, delayMs, work) };
}

function timerOf(uptime: () => number, delayMs: number, work: () => void): () => void {
  const dueUp = uptime() + delayMs;
  let timer: NodeJS.Timeout;
  const arm = (leftMs: number): void => {
    timer = setTimeout(
      () => {
        const stillMs = dueUp - uptime();
        if (stillMs > 0) arm(stillMs);
        else work();
      },
      Math.min(leftMs, TIMER_LONGEST_MS),
    );
  };
  arm(delayMs);
  return () => clearTimeout(timer);
}
