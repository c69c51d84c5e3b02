/**
 * Which devices the list shows, as the address says, and the questions it asks the node for them.
 */
import type { DeviceSummary } from '../api/twin.ts';
import { DOUBTED, OUT_OF_SERVICE, shownState } from '../state-name.ts';

/** The filters of the list, as they are named in the address and by `GET /v1/devices`. */
export const FILTERS = ['q', 'kind', 'state', 'quality', 'site', 'firmware', 'suspicion', 'pending'] as const;
export type Filter = (typeof FILTERS)[number];

/** The orders in which the list can be read. */
export const ORDERS = [
  { name: '', label: 'needs somebody first' },
  { name: 'id', label: 'by id' },
  { name: '-since', label: 'newest state first' },
  { name: '-ageMs', label: 'oldest knowledge first' },
] as const;

/**
 * The questions whose answers, one after the other, are the list. What needs somebody first is no order that a device has: it is the twins
 * in doubt, what is doubted of devices in another state, the devices that say themselves that they are out of service, and then all others
 * by id.
 */
export function questionsOf(query: URLSearchParams): readonly Question[] {
  const base = filtersOf(query);
  const sort = query.get('sort') ?? '';
  if (sort !== '') base.set('sort', sort);
  if (sort !== '' || base.has('quality') || base.has('state'))
    return [{ query: base, isShownBefore: noneOf }];
  return [
    { query: narrowed(base, 'state', DOUBTED), isShownBefore: noneOf },
    {
      query: narrowed(base, 'quality', 'suspect'),
      isShownBefore: ({ path }) => shownState(path) === DOUBTED,
    },
    { query: narrowed(base, 'state', OUT_OF_SERVICE), isShownBefore: ({ quality }) => quality === 'suspect' },
    { query: base, isShownBefore: ({ state, quality }) => state === 'suspect' || quality === 'suspect' },
  ];
}

function noneOf(): boolean {
  return false;
}

function narrowed(base: URLSearchParams, filter: Filter, value: string): URLSearchParams {
  const query = new URLSearchParams(base);
  query.set(filter, value);
  return query;
}

/** The filters that the address names. */
export function filtersOf(query: URLSearchParams): URLSearchParams {
  const filters = new URLSearchParams();
  for (const filter of FILTERS) {
    const value = query.get(filter);
    if (value !== null && value !== '') filters.set(filter, value);
  }
  return filters;
}

/** One question of the list. */
export interface Question {
  readonly query: URLSearchParams;
  /** Whether a device was in the answers to the questions before this one. */
  readonly isShownBefore: (line: Pick<DeviceSummary, 'state' | 'path' | 'quality'>) => boolean;
}
