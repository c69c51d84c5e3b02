/**
 * What the pictures of a stretch of time rest on, counted: reports, those that are missing, those that came late, and silences. Where
 * nothing was heard, nothing is said to be whole.
 */
import type { VNode } from 'preact';
import { counted, duration } from '../format.ts';
import { type Gap, missingText } from './gaps.ts';
import type { Span } from './history-window.ts';
import type { KnownReports } from './use-reports.ts';

/** The line. */
export function HistoryLegend({
  known,
  isWhole,
  gaps,
  silences,
  span,
}: {
  readonly known: KnownReports;
  /** False: there are more reports, or stretches of the timeline, than were read. */
  readonly isWhole: boolean;
  /** Those of the span; the silences are cut to it. */
  readonly gaps: readonly Gap[];
  readonly silences: readonly Span[];
  readonly span: Span;
}): VNode {
  if (!known.isRead) return <p class="soft legend">Reading…</p>;
  const reports = known.reports.filter(({ measuredAt }) => Date.parse(measuredAt) >= span.from);
  const late = reports.filter(({ disposition }) => disposition === 'late').length;
  const missing = missingText(gaps);
  const silentMs = silences.reduce((sum, { from, to }) => sum + (to - from), 0);
  return (
    <p class="soft legend">
      <span>
        {reports.length === 0
          ? 'No report was measured here'
          : `${counted(reports.length, 'report')}, by the time they were measured`}
        {isWhole ? '.' : ' (the first ones; choose a shorter stretch to see all).'}
      </span>
      {silentMs > 0 && (
        <span class="legend-silence">
          silent for {duration(silentMs)}
          {silences.length > 1 && ` in ${String(silences.length)} stretches`}
        </span>
      )}
      {missing !== null && <span class="legend-gap">{missing}</span>}
      {missing === null && isWhole && reports.length > 0 && (
        <span class="legend-gap">{silentMs > 0 ? 'none missing by their numbers' : 'none missing'}</span>
      )}
      {reports.length > 0 && (
        <span class="legend-late">{late === 0 ? 'none late' : `${counted(late, 'report')} came late`}</span>
      )}
    </p>
  );
}
