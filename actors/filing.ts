/**
 * Files reports in history under the time they were measured, by the clock of their boot, or of the segment of it that they are of:
 * that of the present one, of one before it, or of the incarnation before this one.
 */
import type { Report } from '../machines/report.ts';
import {
  begunBy,
  type BootClock,
  endSegment,
  goesOn,
  measuredAt,
  observeNoLater,
  observeReceived,
  resume,
  startClock,
  withBeginning,
} from './clock.ts';
import { addClock, type Draft } from './draft.ts';
import type { Twin } from './twin.ts';

/** Of how many earlier boots and segments a twin keeps the clock, to time reports that are still to come. */
export const OLDER_CLOCKS_MAX = 4;

/** The clock of the newest report's boot, begun or tightened; that of the boot before is kept for late reports. */
export function clockOfNews(draft: Draft, report: Report, receivedAt: number): BootClock {
  const known = draft.twin.clock;
  const clock =
    known?.boot === report.boot
      ? clockGoingOn(draft, known, { report, receivedAt })
      : clockOfNewBoot(draft, known, { report, receivedAt });
  if (clock !== known) boundEarlierBoots(draft, clock);
  return clock;
}

/** A report as it came. */
interface Came {
  readonly report: Report;
  readonly receivedAt: number;
}

function clockGoingOn(draft: Draft, known: BootClock, { report, receivedAt }: Came): BootClock {
  const { twin, kind } = draft;
  const { seq, up } = report;
  const observed = { seq, up, receivedAt };
  const broken = brokenBefore(draft, report, receivedAt);
  let clock: BootClock;
  if (broken === null) {
    const lastUp = twin.newest?.up ?? 0;
    clock = observeReceived(known, { seq, up, receivedAt, lastUp }, kind.limits.driftPpm);
  } else {
    const { resumed, unbroken } = resume(broken, observed, known.crossings);
    addClock(draft, unbroken);
    twin.olderClocks = twin.olderClocks.map((older) => (older === broken ? unbroken : older));
    clock = resumed;
  }
  takeClock(draft, clock, receivedAt);
  return clock;
}

function clockOfNewBoot(draft: Draft, known: BootClock | null, { report, receivedAt }: Came): BootClock {
  const { incarnation } = draft.twin;
  const { boot, seq, up } = report;
  if (known !== null) {
    addClock(draft, known);
    remember(draft, known);
  }
  const countsFromElsewhere = known !== null && known.fromSeq === 0 && known.beganUp > 0;
  return startClock({ incarnation, boot, seq, up, receivedAt, countsFromElsewhere });
}

/** The clock that a newest report has led to. Where that is another segment, the one before has ended, and is kept. */
export function takeClock(draft: Draft, clock: BootClock, receivedAt: number): void {
  const { twin } = draft;
  const known = twin.clock;
  twin.clock = clock;
  if (known === null || clock === known || clock.fromSeq === known.fromSeq) return;
  const ended = endSegment(known, { seq: clock.fromSeq, receivedAt });
  addClock(draft, ended);
  remember(draft, ended);
}

/**
 * The segment before the present one, if the report goes on with it, though its uptime is far below the newest one: the uptimes since
 * then were of another sort.
 */
export function brokenBefore(
  { twin, kind }: Pick<Draft, 'twin' | 'kind'>,
  report: Report,
  receivedAt: number,
): BootClock | null {
  const { clock, newest, olderClocks } = twin;
  if (clock === null || newest === null || clock.fromSeq === 0 || clock.boot !== report.boot) return null;
  const [before] = olderClocks;
  if (before?.boot !== clock.boot || before.brokenAt === null || report.up >= newest.up) return null;
  return goesOn(before, { up: report.up, receivedAt }, kind.limits.driftPpm) ? before : null;
}

function remember({ twin }: Draft, clock: BootClock): void {
  twin.olderClocks = [clock, ...twin.olderClocks.slice(0, OLDER_CLOCKS_MAX - 1)];
}

/** The clock of a late report's boot. */
export function clockOfLate(draft: Draft, report: Report, receivedAt: number): BootClock {
  const { twin } = draft;
  const known = timedBy(twin, report);
  if (twin.clock !== null && known === twin.clock) {
    const clock = withBeginning(twin.clock, report);
    if (clock !== known) {
      twin.clock = clock;
      boundEarlierBoots(draft, clock);
    }
    return clock;
  }
  const clocks = twin.clock === null ? twin.olderClocks : [twin.clock, ...twin.olderClocks];
  const { incarnation } = twin;
  const clock = clockAmong(draft, { report, receivedAt, incarnation, known, clocks });
  // Its segment was forgotten, and is kept: nothing takes its place.
  if (known === null && clocks.some(({ boot }) => boot === report.boot)) return clock;
  // Also when it is as it was: its row went with the last report of the boot, and here is another one.
  addClock(draft, clock);
  if (clock === known) return clock;
  const others = twin.olderClocks.filter((older) => older !== known);
  twin.olderClocks = [...others, clock]
    .sort((a, b) => b.boot - a.boot || b.fromSeq - a.fromSeq)
    .slice(0, OLDER_CLOCKS_MAX);
  if (twin.clock !== null) boundEarlierBoots(draft, twin.clock);
  return clock;
}

/** The clock that times the report, as far as it is remembered. */
function timedBy(
  { clock, olderClocks }: Pick<Twin, 'clock' | 'olderClocks'>,
  { boot, seq }: Report,
): BootClock | null {
  if (clock !== null && clock.boot === boot && seq >= clock.fromSeq) return clock;
  return olderClocks.find((older) => older.boot === boot && seq >= older.fromSeq) ?? null;
}

/** A boot had ended when the next one began: what bounds a boot bounds all those before it. */
function boundEarlierBoots(draft: Draft, clock: BootClock): void {
  const { twin, kind } = draft;
  if (twin.olderClocks.length === 0) return;
  const { driftPpm } = kind.limits;
  let next = clock;
  const bounded = twin.olderClocks.map((known) => {
    const better =
      known.boot === next.boot
        ? known
        : observeNoLater(known, { up: known.latest.up, at: begunBy(next, driftPpm) }, driftPpm);
    if (better !== known) addClock(draft, better);
    next = better;
    return better;
  });
  if (bounded.some((better, index) => better !== twin.olderClocks[index])) twin.olderClocks = bounded;
}

/** The clock of a report of the incarnation before the present one, whose last boot's clock is `ended`. */
export function clockOfFormer(draft: Draft, ended: BootClock, { report, receivedAt }: Came): BootClock {
  const known = report.boot === ended.boot ? ended : null;
  // It is of a segment before that one, and that is kept as it was.
  if (known !== null && report.seq < known.fromSeq) return known;
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
  const { boot, seq, up } = report;
  const at = next === undefined ? receivedAt : Math.min(receivedAt, begunBy(next, driftPpm));
  if (known === null) return startClock({ incarnation, boot, seq, up, receivedAt: at });
  return observeNoLater(withBeginning(known, report), { up, at }, driftPpm);
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
  const { at, errorMs } = measuredAt(clock, { up: report.up, receivedAt }, draft.kind.limits.driftPpm);
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
