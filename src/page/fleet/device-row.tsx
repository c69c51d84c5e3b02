/**
 * One row of the list.
 */
import type { ComponentChildren, VNode } from 'preact';
import { type Standing, standingOf } from '../ageing.ts';
import type { Kind } from '../api/kinds.ts';
import { serverNow } from '../api/server-clock.ts';
import type { DeviceSummary } from '../api/twin.ts';
import { deviceAddress } from '../route.ts';
import { QualityMark } from '../shell/quality-mark.tsx';
import { StateMark } from '../shell/state-mark.tsx';
import { age, counted, timeOfDay } from '../format.ts';
import type { Row } from './device-pages.ts';

/** The id of a row in the document, for `aria-activedescendant`. */
export function rowId(index: number): string {
  return `device-row-${String(index)}`;
}

/** A row; the place of one while it is being read. */
export function DeviceRow({
  index,
  topPx,
  row,
  isActive,
  now,
  doubt,
  kinds,
  onPoint,
}: {
  readonly index: number;
  readonly topPx: number;
  readonly row: Row;
  readonly isActive: boolean;
  readonly now: number;
  /** Why nothing is known to be true any more; `null` while it is. */
  readonly doubt: string | null;
  readonly kinds: ReadonlyMap<string, Kind>;
  readonly onPoint: () => void;
}): VNode {
  const style = { top: `${String(topPx)}px` };
  if (row === null) {
    return (
      <div class="device-row coming" style={style} aria-hidden="true">
        <span class="column-state">…</span>
      </div>
    );
  }
  const { said } = row;
  const freshMs = kinds.get(said.kind)?.limits.freshMs ?? null;
  return (
    <div
      id={rowId(index)}
      class={`device-row${isActive ? ' active' : ''}${doubt === null ? '' : ' doubtful'}`}
      style={style}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isActive}
      data-device={said.device}
      onPointerDown={onPoint}
    >
      <Cell name="state">
        <StateMark path={said.path} />
      </Cell>
      <Cell name="device">
        <a href={deviceAddress(said.device)} tabIndex={-1}>
          {said.device}
        </a>
      </Cell>
      <Cell name="kind">{said.kind}</Cell>
      <Cell name="site">{said.site}</Cell>
      <StandingCells said={said} standing={standingOf(row, now, { freshMs, doubt })} />
      <Cell name="state-since">{sinceText(said.since)}</Cell>
      <Cell name="firmware">{said.firmware ?? '–'}</Cell>
      <Cell name="commands">
        {said.pending > 0 && <span class="pending">{counted(said.pending, 'command')} pending</span>}
        {!said.responsive && <span class="unresponsive">commands get no response</span>}
      </Cell>
    </div>
  );
}

function StandingCells({
  said,
  standing,
}: {
  readonly said: DeviceSummary;
  readonly standing: Standing;
}): VNode {
  const reasons = said.suspicions.join(', ');
  return (
    <>
      <Cell name="quality">
        <QualityMark quality={standing.quality} because={standing.because} />
        {reasons !== '' && (
          <span class="reasons" title={reasons}>
            {' '}
            {reasons}
          </span>
        )}
      </Cell>
      <Cell name="age">{standing.ageMs === null ? 'never heard' : age(standing.ageMs)}</Cell>
    </>
  );
}

function Cell({ name, children }: { readonly name: string; readonly children: ComponentChildren }): VNode {
  return (
    <span role="gridcell" class={`column-${name}`}>
      {children}
    </span>
  );
}

function sinceText(since: string | null): string {
  if (since === null) return '–';
  const at = Date.parse(since);
  return timeOfDay(at, serverNow() ?? at);
}
