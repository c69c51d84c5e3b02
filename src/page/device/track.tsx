/**
 * One line of a picture over time: a name, and a bar whose left end is the beginning of the span and whose right end is its end. All lines
 * below each other have the same scale.
 */
import type { ComponentChildren, VNode } from 'preact';
import { duration } from '../format.ts';
import { type Gap, missingText } from './gaps.ts';
import { percentOf, type Span } from './history-window.ts';

/** The line. */
export function Track({
  name,
  value,
  kind,
  children,
}: {
  readonly name: string;
  /** What it is now, in a word. */
  readonly value?: string;
  readonly kind: 'states' | 'lane' | 'axis';
  readonly children: ComponentChildren;
}): VNode {
  return (
    <div class={`track track-${kind}`}>
      <span class="track-name">
        {name}
        {value !== undefined && <span class="track-value"> {value}</span>}
      </span>
      <div class="track-bar">{children}</div>
    </div>
  );
}

/** Where a stretch lies in the span. */
export function placeOf(span: Span, { from, to }: Span): { readonly left: string; readonly width: string } {
  const left = percentOf(span, from);
  return { left: `${left.toFixed(3)}%`, width: `${(percentOf(span, to) - left).toFixed(3)}%` };
}

/** The silences, marked on a line. */
export function SilenceMarks({
  silences,
  span,
}: {
  readonly silences: readonly Span[];
  readonly span: Span;
}): VNode {
  return (
    <>
      {silences
        .filter(({ from, to }) => to > span.from && from < span.to)
        .map((silence) => (
          <span
            key={silence.from}
            class="silence"
            style={placeOf(span, silence)}
            title={`silent for ${duration(silence.to - silence.from)}, longer than its kind allows: what it was here, nobody knows`}
          />
        ))}
    </>
  );
}

/** The missing reports, marked on a line. */
export function GapMarks({ gaps, span }: { readonly gaps: readonly Gap[]; readonly span: Span }): VNode {
  return (
    <>
      {gaps
        .filter(({ from, to }) => to > span.from && from < span.to)
        .map((gap) => (
          <span
            key={gap.from}
            class="gap"
            style={placeOf(span, gap)}
            title={`${missingText([gap]) ?? ''}: what it said here, nobody knows`}
          />
        ))}
    </>
  );
}
