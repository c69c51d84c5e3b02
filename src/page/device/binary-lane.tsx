/**
 * A sensor that is on or off, as a lane: a bar where it was on.
 */
import type { VNode } from 'preact';
import { duration, exactTime } from '../format.ts';
import { percentOf } from './history-window.ts';
import { type BinarySeries, levelsOf, unknownParts } from './sensor-series.ts';
import type { SensorStretch } from './sensor-stretch.ts';
import { GapMarks, placeOf, SilenceMarks, Track } from './track.tsx';

/** The lane. */
export function BinaryLane({
  series,
  gaps,
  silences,
  span,
  until,
  isKnownNow,
}: SensorStretch & { readonly series: BinarySeries }): VNode {
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
