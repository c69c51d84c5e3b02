/**
 * The pages of the list that the address asks for, in a component that is drawn again when they change.
 */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Heard } from '../ageing.ts';
import type { DeviceSummary } from '../api/twin.ts';
import { DevicePages } from './device-pages.ts';
import { FILTERS, filtersOf, questionsOf } from './device-query.ts';

/** Qualities change by the passing of time alone, so what is seen is read again this often, ms. */
const REFRESH_MS = 10_000;

/**
 * After a change that may have moved a device in the list, this long until it is read again, ms; and this long between two readings, where
 * much is changing.
 */
const MOVED_MS = 250;
const MOVING_MS = 2_000;

/** The list, as its view uses it. */
export interface DeviceListing {
  readonly pages: DevicePages;
  /** Says which rows are seen: they are read. */
  readonly show: (first: number, last: number) => void;
  /** Takes in what was pushed. */
  readonly take: (lines: ReadonlyMap<string, Heard<DeviceSummary>>) => void;
  /** Reads what is seen once more. */
  readonly refresh: () => void;
}

/** The list that a query asks for. */
export function useDevicePages(query: URLSearchParams): DeviceListing {
  const [, draw] = useState(0);
  const key = [...FILTERS, 'sort'].map((name) => `${name}=${query.get(name) ?? ''}`).join('&');
  const pages = useMemo(
    () =>
      new DevicePages({ questions: questionsOf(query), filters: filtersOf(query) }, () =>
        draw((times) => times + 1),
      ),
    [key],
  );
  const moved = useRef<number | null>(null);

  const readAt = useRef(0);
  const refresh = (): void => {
    moved.current = null;
    readAt.current = performance.now();
    void pages.refresh();
  };
  useEffect(() => {
    const timer = window.setInterval(() => {
      if (!document.hidden) refresh();
    }, REFRESH_MS);
    return () => {
      clearInterval(timer);
      if (moved.current !== null) clearTimeout(moved.current);
      moved.current = null;
      pages.end();
    };
  }, [pages]);

  return {
    pages,
    refresh,
    show: (first, last) => {
      void pages.show(first, last);
    },
    take: (lines) => {
      if (!pages.take(lines)) return;
      const waitMs = Math.max(MOVED_MS, readAt.current + MOVING_MS - performance.now());
      moved.current ??= window.setTimeout(refresh, waitMs);
    },
  };
}
