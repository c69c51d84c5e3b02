/**
 * The stretch of time that the timeline and the sensors show: so long, up to now or up to a moment. It is part of the address.
 */
import { serverNow } from '../api/server-clock.ts';

/** How long it may be. */
export const LENGTHS = [
  { name: '5m', label: '5 min', ms: 300_000 },
  { name: '1h', label: '1 h', ms: 3_600_000 },
  { name: '24h', label: '24 h', ms: 86_400_000 },
] as const;

/** What the address says. */
export interface HistoryWindow {
  readonly name: string;
  readonly lengthMs: number;
  /** Up to this moment, ms epoch; `null` is up to now, and goes on. */
  readonly until: number | null;
}

/** Reads an address; what cannot be read is as if it were not there. */
export function windowOf(query: URLSearchParams): HistoryWindow {
  const { name, ms } = LENGTHS.find(({ name: one }) => one === query.get('window')) ?? LENGTHS[1];
  const until = Date.parse(query.get('until') ?? '');
  return { name, lengthMs: ms, until: Number.isNaN(until) ? null : until };
}

/** The address, on the page that is open, of what was before a moment; ms epoch. */
export function addressBefore(moment: number): string {
  const query = new URLSearchParams({ window: '5m', until: new Date(moment).toISOString() });
  return `${location.pathname}?${query.toString()}#history`;
}

/** A stretch of time, ms epoch. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The stretch as it is now. */
export function spanNow({ lengthMs, until }: HistoryWindow): Span {
  const to = until ?? serverNow() ?? Date.now();
  return { from: to - lengthMs, to };
}

/** Where a time lies in a span, in percent of it. */
export function percentOf({ from, to }: Span, time: number): number {
  return Math.min(100, Math.max(0, (100 * (time - from)) / (to - from)));
}
