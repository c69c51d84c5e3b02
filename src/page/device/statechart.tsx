/**
 * The machine of the device's kind, with the present state lit, as the node draws it.
 */
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { getText } from '../api/request.ts';
import { Failure } from '../shell/failure.tsx';
import { stateClass } from '../shell/state-mark.tsx';
import { AsKnownThen } from './as-known-then.tsx';
import { Panel } from './panel.tsx';
import { useAnswer } from './use-answer.ts';

/** The panel. */
export function Statechart({
  device,
  path,
  version,
  doubt,
}: {
  readonly device: string;
  readonly path: string;
  /** Of the twin: with it the picture may change. */
  readonly version: number;
  /** Why nothing is known to be true any more; `null` while it is. */
  readonly doubt: string | null;
}): VNode {
  const drawn = useAnswer(`/v1/devices/${encodeURIComponent(device)}/machine.svg`, version, getText);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (place.current !== null) showLit(place.current);
  }, [drawn.answer]);
  return (
    <Panel id="statechart" title="Its machine">
      <AsKnownThen doubt={doubt} />
      {drawn.failure !== null && <Failure error={drawn.failure} />}
      {drawn.answer !== null && (
        <div
          ref={place}
          class={`drawing ${stateClass(path)}${doubt !== null ? ' doubtful' : ''}`}
          role="img"
          aria-label={`State chart; the ${doubt === null ? 'present' : 'last known'} state is ${path}`}
          tabIndex={0}
          dangerouslySetInnerHTML={{ __html: drawn.answer }}
        />
      )}
    </Panel>
  );
}

/** On a narrow screen the drawing is wider than its place: the lit state is what one wants to see of it. */
function showLit(place: HTMLElement): void {
  const lit = place.querySelector('.lit')?.getBoundingClientRect();
  if (lit === undefined) return;
  const frame = place.getBoundingClientRect();
  place.scrollLeft += lit.left + lit.width / 2 - (frame.left + frame.width / 2);
}
