/**
 * Which devices the list shows, as the address says, and the questions it asks the node for them.
 */

/** The filters of the list, as they are named in the address and by `GET /v1/devices`. */
export const FILTERS = ['q', 'kind', 'state', 'quality', 'site', 'firmware', 'suspicion', 'pending'] as const;
export type Filter = (typeof FILTERS)[number];

/** The orders in which the list can be read. */
export const ORDERS = [
  { name: '', label: 'suspects first' },
  { name: 'id', label: 'by id' },
  { name: '-since', label: 'newest state first' },
  { name: '-ageMs', label: 'oldest knowledge first' },
] as const;

/**
 * The questions whose answers, one after the other, are the list. Suspects first is no order that a device has: it is the
 * suspects, then what the node says of the others, the least certain first.
 */
export function questionsOf(query: URLSearchParams): readonly Question[] {
  const base = filtersOf(query);
  const sort = query.get('sort') ?? '';
  if (sort !== '') base.set('sort', sort);
  if (sort !== '' || base.has('quality') || base.has('state')) return [{ query: base, isRest: false }];
  const part = (name: Filter, value: string): URLSearchParams => {
    const narrowed = new URLSearchParams(base);
    narrowed.set(name, value);
    return narrowed;
  };
  return [
    { query: part('state', 'suspect'), isRest: false },
    ...['suspect', 'unknown', 'stale', 'fresh'].map((quality) => ({
      query: part('quality', quality),
      isRest: true,
    })),
  ];
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
  /** The devices in the state `suspect` are left out: they were shown before. */
  readonly isRest: boolean;
}
