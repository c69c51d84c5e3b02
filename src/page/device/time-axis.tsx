/**
 * The times below the lines.
 */
import type { VNode } from 'preact';
import { clockTime } from '../format.ts';
import { percentOf, type Span } from './history-window.ts';
import { Track } from './track.tsx';

/** Distances between two times that are easy to read, ms. */
const STEPS_MS = [60_000, 300_000, 600_000, 900_000, 3_600_000, 10_800_000, 21_600_000];

/** At most so many. */
const TIMES_MAX = 7;

/** The axis. */
export function TimeAxis({ span }: { readonly span: Span }): VNode {
  return (
    <Track name="UTC" kind="axis">
      {timesOf(span).map((time) => (
        <span key={time} class="time" style={{ left: `${percentOf(span, time).toFixed(3)}%` }}>
          {clockTime(time).slice(0, 5)}
        </span>
      ))}
    </Track>
  );
}

function timesOf({ from, to }: Span): readonly number[] {
  const stepMs = STEPS_MS.find((ms) => (to - from) / ms <= TIMES_MAX) ?? 86_400_000;
  const first = Math.ceil(from / stepMs) * stepMs;
  const count = Math.max(0, Math.floor((to - first) / stepMs) + 1);
  return Array.from({ length: count }, (_, index) => first + index * stepMs);
}
