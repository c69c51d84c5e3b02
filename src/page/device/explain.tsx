/**
 * Why the device is in its state: in sentences, then cause by cause from the last certain point, then what will happen by itself.
 */
import type { VNode } from 'preact';
import type { Explanation } from '../api/explanation.ts';
import { serverNow } from '../api/server-clock.ts';
import { Failure } from '../shell/failure.tsx';
import { age, exactTime, timeOfDay, within } from '../format.ts';
import { useTick } from '../ticker.ts';
import { AsKnownThen } from './as-known-then.tsx';
import { addressBefore } from './history-window.ts';
import { Panel } from './panel.tsx';
import type { Asked } from './use-answer.ts';

/** The panel. */
export function Explain({
  asked,
  doubt,
}: {
  readonly asked: Asked<Explanation>;
  /** Why nothing is known to be true any more; `null` while it is. */
  readonly doubt: string | null;
}): VNode {
  const { answer, failure } = asked;
  return (
    <Panel id="explain" title="Why">
      <AsKnownThen doubt={doubt} />
      {failure !== null && <Failure error={failure} />}
      {answer !== null && (
        <>
          <div class="summary">
            {(doubt === null ? answer.summary : lastingOf(answer)).map((sentence) => (
              <p key={sentence}>{sentence}</p>
            ))}
          </div>
          <Chain explanation={answer} />
          {doubt === null && <Timers explanation={answer} />}
        </>
      )}
    </Panel>
  );
}

/** What the summary says that the passing of time has not made untrue. */
function lastingOf({ summary, momentary }: Explanation): readonly string[] {
  return summary.filter((sentence) => !momentary.includes(sentence));
}

function Chain({ explanation: { chain, at } }: { readonly explanation: Explanation }): VNode | null {
  if (chain.length === 0) return null;
  const now = Date.parse(at);
  return (
    <ol class="chain" aria-label="Chain of causes">
      {chain.map((cause) => (
        <li key={`${cause.at} ${cause.sentence}`} class={`cause cause-${cause.type}`}>
          <a
            href={addressBefore(Date.parse(cause.at))}
            title={`${exactTime(Date.parse(cause.at))} UTC, ${within(cause.errorMs)}: look at the five minutes before`}
          >
            <time dateTime={cause.at}>{timeOfDay(Date.parse(cause.at), now)}</time>
          </a>
          <span class="cause-type">{cause.type}</span>
          <span class="cause-sentence">{cause.sentence}</span>
        </li>
      ))}
    </ol>
  );
}

function Timers({ explanation: { timers } }: { readonly explanation: Explanation }): VNode | null {
  useTick();
  if (timers.length === 0) return null;
  const now = serverNow();
  return (
    <>
      <h3>What will happen by itself</h3>
      <ul class="timers">
        {timers.map(({ name, at, sentence }) => {
          const inMs = now === null ? null : Date.parse(at) - now;
          return (
            <li key={`${name} ${at}`}>
              <span class="figure">{inMs === null || inMs <= 0 ? 'now' : `in ${age(inMs)}`}</span> {sentence}
            </li>
          );
        })}
      </ul>
    </>
  );
}
