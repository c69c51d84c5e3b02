/**
 * A second device under one name that keeps no ring: no probe tells it from a buffer that is emptied. What it says looks older than the
 * newest report, or leaps above it, while whoever sent that one goes on. Only time tells, as one device has one boot at a time:
 * - what a buffer held was measured before the newer boot had begun, and comes in other intervals than it was measured in;
 * - who is alive keeps pace: its reports come as far apart as they were measured, and by the clock of their boot after the newer one began.
 *
 * Whoever keeps pace so for as long as the kind allows silence is taken for a second device. One is followed at a time, the first that does.
 */
import type { Report } from '../machines/report.ts';
import { begunBy, latestAt } from './clock.ts';
import type { Draft } from './draft.ts';
import { ARRIVAL_JITTER_MS } from './leap.ts';
import { type Identity, type NewestReport, type OlderRun, UNDOUBTED } from './twin.ts';

/** A report that does not become the newest. */
interface Heard {
  readonly report: Report;
  readonly receivedAt: number;
  readonly newest: NewestReport;
}

/** Follows what goes on beside the newest report. True when that shows a second device, or one that was shown is heard again. */
export function followSecond(draft: Draft, heard: Heard): boolean {
  const { twin, kind } = draft;
  const { report, receivedAt } = heard;
  // Who keeps a ring is asked; what a source says again is a finding about the source.
  if (report.commands !== undefined || report.via !== undefined) return false;
  if (!isBesideNewest(draft, heard)) return false;
  const { boot, seq, up } = report;
  const identity = twin.identity ?? UNDOUBTED;
  const known = identity.second;
  if (known?.boot === boot && known.seq === seq && known.up === up) return false;
  const isKnownHeard = known !== null && !isOver(known, receivedAt, kind.limits.silenceMs);
  const isShown = isKnownHeard && identity.rivalAt !== null;
  if (isKnownHeard && (known.boot !== boot || seq <= known.seq)) return isShown;
  const goesOn = isKnownHeard && keepsPace(draft, known, report, receivedAt);
  const since = goesOn ? { since: known.since, sinceUp: known.sinceUp } : { since: receivedAt, sinceUp: up };
  twin.identity = { ...identity, second: { boot, seq, up, ...since } };
  return isShown || receivedAt - since.since >= kind.limits.silenceMs;
}

/** What was followed, as long as it is not over. */
export function secondStill(
  { second }: Identity,
  receivedAt: number,
  limits: { readonly silenceMs: number },
): OlderRun | null {
  return second === null || isOver(second, receivedAt, limits.silenceMs) ? null : second;
}

/** For as long as the kind allows silence nothing was heard of it: it kept pace, so that its uptime says when it was heard last. */
function isOver({ since, sinceUp, up }: OlderRun, receivedAt: number, silenceMs: number): boolean {
  return receivedAt - (since + up - sinceUp) > silenceMs + ARRIVAL_JITTER_MS;
}

/** It came as much later than the first that was followed as it was measured later, neither sooner nor later than that. */
function keepsPace({ kind }: Draft, known: OlderRun, { up }: Report, receivedAt: number): boolean {
  const passedMs = receivedAt - known.since;
  const driftMs = passedMs * kind.limits.driftPpm * 1e-6;
  return Math.abs(up - known.sinceUp - passedMs) <= ARRIVAL_JITTER_MS + driftMs;
}

/**
 * By what is known of clocks it was not measured before the newest report's boot had begun, as a buffer was. In that boot itself, nearly
 * all that is told twice is a copy: one that comes later than knowledge stays fresh is of a second device that counts alike.
 */
function isBesideNewest({ twin, kind }: Draft, { report, receivedAt, newest }: Heard): boolean {
  const { clock, olderClocks } = twin;
  if (clock === null) return false;
  const { driftPpm, freshMs } = kind.limits;
  if (report.boot === newest.boot) return receivedAt - latestAt(clock, report.up, driftPpm) > freshMs;
  const own = olderClocks.find(({ boot }) => boot === report.boot);
  if (report.boot > newest.boot || own === undefined) return true;
  return latestAt(own, report.up, driftPpm) > begunBy(clock, driftPpm);
}
