/**
 * Two clocks, no agreement (design, section 4): bounds on "when, in server time, was the device's uptime `up`?".
 *
 * latest(up):   a report with uptime u received at r was measured no later than r. Always known.
 * earliest(up): an answer to a command sent at s was measured after s. Known after one round trip.
 *
 * Each bound is kept as the one observation that is tightest where the device is now, and is stretched by the drift of
 * the device's clock to its safe side when it is asked for another uptime. Nothing here reads a wall clock of the device.
 */

/** "Uptime `up` was at server time `at`", both ms: one end of a bound. */
export interface Anchor {
  readonly up: number;
  readonly at: number;
}

/** The bounds of one boot. */
export interface BootClock {
  readonly incarnation: number;
  readonly boot: number;
  readonly latest: Anchor;
  readonly earliest: Anchor | null;
}

/** When something was measured: the best estimate, ms epoch, with ± `errorMs`, which is `null` where only `latest` is known. */
export interface MeasuredTime {
  readonly at: number;
  readonly errorMs: number | null;
}

/**
 * How much longer or shorter than `distanceMs` on the device's clock a time can have been, ms, for a clock that gains or
 * loses at most `driftPpm`: a clock that loses shows less time than has passed, so the distance is stretched by more than
 * the drift itself.
 */
function driftOver(distanceMs: number, driftPpm: number): number {
  return (Math.abs(distanceMs) * driftPpm) / (1e6 - driftPpm);
}

/** The first bound of a boot: a report with uptime `up` stored by the hub at `receivedAt`. */
export function startClock(options: {
  readonly incarnation: number;
  readonly boot: number;
  readonly up: number;
  readonly receivedAt: number;
}): BootClock {
  const { incarnation, boot, up, receivedAt } = options;
  return { incarnation, boot, latest: { up, at: receivedAt }, earliest: null };
}

/** The latest server time at which the uptime can have been `up`. */
export function latestAt(clock: BootClock, up: number, driftPpm: number): number {
  const distance = up - clock.latest.up;
  return clock.latest.at + distance + driftOver(distance, driftPpm);
}

/** The earliest server time at which the uptime can have been `up`; `null` before the first round trip. */
export function earliestAt(clock: BootClock, up: number, driftPpm: number): number | null {
  if (clock.earliest === null) return null;
  const distance = up - clock.earliest.up;
  return clock.earliest.at + distance - driftOver(distance, driftPpm);
}

/**
 * A report with uptime `up` was received at `receivedAt`: tightens `latest` if it is better than what is known. Where that
 * would cross `earliest`, a clock ran faster than it may, or was set: what a report proves by itself stays, and the round
 * trip has to be made again.
 */
export function observeReceived(
  clock: BootClock,
  observed: { readonly up: number; readonly receivedAt: number },
  driftPpm: number,
): BootClock {
  const { up, receivedAt } = observed;
  if (receivedAt >= latestAt(clock, up, driftPpm)) return clock;
  const earliest = earliestAt(clock, up, driftPpm);
  const isCrossed = earliest !== null && earliest > receivedAt;
  return {
    incarnation: clock.incarnation,
    boot: clock.boot,
    latest: { up, at: receivedAt },
    earliest: isCrossed ? null : clock.earliest,
  };
}

/**
 * The boot had ended by `endedAt`, as the bounds of the next boot tell if its uptime began with it. That is an inference: it tightens
 * `latest` as a report does, and where it would cross `earliest`, which a round trip has proved, it is the inference that is wrong.
 */
export function observeEnded(
  clock: BootClock,
  observed: { readonly up: number; readonly endedAt: number },
  driftPpm: number,
): BootClock {
  const { up, endedAt } = observed;
  const earliest = earliestAt(clock, up, driftPpm);
  if (earliest !== null && earliest > endedAt) return clock;
  return observeReceived(clock, { up, receivedAt: endedAt }, driftPpm);
}

/**
 * A report with uptime `up`, received at `receivedAt`, answers a command sent at `sentAt`: tightens `earliest` if it is
 * better than what is known. Where that would cross `latest`, the device's clock ran slower than it may (it stood still
 * while the device slept): nothing that was extrapolated by it holds, and both bounds begin anew from this round trip.
 */
export function observeAnswer(
  clock: BootClock,
  observed: { readonly up: number; readonly sentAt: number; readonly receivedAt: number },
  driftPpm: number,
): BootClock {
  const { up, sentAt, receivedAt } = observed;
  if (sentAt > receivedAt) return clock;
  if (sentAt > latestAt(clock, up, driftPpm)) {
    return { ...clock, latest: { up, at: receivedAt }, earliest: { up, at: sentAt } };
  }
  const known = earliestAt(clock, up, driftPpm);
  if (known !== null && sentAt <= known) return clock;
  return { ...clock, earliest: { up, at: sentAt } };
}

/**
 * When the state at uptime `up` was measured. By the device's own pace from one offset of the boot, so that differences
 * within a boot are exact: the middle between the offsets of both anchors, or that of `latest` alone. Anchors whose offsets
 * have crossed (within the drift bound) leave only the middle of the bounds.
 */
export function measuredAt(clock: BootClock, up: number, driftPpm: number): MeasuredTime {
  const latestOffset = clock.latest.at - clock.latest.up;
  const earliest = earliestAt(clock, up, driftPpm);
  if (clock.earliest === null || earliest === null) return { at: latestOffset + up, errorMs: null };
  const latest = latestAt(clock, up, driftPpm);
  const earliestOffset = clock.earliest.at - clock.earliest.up;
  const isCrossed = earliestOffset > latestOffset;
  const at = isCrossed ? (earliest + latest) / 2 : up + (earliestOffset + latestOffset) / 2;
  return { at, errorMs: Math.max(latest - at, at - earliest) };
}
