/**
 * What the time is at the server. The browser's own clock may be wrong by hours, so it is never asked: ages are counted on from the
 * server's with the browser's monotonic clock, and the server's time is learnt from its answers.
 */

/** The server's time minus the monotonic clock, ms: the most that any answer has shown, less what the clocks may have drifted since. */
let offset: { readonly ms: number; readonly learntAt: number } | null = null;

/** The two clocks part by at most this much, in parts of one. */
const DRIFT = 1e-4;

/** Learns from a time that the server wrote into an answer: it was then, at least. */
export function learnServerTime(serverMs: number): void {
  if (!Number.isFinite(serverMs)) return;
  const now = performance.now();
  const learnt = serverMs - now;
  if (offset === null || learnt > offset.ms - DRIFT * (now - offset.learntAt)) {
    offset = { ms: learnt, learntAt: now };
  }
}

/** The server's time at a time of the monotonic clock; `null` before the first answer. */
export function serverAt(ms: number): number | null {
  return offset === null ? null : offset.ms + ms;
}

/** The server's time, ms epoch, late by the way of one answer at most; `null` before the first answer. */
export function serverNow(): number | null {
  return serverAt(performance.now());
}
