/**
 * The device's past: its states and its sensors over the same stretch of time, one below the other.
 */
import type { VNode } from 'preact';
import { useMemo } from 'preact/hooks';
import { serverNow } from '../api/server-clock.ts';
import { Failure } from '../shell/failure.tsx';
import { counted } from '../spell.ts';
import { useTick } from '../ticker.ts';
import { BinaryLane } from './binary-lane.tsx';
import { gapsBetween, silencesIn } from './gaps.ts';
import { type HistoryWindow, spanNow } from './history-window.ts';
import { NumericChart } from './numeric-chart.tsx';
import { Panel } from './panel.tsx';
import { type BinarySeries, type NumericSeries, seriesOf } from './sensor-series.ts';
import { IntervalTable, StateTimeline } from './state-timeline.tsx';
import { TimeAxis } from './time-axis.tsx';
import { useReports } from './use-reports.ts';
import { useTimeline } from './use-timeline.ts';
import { WindowPicker } from './window-picker.tsx';

/** Draws what a long stretch shows no oftener than its picture changes by a pixel, ms. */
const PIXELS = 1_000;

/** The panel. */
export function History({
  device,
  shown,
  revision,
  late,
  silenceMs,
}: {
  readonly device: string;
  readonly shown: HistoryWindow;
  readonly revision: number;
  /** How many late reports the device has had. */
  readonly late: number;
  /** How long its kind may be silent, ms; infinite while that is not known here. */
  readonly silenceMs: number;
}): VNode {
  useTick();
  const known = useReports(device, shown, { revision, late });
  const { intervals, failure } = useTimeline(device, shown, { revision, late });
  const gaps = useMemo(() => gapsBetween(known.reports), [known.reports]);
  const series = useMemo(() => seriesOf(known.reports), [known.reports]);
  const span = roundedSpan(spanNow(shown), shown);
  const now = serverNow() ?? span.to;
  const lateShown = known.reports.filter(({ fate }) => fate === 'late').length;
  const missing = gaps.reduce((sum, gap) => sum + gap.missing, 0);
  return (
    <Panel id="history" title="What it was" actions={<WindowPicker shown={shown} />}>
      {failure !== null && <Failure error={failure} />}
      {known.failure !== null && <Failure error={known.failure} />}
      <p class="soft legend">
        {counted(known.reports.length, 'report')}
        {known.isWhole ? '' : ' (the first ones; choose a shorter stretch to see all)'}
        {', by the time they were measured. '}
        <span class="legend-gap">
          {missing === 0 ? 'none missing' : `${counted(missing, 'report')} missing`}
        </span>
        <span class="legend-late">
          {lateShown === 0 ? 'none late' : `${counted(lateShown, 'report')} came late`}
        </span>
      </p>
      <div class="tracks">
        <StateTimeline
          intervals={intervals}
          reports={known.reports}
          gaps={gaps}
          silences={silencesIn(known.reports, { silenceMs, now })}
          span={span}
          now={now}
        />
        {series.filter(isBinary).map((one) => (
          <BinaryLane key={one.name} series={one} gaps={gaps} span={span} now={now} />
        ))}
        <TimeAxis span={span} />
        {series.filter(isNumeric).map((one) => (
          <NumericChart key={one.name} series={one} gaps={gaps} span={span} />
        ))}
      </div>
      <IntervalTable intervals={intervals} now={now} />
    </Panel>
  );
}

function roundedSpan(
  { from, to }: { readonly from: number; readonly to: number },
  { lengthMs, until }: HistoryWindow,
): { readonly from: number; readonly to: number } {
  if (until !== null) return { from, to };
  const step = lengthMs / PIXELS;
  const end = Math.ceil(to / step) * step;
  return { from: end - lengthMs, to: end };
}

function isBinary(series: BinarySeries | NumericSeries): series is BinarySeries {
  return series.type === 'binary';
}

function isNumeric(series: BinarySeries | NumericSeries): series is NumericSeries {
  return series.type === 'numeric';
}
