import type { WindowedInterval } from '../../../actors/timeline.ts';
import type { HistoryReport } from '../../../src/history/ports.ts';
import type { HoldSpan, Look } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';
import { isInOrder, LOOKS_AGAIN_MS, trulyMeasuredAt, WHOLE_MS } from './filed-reports.ts';
import { type Checker, type Flaw, grouped } from './checker.ts';

/** What people read of a device's past is what somebody beside it would have seen. */
export const timeline: Checker = {
  name: 'timeline',
  sentence:
    'a timeline says what its device was, from when on, and where nothing was heard of it for too long, each within the errors that it says, and counts what is missing; and of each time what the last report says, in the order of the device, that was measured by then, whoever else spoke in its name',
  check: (evidence) => {
    const { record, store, pasts, endedAt } = evidence;
    const looks = grouped(record.looks, ({ device }) => device);
    const holds = grouped(record.holds, ({ device }) => device);
    return [...pasts].flatMap(([device, { timeline: intervals }]): Flaw[] => {
      const filed = store.reports.get(device) ?? [];
      const disagreement = disagreementWith(filed, intervals);
      if (disagreement !== null) return [{ ...disagreement, device }];
      if (!isInOrder(evidence, device, filed)) return [];
      const truth = { looks: looks.get(device) ?? [], holds: holds.get(device) ?? [] };
      const told = intervals.map((interval, index) => {
        const within = filed.slice(placeOf(filed, interval), placeOf(filed, intervals[index + 1]));
        return { interval, within };
      });
      const wrong = told.flatMap((one) => wrongAbout(one, { device, truth }, evidence));
      const counted = intervals.reduce((sum, { missing }) => sum + missing, 0);
      const missing = missingAmong(filed);
      const text = `${counted} reports count as missing in its timeline, and ${missing} are not in its history`;
      const flaw = counted === missing ? [] : [{ at: endedAt, text }];
      return [...wrong, ...flaw].map(({ at, text: what }) => ({ at, device, text: what }));
    });
  },
};

/** Where the timeline says something else of the time of a report than `/at` does. */
function disagreementWith(
  filed: readonly HistoryReport[],
  intervals: readonly WindowedInterval[],
): Omit<Flaw, 'device'> | null {
  const byTime = filed
    .map((report, place) => ({ time: report.measuredAt, place }))
    .sort((a, b) => a.time - b.time || a.place - b.place);
  let known = 0;
  let index = 0;
  for (const [rank, { time, place }] of byTime.entries()) {
    known = Math.max(known, place);
    if (byTime[rank + 1]?.time === time) continue;
    const { state, measuredAt } = filed[known]!;
    while ((intervals[index]?.to ?? Infinity) <= time) index += 1;
    const told = intervals[index];
    const isSaid = told?.isSilent === true ? time > measuredAt : told?.state === state;
    if (told !== undefined && told.from <= time && isSaid) continue;
    return { at: time, text: `${String(told?.state)} is said of ${time}, and ${state} was reported last` };
  }
  return null;
}

/** An interval, with the reports from its first one on. */
interface Told {
  readonly interval: WindowedInterval;
  readonly within: readonly HistoryReport[];
}

interface Truth {
  readonly looks: readonly Look[];
  readonly holds: readonly HoldSpan[];
}

type Place = Pick<HistoryReport, 'incarnation' | 'boot' | 'seq'>;

/** Where a report stands in the history; its end where there is none. A silence names the last report before it. */
function placeOf(filed: readonly HistoryReport[], interval: WindowedInterval | undefined): number {
  if (interval === undefined) return filed.length;
  const isIt = (other: Place): boolean =>
    other.incarnation === interval.incarnation && other.boot === interval.boot && other.seq === interval.seq;
  return filed.findIndex(isIt) + (interval.isSilent ? 1 : 0);
}

function wrongAbout(
  { interval, within }: Told,
  { device, truth }: { readonly device: string; readonly truth: Truth },
  evidence: Evidence,
): readonly Omit<Flaw, 'device'>[] {
  const { record, hubOffsetMs } = evidence;
  const measuredAt = (report: HistoryReport): number | null => {
    const trueAt = trulyMeasuredAt(evidence, device, report);
    return trueAt === null ? null : trueAt + hubOffsetMs;
  };
  const { from, to, lastReportAt, state, isSilent } = interval;
  const flaw = (text: string): readonly Omit<Flaw, 'device'>[] => [{ at: from, text }];
  const silenceMs = record.devices.get(device)?.kind.limits.silenceMs ?? Infinity;
  const times = within.map(measuredAt);
  const errors = within.map(({ errorMs }) => errorMs);
  if (isSilent) return [];
  const [first] = times;
  if (first === undefined || first === null) return flaw(`${state} begins with a report that was never made`);
  if (interval.errorMs !== null && Math.abs(from - first) > interval.errorMs + WHOLE_MS)
    return flaw(`${state} is said from ${from} ± ${interval.errorMs} ms on, and was measured at ${first}`);
  if (errors.includes(null)) return [];
  const errorMs = Math.max(...(errors as number[])) + WHOLE_MS;
  for (const [index, time] of times.entries()) {
    const before = times[index - 1] ?? first;
    if (time !== null && time - before > silenceMs + 2 * errorMs)
      return flaw(`${state} goes on from ${before} to ${time}, and nothing was heard in between`);
  }
  if (interval.gaps > 0 || interval.reboots > 0) return [];
  const until = Math.min(lastReportAt, to ?? Infinity);
  const window = { from: from + errorMs - hubOffsetMs, to: until - errorMs - hubOffsetMs };
  const other = otherIn(truth, { state, window });
  return other === null ? [] : flaw(`${state} is said until ${lastReportAt}, and it was ${other}`);
}

/** How the device looked otherwise in a window of true time, for longer than it takes to look again; `null`: it did not. */
function otherIn(
  { looks, holds }: Truth,
  said: { readonly state: string; readonly window: { readonly from: number; readonly to: number } },
): string | null {
  const { state, window } = said;
  for (const [index, look] of looks.entries()) {
    const span = overlap(window, { from: look.at, to: looks[index + 1]?.at ?? Infinity });
    if (span.to - span.from <= LOOKS_AGAIN_MS) continue;
    const isFree = look.state === 'available';
    if (isFree ? state !== 'available' && state !== 'reserved' : state !== look.state)
      return `${look.state} from ${span.from} to ${span.to}`;
    if (!isFree) continue;
    const heldMs = holds
      .map((hold) => overlap(span, { from: hold.from, to: hold.to ?? Infinity }))
      .reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0);
    const otherMs = state === 'reserved' ? span.to - span.from - heldMs : heldMs;
    if (otherMs > LOOKS_AGAIN_MS)
      return `${state === 'reserved' ? 'held by nobody' : 'held'} for ${otherMs} ms from ${span.from} to ${span.to}`;
  }
  return null;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

function overlap(one: Span, other: Span): Span {
  return { from: Math.max(one.from, other.from), to: Math.min(one.to, other.to) };
}

/** Numbers that nothing was filed under, from the first report of all on and below the highest of each boot. */
function missingAmong(filed: readonly HistoryReport[]): number {
  const boots = grouped(filed, ({ incarnation, boot }) => `${incarnation} ${boot}`);
  const ofBoots = [...boots.values()].map((reports) => reports.at(-1)!.seq - reports.length);
  return ofBoots.reduce((sum, missing) => sum + missing, 0) - ((filed[0]?.seq ?? 1) - 1);
}
