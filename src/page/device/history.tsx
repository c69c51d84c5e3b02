/**
 * The device's past: its states and its sensors over the same stretch of time, one below the other.
 */
import type { VNode } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Report } from '../api/history.ts';
import { type Kind, unitOf } from '../api/kinds.ts';
import { serverNow } from '../api/server-clock.ts';
import { connection, knownUntil } from '../connection.ts';
import { useObservable } from '../observable.ts';
import { Failure } from '../shell/failure.tsx';
import { useTick } from '../ticker.ts';
import { AsKnownThen } from './as-known-then.tsx';
import { BinaryLane } from './binary-lane.tsx';
import { type Gap, gapsBetween, gapsIn, readUntil, silencesIn, silencesOf } from './gaps.ts';
import { HistoryLegend } from './history-legend.tsx';
import { type HistoryWindow, type Span, spanNow } from './history-window.ts';
import { NumericChart } from './numeric-chart.tsx';
import { Panel } from './panel.tsx';
import { type BinarySeries, type NumericSeries, seriesOf } from './sensor-series.ts';
import type { SensorStretch } from './sensor-stretch.ts';
import { IntervalTable, StateTimeline } from './state-timeline.tsx';
import { TimeAxis } from './time-axis.tsx';
import { type KnownReports, useReports } from './use-reports.ts';
import { type KnownTimeline, useTimeline } from './use-timeline.ts';
import { WindowPicker } from './window-picker.tsx';

/** Draws what a long stretch shows no oftener than its picture changes by a pixel, ms. */
const PIXELS = 1_000;

/** The panel. */
export function History({
  device,
  shown,
  revision,
  late,
  asOf,
  kind,
  toldAt,
}: {
  readonly device: string;
  readonly shown: HistoryWindow;
  readonly revision: number;
  /** How many late reports the device has had. */
  readonly late: number;
  /** When its newest report was measured, ms epoch; `null` before the first one. */
  readonly asOf: number | null;
  /** `null` while it is not known here. */
  readonly kind: Kind | null;
  /** When the node told last how it is, ms epoch, while it cannot tell now; `null` while it can. */
  readonly toldAt: number | null;
}): VNode {
  useTick();
  const now = useObservable(connection);
  // A stretch that ended in the past is not over while reports of it may still come in their order.
  const isOver = shown.until !== null && asOf !== null && asOf >= shown.until;
  const known = useReports(device, shown, { revision, late, isOver });
  const timeline = useTimeline(device, shown, { revision, late, isOver });
  const ends = useMemo(() => endsOf(known, timeline), [known, timeline]);
  const series = useMemo(() => seriesOf(readBefore(known.reports, ends.sensors)), [known, ends]);
  const gaps = useMemo(() => gapsBetween(known.reports), [known.reports]);
  const span = roundedSpan(spanNow(shown), shown);
  // Nothing is known of what is yet to come, nor of what came after the node told last.
  const end = Math.min(shown.until ?? Infinity, serverNow() ?? span.to);
  const until = Math.min(knownUntil(now, end), toldAt ?? Infinity);
  const sensorsUntil = Math.min(until, ends.sensors);
  const isKnownNow = until >= end;
  const { intervals, failure } = timeline;
  const silences = silencesOf(intervals, Math.min(until, ends.timeline));
  return (
    <Panel id="history" title="What it was" actions={<WindowPicker shown={shown} />}>
      <AsKnownThen doubt={isKnownNow ? null : 'it is not known up to the end'} />
      {failure !== null && <Failure error={failure} />}
      {known.failure !== null && <Failure error={known.failure} />}
      <HistoryLegend
        known={{ ...known, isRead: known.isRead && timeline.isRead }}
        isWhole={known.isWhole && timeline.isWhole}
        gaps={gapsIn(gaps, span)}
        silences={silencesIn(silences, span)}
        span={span}
      />
      <div class="tracks">
        <StateTimeline
          intervals={intervals}
          reports={known.reports}
          gaps={withoutSilences(gaps, silences)}
          span={span}
          until={Math.min(until, ends.timeline)}
        />
        <Sensors
          series={series}
          kind={kind}
          gaps={withoutSilences(gaps, silences)}
          silences={silences}
          span={span}
          until={sensorsUntil}
          isKnownNow={sensorsUntil >= end}
        />
      </div>
      <IntervalTable intervals={intervals} until={until} />
    </Panel>
  );
}

/** What is on or off, the times, and the numbers. */
function Sensors({
  series,
  kind,
  ...stretch
}: SensorStretch & {
  readonly series: readonly (BinarySeries | NumericSeries)[];
  readonly kind: Kind | null;
}): VNode {
  return (
    <>
      {series.filter(isBinary).map((one) => (
        <BinaryLane key={one.name} series={one} {...stretch} />
      ))}
      <TimeAxis span={stretch.span} />
      {series.filter(isNumeric).map((one) => (
        <NumericChart key={one.name} series={one} unit={unitOf(kind, one.name)} {...stretch} />
      ))}
    </>
  );
}

/**
 * Up to when the states and the sensors were read, ms epoch. Where no silence could be known, no reading is said to hold, and before the
 * timeline is there, none at all.
 */
function endsOf(
  known: KnownReports,
  { intervals, isRead, isWhole }: KnownTimeline,
): { readonly timeline: number; readonly sensors: number } {
  const timeline = readUntil({ isWhole, ends: intervals.map(({ to, lastReportAt }) => to ?? lastReportAt) });
  const reports = readUntil({ ...known, ends: known.reports.map(({ measuredAt }) => measuredAt) });
  return { timeline, sensors: isRead ? Math.min(timeline, reports) : -Infinity };
}

/** The reports of what was read whole. */
function readBefore(reports: readonly Report[], until: number): readonly Report[] {
  return reports.filter(({ measuredAt }) => Date.parse(measuredAt) <= until);
}

/** What is missing in a silence is part of that: it is marked once. */
function withoutSilences(gaps: readonly Gap[], silences: readonly Span[]): readonly Gap[] {
  return gaps.filter((gap) => !silences.some(({ from, to }) => from <= gap.from && to >= gap.to));
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
