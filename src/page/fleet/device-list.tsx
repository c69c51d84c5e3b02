/**
 * The list of devices. Only the rows that are seen are in the document, and only the pages around them in memory, so that it stays
 * smooth with 100,000.
 */
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { kinds } from '../api/kinds.ts';
import { connection, doubtOf } from '../connection.ts';
import { useObservable } from '../observable.ts';
import { deviceAddress, goTo } from '../route.ts';
import { Failure } from '../shell/failure.tsx';
import { count, counted } from '../format.ts';
import { useTick } from '../ticker.ts';
import type { DevicePages } from './device-pages.ts';
import { DeviceRow, rowId } from './device-row.tsx';
import { reveal, useSeenRows } from './seen-rows.ts';
import type { DeviceListing } from './use-device-pages.ts';

/** Rows drawn beyond what is seen, on either side. */
const MARGIN_ROWS = 8;

const FIRST_ROW = { index: 0, device: null };

/** Places kept for what was not read yet. */
const COMING_ROWS = 20;

const COLUMNS = ['state', 'device', 'kind', 'site', 'quality', 'age', 'state since', 'firmware', 'commands'];

/** The list of the fleet's view. */
export function DeviceList({
  list,
  query,
  fleetDoubt,
}: {
  readonly list: DeviceListing;
  readonly query: URLSearchParams;
  /** Why nothing of the fleet is known to be true any more; `null` while it is. */
  readonly fleetDoubt: string | null;
}): VNode {
  const { pages } = list;
  const frame = useRef<HTMLDivElement>(null);
  const { first, last, rowHeightPx, onScroll } = useSeenRows(frame);
  const [active, setActive] = useActiveRow({ pages, query }, frame);
  const now = useTick();
  const listDoubt = doubtOf(useObservable(connection), pages.failure);
  const doubt = fleetDoubt ?? listDoubt;
  const known = useObservable(kinds);

  useEffect(() => list.show(first, last), [pages, first, last, pages.size]);

  const { size } = pages;
  const places = size + (pages.hasMore ? COMING_ROWS : 0);
  const move = (to: number): void => {
    const target = Math.max(0, Math.min(size - 1, to));
    setActive(target);
    reveal(frame.current, target, rowHeightPx);
  };
  const openActive = useOpening(pages, active);
  const indices = range(Math.max(0, first - MARGIN_ROWS), Math.min(places, last + MARGIN_ROWS));
  return (
    <section class="list" aria-label="Devices">
      <ListFailure pages={pages} />
      <div
        id="devices"
        class="scroller"
        ref={frame}
        role="grid"
        aria-label="Devices"
        aria-rowcount={pages.total === null ? -1 : pages.total + 1}
        aria-activedescendant={size > 0 ? rowId(active) : undefined}
        tabIndex={0}
        onScroll={onScroll}
        onKeyDown={(event) => {
          const to = keyTarget(event.key, { active, seen: Math.max(1, last - first), size });
          if (to === null) return;
          event.preventDefault();
          if (to === 'open') openActive();
          else move(to);
        }}
      >
        <Heads isKnown={doubt === null} />
        <div class="rows" role="rowgroup" style={{ height: `${String(places * rowHeightPx)}px` }}>
          {indices.map((index) => (
            <DeviceRow
              key={index}
              index={index}
              topPx={index * rowHeightPx}
              row={pages.row(index)}
              isActive={index === active}
              now={now}
              doubt={doubt}
              kinds={known}
              onPoint={() => setActive(index)}
            />
          ))}
        </div>
        {pages.isRead && places === 0 && <p class="nobody">No device is like that.</p>}
      </div>
      <Extent pages={pages} />
    </section>
  );
}

function ListFailure({ pages: { failure } }: { readonly pages: DevicePages }): VNode | null {
  return failure === null ? null : <Failure error={failure} />;
}

function Heads({ isKnown }: { readonly isKnown: boolean }): VNode {
  return (
    <div class="device-row heads" role="row" aria-rowindex={1}>
      {COLUMNS.map((name) => (
        <span key={name} role="columnheader" class={`column-${name.replace(' ', '-')}`}>
          {name === 'state' && !isKnown ? 'last known state' : name}
        </span>
      ))}
    </div>
  );
}

function Extent({ pages: { size, total, hasMore } }: { readonly pages: DevicePages }): VNode {
  return (
    <p class="extent">
      <span role="status">
        {total !== null && counted(total, 'device')}
        {hasMore && `${total === null ? '' : ', '}${count(size)} read so far, more as you scroll`}
      </span>
      <span class="keys">
        <kbd>/</kbd> search <kbd>j</kbd> <kbd>k</kbd> down and up <kbd>Enter</kbd> open <kbd>u</kbd> back here
      </span>
    </p>
  );
}

function keyTarget(
  key: string,
  { active, seen, size }: { readonly active: number; readonly seen: number; readonly size: number },
): number | 'open' | null {
  switch (key) {
    case 'Enter':
      return 'open';
    case 'j':
    case 'ArrowDown':
      return active + 1;
    case 'k':
    case 'ArrowUp':
      return active - 1;
    case 'PageDown':
      return active + seen;
    case 'PageUp':
      return active - seen;
    case 'Home':
      return 0;
    case 'End':
      return size - 1;
    default:
      return null;
  }
}

/**
 * The row that keys act on. It stays with its device when that moves in the list: nobody should open another one than was marked. Another
 * list begins at its first row.
 */
function useActiveRow(
  { pages, query }: { readonly pages: DevicePages; readonly query: URLSearchParams },
  frame: { readonly current: HTMLDivElement | null },
): readonly [number, (index: number) => void] {
  const [chosen, setChosen] = useState<{ readonly index: number; readonly device: string | null }>(FIRST_ROW);
  useEffect(() => {
    setChosen(FIRST_ROW);
    if (frame.current !== null) frame.current.scrollTop = 0;
  }, [query.toString()]);
  const index = (chosen.device === null ? null : pages.indexOf(chosen.device)) ?? chosen.index;
  return [index, (to) => setChosen({ index: to, device: pages.row(to)?.said.device ?? null })];
}

/** Opens the active row, as soon as it is there: whoever knows the id types it and `Enter` faster than anything is read. */
function useOpening(pages: DevicePages, active: number): () => void {
  const [isWanted, setWanted] = useState(false);
  const row = pages.row(active);
  const isEmpty = pages.size === 0 && pages.isRead && !pages.hasMore;
  useEffect(() => {
    if (!isWanted || (row === null && !isEmpty)) return;
    setWanted(false);
    if (row !== null) goTo(deviceAddress(row.said.device));
  }, [isWanted, row, isEmpty]);
  return () => setWanted(true);
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
}
