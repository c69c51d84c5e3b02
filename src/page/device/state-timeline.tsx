/**
 * The timeline of states, by the time they were measured at, late reports included: what the device WAS.
 */
import type { VNode } from 'preact';
import type { Interval, Report } from '../api/history.ts';
import { StateMark, stateClass } from '../shell/state-mark.tsx';
import { stateName } from '../state-name.ts';
import { counted, duration, exactTime, timeOfDay, within } from '../format.ts';
import type { Gap } from './gaps.ts';
import { addressBefore, percentOf, type Span } from './history-window.ts';
import { GapMarks, placeOf, Track } from './track.tsx';

/** The line of states with its silences, late reports and gaps. What nothing covers is not known. */
export function StateTimeline({
  intervals,
  reports,
  gaps,
  span,
  until,
}: {
  readonly intervals: readonly Interval[];
  readonly reports: readonly Report[];
  readonly gaps: readonly Gap[];
  readonly span: Span;
  /** Up to when anything is known, ms epoch: an interval that has not ended reaches up to it. */
  readonly until: number;
}): VNode {
  const late = reports.filter(({ disposition }) => disposition === 'late');
  return (
    <>
      <Track name="state" kind="states">
        {intervals.map((interval) => (
          <Segment key={`${interval.from} ${interval.state}`} interval={interval} span={span} until={until} />
        ))}
        <GapMarks gaps={gaps} span={span} />
        {late.map((report) => (
          <span
            key={`${String(report.boot)}.${String(report.seq)}`}
            class="late-mark"
            style={{ left: `${percentOf(span, Date.parse(report.measuredAt)).toFixed(3)}%` }}
            title={lateSentence(report)}
          />
        ))}
      </Track>
    </>
  );
}

/** Dark while reports say so; light from the last report on, where it follows from the device's duty to report every change. */
function Segment({
  interval,
  span,
  until,
}: {
  readonly interval: Interval;
  readonly span: Span;
  readonly until: number;
}): VNode | null {
  const from = Date.parse(interval.from);
  const to = Math.min(until, interval.to === null ? until : Date.parse(interval.to));
  if (to < span.from || from >= span.to) return null;
  if (interval.silent) {
    return (
      <span class="silence" style={placeOf(span, { from, to })} title={silenceSentence(interval, to)}>
        <span class="segment-name">silent</span>
      </span>
    );
  }
  const reportedTo = Math.min(to, Math.max(from, Date.parse(interval.lastReportAt)));
  const reported = to > from ? percentOf({ from, to }, reportedTo) : 100;
  return (
    <span
      class={`segment ${stateClass(interval.state)}${interval.errorMs === null ? ' unbounded' : ''}`}
      style={placeOf(span, { from, to })}
      title={sentenceOf(interval, to)}
    >
      <span class="reported" style={{ width: `${reported.toFixed(2)}%` }} />
      <span class="segment-name">{stateName(interval.state)}</span>
    </span>
  );
}

function sentenceOf(interval: Interval, to: number): string {
  const from = Date.parse(interval.from);
  const { state, errorMs, reports, gaps, missing, reboots, beganBefore } = interval;
  return [
    `${state} for ${duration(to - from)}, ${beganBefore ? 'from before' : 'since'} ${exactTime(from)} UTC (${within(errorMs)})`,
    counted(reports, 'report'),
    ...(gaps === 0 ? [] : [`${counted(missing, 'report')} missing in ${counted(gaps, 'gap')}`]),
    ...(reboots === 0 ? [] : [counted(reboots, 'reboot')]),
  ].join(', ');
}

function silenceSentence({ from, missing }: Interval, to: number): string {
  const lost = missing === 0 ? '' : `, ${counted(missing, 'report')} missing`;
  return `silent for ${duration(to - Date.parse(from))}, longer than its kind allows${lost}: what it was here, nobody knows`;
}

function lateSentence({ measuredAt, receivedAt, state }: Report): string {
  const lateMs = Date.parse(receivedAt) - Date.parse(measuredAt);
  return `came late, ${duration(lateMs)} after it was measured at ${exactTime(Date.parse(measuredAt))} UTC: ${state}`;
}

/** The same in words, for whoever cannot see the picture, and to read exact times. */
export function IntervalTable({
  intervals,
  until,
}: {
  readonly intervals: readonly Interval[];
  readonly until: number;
}): VNode {
  return (
    <details class="in-words">
      <summary>{counted(intervals.length, 'stretch').replace('stretchs', 'stretches')} in words</summary>
      <div class="wide">
        <table>
          <thead>
            <tr>
              <th scope="col">state</th>
              <th scope="col">from (UTC)</th>
              <th scope="col">within</th>
              <th scope="col">for</th>
              <th scope="col">reports</th>
              <th scope="col">missing</th>
              <th scope="col">reboots</th>
            </tr>
          </thead>
          <tbody>
            {intervals.toReversed().map((interval) => {
              const from = Date.parse(interval.from);
              const to = interval.to === null ? until : Date.parse(interval.to);
              return (
                <tr key={`${interval.from} ${interval.state}`}>
                  <td>
                    <StateMark path={interval.state} />
                  </td>
                  <td>
                    {interval.beganBefore ? 'before ' : ''}
                    <a href={addressBefore(from)} title="look at the five minutes before">
                      {timeOfDay(from, until)}
                    </a>
                  </td>
                  <td>{within(interval.errorMs)}</td>
                  <td>
                    {duration(to - from)}
                    {interval.to === null || interval.goesOn ? ' so far' : ''}
                  </td>
                  <td>{interval.reports}</td>
                  <td>{interval.missing}</td>
                  <td>{interval.reboots}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </details>
  );
}
