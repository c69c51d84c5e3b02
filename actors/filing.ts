/**
 * Files reports in history under the time they were measured, by the clock of their boot: that of the present one, of one
 * before it, or of the incarnation before this one.
 */
import type { Report } from '../machines/report.ts';
import { type BootClock, latestAt, measuredAt, observeEnded, observeReceived, startClock } from './clock.ts';
import { addClock, type Draft } from './draft.ts';

/** Of how many earlier boots a twin keeps the clock, to time reports that are still to come. */
export const OLDER_CLOCKS_MAX = 4;

/** The clock of the newest report's boot, begun or tightened; that of the boot before is kept for late reports. */
export function clockOfNews(draft: Draft, report: Report, receivedAt: number): BootClock {
  const { twin, kind } = draft;
  const known = twin.clock;
  const { boot, up } = report;
  let clock: BootClock;
  if (known?.boot === boot) {
    clock = observeReceived(known, { up, receivedAt }, kind.limits.driftPpm);
    if (clock === known) return clock;
  } else {
    if (known !== null) {
      addClock(draft, known);
      twin.olderClocks = [known, ...twin.olderClocks.slice(0, OLDER_CLOCKS_MAX - 1)];
    }
    clock = startClock({ incarnation: twin.incarnation, boot, up, receivedAt });
  }
  boundEarlierBoots(draft, clock);
  return clock;
}

/** The clock of a late report's boot. */
export function clockOfLate(draft: Draft, report: Report, receivedAt: number): BootClock {
  const { twin } = draft;
  if (twin.clock?.boot === report.boot) return twin.clock;
  const clocks = twin.clock === null ? twin.olderClocks : [twin.clock, ...twin.olderClocks];
  const known = twin.olderClocks.find(({ boot }) => boot === report.boot) ?? null;
  const clock = clockAmong(draft, { report, receivedAt, incarnation: twin.incarnation, known, clocks });
  // Also when it is as it was: its row went with the last report of the boot, and here is another one.
  addClock(draft, clock);
  if (clock === known) return clock;
  const others = twin.olderClocks.filter(({ boot }) => boot !== report.boot);
  twin.olderClocks = [...others, clock].sort((a, b) => b.boot - a.boot).slice(0, OLDER_CLOCKS_MAX);
  if (twin.clock !== null) boundEarlierBoots(draft, twin.clock);
  return clock;
}

/** A boot had ended when the next one began: what bounds a boot bounds all those before it. */
function boundEarlierBoots(draft: Draft, clock: BootClock): void {
  const { twin, kind } = draft;
  if (twin.olderClocks.length === 0) return;
  const { driftPpm } = kind.limits;
  let next = clock;
  const bounded = twin.olderClocks.map((known) => {
    const ended = { up: known.latest.up, endedAt: latestAt(next, 0, driftPpm) };
    const better = observeEnded(known, ended, driftPpm);
    if (better !== known) addClock(draft, better);
    next = better;
    return better;
  });
  if (bounded.some((better, index) => better !== twin.olderClocks[index])) twin.olderClocks = bounded;
}

/** The clock of a report of the incarnation before the present one, whose last boot's clock is `ended`. */
export function clockOfFormer(
  draft: Draft,
  ended: BootClock,
  heard: { readonly report: Report; readonly receivedAt: number },
): BootClock {
  const { report, receivedAt } = heard;
  const known = report.boot === ended.boot ? ended : null;
  const { incarnation } = ended;
  const clock = clockAmong(draft, { report, receivedAt, incarnation, known, clocks: [ended] });
  if (clock !== known) addClock(draft, clock);
  return clock;
}

/** A boot that was not heard live is bounded by the start of the next one that was: it had ended by then. */
function clockAmong(
  { kind }: Draft,
  heard: {
    readonly report: Report;
    readonly receivedAt: number;
    readonly incarnation: number;
    readonly known: BootClock | null;
    /** Newest first. */
    readonly clocks: readonly BootClock[];
  },
): BootClock {
  const { report, receivedAt, incarnation, known, clocks } = heard;
  const { driftPpm } = kind.limits;
  const next = clocks.filter(({ boot }) => boot > report.boot).at(-1);
  const { boot, up } = report;
  const endedAt = next === undefined ? receivedAt : Math.min(receivedAt, latestAt(next, 0, driftPpm));
  if (known === null) return startClock({ incarnation, boot, up, receivedAt: endedAt });
  return observeEnded(observeReceived(known, { up, receivedAt }, driftPpm), { up, endedAt }, driftPpm);
}

/** Files a report. */
export function fileReport(
  draft: Draft,
  heard: {
    readonly report: Report;
    readonly receivedAt: number;
    readonly clock: BootClock;
    readonly fate: 'news' | 'late';
  },
): void {
  const { report, receivedAt, clock, fate } = heard;
  const { at, errorMs } = measuredAt(clock, report.up, draft.kind.limits.driftPpm);
  draft.filed = {
    device: draft.twin.device,
    incarnation: clock.incarnation,
    report,
    receivedAt,
    measuredAt: at,
    errorMs,
    fate,
  };
}
