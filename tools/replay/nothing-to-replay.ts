/** Why nothing of a file can be replayed, and what could be, for whoever asked: lines of text. */
import type { Judgement } from './judgement.ts';
import type { PeriodRecord } from './period.ts';
import { type SetAside, setAsideLines } from './session.ts';
import type { WallClock } from './wall-clock.ts';

/** Not one session of the file can be replayed. */
export function nothingInFile(file: string, { setAside }: Pick<Judgement, 'setAside'>): readonly string[] {
  return nothingLeft(`${file} holds no session that can be replayed:`, setAside);
}

/** Not one that began in the days asked for. */
export function nothingInPeriod(
  { file, from, days }: { readonly file: string; readonly from: string; readonly days: number },
  found: {
    readonly judged: Judgement;
    readonly record: Pick<PeriodRecord, 'aside'>;
    readonly clock: Pick<WallClock, 'shownAt'>;
  },
): readonly string[] {
  const { judged, record, clock } = found;
  const period = days === 1 ? `on ${from}` : `in the ${String(days)} days from ${from} on`;
  // A line without a time belongs to no day, and is no reason why a day has nothing.
  if (record.aside.some(({ startAt }) => startAt !== null))
    return nothingLeft(`${file} holds no session ${period} that can be replayed:`, record.aside);
  const [first, last] = [judged.sessions[0], judged.sessions.at(-1)];
  if (first === undefined || last === undefined) return nothingInFile(file, judged);
  const dayOf = (startAt: number): string => clock.shownAt(startAt).slice(0, 10);
  const choice = `its sessions began from ${dayOf(first.startAt)} to ${dayOf(last.startAt)}`;
  return [`${file} holds no session ${period}: ${choice}, and --from takes one of those days.`];
}

function nothingLeft(sentence: string, aside: readonly SetAside[]): readonly string[] {
  return [sentence, ...setAsideLines(aside).map((line) => `  ${line}`)];
}
