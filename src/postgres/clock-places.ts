/**
 * The clock of a boot as a list in a snapshot: places have a meaning, and those at the end are left out where they say nothing.
 *
 * Invariant: I1  what is written comes back equal, for every clock; a list that an older version wrote is read as it meant it.
 */
import type { Agreement, Anchor, BootClock, Lag } from '../../actors/clock.ts';

type AnchorPlaces = readonly [up: number, at: number];
/** A clock as a list. */
export type ClockPlaces = readonly [
  incarnation: number,
  boot: number,
  latest: AnchorPlaces,
  earliest: AnchorPlaces | null,
  /** Not there before version 10, nor where nothing agrees and the clock is the boot's only segment. */
  agreed?: AgreementPlaces | null,
  /** Not there before version 10, nor where the clock is the boot's only segment. */
  segment?: SegmentPlaces,
];
type AgreementPlaces = readonly [fromUp: number, toUp: number, slowestMs: number];
type SegmentPlaces = readonly [
  fromSeq: number,
  untilSeq: number | null,
  brokenAt: number | null,
  beganUp: number,
  crossings: number,
  lag: readonly [since: number, soonest: AnchorPlaces] | null,
  /** Not there before version 15, nor where the boot goes on and nothing came late. */
  endedUp?: number | null,
  /** The same. */
  lastLate?: readonly [seq: number, up: number, fromSeq: number] | null,
  /** The same, nor where the boots before are remembered. */
  notBefore?: number | null,
];
/** Writes a clock. The bounds take the same few bytes for every clock that has never been out of them. */
export function clockPlaces(clock: BootClock): ClockPlaces {
  const { incarnation, boot, latest, earliest, agreed } = clock;
  const bounds = [incarnation, boot, anchorPlaces(latest), earliest && anchorPlaces(earliest)] as const;
  const segment = segmentPlaces(clock);
  if (segment === null && agreed === null) return bounds;
  const trips = agreed && ([agreed.fromUp, agreed.toUp, agreed.slowestMs] as const);
  return segment === null ? [...bounds, trips] : [...bounds, trips, segment];
}

function segmentPlaces(clock: BootClock): SegmentPlaces | null {
  const { fromSeq, untilSeq, brokenAt, beganUp, crossings, lag } = clock;
  const { endedUp, lastLate, notBefore } = clock;
  const isOnly = fromSeq === 0 && untilSeq === null && brokenAt === null;
  const isPlain = endedUp === null && lastLate === null && notBefore === null;
  if (isOnly && isPlain && beganUp === 0 && crossings === 0 && lag === null) return null;
  const lagging = lag && ([lag.since, anchorPlaces(lag.soonest)] as const);
  const places = [fromSeq, untilSeq, brokenAt, beganUp, crossings, lagging] as const;
  return isPlain
    ? places
    : [...places, endedUp, lastLate && [lastLate.seq, lastLate.up, lastLate.fromSeq], notBefore];
}

const ONLY_SEGMENT: SegmentPlaces = [0, null, null, 0, 0, null];

/** Reads a clock, also as versions before wrote it. */
export function readClock([
  incarnation,
  boot,
  latest,
  earliest,
  agreed,
  segment = ONLY_SEGMENT,
]: ClockPlaces): BootClock {
  const [fromSeq, untilSeq, brokenAt, beganUp, crossings, lag, ...rest] = segment;
  const [endedUp = null, late = null, notBefore = null] = rest;
  return {
    incarnation,
    boot,
    fromSeq,
    untilSeq,
    brokenAt,
    beganUp,
    latest: readAnchor(latest),
    earliest: earliest && readAnchor(earliest),
    agreed: readAgreement(agreed),
    crossings,
    lag: readLag(lag),
    endedUp,
    lastLate: late && { seq: late[0], up: late[1], fromSeq: late[2] },
    notBefore,
  };
}

function readAgreement(agreed: AgreementPlaces | null = null): Agreement | null {
  return agreed && { fromUp: agreed[0], toUp: agreed[1], slowestMs: agreed[2] };
}

function readLag(lag: SegmentPlaces[5]): Lag | null {
  return lag && { since: lag[0], soonest: readAnchor(lag[1]) };
}

function anchorPlaces({ up, at }: Anchor): AnchorPlaces {
  return [up, at];
}

function readAnchor([up, at]: AnchorPlaces): Anchor {
  return { up, at };
}
