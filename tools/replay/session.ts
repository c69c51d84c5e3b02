/**
 * Charging sessions: what an operator's record says, and whether it can have been so.
 *
 * A record is set aside when no time can be given in which that connector was charging. A reading that cannot be true spoils
 * the reading only: people did charge there, and the meter was wrong.
 */
import { isId } from '../../src/wire/report.ts';
import type { SessionRecord } from './session-file.ts';
import type { Shown, WallClock } from './wall-clock.ts';

/** Why a record is set aside. Stable, and what it means. */
export const SET_ASIDE = {
  unreadable: 'the line names no connector, or no time',
  'no-end': 'it never ended',
  'no-such-time': 'its clock showed a time that did not exist: the hour that is left out in spring',
  'ends-before-start': 'it ended before it began',
  'zero-length': 'it ended in the minute in which it began: shorter than the file can tell',
  overlap: "it began before the connector's last session had ended",
} as const;
export type SetAsideReason = keyof typeof SET_ASIDE;

/** What a line would have to say instead. */
const WOULD_BE_RIGHT: Readonly<Record<SetAsideReason, string>> = {
  unreadable:
    'charge_point and connector of letters, digits, _ and -, together 63 at most, and start and end as 2019-03-01T07:21',
  'no-end': 'the minute in which it ended in the column end, as 2019-03-01T07:21',
  'no-such-time': 'a time that the clock of the place did show on that day',
  'ends-before-start': 'an end after the start',
  'zero-length': 'an end at least a minute after the start',
  overlap: 'a start no earlier than the end of the session before it, or another connector',
};

/** For people, a line for each reason: how many, which is the first, what was wrong, and what would be right. */
export function setAsideLines(aside: readonly Pick<SetAside, 'line' | 'reason'>[]): readonly string[] {
  return Object.entries(WOULD_BE_RIGHT).flatMap(([reason, right]) => {
    const lines = aside.filter((one) => one.reason === reason).map(({ line }) => line);
    if (lines.length === 0) return [];
    const first = `line ${String(Math.min(...lines))}`;
    const which = lines.length === 1 ? first : `${String(lines.length)} from ${first} on`;
    return `${which}: ${SET_ASIDE[reason as SetAsideReason]} (${reason}). Right would be ${right}.`;
  });
}

/** What is doubtful about the energy of a session that is kept. */
export type Doubt = 'no-energy' | 'negative-energy' | 'absurd-energy';

/** More than this on average has never been put through one plug, W: the reading is wrong, the session is not. */
const POWER_HIGHEST_W = 400_000;

/** A record whose connector is known. */
export interface ReadRecord {
  readonly line: number;
  /** The device: `<charge point>-<connector>`. */
  readonly connector: string;
  readonly start: Shown;
  /** `null`: it never ended. */
  readonly end: Shown | null;
  /** `null` where none was recorded. */
  readonly energyWh: number | null;
  readonly site: string;
  readonly model: string;
}

/** A record that is no session. */
export interface SetAside {
  readonly line: number;
  readonly reason: SetAsideReason;
  /** When it began, ms epoch; `null` where that cannot be told. */
  readonly startAt: number | null;
  readonly connector: string | null;
}

/** A time in which a connector was charging, ms epoch: `startAt` is before `endAt`. */
export interface Session {
  readonly line: number;
  readonly connector: string;
  readonly startAt: number;
  readonly endAt: number;
  readonly energyWh: number | null;
  readonly site: string;
  readonly model: string;
}

/** Reads a record; sets it aside when it names no connector or no time. */
export function readRecord(record: SessionRecord, clock: WallClock): ReadRecord | SetAside {
  const { line, chargePoint, connector: plug, kwh, site, model } = record;
  const connector = `${chargePoint}-${plug}`;
  const start = clock.read(record.start);
  const end = record.end === '' ? null : clock.read(record.end);
  const isNamed = chargePoint !== '' && plug !== '' && isId(connector);
  if (!isNamed || start === null || (end === null && record.end !== '')) {
    const startAt = start === null ? null : earliest(start);
    return { line, reason: 'unreadable', startAt, connector: isNamed ? connector : null };
  }
  const energyWh = kwh === '' || !Number.isFinite(Number(kwh)) ? null : Number(kwh) * 1_000;
  return { line, connector, start, end, energyWh, site, model };
}

/** What is doubtful about the session's energy, or `null`. */
export function doubtOf({ energyWh, startAt, endAt }: Session): Doubt | null {
  if (energyWh === null || energyWh === 0) return 'no-energy';
  if (energyWh < 0) return 'negative-energy';
  return averageW(energyWh, endAt - startAt) > POWER_HIGHEST_W ? 'absurd-energy' : null;
}

/** Average power of an energy over a time, W. */
export function averageW(energyWh: number, durationMs: number): number {
  return (energyWh * 3_600_000) / durationMs;
}

/** The earliest instant at which the clock may have shown it, ms epoch; `null` when it never did. */
export function earliest(shown: Shown): number | null {
  switch (shown.type) {
    case 'once':
      return shown.at;
    case 'twice':
      return shown.first;
    case 'never':
      return null;
  }
}
