/**
 * A sensor with a number, as a chart. Where reports are missing the line is broken and the ground is hatched; what came late is marked.
 */
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { count, exactTime } from '../spell.ts';
import { chartData } from './chart-data.ts';
import type { Gap } from './gaps.ts';
import type { Span } from './history-window.ts';
import type { NumericSeries } from './sensor-series.ts';

/** The height of a chart, px. */
const HEIGHT_PX = 96;

/** Charts below each other show the same moment. */
const CURSOR = 'device';

/** The chart. */
export function NumericChart({
  series,
  gaps,
  span,
}: {
  readonly series: NumericSeries;
  readonly gaps: readonly Gap[];
  readonly span: Span;
}): VNode {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const shown = useRef({ span, gaps });
  shown.current = { span, gaps };
  const [pointed, setPointed] = useState<string | null>(null);
  const last = series.readings.at(-1);
  const text = last === undefined ? 'no reading' : numberText(last.value);

  useEffect(() => {
    const { current } = place;
    if (current === null) return undefined;
    const draw = (): void => {
      chart.current?.destroy();
      chart.current = new uPlot(
        optionsOf(current, () => shown.current, setPointed),
        chartData(series.readings, gaps),
        current,
      );
    };
    draw();
    // Its colours are painted, so they do not follow the style sheet by themselves.
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    const watch = new ResizeObserver(() => {
      const width = current.clientWidth;
      if (width > 0) chart.current?.setSize({ width, height: HEIGHT_PX });
    });
    watch.observe(current);
    return () => {
      scheme.removeEventListener('change', draw);
      watch.disconnect();
      chart.current?.destroy();
      chart.current = null;
    };
  }, [series.name]);
  useEffect(() => chart.current?.setData(chartData(series.readings, gaps)), [series, gaps]);
  useEffect(() => chart.current?.setScale('x', { min: span.from, max: span.to }), [span.from, span.to]);

  return (
    <figure class="chart">
      <figcaption class="track-name">
        {series.name}
        <span class="track-value"> {pointed ?? text}</span>
      </figcaption>
      <div ref={place} class="plot" role="img" aria-label={describe(series)} />
    </figure>
  );
}

function describe({ name, readings }: NumericSeries): string {
  if (readings.length === 0) return `${name}: no reading`;
  const values = readings.map(({ value }) => value);
  const least = values.reduce((a, b) => Math.min(a, b));
  const most = values.reduce((a, b) => Math.max(a, b));
  return `${name}: ${count(values.length)} readings from ${numberText(least)} to ${numberText(most)}, the last ${numberText(values.at(-1) ?? 0)}`;
}

function numberText(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 3 });
}

function optionsOf(
  place: HTMLElement,
  shown: () => { readonly span: Span; readonly gaps: readonly Gap[] },
  onPoint: (text: string | null) => void,
): uPlot.Options {
  const style = getComputedStyle(place);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const gutter = Number.parseFloat(style.getPropertyValue('--gutter')) || 140;
  const font = `11px ${style.fontFamily}`;
  const { from, to } = shown().span;
  return {
    width: Math.max(100, place.clientWidth),
    height: HEIGHT_PX,
    ms: 1,
    tzDate: (ms) => uPlot.tzDate(new Date(ms), 'UTC'),
    legend: { show: false },
    cursor: { sync: { key: CURSOR }, drag: { x: false, y: false }, points: { size: 6 } },
    padding: [6, 0, 4, 0],
    scales: { x: { time: true, min: from, max: to, auto: false }, y: { range: roomAround } },
    axes: [
      { show: false },
      {
        size: gutter,
        font,
        stroke: colour('ink-soft'),
        grid: { stroke: colour('line'), width: 1 },
        ticks: { show: false },
        splits: valuesToName,
        values: (_plot, splits) => splits.map((value) => numberText(value)),
      },
    ],
    series: [
      {},
      { stroke: colour('accent'), width: 1.5, spanGaps: false, points: { show: showPoints, size: 4 } },
      {
        stroke: colour('stale'),
        paths: () => null,
        points: { show: true, size: 8, width: 2, fill: colour('surface') },
      },
    ],
    hooks: {
      drawClear: [(plot) => hatchGaps(plot, shown().gaps, colour('line-strong'))],
      setCursor: [(plot) => onPoint(pointedText(plot))],
    },
  };
}

/** A few readings are points on a line; many are the line. */
function showPoints(plot: uPlot): boolean {
  return plot.data[0].length < 120;
}

function roomAround(_plot: uPlot, min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [0, 1];
  if (min === max) return [min - 1, max + 1];
  const room = (max - min) * 0.08;
  return [min - room, max + room];
}

/** The least and the greatest value, and the one between where there is room for it to say something. */
function valuesToName(plot: uPlot): number[] {
  const values = Array.from(plot.data[1] ?? []).filter((value) => typeof value === 'number');
  if (values.length === 0) return [];
  const least = values.reduce((a, b) => Math.min(a, b));
  const most = values.reduce((a, b) => Math.max(a, b));
  return least === most ? [least] : [least, (least + most) / 2, most];
}

function pointedText(plot: uPlot): string | null {
  const { idx } = plot.cursor;
  if (idx === null || idx === undefined || plot.cursor.left === undefined || plot.cursor.left < 0)
    return null;
  const time = plot.data[0][idx];
  const value = plot.data[1]?.[idx] ?? plot.data[2]?.[idx];
  if (time === undefined || value === null || value === undefined) return null;
  return `${numberText(value)} at ${exactTime(time)}`;
}

/** Slanted lines over the stretches whose reports are missing. */
function hatchGaps(plot: uPlot, gaps: readonly Gap[], colour: string): void {
  const { ctx, bbox } = plot;
  const step = 6 * devicePixelRatio;
  for (const { from, to } of gaps) {
    const left = Math.max(bbox.left, plot.valToPos(from, 'x', true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, 'x', true));
    if (right <= left) continue;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, Math.max(2, right - left), bbox.height);
    ctx.clip();
    ctx.strokeStyle = colour;
    ctx.globalAlpha = 0.55;
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    for (let x = left - bbox.height; x < right; x += step) {
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
    }
    ctx.stroke();
    ctx.restore();
  }
}
