/** The numbers under which reports came: which belong to one boot, and whether one is missing that nothing excuses. */
import { comparePositions, type Report, type ReportPosition } from '../../machines/report.ts';
import { positionName, type Publish } from './publish.ts';

/** The reports of each boot that were heard, each number once, in their order. */
export function byBoot(publishes: readonly Publish[]): readonly (readonly Report[])[] {
  const boots = new Map<number, Map<number, Report>>();
  for (const report of publishes.flatMap(({ reports }) => reports)) {
    const known = boots.get(report.boot) ?? new Map<number, Report>();
    if (!known.has(report.seq)) boots.set(report.boot, known.set(report.seq, report));
  }
  return [...boots.values()].map((reports) => [...reports.values()].sort(comparePositions));
}

/** What was heard, and what excuses a missing number; without it nothing does. */
export interface Numbered {
  readonly publishes: readonly Publish[];
  /** A device that has room for one report drops what it makes while a publish is in flight, or while it is cut off. */
  readonly excuse?: {
    /** The indices of publishes before which the kit cut the device off. */
    readonly interruptions: readonly number[];
    /** Of two publishes that are further apart than this, ms, the first was over when the second began. */
    readonly idleMs: number;
  };
}

/**
 * What is missing, as a sentence, or `null`. What was made before the first report that was heard was somebody else's to hear.
 */
export function holeIn({ publishes, excuse }: Numbered): string | null {
  const start = publishes.flatMap(({ reports }) => reports)[0];
  if (start === undefined) return null;
  const places = placesOf(publishes);
  const isExcused = (from: ReportPosition, to: ReportPosition): boolean => {
    const ends = [places.get(positionName(from)) ?? 0, places.get(positionName(to)) ?? 0];
    const [first, last] = [Math.min(...ends), Math.max(...ends)];
    if (excuse === undefined) return false;
    const isCutOff = excuse.interruptions.some((index) => index > first && index <= last);
    const between = publishes.slice(first, last + 1);
    const isBusy = (between.at(-1)?.at ?? 0) - (between[0]?.at ?? 0) < excuse.idleMs;
    return isCutOff || isBusy || between.some(({ answer }) => answer !== 'ack');
  };
  for (const reports of byBoot(publishes)) {
    const heard = reports.filter((report) => comparePositions(report, start) >= 0);
    for (const [index, report] of heard.entries()) {
      const previous = heard[index - 1];
      if (previous === undefined || report.seq === previous.seq + 1 || isExcused(previous, report)) continue;
      return `${positionName(previous)} is followed by ${positionName(report)}: what lies between never came`;
    }
  }
  return null;
}

/** In which publish each report was heard first. */
function placesOf(publishes: readonly Publish[]): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  for (const { index, reports } of publishes) {
    for (const name of reports.map(positionName)) if (!places.has(name)) places.set(name, index);
  }
  return places;
}
