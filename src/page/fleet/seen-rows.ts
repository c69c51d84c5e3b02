/**
 * Which rows of a long list are seen.
 */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

/** The height of a row is the style sheet's, px; this one is taken until it has been measured. */
const ROW_HEIGHT_PX = 31;

/** The rows that the frame shows, and how tall one is, px. */
export function useSeenRows(frame: { readonly current: HTMLDivElement | null }): {
  readonly first: number;
  readonly last: number;
  readonly rowHeightPx: number;
  readonly onScroll: () => void;
} {
  const [seen, setSeen] = useState({ first: 0, last: 40, rowHeightPx: ROW_HEIGHT_PX });
  const drawing = useRef(false);
  const measure = (): void => {
    drawing.current = false;
    const { current } = frame;
    if (current === null) return;
    const rowHeightPx =
      Number.parseFloat(getComputedStyle(current).getPropertyValue('--row-height')) || ROW_HEIGHT_PX;
    const first = Math.floor(current.scrollTop / rowHeightPx);
    const last = first + Math.ceil(current.clientHeight / rowHeightPx);
    setSeen((old) =>
      old.first === first && old.last === last && old.rowHeightPx === rowHeightPx
        ? old
        : { first, last, rowHeightPx },
    );
  };
  useLayoutEffect(() => {
    measure();
    const watch = new ResizeObserver(measure);
    if (frame.current !== null) watch.observe(frame.current);
    return () => watch.disconnect();
  }, []);
  return {
    ...seen,
    onScroll: () => {
      if (drawing.current) return;
      drawing.current = true;
      requestAnimationFrame(measure);
    },
  };
}

/** Scrolls as far as it takes to see a row whole, below the heads. */
export function reveal(frame: HTMLDivElement | null, index: number, rowHeightPx: number): void {
  if (frame === null) return;
  const headsPx = frame.querySelector<HTMLElement>('.heads')?.offsetHeight ?? 0;
  const topPx = index * rowHeightPx;
  const seenPx = frame.clientHeight - headsPx;
  if (topPx < frame.scrollTop) frame.scrollTo({ top: topPx });
  else if (topPx + rowHeightPx > frame.scrollTop + seenPx)
    frame.scrollTo({ top: topPx + rowHeightPx - seenPx });
}
