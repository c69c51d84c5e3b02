/**
 * Files reports in history under the time they were measured, by the clock of their boot, or of the segment of it that they are of:
 * that of the present one, of one before it, or of the incarnation before this one.
 */
import type { Report } from '../machines/report.ts';
import {
  beganAfter,
  type Bounded,
  boundedBy,
  endedBefore,
  fallAt,
  isTooEarly,
  remembered,
  segmentIn,
  type Split,
  splitAtFall,
  splitAtLeap,
  withEnd,
  withHole,
  withLate,
} from './boot-order.ts';
import {
  begunBy,
  type BootClock,
  endSegment,
  goesOn,
  measuredAt,
  nextSegment,
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
export function clockOfLatest(draft: Draft, report: Report, receivedAt: number): BootClock {
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
  const { newest } = twin;
  const { seq, up } = report;
  const { driftPpm } = kind.limits;
  const observed = { seq, up, receivedAt };
  const broken = brokenBefore(draft, report, receivedAt);
  let clock: BootClock;
  if (broken === null) {
    clock = observeReceived(known, { seq, up, receivedAt, lastUp: newest?.up ?? 0 }, driftPpm);
    if (clock.latest !== known.latest && !isAfterEarlierBoots(draft, clock, known.latest.at))
      clock = nextSegment(known, observed, observed);
  } else {
    const { resumed, unbroken } = resume(broken, observed, known.crossings);
    addClock(draft, unbroken);
    twin.olderClocks = twin.olderClocks.map((older) => (older === broken ? unbroken : older));
    clock = resumed;
  }
  if (newest !== null && seq > newest.seq + 1 && clock.fromSeq === known.fromSeq)
    clock = withHole(clock, newest);
  takeClock(draft, clock, receivedAt);
  return clock;
}

function clockOfNewBoot(draft: Draft, known: BootClock | null, { report, receivedAt }: Came): BootClock {
  const { incarnation, newest } = draft.twin;
  const { boot, seq, up } = report;
  if (known !== null) {
    const ended = newest === null ? known : withEnd(known, newest);
    addClock(draft, ended);
    remember(draft, ended);
  }
  const countsFromElsewhere = known !== null && known.fromSeq === 0 && known.beganUp > 0;
  const clock = startClock({ incarnation, boot, seq, up, receivedAt, countsFromElsewhere });
  if (isAfterEarlierBoots(draft, clock, receivedAt)) return clock;
  // Its uptime did not begin with it, or has leapt since.
  const begun = { ...clock, beganUp: up, crossings: 1 };
  draft.crossed = begun;
  return begun;
}

/**
 * Whether the boots before had ended when this one began. Where they say by their pace alone that they had not, they are broken; `at`: by then
 * this one was heard.
 */
function isAfterEarlierBoots(draft: Draft, clock: BootClock, at: number): boolean {
  const { twin, kind } = draft;
  const { driftPpm } = kind.limits;
  if (twin.olderClocks.length === 0) return true;
  if (!isTooEarly(clock, beganAfter(twin.olderClocks, clock.boot, driftPpm), driftPpm)) return true;
  const endedBy = begunBy(clock, driftPpm);
  twin.olderClocks = twin.olderClocks.map((earlier) => {
    const ended = earlier.boot === clock.boot ? earlier : endedBefore(earlier, { endedBy, at }, driftPpm);
    if (ended !== earlier) addClock(draft, ended);
    return ended;
  });
  return false;
}

/** The clock that a newest report has led to. Where that is another segment, the one before has ended, and is kept. */
export function takeClock(draft: Draft, clock: BootClock, receivedAt: number): void {
  const { twin } = draft;
  const known = twin.clock;
  twin.clock = clock;
  if (known === null || clock === known) return;
  if (clock.crossings > known.crossings) draft.crossed = clock;
  if (clock.fromSeq === known.fromSeq) return;
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

function remember({ twin, kind }: Draft, clock: BootClock): void {
  const { driftPpm } = kind.limits;
  twin.olderClocks = remembered([clock, ...twin.olderClocks], OLDER_CLOCKS_MAX, driftPpm);
}

/** The clock of a late report's boot. */
export function clockOfLate(draft: Draft, report: Report, receivedAt: number): BootClock {
  const { twin } = draft;
  const known = timedBy(twin, report);
  if (twin.clock !== null && known === twin.clock)
    return clockOfPresentBoot(draft, known, { report, receivedAt });
  const clocks = twin.clock === null ? twin.olderClocks : [twin.clock, ...twin.olderClocks];
  const { incarnation } = twin;
  const heard = { report, receivedAt, incarnation, known, clocks };
  const fall = known === null ? null : fallAt(known, report);
  if (known !== null && fall !== null) return clockOfFall(draft, known, { ...heard, seq: fall });
  const bounded = clockAmong(draft, heard);
  // Its segment was forgotten, and is kept: nothing takes its place.
  if (known === null && clocks.some(({ boot }) => boot === report.boot)) return bounded;
  const clock = withLate(bounded, report, twin.clock?.boot !== report.boot);
  // Also when it is as it was: its row went with the last report of the boot, and here is another one.
  addClock(draft, clock);
  replaceOlder(draft, known, [clock]);
  return clock;
}

/** A late report of the present boot, and of its present segment. */
function clockOfPresentBoot(draft: Draft, known: BootClock, { report, receivedAt }: Came): BootClock {
  const { twin, kind } = draft;
  const { driftPpm } = kind.limits;
  const { seq, up } = report;
  const { newest } = twin;
  const after = known.fromSeq > 0 ? -Infinity : beganAfter(twin.olderClocks, known.boot, driftPpm);
  const fall = fallAt(known, report);
  let split: Split | null = null;
  if (fall !== null && newest !== null)
    split = splitAtFall(known, { seq: fall, late: report, soonest: newest, at: receivedAt });
  else if (isTooEarly(known, after, driftPpm, up)) split = splitAtLeap(known, { seq, up, receivedAt }, after);
  if (split === null) {
    const clock = withLate(withBeginning(known, report), report, false);
    twin.clock = clock;
    if (clock.beganUp !== known.beganUp) boundEarlierBoots(draft, clock);
    return clock;
  }
  const { before, from } = split;
  twin.clock = from;
  draft.crossed = from;
  addClock(draft, before);
  remember(draft, before);
  return segmentIn(split, report);
}

/** A late report of an ended boot or segment, between which and another one uptime fell: from number `seq` on there is another segment. */
function clockOfFall(draft: Draft, known: BootClock, heard: Among & { readonly seq: number }): BootClock {
  const { report, seq } = heard;
  const at = noLaterThan(draft, heard);
  const soonest = { up: report.up, receivedAt: at };
  const split = splitAtFall(known, { seq, late: report, soonest, at });
  const from = { ...split.from, brokenAt: split.from.brokenAt ?? at };
  draft.crossed = from;
  addClock(draft, split.before);
  addClock(draft, from);
  replaceOlder(draft, known, [from, split.before]);
  return segmentIn({ ...split, from }, report);
}

/** In place of the older clock that was `known` there are others, and what follows from them of the boots before. */
function replaceOlder(draft: Draft, known: BootClock | null, by: readonly BootClock[]): void {
  const { twin, kind } = draft;
  const others = twin.olderClocks.filter((older) => older !== known);
  const inOrder = [...others, ...by].sort((a, b) => b.boot - a.boot || b.fromSeq - a.fromSeq);
  twin.olderClocks = remembered(inOrder, OLDER_CLOCKS_MAX, kind.limits.driftPpm);
  if (twin.clock !== null) boundEarlierBoots(draft, twin.clock);
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
  const { olderClocks } = twin;
  if (olderClocks.length === 0) return;
  const { driftPpm } = kind.limits;
  let next = clock;
  const bounded = olderClocks.map((known) => {
    const better = known.boot === next.boot ? known : boundedByNext(draft, known, begunBy(next, driftPpm));
    if (better !== known) addClock(draft, better);
    next = better;
    return better;
  });
  if (bounded.some((better, index) => better !== olderClocks[index])) twin.olderClocks = bounded;
}

function boundedByNext(draft: Draft, known: BootClock, at: number): BootClock {
  const { driftPpm } = draft.kind.limits;
  if (known.brokenAt !== null) return known;
  const after = beganAfter(draft.twin.olderClocks, known.boot, driftPpm);
  return bounded(draft, boundedBy(known, { up: known.latest.up, at, after }, driftPpm));
}

function bounded(draft: Draft, { clock, isCrossed }: Bounded): BootClock {
  if (isCrossed) draft.crossed = clock;
  return clock;
}

/** The clock of a report of the incarnation before the present one, whose last boot's clock is `ended`. */
export function clockOfPrevious(draft: Draft, ended: BootClock, { report, receivedAt }: Came): BootClock {
  const known = report.boot === ended.boot ? ended : null;
  // It is of a segment before that one, and that is kept as it was.
  if (known !== null && report.seq < known.fromSeq) return known;
  const { incarnation } = ended;
  const fall = known === null ? null : fallAt(known, report);
  if (known !== null && fall !== null) {
    const soonest = { up: report.up, receivedAt };
    const split = splitAtFall(known, { seq: fall, late: report, soonest, at: receivedAt });
    draft.crossed = split.from;
    addClock(draft, split.before);
    addClock(draft, split.from);
    return segmentIn(split, report);
  }
  const clock = clockAmong(draft, { report, receivedAt, incarnation, known, clocks: [ended] });
  if (clock !== known) addClock(draft, clock);
  return withLate(clock, report, true);
}

/** A late report among the clocks that are known. */
interface Among extends Came {
  readonly incarnation: number;
  readonly known: BootClock | null;
  /** Newest first. */
  readonly clocks: readonly BootClock[];
}

/** A boot that was not heard live is bounded by the start of the next one that was: it had ended by then. */
function clockAmong(draft: Draft, heard: Among): BootClock {
  const { report, incarnation, known, clocks } = heard;
  const { driftPpm } = draft.kind.limits;
  const { boot, seq, up } = report;
  const at = noLaterThan(draft, heard);
  if (known === null) return startClock({ incarnation, boot, seq, up, receivedAt: at });
  const after = beganAfter(clocks, boot, driftPpm);
  return bounded(draft, boundedBy(withBeginning(known, report), { up, at, after }, driftPpm));
}

/** A late report was measured before it came, and before the next boot had begun. */
function noLaterThan({ kind }: Draft, { report, receivedAt, clocks }: Among): number {
  const next = clocks.filter(({ boot }) => boot > report.boot).at(-1);
  return next === undefined ? receivedAt : Math.min(receivedAt, begunBy(next, kind.limits.driftPpm));
}

/** Files a report. */
export function fileReport(
  draft: Draft,
  heard: {
    readonly report: Report;
    readonly receivedAt: number;
    readonly clock: BootClock;
    readonly disposition: 'latest' | 'late';
  },
): void {
  const { report, receivedAt, clock, disposition } = heard;
  const { at, errorMs } = measuredAt(clock, { up: report.up, receivedAt }, draft.kind.limits.driftPpm);
  draft.filed = {
    device: draft.twin.device,
    incarnation: clock.incarnation,
    report,
    receivedAt,
    measuredAt: at,
    errorMs,
    disposition,
  };
}
