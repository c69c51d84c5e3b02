/**
 * The fleet in numbers: how many devices have what in common, and how that changed.
 */
import { DOUBTED, OUT_OF_SERVICE } from '../../machines/shown-state.ts';
import type { DeviceCount, LeaseView, StateChange } from '../history/ports.ts';
import type { TwinReading } from '../runtime/twin-reading.ts';
import { type PositionsRow, readPositions } from './lease-row.ts';
import type { SessionPool } from './sessions.ts';

/** What is counted with. */
export interface FleetNumbersOptions {
  readonly sessions: SessionPool;
  readonly reading: TwinReading;
}

/** By the columns: `fresh` and `unknown` are certain, what may be stale is stale. A kind that this node does not have is unknown. */
const COUNTS = `select d.kind, t.state, case when t.state = 'suspect'
    then case when t.path = '${OUT_OF_SERVICE}' then t.path else '${DOUBTED}' end else t.state end as "shownState", d.site, t.firmware, case
    when t.measured_at is null or k.fresh_ms is null or t.via ->> 'doubt' is not null then 'unknown'
    when t.suspicions is not null then 'suspect'
    when t.error_ms is null then case when $3 - ms_of(t.measured_at) - $4 <= k.fresh_ms then 'unknown' else 'stale' end
    when $3 - ms_of(t.measured_at) + t.error_ms + $4 <= k.fresh_ms then 'fresh'
    else 'stale' end as quality, count(*) as devices
from device d
left join twin t on t.device = d.key
left join unnest($1::text[], $2::double precision[]) k (kind, fresh_ms) on k.kind = d.kind
group by 1, 2, 3, 4, 5, 6`;

const CHANGES = `select floor((ms_of(t.recorded_at) - $1) / $2)::integer as step, d.kind,
  split_part(t.from_path, '.', 1) as "from", split_part(t.to_path, '.', 1) as "to", count(*) as transitions
from transition t join device d on d.key = t.device
where t.recorded_at >= time_of($1) and split_part(t.from_path, '.', 1) <> split_part(t.to_path, '.', 1)
group by 1, 2, 3, 4`;

const LEASES = `select partition, owner, ms_of(expires_at) as "expiresAt", epoch, positions, backlog, batch, journal, published
from lease order by partition`;

const SITES = 'select distinct site from device order by site';

type CountRow = Omit<DeviceCount, 'state' | 'shownState'> & {
  readonly state: string | null;
  readonly shownState: string | null;
};

/** Counts devices and transitions. */
export class FleetNumbers {
  readonly #options: FleetNumbersOptions;

  constructor(options: FleetNumbersOptions) {
    this.#options = options;
  }

  /** See `Archive.counts`. */
  async counts(): Promise<readonly DeviceCount[]> {
    const { sessions, reading } = this.#options;
    const { now, serverErrorMs, kinds } = reading.judging();
    const names = kinds.map(({ name }) => name);
    const limits = kinds.map(({ freshMs }) => freshMs);
    const rows = await sessions.query<CountRow>({
      text: COUNTS,
      values: [names, limits, now, serverErrorMs],
    });
    return rows.map((row) => {
      const unheard = reading.initialState(row.kind);
      return { ...row, state: row.state ?? unheard, shownState: row.shownState ?? unheard };
    });
  }

  /** See `Archive.stateChanges`. */
  stateChanges({
    from,
    stepMs,
  }: {
    readonly from: number;
    readonly stepMs: number;
  }): Promise<readonly StateChange[]> {
    return this.#options.sessions.query<StateChange>({ text: CHANGES, values: [from, stepMs] });
  }

  /** See `PostgresStore.sites`. */
  async sites(): Promise<readonly string[]> {
    const rows = await this.#options.sessions.query<{ readonly site: string }>({ text: SITES });
    return rows.map(({ site }) => site);
  }

  /** See `Archive.leases`. */
  async leases(): Promise<readonly LeaseView[]> {
    const rows = await this.#options.sessions.query<
      Omit<LeaseView, 'positions'> & { readonly positions: PositionsRow }
    >({ text: LEASES });
    return rows.map(readPositions);
  }
}
