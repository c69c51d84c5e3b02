/**
 * Hears a report: orders it by (boot, seq), drops it if it was heard before, files it, and lets only a newer one than all
 * others move the known state (design, section 4).
 */
import { comparePositions, type Report } from '../machines/report.ts';
import {
  type BootClock,
  earliestAt,
  latestAt,
  measuredAt,
  observeAnswer,
  observeReceived,
  startClock,
} from './clock.ts';
import type { Cause, Input } from './decision.ts';
import { addClock, type Draft } from './draft.ts';
import { decideWaiting } from './guard.ts';
import { updateHold } from './holds.ts';
import { commandInFlight } from './legality.ts';
import { closeAsUnprovable, resolveByReport } from './resolve.ts';
import { sendProbe } from './send.ts';
import { addPosition, EMPTY_SEQUENCE } from './sequence.ts';
import { journal, settleHeard } from './settle.ts';
import { clearIdentity, reviewCommands, reviewReport, suspectIdentity } from './suspicions.ts';

/** Of how many earlier boots a twin keeps the clock, to time reports that are still to come. */
export const OLDER_CLOCKS_MAX = 4;

/** A device that does not answer is not asked again sooner than this, ms. */
export const PROBE_INTERVAL_MS = 60_000;

/** A report as it came. */
type Heard = Extract<Input, { type: 'report' }>;

/** Decides on a report that the hub's stream stored at `receivedAt`. */
export function hearReport(draft: Draft, heard: Heard): void {
  const { twin } = draft;
  const { report, receivedAt } = heard;
  twin.lastContactAt = Math.max(twin.lastContactAt ?? receivedAt, receivedAt);
  const isNews = twin.newest === null || comparePositions(report, twin.newest) > 0;
  if (!isNews && provesNewIncarnation(draft, report)) {
    beginIncarnation(draft, report);
    hearNews(draft, heard);
    return;
  }
  const sequence = addPosition(twin.sequence, report.boot, report.seq);
  if (sequence === null) {
    hearAgain(draft, report);
  } else {
    twin.sequence = sequence;
    if (isNews) hearNews(draft, heard);
    else hearLate(draft, report, receivedAt);
  }
}

function causeOf(report: Report): Cause {
  return {
    type: 'report',
    detail: `report ${String(report.boot)}/${String(report.seq)} says ${report.state}`,
  };
}

/** The newest report: the known state follows it. */
function hearNews(draft: Draft, { report, receivedAt, encoding }: Heard): void {
  const { twin } = draft;
  const previous = twin.newest?.report ?? null;
  draft.fate = 'news';
  const clock = clockFor(draft, report, receivedAt);
  if (clock !== twin.clock) {
    twin.clock = clock;
    boundEarlierBoots(draft, clock);
  }
  twin.newest = {
    boot: report.boot,
    seq: report.seq,
    up: report.up,
    receivedAt,
    at: report.at ?? null,
    encoding,
    report,
  };
  const isProbeAnswered = hearAnswers(draft, report, receivedAt);
  file(draft, report, receivedAt, twin.clock);
  updateHold(draft, report);
  resolveByReport(draft, report);
  if (isProbeAnswered) clearIdentity(draft);
  reviewReport(draft, report, previous);
  settleHeard(draft, causeOf(report));
  if (isProbeAnswered) decideWaiting(draft);
  probeIfUnbounded(draft);
}

/** An older report that was not heard before: it fills history, and may still prove what became of a command. */
function hearLate(draft: Draft, report: Report, receivedAt: number): void {
  const { twin } = draft;
  draft.fate = 'late';
  twin.sequence = { ...twin.sequence, late: twin.sequence.late + 1 };
  file(draft, report, receivedAt, lateClock(draft, report, receivedAt));
  const openBefore = twin.open;
  resolveByReport(draft, report);
  if (twin.open !== openBefore) reviewCommands(draft);
  settleContact(draft, report);
  if (report.boot !== twin.clock?.boot) probe(draft);
}

/** A report heard before: counted, and otherwise only a sign of life, unless its content differs. */
function hearAgain(draft: Draft, report: Report): void {
  const { twin } = draft;
  draft.fate = 'duplicate';
  twin.sequence = { ...twin.sequence, duplicates: twin.sequence.duplicates + 1 };
  const { newest } = twin;
  const isNewest = newest !== null && comparePositions(report, newest) === 0;
  if (isNewest && (report.up !== newest.up || report.state !== newest.report.state)) {
    suspectIdentity(draft, `position ${String(report.boot)}/${String(report.seq)} came with two contents`);
    probe(draft);
  } else if (newest !== null && report.boot < newest.boot) {
    probe(draft);
  }
  settleContact(draft, report);
}

/** A sign of life ends `offline`, and what was proved may end a suspicion; the state is still the newest report's. */
function settleContact(draft: Draft, report: Report): void {
  const { twin, before } = draft;
  if (!before.path.startsWith('offline') && twin.suspicions === before.suspicions) return;
  const position = `${String(report.boot)}/${String(report.seq)}`;
  settleHeard(draft, {
    type: 'report',
    detail: `report ${position} is a sign of life; the newest report still counts`,
  });
}

/**
 * A report that looks old, and answers a probe that was sent after the newest report had been received: who is alive now
 * counts its boots from anew (storage wiped or swapped).
 */
function provesNewIncarnation({ twin, context }: Draft, report: Report): boolean {
  const { probe: asked, newest } = twin;
  if (asked === null || newest === null) return false;
  if (asked.sentAt - context.serverErrorMs <= newest.receivedAt) return false;
  return report.commands?.some(({ n }) => n === asked.n) ?? false;
}

function beginIncarnation(draft: Draft, report: Report): void {
  const { twin } = draft;
  const position = `${String(report.boot)}/${String(report.seq)}`;
  const detail = `report ${position} answers a probe sent after the newest report: the device counts its boots anew`;
  closeAsUnprovable(draft, detail);
  if (twin.clock !== null) addClock(draft, twin.clock);
  twin.incarnation += 1;
  const { closedMissing, late, duplicates } = twin.sequence;
  const fresh = addPosition(EMPTY_SEQUENCE, report.boot, report.seq) ?? EMPTY_SEQUENCE;
  twin.sequence = { ...fresh, closedMissing, late, duplicates };
  twin.clock = null;
  twin.olderClocks = [];
  twin.hold = null;
  twin.newest = null;
  journal(draft, { type: 'report', detail });
}

/** The clock of the report's boot, begun or tightened; that of the boot before is kept for late reports. */
function clockFor(draft: Draft, report: Report, receivedAt: number): BootClock {
  const { twin, kind } = draft;
  const known = twin.clock;
  if (known?.boot === report.boot)
    return observeReceived(known, { up: report.up, receivedAt }, kind.limits.driftPpm);
  if (known !== null) {
    addClock(draft, known);
    twin.olderClocks = [known, ...twin.olderClocks.slice(0, OLDER_CLOCKS_MAX - 1)];
  }
  return startClock({ incarnation: twin.incarnation, boot: report.boot, up: report.up, receivedAt });
}

/** Takes the first naming of a command number for the answer it is: measured after the command was sent. */
function hearAnswers(draft: Draft, report: Report, receivedAt: number): boolean {
  const { twin, context, kind } = draft;
  const { probe: asked } = twin;
  let sentAt = -Infinity;
  let isProbeAnswered = false;
  for (const { n } of report.commands ?? []) {
    if (asked?.n === n && asked.waitsUntil !== null) {
      isProbeAnswered = true;
      twin.probe = { ...asked, waitsUntil: null };
      sentAt = Math.max(sentAt, asked.sentAt);
    }
    const entry = twin.open.find((open) => open.n === n);
    if (entry !== undefined) sentAt = Math.max(sentAt, entry.acceptedAt);
  }
  if (sentAt > -Infinity && twin.clock !== null) {
    const observed = { up: report.up, sentAt: sentAt - context.serverErrorMs, receivedAt };
    twin.clock = observeAnswer(twin.clock, observed, kind.limits.driftPpm);
  }
  return isProbeAnswered;
}

/**
 * The clock of a late report's boot. A boot that was never heard live is bounded by the start of the next one that was: it
 * had ended by then.
 */
function lateClock(draft: Draft, report: Report, receivedAt: number): BootClock {
  const { twin, kind } = draft;
  const { driftPpm } = kind.limits;
  if (twin.clock !== null && twin.clock.boot === report.boot) return twin.clock;
  const clocks = twin.clock === null ? twin.olderClocks : [twin.clock, ...twin.olderClocks];
  const next = clocks.filter(({ boot }) => boot > report.boot).at(-1);
  const endedBy = next === undefined ? receivedAt : Math.min(receivedAt, latestAt(next, 0, driftPpm));
  const known = twin.olderClocks.find(({ boot }) => boot === report.boot);
  const observed = { up: report.up, receivedAt: endedBy };
  const clock =
    known === undefined
      ? startClock({ incarnation: twin.incarnation, boot: report.boot, ...observed })
      : observeReceived(known, observed, driftPpm);
  if (clock === known) return clock;
  addClock(draft, clock);
  const others = twin.olderClocks.filter(({ boot }) => boot !== report.boot);
  twin.olderClocks = [...others, clock].sort((a, b) => b.boot - a.boot).slice(0, OLDER_CLOCKS_MAX);
  if (twin.clock !== null) boundEarlierBoots(draft, twin.clock);
  return clock;
}

/** A boot had ended when the next one began: what bounds a boot bounds all those before it. */
function boundEarlierBoots(draft: Draft, clock: BootClock): void {
  const { twin, kind } = draft;
  const { driftPpm } = kind.limits;
  let next = clock;
  const bounded = twin.olderClocks.map((known) => {
    const ended = { up: known.latest.up, receivedAt: latestAt(next, 0, driftPpm) };
    const better = observeReceived(known, ended, driftPpm);
    if (better !== known) addClock(draft, better);
    next = better;
    return better;
  });
  if (bounded.some((better, index) => better !== twin.olderClocks[index])) twin.olderClocks = bounded;
}

function file(draft: Draft, report: Report, receivedAt: number, clock: BootClock): void {
  const { twin, kind, fate } = draft;
  const measured = measuredAt(clock, report.up, kind.limits.driftPpm);
  draft.filed = {
    ...{ device: twin.device, incarnation: twin.incarnation, report, receivedAt },
    ...{ measuredAt: measured.at, errorMs: measured.errorMs, fate: fate === 'news' ? 'news' : 'late' },
  };
}

/** Makes the round trip that bounds the age of what is known, where none does or drift has worn it out. */
function probeIfUnbounded(draft: Draft): void {
  const { twin, kind } = draft;
  if (twin.clock === null || twin.newest === null) return;
  const { driftPpm, freshMs } = kind.limits;
  const earliest = earliestAt(twin.clock, twin.newest.up, driftPpm);
  if (earliest === null || latestAt(twin.clock, twin.newest.up, driftPpm) - earliest > freshMs / 2)
    probe(draft);
}

/** Probes, unless one was sent lately, a command is in flight, or the node is still catching up with the stream. */
function probe(draft: Draft): void {
  const { twin, context } = draft;
  if (context.hearingSince === null || commandInFlight(twin) !== null) return;
  if (twin.probe !== null && context.now < twin.probe.sentAt + PROBE_INTERVAL_MS) return;
  sendProbe(draft);
}
