/**
 * The twin's own command `report`: asked where a round trip is missing, where it is not clear who speaks, and where it is
 * not clear whether anything sent arrives. What names it proves how old the knowledge is, and who is alive.
 */
import type { Command } from '../machines/command.ts';
import { isRingWhole, type Report } from '../machines/report.ts';
import { earliestAt, latestAt, observeAnswer } from './clock.ts';
import type { Draft } from './draft.ts';
import { takeClock } from './filing.ts';
import { commandThatMayStart } from './legality.ts';
import { isUndecided } from './ledger.ts';
import { giveNumber } from './numbers.ts';
import { mayTellOf } from './proof.ts';
import { CLAIMED_N_MAX, isNamed } from './ring.ts';
import { sendToDevice } from './send.ts';
import type { Probe, Twin } from './twin.ts';

/** Of itself a twin does not ask again sooner than this, ms. */
export const PROBE_INTERVAL_MS = 60_000;

/** A device whose reports arrive, and which has ignored so many commands and probes in a row, is not responsive (case 28). */
export const UNRESPONSIVE_AFTER = 3;

/** False when reports of the device arrive, but the last commands got no response. */
export function isResponsive({ ignoredCommands }: Twin): boolean {
  return ignoredCommands < UNRESPONSIVE_AFTER;
}

/** Asks the device for a report, on the twin's own behalf. */
export function sendProbe(draft: Draft): Probe {
  const { twin, context, kind } = draft;
  const { now } = context;
  const n = giveNumber(draft);
  const waitsUntil = now + kind.limits.probeTimeoutMs;
  const probe: Probe = { n, sentAt: now, lastAskedAt: now, waitsUntil, status: 'unanswered' };
  twin.probe = probe;
  sendReport(draft, n);
  return probe;
}

function sendReport(draft: Draft, n: number): void {
  const { epoch } = draft.context;
  const command: Command = { n, epoch, id: `probe-${String(n)}`, name: 'report', args: {} };
  sendToDevice(draft, command);
}

/** Probes, unless one was sent lately, a command may still start, or the node is still catching up with the stream. */
export function probeSoon(draft: Draft): void {
  const { twin, context } = draft;
  if (context.hearingSince === null || commandThatMayStart(twin) !== null) return;
  if (twin.probe !== null && context.now < twin.probe.sentAt + PROBE_INTERVAL_MS) return;
  sendProbe(draft);
}

/**
 * When a twin asks next because nothing proves yet what became of a command: the answer does, and whoever waits for it should
 * not depend on when the device next speaks of itself. `Infinity` while nothing is unknown, or a command may still start.
 */
export function unknownProbeAt(twin: Twin): number {
  let dueAt = Infinity;
  for (const { outcome, notAfterUp, certainAt } of twin.open) {
    if (outcome === 'unknown' && notAfterUp !== null) dueAt = Math.min(dueAt, certainAt);
  }
  if (dueAt === Infinity || commandThatMayStart(twin) !== null) return Infinity;
  return twin.probe === null ? dueAt : Math.max(dueAt, twin.probe.lastAskedAt + PROBE_INTERVAL_MS);
}

/**
 * Asks what became of a command, if that is due. A probe that nobody has answered goes out again under its number: copies that
 * pile up on the way, and arrive together, must not push the very outcome that is asked for out of the device's ring.
 */
export function probeUnknownCommands(draft: Draft): void {
  const { twin, context } = draft;
  if (context.now < unknownProbeAt(twin)) return;
  if (twin.probe === null || twin.probe.status === 'answered') {
    sendProbe(draft);
    return;
  }
  twin.probe = { ...twin.probe, lastAskedAt: context.now };
  sendReport(draft, twin.probe.n);
}

/** Probes where the newest report leaves something open that a round trip settles. */
export function probeIfOpen(draft: Draft): void {
  const { twin } = draft;
  const isContested = twin.identity !== null && twin.identity.rivalAt !== null;
  if (isContested || twin.ignoredCommands > 0 || !isBounded(draft)) probeSoon(draft);
}

/**
 * False where no round trip bounds the age of the newest report, or drift has worn it out; or where the report came long after it was
 * measured, as its clock says: it waited in a buffer, or the clock stood still.
 */
function isBounded({ twin, kind }: Draft): boolean {
  const { clock, newest } = twin;
  if (clock === null || newest === null) return false;
  const { driftPpm, freshMs } = kind.limits;
  const earliest = earliestAt(clock, newest.up, driftPpm);
  const latest = latestAt(clock, newest.up, driftPpm);
  return earliest !== null && latest - earliest <= freshMs / 2 && newest.receivedAt - latest <= freshMs;
}

/**
 * Takes the first naming of a command number for the answer it is: measured after the command was sent. Returns whether
 * the report answers the probe. What is undecided stands in every report, and is no answer any more. An answer that was on its way for longer than knowledge stays fresh bounds nothing that
 * anybody wants to know.
 */
export function hearAnswers(draft: Draft, report: Report, receivedAt: number): boolean {
  const { twin, context, kind } = draft;
  const { probe } = twin;
  const ring = report.commands ?? [];
  const answered = probe !== null && probe.status !== 'answered' && isNamed(report, probe.n) ? probe : null;
  let sentAt = answered?.sentAt ?? -Infinity;
  for (const entry of twin.open) {
    if (isUndecided(entry)) continue;
    if (mayTellOf(entry, receivedAt, context) && ring.some(({ n }) => n === entry.n))
      sentAt = Math.max(sentAt, entry.acceptedAt);
  }
  if (answered !== null) twin.probe = { ...answered, waitsUntil: null, status: 'answered' };
  if (sentAt === -Infinity) {
    if (probe !== null && isRingWhole(report) && isMissed(draft, probe, receivedAt)) {
      twin.probe = { ...probe, status: 'missed' };
      twin.ignoredCommands += 1;
    }
    return false;
  }
  twin.ignoredCommands = 0;
  if (twin.clock !== null && receivedAt - sentAt <= kind.limits.freshMs) {
    const { seq, up } = report;
    const observed = { seq, up, sentAt: sentAt - context.serverErrorMs, receivedAt };
    takeClock(draft, observeAnswer(twin.clock, observed, kind.limits.driftPpm), receivedAt);
  }
  return answered !== null;
}

/**
 * A device numbers by what it has heard: where it remembers a higher number than this twin has given (from before the store
 * was lost, or from another Corral), it would refuse everything as `superseded` until the twin has caught up.
 */
export function takeNumbers({ twin }: Draft, report: Report): void {
  for (const { n } of report.commands ?? []) {
    if (n > twin.lastN && n <= CLAIMED_N_MAX) twin.lastN = n;
  }
}

/** The device was heard after the probe's time was up; by a ring that was read whole it does not name it. */
function isMissed({ kind }: Draft, probe: Probe, receivedAt: number): boolean {
  return probe.status === 'unanswered' && receivedAt > probe.sentAt + kind.limits.probeTimeoutMs;
}

/** The probe's time is up. Its answer may still come, but nobody is kept waiting for it. */
export function giveUpProbe({ twin, context }: Draft): boolean {
  const { probe } = twin;
  if (probe === null || context.now < (probe.waitsUntil ?? Infinity)) return false;
  twin.probe = { ...probe, waitsUntil: null };
  return true;
}
