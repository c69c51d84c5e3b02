/**
 * Reports that look older than the newest one, and yet go on as those of a device that is alive do: it was started without counting that
 * in `boot`, as one without storage is, or counts its boots from a lower number; or the newest report was never its own. Who keeps a ring
 * says which by answering a probe. Of who does not, only time tells:
 * - an old report from a buffer comes sooner after the one before than it was measured after it, and something newer comes with it;
 * - who is alive comes no sooner than that, and whoever sent the newest report falls silent, or there are two.
 *
 * Who starts again for each report, as one does that sleeps in between, goes on in a later boot, which began after the report before.
 */
import type { Report } from '../machines/report.ts';
import type { Draft } from './draft.ts';
import { hasAnswered } from './freshness.ts';
import { ARRIVAL_JITTER_MS, LEAP_MAX } from './leap.ts';
import { secondStill } from './second-device.ts';
import { type NewestReport, type OlderRun, type Twin, UNDOUBTED } from './twin.ts';

/** A report that looks older than the newest. */
interface Heard {
  readonly report: Report;
  readonly receivedAt: number;
  readonly newest: NewestReport;
}

/**
 * What is to be made of a report that looks older:
 * - `old`: nothing more than that;
 * - `doubtful`: it goes on as of a device that is alive. Of who keeps no ring this shows with the second report, of who keeps one after a
 *   silence in which nobody answered;
 * - `alive`: nobody could have answered, and nothing newer was heard for as long as the kind allows silence.
 */
export type OlderFinding = 'old' | 'doubtful' | 'alive';

/** Follows what looks older, report by report, and says what is to be made of it now. */
export function followOlder(draft: Draft, heard: Heard): OlderFinding {
  const { twin, kind } = draft;
  const { report, receivedAt, newest } = heard;
  const { boot, seq, up } = report;
  const identity = twin.identity ?? UNDOUBTED;
  const { run } = identity;
  const isCopy = run !== null && run.boot === boot && run.seq === seq && run.up === up;
  if (isCopy) return 'old';
  const goesOn = run !== null && isNext(draft, run, heard);
  const since = goesOn ? run.since : receivedAt;
  const sinceUp = goesOn && run.boot === boot ? run.sinceUp : up - (receivedAt - since);
  twin.identity = { ...identity, run: { boot, seq, up, since, sinceUp } };
  if (!goesOn || receivedAt - run.since < ARRIVAL_JITTER_MS) return 'old';
  const isSilent = receivedAt - newest.receivedAt >= kind.limits.silenceMs;
  // Of several boots a buffer comes as slowly, where few reports were made in each: nothing but the silence of the newest tells.
  if (sinceUp < 0 && !isSilent) return 'old';
  // Who names commands, or has named one, is asked: no silence proves what an answer can.
  if (report.commands !== undefined || hasAnswered(twin))
    return isSilent && isAnswerMissed(twin, newest) ? 'doubtful' : 'old';
  return isSilent ? 'alive' : 'doubtful';
}

/** Something newer was heard. */
export function endRun({ twin, kind }: Draft, receivedAt: number): void {
  const { identity } = twin;
  if (identity === null) return;
  const second = secondStill(identity, receivedAt, kind.limits);
  if (identity.run === null && second === identity.second) return;
  const isDoubted = identity.rivalAt !== null || identity.contestedN > 0 || second !== null;
  const isLeft = isDoubted || identity.uncertainBoots.length + identity.previousIncarnations.length > 0;
  twin.identity = isLeft ? { ...identity, run: null, second } : null;
}

/**
 * It goes on from the run as one device would, no faster than time passes, and nothing newer was heard since that began: in the same boot,
 * or in a later one that began after the last report of the run was measured.
 */
function isNext({ kind }: Draft, run: OlderRun, { report, receivedAt, newest }: Heard): boolean {
  if (newest.receivedAt > run.since) return false;
  const passedMs = (receivedAt - run.since) * (1 + kind.limits.driftPpm * 1e-6) + ARRIVAL_JITTER_MS;
  const { boot, seq, up } = report;
  if (boot === run.boot) return seq > run.seq && up > run.up && up - run.sinceUp <= passedMs;
  // Whoever speaks in the newest boot has not fallen silent.
  const isLaterBoot = boot > run.boot && boot !== newest.boot && boot - run.boot <= LEAP_MAX;
  return isLaterBoot && run.up - run.sinceUp + up <= passedMs;
}

/** It was asked since the newest report, and let the time for an answer pass. */
export function isAnswerMissed({ probe }: Twin, newest: NewestReport): boolean {
  if (probe === null || probe.sentAt <= newest.receivedAt) return false;
  return probe.status !== 'answered' && probe.waitsUntil === null;
}
