/**
 * One device has one boot at a time: no boot began before what those before it had measured, and none measured anything after the next
 * one had begun. Nor does uptime fall from one report of a boot to the next.
 *
 * Where that does not hold, an uptime did not begin with its boot or did not keep pace with the time that passed, in the later boot or in
 * the earlier one. What rests on pace alone is then believed of neither; what round trips have proved is believed of both.
 */
import {
  begunBy,
  type BootClock,
  earliestAt,
  endSegment,
  FALL_MAX_MS,
  latestAt,
  nextSegment,
  type Numbered,
  observeNoLater,
  ROUNDING_MS,
  type Timed,
} from './clock.ts';

/** Bounds of a clock that was bounded anew. */
export interface Bounded {
  readonly clock: BootClock;
  /** Its bounds have crossed by that. */
  readonly isCrossed: boolean;
}

/** Until when a boot or segment has certainly measured, as far as its history says so within an error; `null` where none is said. */
function measuredUntil(clock: BootClock, driftPpm: number): number | null {
  const { brokenAt, endedUp, latest } = clock;
  return brokenAt === null ? earliestAt(clock, endedUp ?? latest.up, driftPpm) : provedUntil(clock, driftPpm);
}

/** The same of its last round trip alone, which takes no pace for granted. */
function provedUntil(clock: BootClock, driftPpm: number): number | null {
  return clock.agreed === null ? null : earliestAt(clock, clock.agreed.toUp, driftPpm);
}

/** Before this no report of `boot` was measured, as those before it had not ended; `-Infinity` where none of them says so. */
export function beganAfter(clocks: readonly BootClock[], boot: number, driftPpm: number): number {
  let after = -Infinity;
  for (const earlier of clocks) {
    if (earlier.boot > boot) continue;
    const { notBefore } = earlier;
    if (notBefore !== null && notBefore > after) after = notBefore;
    const until = earlier.boot === boot ? null : measuredUntil(earlier, driftPpm);
    if (until !== null && until > after) after = until;
  }
  return after;
}

/** The first `max` of these clocks, newest first. What the others say of when later boots began is kept in the last one. */
export function remembered(
  clocks: readonly BootClock[],
  max: number,
  driftPpm: number,
): readonly BootClock[] {
  const last = clocks[max - 1];
  if (clocks.length <= max || last === undefined) return clocks;
  const after = beganAfter(clocks.slice(max), Infinity, driftPpm);
  const isNews = after > (last.notBefore ?? -Infinity);
  return [...clocks.slice(0, max - 1), isNews ? { ...last, notBefore: after } : last];
}

/** Whether what the clock says of its beginning, or of uptime `up`, cannot be: the boot before had not ended. */
export function isTooEarly(clock: BootClock, after: number, driftPpm: number, up?: number): boolean {
  // A later segment says nothing certain of what was before its own round trips.
  if (after === -Infinity || clock.fromSeq > 0 || clock.brokenAt !== null) return false;
  const by = up === undefined ? begunBy(clock, driftPpm) : latestAt(clock, up, driftPpm);
  return after - by > ROUNDING_MS;
}

/**
 * An earlier boot, of which a later one says that it had ended by `endedBy`. Where its pace says otherwise, and its round trips do not, it is
 * broken: it had ended by `at`, when the later one was heard.
 */
export function endedBefore(
  earlier: BootClock,
  { endedBy, at }: { readonly endedBy: number; readonly at: number },
  driftPpm: number,
): BootClock {
  if (earlier.brokenAt !== null) return earlier;
  const until = measuredUntil(earlier, driftPpm);
  const proved = provedUntil(earlier, driftPpm);
  if (until === null || until - endedBy <= ROUNDING_MS) return earlier;
  return proved !== null && proved - endedBy > ROUNDING_MS ? earlier : { ...earlier, brokenAt: at };
}

/**
 * Uptime `up` was no later than `at`, by a late report or by the beginning of the next boot. Where that crosses what the clock says by its pace
 * (or would let the boot begin before `after`), and not what its round trips say, it is broken.
 */
export function boundedBy(
  clock: BootClock,
  { up, at, after }: { readonly up: number; readonly at: number; readonly after: number },
  driftPpm: number,
): Bounded {
  const bounded = observeNoLater(clock, { up, at }, driftPpm);
  const earliest = earliestAt(clock, up, driftPpm);
  if (earliest === null || clock.brokenAt !== null) return { clock: bounded, isCrossed: false };
  const isBeyond = earliest - at > ROUNDING_MS;
  if (!isBeyond && (bounded === clock || !isTooEarly(bounded, after, driftPpm)))
    return { clock: bounded, isCrossed: false };
  const proved = provedUntil(clock, driftPpm);
  // It is the beginning of the next boot that was inferred wrongly.
  if (proved !== null && proved - at > ROUNDING_MS) return { clock, isCrossed: false };
  return { clock: { ...clock, brokenAt: at, crossings: clock.crossings + 1 }, isCrossed: true };
}

/**
 * The number from which on a segment of its own begins, where uptime fell between this late report and the last one of its kind; `null` where
 * it did not, or nothing is said of times with certainty anyway. All that came late with them is in it: nobody knows which of it fell.
 */
export function fallAt({ lastLate, fromSeq, agreed }: BootClock, { seq, up }: Numbered): number | null {
  if (lastLate === null || (fromSeq > 0 && agreed === null)) return null;
  const [lower, higher] = seq > lastLate.seq ? [lastLate.up, up] : [up, lastLate.up];
  return higher + FALL_MAX_MS < lower ? Math.max(fromSeq + 1, Math.min(lastLate.fromSeq, seq)) : null;
}

/** A clock in two: what it times below a number, and from there on. Only round trips after that prove anything of the second one. */
export interface Split {
  readonly before: BootClock;
  readonly from: BootClock;
}

/** Splits a clock where uptime fell. `soonest` bounds the second segment; both had been measured by `at`. */
export function splitAtFall(
  clock: BootClock,
  fall: { readonly seq: number; readonly late: Numbered; readonly soonest: Timed; readonly at: number },
): Split {
  const { seq, late, soonest, at } = fall;
  const beganUp = Math.min(late.up, clock.lastLate?.up ?? late.up);
  const { untilSeq, brokenAt, endedUp } = clock;
  const from = nextSegment(clock, { seq, up: beganUp }, soonest);
  return {
    before: endSegment(clock, { seq, receivedAt: Math.min(at, brokenAt ?? at) }),
    from: { ...from, untilSeq, brokenAt, endedUp, lastLate: { seq: late.seq, up: late.up, fromSeq: seq } },
  };
}

/** The segment that times a report. */
export function segmentIn({ before, from }: Split, { seq }: Numbered): BootClock {
  return seq < from.fromSeq ? before : from;
}

/**
 * Splits the clock of the present boot after a late report that it would time before the boot had begun (`after`): uptime leapt since. Nothing
 * is certain of when that was measured but that it had come by then.
 */
export function splitAtLeap(
  clock: BootClock,
  { seq, up, receivedAt }: Timed & Numbered,
  after: number,
): Split {
  const next = { seq: seq + 1, receivedAt };
  const { latest, crossings } = clock;
  const bare = { latest: { up, at: receivedAt }, earliest: null, agreed: null };
  const beganUp = Math.max(up, Math.ceil(latest.up - (latest.at - after)));
  return {
    before: { ...endSegment(clock, next), ...bare },
    from: { ...clock, fromSeq: next.seq, beganUp, crossings: crossings + 1 },
  };
}

/** The clock once a late report was heard of it; `hasEnded` where its boot has. */
export function withLate(clock: BootClock, { seq, up }: Numbered, hasEnded: boolean): BootClock {
  const { endedUp, lastLate } = clock;
  const endsUp = hasEnded && up > (endedUp ?? -1) ? up : endedUp;
  const fromSeq = Math.min(seq, lastLate?.fromSeq ?? seq);
  return { ...clock, endedUp: endsUp, lastLate: { seq, up, fromSeq } };
}

/** The clock of a boot that goes on, with reports missing after that one. */
export function withHole(clock: BootClock, { seq, up }: Numbered): BootClock {
  return { ...clock, lastLate: { seq, up, fromSeq: seq + 1 } };
}

/** The clock of a boot that has ended, as far as is known with that report. */
export function withEnd(clock: BootClock, last: Numbered): BootClock {
  return { ...withHole(clock, last), endedUp: last.up };
}
