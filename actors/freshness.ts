/**
 * How far the known state can be trusted (design, section 4): judged by when it was MEASURED, never by when it arrived.
 */
import type { Kind } from '../machines/kind.ts';
import type { Quality } from '../src/contract/twin-document.ts';
import { earliestAt, latestAt } from './clock.ts';
import type { Twin } from './twin.ts';

/** The age of the known state in ms: at least `leastMs`; at most `mostMs`, `null` where no round trip bounds it. */
export interface Age {
  readonly leastMs: number;
  readonly mostMs: number | null;
}

/**
 * The age of the newest report, or `null` before the first contact. Nothing bounds it where who speaks for the device is not to be trusted:
 * how old it is may be right, and what it says is not of then.
 */
export function ageOf(options: {
  readonly twin: Twin;
  readonly kind: Kind;
  readonly now: number;
  readonly serverErrorMs: number;
}): Age | null {
  const { twin, kind, now, serverErrorMs } = options;
  if (twin.newest === null || twin.clock === null) return null;
  const { up } = twin.newest;
  const isTrusted = (twin.via?.doubt ?? null) === null;
  const earliest = isTrusted ? earliestAt(twin.clock, up, kind.limits.driftPpm) : null;
  const leastMs = Math.max(0, now - latestAt(twin.clock, up, kind.limits.driftPpm) - serverErrorMs);
  return { leastMs, mostMs: earliest === null ? null : Math.max(leastMs, now - earliest + serverErrorMs) };
}

/** True when the state is proved to be no older than `limitMs`. */
export function isProvedFresh(age: Age | null, limitMs: number): boolean {
  return age !== null && age.mostMs !== null && age.mostMs <= limitMs;
}

/** The quality of a twin's known state. */
export function qualityOf(twin: Twin, age: Age | null, freshMs: number): Quality {
  if (age === null || (twin.via !== null && twin.via.doubt !== null)) return 'unknown';
  if (twin.suspicions.length > 0) return 'suspect';
  if (isProvedFresh(age, freshMs)) return 'fresh';
  return age.mostMs === null && age.leastMs <= freshMs ? 'unknown' : 'stale';
}

/** False for a device that says of no command what became of it: it may be alive, and nothing proves when it said what. */
export function mayAnswer(twin: Twin): boolean {
  return twin.newest === null || twin.newest.report.commands !== undefined || hasAnswered(twin);
}

/** True when the device has named a command in this incarnation, so that it keeps a ring of outcomes. */
export function hasAnswered({ probe, clock, olderClocks }: Twin): boolean {
  if (clock !== null && clock.earliest !== null) return true;
  return probe?.status === 'answered' || olderClocks.some(({ earliest }) => earliest !== null);
}
