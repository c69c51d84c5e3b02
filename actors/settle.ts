/**
 * Steps the machine so that it stands where the twin's knowledge says, and journals the transition if it moved.
 *
 * Precedence: silence, then suspicion, then what the newest report says.
 */
import { type MachineEventType, worldState } from '../machines/statechart.ts';
import { measuredAt, type MeasuredTime } from './clock.ts';
import type { Cause } from './decision.ts';
import { addTransition, type Draft, nextVersion } from './draft.ts';

/** The device said something: the machine follows the newest report, or its suspicions. */
export function settleHeard(draft: Draft, cause: Cause): void {
  const { twin, kind } = draft;
  if (twin.newest === null) return;
  if (twin.suspicions.length > 0) {
    moveTo(draft, step(draft, twin.path, 'suspicion'), cause);
    return;
  }
  const { report } = twin.newest;
  let path = step(draft, twin.path, `report.${kind.observe(report)}`);
  if (twin.hold === null && report.hold) path = step(draft, path, 'expiry');
  moveTo(draft, path, cause);
}

/** Suspicions changed without a report: an offline twin stays offline. */
export function settleSuspicions(draft: Draft, cause: Cause): void {
  if (worldState(draft.twin.path) !== 'offline') settleHeard(draft, cause);
}

/** One event that needs no report: `silence` or `expiry`. */
export function settleEvent(draft: Draft, event: 'silence' | 'expiry', cause: Cause): void {
  moveTo(draft, step(draft, draft.twin.path, event), cause);
}

/** A line in the journal though the state is the same: a new incarnation began. */
export function journal(draft: Draft, cause: Cause): void {
  record(draft, draft.twin.path, cause);
}

function step(draft: Draft, path: string, event: MachineEventType): string {
  return draft.kind.chart.step(path, event);
}

function moveTo(draft: Draft, path: string, cause: Cause): void {
  const { twin } = draft;
  if (path === twin.path) return;
  const from = twin.path;
  twin.path = path;
  const measured = record(draft, from, cause);
  if (worldState(from) !== worldState(path)) twin.since = measured.at;
}

function record(draft: Draft, from: string, cause: Cause): MeasuredTime {
  const { twin, context } = draft;
  const measured = measuredFor(draft, cause);
  addTransition(draft, {
    ...{ device: twin.device, from, to: twin.path, cause },
    ...{ measuredAt: measured.at, errorMs: measured.errorMs, recordedAt: context.now },
    ...{ version: nextVersion(draft), incarnation: twin.incarnation },
    ...{ boot: twin.newest?.boot ?? null, seq: twin.newest?.seq ?? null },
  });
  return measured;
}

/** What a report caused happened when it was measured; what a deadline caused happened now. */
function measuredFor({ twin, kind, context }: Draft, cause: Cause): MeasuredTime {
  if (cause.type !== 'report' || twin.clock === null || twin.newest === null)
    return { at: context.now, errorMs: 0 };
  return measuredAt(twin.clock, twin.newest.up, kind.limits.driftPpm);
}
