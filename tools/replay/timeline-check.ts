/**
 * The check of a replay: the times in which Corral says that a device was charging, against those of the file. A function
 * of its arguments.
 *
 * The file's clock is years ago and the server's is not, so both are told by the device's uptime: what the server says lies
 * before the device's last report, and what the file says lies after its start.
 */
import type { TimelineStretch } from '../cli/corral-http.ts';
import type { Life } from './life.ts';
import type { LastReport } from './replay-device.ts';

/** A time in which a device was charging, by its uptime, ms. `toUp` is Infinity for one that has not ended. */
export interface ChargingTime {
  readonly fromUp: number;
  readonly toUp: number;
}

/** What a check found. */
export interface CheckResult {
  readonly matched: number;
  /** In the file and not in Corral. */
  readonly missing: readonly ChargingTime[];
  /** In Corral and not in the file. */
  readonly surplus: readonly ChargingTime[];
  /** The farthest that an end of a matched time lies from where it should, ms. */
  readonly deviationMs: number;
}

/** Ends that are less than this apart are the same to the second, ms. */
const SAME_WITHIN_MS = 1_000;

/** Uptimes are whole ms: in a life that passes so many times faster than time, that far two ends may be apart and be the same, ms. */
export function sameWithinMs(speed: number): number {
  return Math.max(SAME_WITHIN_MS, 2 * speed);
}

/** The times in which the file says that the device was charging, in order. */
export function expectedTimes({ sessions, bornAt }: Life): readonly ChargingTime[] {
  return sessions.map(({ startAt, endAt }) => ({ fromUp: startAt - bornAt, toUp: endAt - bornAt }));
}

/**
 * The times in which Corral says so, in order, for a timeline that ends with the last report of a device whose life passed `speed` times
 * faster than time.
 */
export function foundTimes(
  timeline: readonly TimelineStretch[],
  last: LastReport,
  speed = 1,
): readonly ChargingTime[] {
  const end = timeline.at(-1);
  if (end === undefined) return [];
  const upOf = (at: number): number => (last.up - (end.lastReportAt - at)) * speed;
  return withoutSilences(timeline)
    .filter(({ state }) => state === 'charging')
    .map(({ from, to }) => ({ fromUp: upOf(from), toUp: to === null ? Infinity : upOf(to) }));
}

/**
 * A device may be replayed with heartbeats that are longer than its kind allows: it said every change all the same, so that it was in
 * each state until it said another one.
 */
function withoutSilences(timeline: readonly TimelineStretch[]): readonly TimelineStretch[] {
  const joined: TimelineStretch[] = [];
  for (const stretch of timeline) {
    const before = joined.at(-1);
    if (before !== undefined && (stretch.isSilent || stretch.state === before.state))
      joined[joined.length - 1] = { ...before, to: stretch.to };
    else joined.push(stretch);
  }
  return joined;
}

/** Compares; both lists are in order and do not overlap. Ends that are less than `withinMs` apart are the same. */
export function compareTimes(
  expected: readonly ChargingTime[],
  found: readonly ChargingTime[],
  withinMs = SAME_WITHIN_MS,
): CheckResult {
  const missing: ChargingTime[] = [];
  const surplus: ChargingTime[] = [];
  let matched = 0;
  let deviationMs = 0;
  let next = 0;
  for (const time of expected) {
    for (; isBefore(found[next], time, withinMs); next += 1) surplus.push(...found.slice(next, next + 1));
    const candidate = found[next];
    const apartMs = candidate === undefined ? Infinity : apart(candidate, time);
    if (apartMs < withinMs) {
      matched += 1;
      next += 1;
      deviationMs = Math.max(deviationMs, apartMs);
    } else {
      missing.push(time);
    }
  }
  return { matched, missing, surplus: [...surplus, ...found.slice(next)], deviationMs };
}

/** True when `found` is none of `time` or of anything after it. */
function isBefore(found: ChargingTime | undefined, time: ChargingTime, withinMs: number): boolean {
  if (found === undefined || apart(found, time) < withinMs) return false;
  return found.fromUp <= time.fromUp - withinMs || found.toUp <= time.fromUp + withinMs;
}

function apart(a: ChargingTime, b: ChargingTime): number {
  return Math.max(Math.abs(a.fromUp - b.fromUp), Math.abs(a.toUp - b.toUp));
}
