/**
 * The fleet at a glance: how many are how, who has to be looked at first, and everybody by search and filter.
 */
import type { VNode } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Heard } from '../ageing.ts';
import type { FleetCounts } from '../api/fleet-counts.ts';
import { readKinds } from '../api/kinds.ts';
import { get, noticeLate } from '../api/request.ts';
import { learnServerTime, serverNow } from '../api/server-clock.ts';
import type { DeviceSummary } from '../api/twin.ts';
import { connection, doubtOf, useEvents } from '../connection.ts';
import { useObservable } from '../observable.ts';
import { Failure } from '../shell/failure.tsx';
import { DeviceList } from './device-list.tsx';
import { DeviceTally } from './device-tally.tsx';
import { Filters } from './filters.tsx';
import { useDevicePages } from './use-device-pages.ts';

/** How often the fleet is counted again, ms: soon after something changed, and now and then because time alone changes qualities. */
const COUNT_SOON_MS = 1_000;
const COUNT_IDLE_MS = 10_000;

/** The view. */
export function FleetPage({ query }: { readonly query: URLSearchParams }): VNode {
  const { counts, failure, isLate, countSoon } = useCounts();
  const doubt = doubtOf(useObservable(connection), failure ?? (isLate || null));
  const list = useDevicePages(query);
  useEffect(() => {
    document.title = 'Corral: the fleet';
    void readKinds().catch(() => undefined);
  }, []);

  const pushed = useRef(new Map<string, Heard<DeviceSummary>>());
  const take = (): void => {
    const lines = pushed.current;
    pushed.current = new Map();
    list.take(lines);
    countSoon();
  };
  useEvents('/v1/events', {
    onEvent: (event) => {
      if (event.event === 'gone' || event.event === 'forgotten') {
        list.refresh();
        countSoon();
      }
      if (event.event !== 'changed') return;
      const line = summaryOf(event.data as ChangeData);
      // A whole fleet may change in one second: it is drawn once a frame.
      if (pushed.current.size === 0) requestAnimationFrame(take);
      pushed.current.set(line.said.device, line);
    },
    onLive: () => {
      list.refresh();
      countSoon();
    },
  });

  return (
    <main id="main" class="fleet">
      <h1 class="visually-hidden">The fleet</h1>
      {failure !== null && <Failure error={failure} />}
      <DeviceTally counts={counts} query={query} doubt={doubt} />
      <Filters counts={counts} query={query} />
      <DeviceList list={list} query={query} fleetDoubt={doubt} />
    </main>
  );
}

/** The data of an event `changed`. */
interface ChangeData {
  readonly recordedAt: string;
  /** The device as it stood then. */
  readonly line: DeviceSummary;
}

/** After a break events come that are older: the line was said when the change was recorded. */
function summaryOf({ line, recordedAt }: ChangeData): Heard<DeviceSummary> {
  const now = serverNow();
  const agoMs = now === null ? 0 : Math.max(0, now - Date.parse(recordedAt));
  return { said: line, heardAt: performance.now() - agoMs };
}

/** The fleet, counted; `countSoon` counts again, but not for each change of many. */
function useCounts(): {
  readonly counts: FleetCounts | null;
  readonly failure: unknown;
  /** True while the count is due for longer than it should take. */
  readonly isLate: boolean;
  readonly countSoon: () => void;
} {
  const [counts, setCounts] = useState<FleetCounts | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [isLate, setLate] = useState(false);
  const timer = useRef<{ readonly id: number; readonly isSoon: boolean } | null>(null);
  const ended = useRef(false);

  const later = useCallback((isSoon: boolean): void => {
    if (timer.current !== null) clearTimeout(timer.current.id);
    const id = window.setTimeout(() => void read(), isSoon ? COUNT_SOON_MS : COUNT_IDLE_MS);
    timer.current = { id, isSoon };
  }, []);
  const read = useCallback(async (): Promise<void> => {
    try {
      if (!document.hidden) {
        const answer = await noticeLate(get<FleetCounts>('/v1/fleet'), () => setLate(true));
        learnServerTime(Date.parse(answer.countedAt));
        setCounts(answer);
      }
      setFailure(null);
    } catch (error) {
      setFailure(error);
    }
    setLate(false);
    if (!ended.current) later(false);
  }, []);
  useEffect(() => {
    void read();
    return () => {
      ended.current = true;
      if (timer.current !== null) clearTimeout(timer.current.id);
    };
  }, []);

  const countSoon = useCallback(() => {
    if (timer.current !== null && !timer.current.isSoon) later(true);
  }, []);
  return { counts, failure, isLate, countSoon };
}
