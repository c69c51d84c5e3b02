/** The days of a file that are replayed, from midnight to midnight of the place. */
import { CommandLineError } from '../cli/command-line-error.ts';
import type { Judgement } from './judgement.ts';
import { doubtOf, type Doubt, type Session, type SetAside, type SetAsideReason } from './session.ts';
import type { WallClock } from './wall-clock.ts';

/** `fromAt` is in it, `toAt` is not; ms epoch. */
export interface Period {
  readonly fromAt: number;
  readonly toAt: number;
}

/** What a file says about a period: the sessions that began in it. */
export interface PeriodRecord {
  readonly sessions: readonly Session[];
  /** Every connector of which the period tells anything, set aside or not. */
  readonly connectors: readonly string[];
  /** Records that began in it, and those of which nobody knows when they did. */
  readonly read: number;
  readonly setAside: Readonly<Partial<Record<SetAsideReason, number>>>;
  /** Those records themselves. */
  readonly aside: readonly SetAside[];
  /** Sessions that are kept although their energy is doubtful. */
  readonly doubtful: Readonly<Partial<Record<Doubt, number>>>;
  /** Sessions that are kept because those around them tell which of two hours is meant. */
  readonly toldApart: number;
}

/** The period of `days` days from the day `from`, `2019-03-01`. Throws {@link CommandLineError} when that is no day. */
export function periodOf(from: string, days: number, clock: WallClock): Period {
  const fromAt = clock.midnight(from);
  const toAt = clock.midnight(from, days);
  if (fromAt === null || toAt === null) {
    throw new CommandLineError(`--from ${from} is no day: write it as 2019-03-01.`);
  }
  return { fromAt, toAt };
}

/** Takes from a judged file what belongs to a period. A record is judged by the whole file, whatever the period. */
export function takePeriod(judged: Judgement, period: Period): PeriodRecord {
  const isIn = (at: number): boolean => at >= period.fromAt && at < period.toAt;
  const sessions = judged.sessions.filter(({ startAt }) => isIn(startAt));
  const aside = judged.setAside.filter(({ startAt }) => startAt === null || isIn(startAt));
  const connectors = [...sessions, ...aside].map(({ connector }) => connector);
  return {
    sessions,
    connectors: [...new Set(connectors.filter((connector) => connector !== null))].sort(),
    read: sessions.length + aside.length,
    aside,
    setAside: countsOf(aside.map(({ reason }) => reason)),
    doubtful: countsOf(sessions.map(doubtOf).filter((doubt) => doubt !== null)),
    toldApart: sessions.filter(({ line }) => judged.toldApart.has(line)).length,
  };
}

function countsOf<Name extends string>(names: readonly Name[]): Partial<Record<Name, number>> {
  const counts: Partial<Record<Name, number>> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
