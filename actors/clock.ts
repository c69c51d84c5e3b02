/**
 * Two clocks, no agreement (design, section 4): bounds on "when, in server time, was the device's uptime `up`?".
 *
 * latest(up):   a report with uptime u received at r was measured no later than r. Always known.
 * earliest(up): an answer to a command sent at s was measured after s. Known after one round trip.
 *
 * Each bound is kept as the one observation that is tightest where the device is now, and is stretched by the drift of
 * the device's clock to its safe side when it is asked for another uptime. Nothing here reads a wall clock of the device.
 *
 * Where the bounds cross, uptime did not run as it may: it stood still in deep sleep, ran at another pace, was set, or a
 * server's clock was. Then a new segment of the boot begins with that report. What the old one says of the uptimes between its
 * round trips still holds; of all else it says no more than what needs no pace: after the last round trip, before the arrival.
 *
 * Invariants:
 * I1  the segments of a boot follow each other: one ends (`untilSeq`) where the next begins (`fromSeq`); the last has no end.
 * I2  nothing was measured after it was received, nor after its segment was found broken.
 */

/** "Uptime `up` was at server time `at`", both ms: one end of a bound. */
export interface Anchor {
  readonly up: number;
  readonly at: number;
}

/** Round trips that agree with each other about the pace of a clock. */
export interface Agreement {
  /** The uptimes of the first and of the last of them. */
  readonly fromUp: number;
  readonly toUp: number;
  /** How long the slowest of them took, ms: no deviation that is smaller shows. */
  readonly slowestMs: number;
}

/** Reports that all came later than the pace of the clock says, in a boot of which no round trip is known. */
export interface Lag {
  /** When the first of them was received. */
  readonly since: number;
  /** The one that came soonest. */
  readonly soonest: Anchor;
}

/** A report's number and uptime. */
export interface Numbered {
  readonly seq: number;
  readonly up: number;
}

/** A report that came late, or the last one before reports that are missing. */
export interface OutOfTurn extends Numbered {
  /** The lowest number of those that came late with it, or are missing. */
  readonly fromSeq: number;
}

/** The bounds of one boot, or of one segment of it. */
export interface BootClock {
  readonly incarnation: number;
  readonly boot: number;
  /** The number of the first report that it times; 0 where it is the boot's first segment. */
  readonly fromSeq: number;
  /** The number of the first report that the next segment times; `null` in the last one. */
  readonly untilSeq: number | null;
  /** When its bounds were found to cross: what it times had been measured by then. `null` while they agree. */
  readonly brokenAt: number | null;
  /** The uptime with which the boot or segment began: 0, unless its first report says another one. */
  readonly beganUp: number;
  readonly latest: Anchor;
  readonly earliest: Anchor | null;
  /** `null` where no round trip is known that still counts. */
  readonly agreed: Agreement | null;
  /** How often bounds have crossed in this boot. */
  readonly crossings: number;
  readonly lag: Lag | null;
  /** Of a boot that has ended: the highest uptime that was heard of it. */
  readonly endedUp: number | null;
  /** What was heard of it last out of turn: what comes late is compared with it. */
  readonly lastLate: OutOfTurn | null;
  /** By when boots before it had not ended of which no clock is remembered any more; `null` where nobody says. */
  readonly notBefore: number | null;
}

/** When something was measured: the best estimate, ms epoch, with ± `errorMs`, which is `null` where no round trip tells. */
export interface MeasuredTime {
  readonly at: number;
  readonly errorMs: number | null;
}

/** A report as far as its time goes. */
export interface Timed {
  readonly up: number;
  readonly receivedAt: number;
}

/** Uptimes are whole ms, and so may be times of servers: bounds that cross by no more than this agree, ms. */
export const ROUNDING_MS = 2;

/**
 * An uptime that is this much further than the time between two arrivals allows is of another sort (ms since 1970), ms: no device keeps
 * a report for so long. What is less may be a report that came late, until a round trip tells.
 */
export const UP_LEAP_MAX_MS = 366 * 86_400_000;

/**
 * A boot whose first report was made later than this counts its uptime from elsewhere (the start of its host), ms. When the boot before
 * had ended is then told by that report, and not by uptime 0.
 */
export const STARTED_WITHIN_MS = 600_000;

/** Uptime never falls within a boot: by more than this it is no matter of how a device takes its measurements, ms. */
export const FALL_MAX_MS = 1_000;

/** Without a round trip, reports that come so much later than the pace of the clock says make it doubtful, ms. */
export const LAG_LEAST_MS = 60_000;

/** If nothing comes sooner for so long, it was the clock that stood still, or that of the stream that was wrong, ms: a segment begins. */
export const LAG_FOR_MS = 3_600_000;

/** A round trip that took longer than this extends no agreement, ms. */
const AGREED_TRIP_MAX_MS = 10_000;

/**
 * How much longer or shorter than `distanceMs` on the device's clock a time can have been, ms, for a clock that gains or
 * loses at most `driftPpm`: a clock that loses shows less time than has passed, so the distance is stretched by more than
 * the drift itself.
 */
function driftOver(distanceMs: number, driftPpm: number): number {
  return (Math.abs(distanceMs) * driftPpm) / (1e6 - driftPpm);
}

/** The first bound of a boot: its report `seq` with uptime `up`, stored by the hub at `receivedAt`. */
export function startClock(options: {
  readonly incarnation: number;
  readonly boot: number;
  readonly seq: number;
  readonly up: number;
  readonly receivedAt: number;
  /** The boot before counted its uptime from elsewhere. */
  readonly countsFromElsewhere?: boolean;
}): BootClock {
  const { incarnation, boot, seq, up, receivedAt, countsFromElsewhere = false } = options;
  const isElsewhere = countsFromElsewhere || beginsElsewhere(seq, up);
  return {
    incarnation,
    boot,
    fromSeq: 0,
    untilSeq: null,
    brokenAt: null,
    beganUp: isElsewhere ? up : 0,
    latest: { up, at: receivedAt },
    earliest: null,
    agreed: null,
    crossings: 0,
    lag: null,
    endedUp: null,
    lastLate: null,
    notBefore: null,
  };
}

/** Whether the report shows that the uptime of its boot does not begin with it. */
function beginsElsewhere(seq: number, up: number): boolean {
  return (seq === 1 && up > STARTED_WITHIN_MS) || up > UP_LEAP_MAX_MS;
}

/** The clock of a boot, once its first report has come late. */
export function withBeginning(clock: BootClock, { seq, up }: Numbered): BootClock {
  if (seq !== 1 || clock.fromSeq !== 0) return clock;
  const isNews = clock.beganUp === 0 ? beginsElsewhere(seq, up) : up < clock.beganUp;
  return isNews ? { ...clock, beganUp: up } : clock;
}

/** The latest server time at which the uptime can have been `up`. */
export function latestAt(clock: BootClock, up: number, driftPpm: number): number {
  return latestBy(clock.latest, up, driftPpm);
}

function latestBy(anchor: Anchor, up: number, driftPpm: number): number {
  const distance = up - anchor.up;
  return anchor.at + distance + driftOver(distance, driftPpm);
}

/** The earliest server time at which the uptime can have been `up`; `null` before the first round trip. */
export function earliestAt(clock: BootClock, up: number, driftPpm: number): number | null {
  if (clock.earliest === null) return null;
  const distance = up - clock.earliest.up;
  return clock.earliest.at + distance - driftOver(distance, driftPpm);
}

/** By when the boot or segment had begun. */
export function begunBy(clock: BootClock, driftPpm: number): number {
  return clock.brokenAt === null ? latestAt(clock, clock.beganUp, driftPpm) : clock.latest.at;
}

/**
 * The newest report, `seq` with uptime `up`, was received at `receivedAt`: tightens `latest` if it is better than what is known.
 * Where that would cross `earliest`, a clock ran faster than it may, or was set: a segment begins, without a round trip. So it does where
 * the uptime is lower than in the report before (`lastUp`).
 */
export function observeReceived(
  clock: BootClock,
  observed: Timed & { readonly seq: number; readonly lastUp?: number },
  driftPpm: number,
): BootClock {
  const { up, receivedAt, lastUp = 0 } = observed;
  if (up + FALL_MAX_MS < lastUp) return nextSegment(clock, observed, observed);
  const latest = latestBy(clock.latest, up, driftPpm);
  if (receivedAt >= latest) return clock.earliest === null ? observeLag(clock, observed, driftPpm) : clock;
  const earliest = earliestAt(clock, up, driftPpm);
  const isCrossed =
    earliest === null ? latest - receivedAt > UP_LEAP_MAX_MS : earliest - receivedAt > ROUNDING_MS;
  return isCrossed ? nextSegment(clock, observed, observed) : withLatest(clock, observed);
}

/** Without a round trip only reports that go on coming too late tell that a clock is wrong. */
function observeLag(
  clock: BootClock,
  observed: Timed & { readonly seq: number },
  driftPpm: number,
): BootClock {
  const { lag } = clock;
  const { up, receivedAt } = observed;
  const isLate = receivedAt - latestBy(clock.latest, up, driftPpm) > LAG_LEAST_MS;
  if (!isLate) return lag === null ? clock : { ...clock, lag: null };
  const isSoonest = lag === null || receivedAt < latestBy(lag.soonest, up, driftPpm);
  const next = isSoonest ? { since: lag?.since ?? receivedAt, soonest: { up, at: receivedAt } } : lag;
  if (receivedAt - next.since < LAG_FOR_MS) return isSoonest ? { ...clock, lag: next } : clock;
  const { soonest } = next;
  return nextSegment(clock, observed, { up: soonest.up, receivedAt: soonest.at });
}

/**
 * Uptime `up` was no later than `at`: by a report of an earlier boot, or because the next one had begun by then. It tightens `latest` as
 * a report does, and where it would cross `earliest`, which a round trip has proved, it proves nothing.
 */
export function observeNoLater(clock: BootClock, { up, at }: Anchor, driftPpm: number): BootClock {
  if (clock.brokenAt !== null || at >= latestAt(clock, up, driftPpm)) return clock;
  const earliest = earliestAt(clock, up, driftPpm);
  return earliest !== null && earliest > at ? clock : withLatest(clock, { up, receivedAt: at });
}

/**
 * The newest report, received at `receivedAt`, answers a command sent at `sentAt`: tightens `earliest` if it is better than what is
 * known. Where that would cross `latest`, the device's clock ran slower than it may (it stood still while the device slept):
 * a segment begins with this round trip.
 */
export function observeAnswer(
  clock: BootClock,
  observed: Timed & { readonly seq: number; readonly sentAt: number },
  driftPpm: number,
): BootClock {
  const { up, sentAt, receivedAt } = observed;
  if (sentAt > receivedAt) return clock;
  const answered = { up, at: sentAt };
  const tripMs = receivedAt - sentAt;
  if (sentAt - latestAt(clock, up, driftPpm) > ROUNDING_MS) {
    const agreed = { fromUp: up, toUp: up, slowestMs: tripMs };
    return { ...nextSegment(clock, observed, observed), earliest: answered, agreed };
  }
  const known = earliestAt(clock, up, driftPpm);
  const agreed = agreementWith(clock.agreed, up, tripMs);
  const isBetter = known === null || sentAt > known;
  if (!isBetter && agreed === clock.agreed) return clock;
  return { ...clock, earliest: isBetter ? answered : clock.earliest, agreed, lag: null };
}

/** What agrees once another round trip was made. */
function agreementWith(agreed: Agreement | null, up: number, tripMs: number): Agreement {
  if (agreed !== null && (tripMs > AGREED_TRIP_MAX_MS || up <= agreed.toUp)) return agreed;
  if (agreed === null || agreed.slowestMs > AGREED_TRIP_MAX_MS)
    return { fromUp: up, toUp: up, slowestMs: tripMs };
  return { fromUp: agreed.fromUp, toUp: up, slowestMs: Math.max(agreed.slowestMs, tripMs) };
}

/** The segment after one that was broken: it begins with the report that showed it, and is bounded by `soonest`. */
export function nextSegment(clock: BootClock, { seq, up }: Numbered, soonest: Timed): BootClock {
  const { incarnation, boot, crossings } = clock;
  return {
    incarnation,
    boot,
    fromSeq: seq,
    untilSeq: null,
    brokenAt: null,
    beganUp: up,
    latest: { up: soonest.up, at: soonest.receivedAt },
    earliest: null,
    agreed: null,
    crossings: crossings + 1,
    lag: null,
    endedUp: null,
    lastLate: null,
    notBefore: null,
  };
}

/** The segment as it is kept once the next one has begun, with the report `seq` that was received at `receivedAt`. */
export function endSegment(
  clock: BootClock,
  next: { readonly seq: number; readonly receivedAt: number },
): BootClock {
  return { ...clock, untilSeq: next.seq, brokenAt: next.receivedAt, lag: null };
}

/**
 * Whether a report goes on with the uptimes of a segment that another one broke: that had an uptime of another sort, and the clock is as
 * it was.
 */
export function goesOn(broken: BootClock, { up, receivedAt }: Timed, driftPpm: number): boolean {
  const lateMs = receivedAt - latestAt(broken, up, driftPpm);
  const earliest = earliestAt(broken, up, driftPpm);
  if (up < broken.latest.up || Math.abs(lateMs) > LAG_LEAST_MS) return false;
  return earliest === null || receivedAt + ROUNDING_MS >= earliest;
}

/** The segment that goes on with the bounds of the one before the last; and that one, which was not broken after all. */
export function resume(
  broken: BootClock,
  observed: Timed & { readonly seq: number },
  crossings: number,
): { readonly resumed: BootClock; readonly unbroken: BootClock } {
  const unbroken = { ...broken, brokenAt: null };
  const { seq: fromSeq, up: beganUp } = observed;
  return { unbroken, resumed: { ...unbroken, fromSeq, untilSeq: null, beganUp, crossings, lastLate: null } };
}

/** Written out property by property: it happens for many reports. */
function withLatest(clock: BootClock, { up, receivedAt }: Timed): BootClock {
  return {
    incarnation: clock.incarnation,
    boot: clock.boot,
    fromSeq: clock.fromSeq,
    untilSeq: clock.untilSeq,
    brokenAt: clock.brokenAt,
    beganUp: clock.beganUp,
    latest: { up, at: receivedAt },
    earliest: clock.earliest,
    agreed: clock.agreed,
    crossings: clock.crossings,
    lag: null,
    endedUp: clock.endedUp,
    lastLate: clock.lastLate,
    notBefore: clock.notBefore,
  };
}

/**
 * When a report with uptime `up`, received at `receivedAt`, was measured: by the device's own pace from one offset, so that differences
 * within a boot are exact, and never after it was received.
 */
export function measuredAt(clock: BootClock, { up, receivedAt }: Timed, driftPpm: number): MeasuredTime {
  const { brokenAt, agreed, fromSeq, beganUp } = clock;
  const by = brokenAt === null || receivedAt < brokenAt ? receivedAt : brokenAt;
  // Uptime never falls within a segment: that one's is of another sort, and what came late was made after it, and before the next one.
  if (fromSeq > 0 && up + FALL_MAX_MS < beganUp) return { at: by, errorMs: null };
  const at = Math.min(paceAt(clock, up, driftPpm), by);
  // What begins a segment has lied just before: only a round trip tells that it does not go on.
  if (fromSeq > 0 && (agreed === null || up < agreed.fromUp)) return { at, errorMs: null };
  const errorMs =
    brokenAt === null
      ? errorBetween(earliestAt(clock, up, driftPpm), at, Math.min(latestAt(clock, up, driftPpm), by))
      : errorOfBroken(clock, up, { at, by }, driftPpm);
  return { at, errorMs };
}

/**
 * When uptime `up` was by the pace of the clock: the middle between the offsets of both anchors, or that of `latest` alone. Anchors
 * whose offsets have crossed (within the drift bound) leave only the middle of the bounds.
 */
export function paceAt(clock: BootClock, up: number, driftPpm: number): number {
  const latestOffset = clock.latest.at - clock.latest.up;
  const earliest = earliestAt(clock, up, driftPpm);
  if (clock.earliest === null || earliest === null) return latestOffset + up;
  const earliestOffset = clock.earliest.at - clock.earliest.up;
  const isCrossed = earliestOffset > latestOffset;
  return isCrossed
    ? (earliest + latestAt(clock, up, driftPpm)) / 2
    : up + (earliestOffset + latestOffset) / 2;
}

/** The least that {@link measuredAt} says of a report with uptime `up` that a clock within its drift has timed, whenever it arrived. */
export function leastMeasuredAt(clock: BootClock, up: number, driftPpm: number): number {
  return paceAt(clock, up, driftPpm) - driftOver(up - clock.latest.up, driftPpm);
}

/** The segment that times a report, of all that are known; `undefined` where none does. */
export function segmentOf(
  clocks: readonly BootClock[],
  { seq }: { readonly seq: number },
): BootClock | undefined {
  let found: BootClock | undefined;
  for (const clock of clocks) {
    if (clock.fromSeq > seq || (clock.untilSeq !== null && seq >= clock.untilSeq)) continue;
    if (found === undefined || clock.fromSeq > found.fromSeq) found = clock;
  }
  return found;
}

/** `null` where a bound is not known, or no time lies between them. */
function errorBetween(earliest: number | null, at: number, latest: number): number | null {
  if (earliest === null || earliest - latest > ROUNDING_MS) return null;
  return Math.max(latest - at, at - earliest);
}

/** Between round trips that agree the pace was right; after them nothing but the order of things is known, before them not even that. */
function errorOfBroken(
  clock: BootClock,
  up: number,
  { at, by }: { readonly at: number; readonly by: number },
  driftPpm: number,
): number | null {
  const { agreed } = clock;
  if (agreed === null || up < agreed.fromUp) return null;
  const { toUp, slowestMs } = agreed;
  if (up <= toUp) {
    const latest = Math.min(latestAt(clock, up, driftPpm), by);
    const errorMs = errorBetween(earliestAt(clock, up, driftPpm), at, latest);
    return errorMs === null ? null : errorMs + slowestMs;
  }
  const lastTrip = earliestAt(clock, toUp, driftPpm);
  return errorBetween(lastTrip === null ? null : lastTrip - slowestMs, at, by);
}
