/**
 * Both clocks: the server's, and the wall clock that the device shows. No decision ever follows from the second one.
 */
import type { VNode } from 'preact';
import { serverNow } from '../api/server-clock.ts';
import type { Twin } from '../api/twin.ts';
import { clockTime, count, duration, within } from '../format.ts';
import { useTick } from '../ticker.ts';
import { AsKnownThen } from './as-known-then.tsx';
import { Panel } from './panel.tsx';

/** Beyond this offset, a device's wall clock is worth a remark, ms. */
const ASTRAY_MS = 60_000;

/** The panel. */
export function Clocks({
  twin,
  doubt,
}: {
  readonly twin: Twin;
  /** Why nothing is known to be true any more; `null` while it is. */
  readonly doubt: string | null;
}): VNode {
  useTick();
  const { clock, sequence } = twin;
  const now = serverNow();
  const { offsetMs } = clock;
  const isAstray = offsetMs !== null && Math.abs(offsetMs) > ASTRAY_MS;
  return (
    <Panel id="clocks" title="Two clocks">
      <AsKnownThen doubt={doubt} />
      <dl class="facts">
        <dt>server</dt>
        <dd class="figure">{now === null ? '–' : `${clockTime(now)} UTC`}</dd>
        <dt>device's wall clock</dt>
        <dd class={isAstray ? 'figure alarm' : 'figure'}>{wallText(offsetMs, now, doubt)}</dd>
        {offsetMs !== null && (
          <>
            <dt>offset</dt>
            <dd>
              {duration(offsetMs)} {offsetMs < 0 ? 'behind' : 'ahead'}, {within(clock.errorMs)}
            </dd>
          </>
        )}
        <dt>bounds</dt>
        <dd>
          {clock.verified
            ? `a round trip in this boot bounds them: ${within(clock.errorMs)}`
            : 'no round trip in this boot yet: times are the latest they can have been'}
        </dd>
        <dt>newest report</dt>
        <dd>
          {sequence.boot === null || sequence.seq === null
            ? 'none'
            : `boot ${count(sequence.boot)}, number ${count(sequence.seq)}`}
          {sequence.incarnation > 1 && `, incarnation ${count(sequence.incarnation)}`}
        </dd>
        <dt>reports ever</dt>
        <dd>
          {count(sequence.missing)} missing, {count(sequence.late)} late, {count(sequence.duplicates)} twice
        </dd>
      </dl>
    </Panel>
  );
}

/** What it shows follows from what the server shows: while nothing of it is known, it is not said to go on. */
function wallText(offsetMs: number | null, now: number | null, doubt: string | null): string {
  if (now === null || offsetMs === null) return 'tells none';
  return doubt === null ? `${wallTime(now + offsetMs, now)} UTC` : 'not known now';
}

/** A wall clock may be in another year. */
function wallTime(ms: number, now: number): string {
  const text = new Date(ms).toISOString();
  const isToday = text.slice(0, 10) === new Date(now).toISOString().slice(0, 10);
  return isToday ? text.slice(11, 19) : text.slice(0, 19).replace('T', ' ');
}
