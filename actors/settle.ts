/**
 * Steps the machine so that it stands where the twin's knowledge says, and journals the transition if it moved.
 *
 * Precedence: silence, then suspicion, then what the newest report says.
 */
import { type MachineEventType, worldState } from '../machines/statechart.ts';
import { measuredAt, type MeasuredTime } from './clock.ts';
import type { Cause } from '../src/contract/journal-entry.ts';
import { addTransition, type Draft, nextVersion } from './draft.ts';
import { observationOf } from './observed.ts';

/**
 * The device said something: the machine follows its suspicions, or the newest report. `at` is when that happened; `null`:
 * when the newest report was measured.
 */
export function settleHeard(draft: Draft, cause: Cause, at: MeasuredTime | null = null): void {
  const { twin, kind } = draft;
  if (twin.newest === null) return;
  if (twin.suspicions.length > 0) {
    moveTo(draft, step(draft, twin.path, 'suspicion'), cause, at);
    return;
  }
  const { report } = twin.newest;
  const observation = observationOf(kind, report);
  if (observation === null) return;
  let path = step(draft, twin.path, `report.${observation}`);
  if (twin.hold === null && report.hold) path = step(draft, path, 'expiry');
  moveTo(draft, path, cause, at);
}

/** Suspicions changed without a report: an offline twin stays offline. */
export function settleSuspicions(draft: Draft, cause: Cause): void {
  if (worldState(draft.twin.path) !== 'offline') settleHeard(draft, cause);
}

/** One event that needs no report: `silence` or `expiry`. */
export function settleEvent(draft: Draft, event: 'silence' | 'expiry', cause: Cause): void {
  moveTo(draft, step(draft, draft.twin.path, event), cause, null);
}

/** An operator override, after which nothing is known: the twin is as one that was not heard, and the journal says whose word it was. */
export function settleWord(draft: Draft, cause: Cause): void {
  const path = step(draft, draft.twin.path, 'silence');
  if (path === draft.twin.path) journal(draft, cause);
  else moveTo(draft, path, cause, null);
}

/** An entry in the journal though no step led from one state to another: a new incarnation began. */
export function journal(draft: Draft, cause: Cause, from = draft.twin.path): void {
  record(draft, from, cause, timeOf(draft, cause));
}

function step(draft: Draft, path: string, event: MachineEventType): string {
  return draft.kind.chart.step(path, event);
}

function moveTo(draft: Draft, path: string, cause: Cause, at: MeasuredTime | null): void {
  const { twin } = draft;
  if (path === twin.path) return;
  const from = twin.path;
  twin.path = path;
  const time = at ?? timeOf(draft, cause);
  record(draft, from, cause, time);
  if (worldState(from) !== worldState(path)) twin.since = time.at;
}

/** Written out property by property: where every report is a change, this runs as often as anything. */
function record(draft: Draft, from: string, cause: Cause, at: MeasuredTime): void {
  const { twin, context } = draft;
  const { newest } = twin;
  addTransition(draft, {
    device: twin.device,
    from,
    to: twin.path,
    cause,
    measuredAt: at.at,
    errorMs: at.errorMs,
    recordedAt: context.now,
    version: nextVersion(draft),
    incarnation: twin.incarnation,
    boot: newest === null ? null : newest.boot,
    seq: newest === null ? null : newest.seq,
  });
}

/** What a report says was so when it was measured; what a deadline brings happens now. */
function timeOf({ twin, kind, context }: Draft, cause: Cause): MeasuredTime {
  if (cause.type !== 'report' || twin.clock === null || twin.newest === null)
    return { at: context.now, errorMs: 0 };
  return measuredAt(twin.clock, twin.newest, kind.limits.driftPpm);
}
