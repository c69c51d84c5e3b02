/**
 * The fleet in numbers: by how far it can be trusted, and by kind and state. Every number is a filter.
 */
import type { VNode } from 'preact';
import type { FleetCounts } from '../api/fleet-counts.ts';
import { QUALITIES } from '../api/twin.ts';
import { MEANING, QualityMark } from '../shell/quality-mark.tsx';
import { StateMark, stateClass } from '../shell/state-mark.tsx';
import { clockTime, count, counted } from '../format.ts';
import { DOUBTED, OUT_OF_SERVICE, qualityName, stateName } from '../state-name.ts';
import { type Filter as FilterName, FILTERS } from './device-query.ts';

/** The order of states: what needs somebody comes first, then what is in use. */
const STATE_ORDER = [
  DOUBTED,
  OUT_OF_SERVICE,
  'offline',
  'reserved',
  'charging',
  'rented',
  'serving',
  'available',
];

/** The numbers; before they are known, their places. */
export function DeviceTally({
  counts,
  query,
  doubt,
}: {
  readonly counts: FleetCounts | null;
  readonly query: URLSearchParams;
  /** Why nothing is known to be true any more; `null` while it is. */
  readonly doubt: string | null;
}): VNode {
  return (
    <section class={doubt === null ? 'tally' : 'tally doubtful'} aria-label="The fleet at a glance">
      <p class="total">
        <strong>{counts === null ? '–' : count(counts.devices)}</strong> devices
      </p>
      {counts !== null && doubt === null && <Qualities counts={counts.qualities} query={query} />}
      {counts !== null && doubt !== null && <AllUnknown devices={counts.devices} doubt={doubt} />}
      {counts !== null && <States counts={counts} query={query} />}
      {counts !== null && doubt !== null && (
        <p class="as-known-then" role="status">
          States as last counted, at {clockTime(Date.parse(counts.countedAt))} UTC. How the devices are now,
          nobody here knows: {doubt}.
        </p>
      )}
    </section>
  );
}

/** While the node is not heard there is no other quality. Nobody could list them by it, so it is no filter. */
function AllUnknown({ devices, doubt }: { readonly devices: number; readonly doubt: string }): VNode {
  return (
    <ul class="qualities" aria-label="By quality">
      <li>
        <span class="filter" title={doubt} aria-label={`${counted(devices, 'device')} of quality unknown`}>
          <strong>{count(devices)}</strong>
          <QualityMark quality="unknown" because={doubt} />
        </span>
      </li>
    </ul>
  );
}

function Qualities({
  counts,
  query,
}: {
  readonly counts: Readonly<Record<string, number>>;
  readonly query: URLSearchParams;
}): VNode {
  return (
    <ul class="qualities" aria-label="By quality">
      {QUALITIES.map((quality) => (
        <li key={quality}>
          <Filter
            set={{ quality }}
            query={query}
            title={MEANING[quality]}
            label={`${counted(counts[quality] ?? 0, 'device')} of quality ${qualityName(quality)}`}
          >
            <strong>{count(counts[quality] ?? 0)}</strong>
            <QualityMark quality={quality} />
          </Filter>
        </li>
      ))}
    </ul>
  );
}

function States({ counts, query }: { readonly counts: FleetCounts; readonly query: URLSearchParams }): VNode {
  const rank = (state: string): number => {
    const index = STATE_ORDER.indexOf(state);
    return index === -1 ? STATE_ORDER.length - 1.5 : index;
  };
  const states = Object.keys(counts.shownStates).sort((a, b) => rank(a) - rank(b));
  return (
    <div class="states" tabIndex={0} role="region" aria-label="By kind and state">
      <table>
        <thead>
          <tr>
            <th scope="col">kind</th>
            {states.map((state) => (
              <th key={state} scope="col">
                <StateMark path={state} />
              </th>
            ))}
            <th scope="col">all</th>
          </tr>
        </thead>
        <tbody>
          {counts.kinds.map(({ kind, devices, shownStates: ofKind }) => (
            <tr key={kind}>
              <th scope="row">{kind}</th>
              {states.map((state) => (
                <td key={state}>
                  <Number number={ofKind[state] ?? 0} of={devices} set={{ kind, state }} query={query} />
                </td>
              ))}
              <td>
                <Number number={devices} of={null} set={{ kind, state: null }} query={query} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Number({
  number,
  of,
  set,
  query,
}: {
  readonly number: number;
  /** Of how many: drawn as a bar behind the number. */
  readonly of: number | null;
  readonly set: { readonly kind: string; readonly state: string | null };
  readonly query: URLSearchParams;
}): VNode {
  if (number === 0) return <span class="none">0</span>;
  const label = `${counted(number, set.kind)}${set.state === null ? '' : ` in state ${stateName(set.state)}`}`;
  return (
    <Filter set={set} query={query} label={label}>
      {count(number)}
      {of !== null && set.state !== null && (
        <span
          class={`share ${stateClass(set.state)}`}
          style={{ width: `${((100 * number) / of).toFixed(1)}%` }}
          aria-hidden="true"
        />
      )}
    </Filter>
  );
}

/**
 * A link to the list of exactly these devices, as many as the number says: other filters are let go, the order stays. Once it is, a link
 * back to all.
 */
function Filter({
  set,
  query,
  label,
  title,
  children,
}: {
  readonly set: Readonly<Partial<Record<FilterName, string | null>>>;
  readonly query: URLSearchParams;
  readonly label: string;
  readonly title?: string;
  readonly children: VNode | (VNode | string | false)[];
}): VNode {
  const isSet = FILTERS.every((name) => (query.get(name) ?? '') === (set[name] ?? ''));
  const target = new URLSearchParams(query);
  for (const name of FILTERS) target.delete(name);
  for (const [name, value] of Object.entries(set)) if (!isSet && value !== null) target.set(name, value);
  const search = target.toString();
  return (
    <a
      class="filter"
      href={search === '' ? '/' : `/?${search}`}
      aria-label={label}
      aria-current={isSet ? 'true' : undefined}
      title={title}
    >
      {children}
    </a>
  );
}
