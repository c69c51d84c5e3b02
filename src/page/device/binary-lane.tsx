/**
 * A sensor that is on or off, as a lane: a bar where it was on.
 */
import type { VNode } from 'preact';
import { duration, exactTime } from '../spell.ts';
import type { Gap } from './gaps.ts';
import { percentOf, type Span } from './history-window.ts';
import { type BinarySeries, levelsOf, unknownParts } from './sensor-series.ts';
import { GapMarks, placeOf, SilenceMarks, Track } from './track.tsx';

/** The lane. */
export function BinaryLane({
  series,
  gaps,
  silences,
  span,
  until,
  isKnownNow,
}: {
  readonly series: BinarySeries;
  readonly gaps: readonly Gap[];
  readonly silences: readonly Span[];
  readonly span: Span;
  /** Up to when anything is known, ms epoch. */
  readonly until: number;
  /** False: what it is by the end of the stretch is not known any more. */
  readonly isKnownNow: boolean;
}): VNode {
  const levels = levelsOf(series, until);
  const last = levels.at(-1);
  const silent = unknownParts(series, silences);
  const isKnown = isKnownNow && last !== undefined && silent.at(-1)?.to !== until;
  return (
    <Track name={series.name} kind="lane" value={isKnown ? wordFor(last.value) : '?'}>
      {levels
        .filter(({ from, to }) => to > span.from && from < span.to)
        .map((level) => (
          <span
            key={level.from}
            class={level.value ? 'level on' : 'level off'}
            style={placeOf(span, level)}
            title={`${series.name} ${wordFor(level.value)} for ${duration(level.to - level.from)}, since ${exactTime(level.from)} UTC`}
          />
        ))}
      <SilenceMarks silences={silent} span={span} />
      <GapMarks gaps={unknownParts(series, gaps)} span={span} />
      {series.readings
        .filter(({ isLate }) => isLate)
        .map(({ at }) => (
          <span
            key={at}
            class="late-mark"
            style={{ left: `${percentOf(span, at).toFixed(3)}%` }}
            title={`this part came late: measured at ${exactTime(at)} UTC`}
          />
        ))}
    </Track>
  );
}

function wordFor(value: boolean): string {
  return value ? 'on' : 'off';
}
