/**
 * A sensor with a number, as a chart of steps. Where reports are missing the ground is hatched, where it was silent it is dotted, and in
 * neither is there a line; what was measured is a point, and what came late is marked.
 */
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { count, exactTime } from '../format.ts';
import { chartData } from './chart-data.ts';
import type { Gap } from './gaps.ts';
import type { Span } from './history-window.ts';
import type { NumericSeries } from './sensor-series.ts';
import type { SensorStretch } from './sensor-stretch.ts';

/** The height of a chart, px. */
const HEIGHT_PX = 96;

/** Charts below each other show the same moment. */
const CURSOR = 'device';

/** The chart. */
export function NumericChart({
  series,
  unit,
  gaps,
  silences,
  span,
  until,
  isKnownNow,
}: SensorStretch & {
  readonly series: NumericSeries;
  /** Of its values, with the space before it; or nothing. */
  readonly unit: string;
}): VNode {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const silent = [...silences, ...outside(series, until)];
  const shown = useRef<Shown>({ span, gaps, silent, unit });
  shown.current = { span, gaps, silent, unit };
  const [pointed, setPointed] = useState<string | null>(null);
  const unknown = [...gaps, ...silences].toSorted((a, b) => a.from - b.from);
  const data = chartData(series.readings, unknown, until);

  useEffect(() => {
    const { current } = place;
    if (current === null) return undefined;
    const draw = (): void => {
      chart.current?.destroy();
      chart.current = new uPlot(
        optionsOf(current, () => shown.current, setPointed),
        data,
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
  useEffect(() => chart.current?.setData(data), [series, gaps, silences.length, until]);
  useEffect(() => chart.current?.setScale('x', { min: span.from, max: span.to }), [span.from, span.to]);

  return (
    <figure class="chart">
      <figcaption class="track-name">
        {series.name}
        <span class="track-value"> {pointed ?? (isKnownNow ? lastText(data, unit) : 'not known')}</span>
      </figcaption>
      <div ref={place} class="plot" role="img" aria-label={describe(series, unit)} />
    </figure>
  );
}

/** What a chart is drawn from. */
interface Shown {
  readonly span: Span;
  readonly gaps: readonly Gap[];
  /** Where nothing was heard, or nothing is known yet, or any more. */
  readonly silent: readonly Span[];
  readonly unit: string;
}

/** Before the first reading that is known, and after what is known ends. */
function outside({ readings }: NumericSeries, until: number): readonly Span[] {
  const first = readings[0]?.at ?? until;
  return [
    { from: -Infinity, to: first },
    { from: until, to: Infinity },
  ];
}

/** The value at the end of what is shown; it is none where nothing is known by then. */
function lastText([, steps]: uPlot.AlignedData, unit: string): string {
  const value = steps?.at(-1);
  return typeof value === 'number' ? `${numberText(value)}${unit}` : 'not known';
}

function describe({ name, readings }: NumericSeries, unit: string): string {
  const values = readings.map(({ value }) => value);
  const least = values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return `${name}: ${count(values.length)} readings from ${numberText(least)} to ${numberText(most)}${unit}, the last ${numberText(values.at(-1) ?? 0)}${unit}`;
}

function numberText(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 3 });
}

function optionsOf(
  place: HTMLElement,
  shown: () => Shown,
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
      {
        stroke: colour('accent'),
        width: 1.5,
        spanGaps: false,
        paths: STEPS,
        points: { show: false },
        gaps: wholeGaps,
      },
      {
        stroke: colour('accent'),
        paths: () => null,
        points: { show: showPoints, size: 4, fill: colour('accent') },
      },
      {
        stroke: colour('stale'),
        paths: () => null,
        points: { show: true, size: 8, width: 2, fill: colour('surface') },
      },
    ],
    hooks: {
      drawClear: [
        (plot) => {
          dotSilences(plot, shown().silent, colour('line-strong'));
          hatchGaps(plot, shown().gaps, colour('line-strong'));
        },
      ],
      setCursor: [(plot) => onPoint(pointedText(plot, shown().unit))],
    },
  };
}

/** From a reading on its value holds; the next one is reached by a step. */
const STEPS = uPlot.paths.stepped?.({ align: 1 }) ?? (() => null);

/** A step that ends a gap would show the half of its edge that lies beside the gap. */
const wholeGaps: uPlot.Series.GapsRefiner = (_plot, _series, _first, _last, gaps) =>
  gaps.map(([from, to]) => [from, to + devicePixelRatio]);

/** A few readings are points on the steps; many are the steps. */
function showPoints(plot: uPlot): boolean {
  return plot.data[0].length < 240;
}

function roomAround(_plot: uPlot, min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [0, 1];
  if (min === max) return [min - 1, max + 1];
  const room = (max - min) * 0.08;
  return [min - room, max + room];
}

/** The least and the greatest value, and the one between where there is room for it to say something. */
function valuesToName(plot: uPlot): number[] {
  const { min = -Infinity, max = Infinity } = plot.scales.x ?? {};
  const [times, steps] = plot.data;
  // What holds when the span begins was measured before it.
  const first = Math.max(
    0,
    times.findLastIndex((time) => time <= min),
  );
  const values = Array.from(steps ?? []).filter(
    (value, index): value is number =>
      typeof value === 'number' && index >= first && (times[index] ?? 0) <= max,
  );
  if (values.length === 0) return [];
  const least = values.reduce((a, b) => Math.min(a, b));
  const most = values.reduce((a, b) => Math.max(a, b));
  return least === most ? [least] : [least, (least + most) / 2, most];
}

/** What is known at the cursor: the value that holds there, and since when it was measured so. */
function pointedText(plot: uPlot, unit: string): string | null {
  const { left } = plot.cursor;
  if (left === undefined || left < 0) return null;
  const [times, steps, measured] = plot.data;
  const pointed = plot.posToVal(left, 'x');
  const index = times.findLastIndex((time) => time <= pointed);
  const value = steps?.[index];
  // The last time is where what is known ends.
  if (typeof value !== 'number' || pointed > (times.at(-1) ?? pointed)) return 'not known there';
  for (let at = index; at >= 0; at -= 1) {
    if (typeof measured?.[at] === 'number')
      return `${numberText(value)}${unit}, measured at ${exactTime(times[at] ?? 0)}`;
  }
  return null;
}

/** The part of the plot that a stretch covers, px of the canvas; `null` where it is not seen. */
function partOf(plot: uPlot, { from, to }: Span): { readonly left: number; readonly width: number } | null {
  const { bbox } = plot;
  const { min = from, max = to } = plot.scales.x ?? {};
  const left = plot.valToPos(Math.max(from, min), 'x', true);
  const right = Math.min(bbox.left + bbox.width, plot.valToPos(Math.min(to, max), 'x', true));
  return right <= left ? null : { left, width: Math.max(2, right - left) };
}

/** Slanted lines over the stretches whose reports are missing. */
function hatchGaps(plot: uPlot, gaps: readonly Gap[], colour: string): void {
  const { ctx, bbox } = plot;
  const step = 6 * devicePixelRatio;
  for (const gap of gaps) {
    const part = partOf(plot, gap);
    if (part === null) continue;
    const { left, width } = part;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, width, bbox.height);
    ctx.clip();
    ctx.strokeStyle = colour;
    ctx.globalAlpha = 0.55;
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    for (let x = left - bbox.height; x < left + width; x += step) {
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
    }
    ctx.stroke();
    ctx.restore();
  }
}

/** Dots over the stretches in which it was silent. */
function dotSilences(plot: uPlot, silences: readonly Span[], colour: string): void {
  const { ctx, bbox } = plot;
  const step = 7 * devicePixelRatio;
  const size = 1.4 * devicePixelRatio;
  for (const silence of silences) {
    const part = partOf(plot, silence);
    if (part === null) continue;
    ctx.save();
    ctx.fillStyle = colour;
    ctx.globalAlpha = 0.7;
    for (let x = part.left + step / 2; x < part.left + part.width; x += step) {
      for (let y = bbox.top + step / 2; y < bbox.top + bbox.height; y += step) ctx.fillRect(x, y, size, size);
    }
    ctx.restore();
  }
}
