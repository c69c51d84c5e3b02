/**
 * The filters of the list and its order. What can be chosen is what there is.
 */
import type { VNode } from 'preact';
import type { FleetCounts } from '../api/fleet-counts.ts';
import { QUALITIES, type Quality } from '../api/twin.ts';
import { changeQuery } from '../route.ts';
import { qualityName, stateName } from '../state-name.ts';
import { FILTERS, ORDERS } from './device-query.ts';

/** The row of filters. */
export function Filters({
  counts,
  query,
}: {
  readonly counts: FleetCounts | null;
  readonly query: URLSearchParams;
}): VNode {
  const isFiltered = FILTERS.some((name) => query.has(name));
  const kinds = counts?.kinds.map(({ kind }) => kind) ?? [];
  return (
    <div class="filters" role="group" aria-label="Filters">
      <Choice name="kind" values={kinds} query={query} />
      <Choice name="state" values={Object.keys(counts?.shownStates ?? {})} query={query} nameOf={stateName} />
      <Choice
        name="quality"
        values={QUALITIES}
        query={query}
        nameOf={(value) => qualityName(value as Quality)}
      />
      <Choice name="site" values={counts?.sites.map(({ site }) => site) ?? []} query={query} />
      <Choice name="firmware" values={firmwaresOf(counts)} query={query} />
      <label class="check">
        <input
          type="checkbox"
          checked={query.get('pending') === 'true'}
          onChange={({ currentTarget }) => changeQuery({ pending: currentTarget.checked ? 'true' : null })}
        />
        command pending
      </label>
      <label>
        order
        <select
          value={query.get('sort') ?? ''}
          onChange={({ currentTarget: { value } }) => changeQuery({ sort: value === '' ? null : value })}
        >
          {ORDERS.map(({ name, label }) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {isFiltered && (
        <button
          type="button"
          class="quiet"
          onClick={() => changeQuery(Object.fromEntries(FILTERS.map((name) => [name, null])))}
        >
          Show all
        </button>
      )}
    </div>
  );
}

function firmwaresOf(counts: FleetCounts | null): readonly string[] {
  const told = counts?.firmwares.flatMap(({ firmware }) => (firmware === null ? [] : [firmware])) ?? [];
  return [...new Set(told)].sort();
}

function Choice({
  name,
  values,
  query,
  nameOf = (value) => value,
}: {
  readonly name: (typeof FILTERS)[number];
  readonly values: readonly string[];
  readonly query: URLSearchParams;
  /** What a value is called. */
  readonly nameOf?: (value: string) => string;
}): VNode | null {
  const chosen = query.get(name) ?? '';
  const offered = chosen === '' || values.includes(chosen) ? values : [chosen, ...values];
  if (offered.length === 0) return null;
  return (
    <label>
      {name}
      <select
        value={chosen}
        onChange={({ currentTarget: { value } }) => changeQuery({ [name]: value === '' ? null : value })}
      >
        <option value="">any</option>
        {offered.map((value) => (
          <option key={value} value={value}>
            {nameOf(value)}
          </option>
        ))}
      </select>
    </label>
  );
}
