/**
 * What a report says of the state. A word that its kind does not know (it may have come with a firmware update) says nothing: the machine
 * keeps the state that it had, and the twin is in doubt (`unknown-state`).
 */
import type { Kind } from '../machines/kind.ts';
import type { Report } from '../machines/report.ts';

/** The observation that a report is; `null` where its state is a word that the kind does not know. */
export function observationOf(kind: Kind, report: Report): string | null {
  return kind.reportedStates.includes(report.state) ? kind.observe(report) : null;
}
