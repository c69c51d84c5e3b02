/**
 * Sources, which speak for other devices: what is known of them to owners of those devices, and what those saw of them. Both travel
 * through the database, since the twin of a source may live on another node than the twins of its devices.
 */
import type { Source } from '../../actors/known-source.ts';
import { sourceOf } from '../../actors/source.ts';
import type { Suspicion } from '../contract/twin-document.ts';
import type { SourceReplay } from '../runtime/ports.ts';
import { partitionOf } from '../wire/partition.ts';
import type { Columns } from './array-parameter.ts';
import type { SessionPool } from './sessions.ts';
import type { StatementPart } from './statement.ts';

const SOURCES = `select d.id as device, t.site, t.path, ms_of(t.since) as since, ms_of(t.received_at) as "lastContactAt", t.suspicions,
  t.boot, t.via ->> 'id' as via
from device d join twin t on t.device = d.key where d.id = any($1::text[])`;

type SourceRow = Omit<Parameters<typeof sourceOf>[0], 'suspicions' | 'via'> & {
  readonly suspicions: string | null;
  readonly via: string | null;
};

const REPLAYS = `select source, site, at, devices, spoken_for as "spokenFor" from source_replay where partition = any($1::smallint[])`;

const columns = {
  source: 'text',
  site: 'text',
  partition: 'smallint',
  at: 'double precision',
  devices: 'integer',
  spoken_for: 'integer',
} as const;

/** Writes what was seen last of sources; an owner that saw it earlier changes nothing. */
export const replayPart: StatementPart<typeof columns> = {
  name: 'replays',
  columns,
  sql: (input) => `replays as (
  insert into source_replay (${Object.keys(columns).join(', ')})
  select * from (${input}) i order by source
  on conflict (source) do update
  set site = excluded.site, at = excluded.at, devices = excluded.devices, spoken_for = excluded.spoken_for
  where excluded.at > source_replay.at
)`,
};

/** Writes one row. */
export function writeReplay(
  { source, site, at, devices, spokenFor }: SourceReplay,
  row: Columns<typeof columns>,
): void {
  row.source.text(source);
  row.site.text(site);
  row.partition.smallint(partitionOf(source));
  row.at.double(at);
  row.devices.integer(devices);
  row.spoken_for.integer(spokenFor);
}

/** See `Store.sources`. */
export async function readSources(sessions: SessionPool, ids: readonly string[]): Promise<readonly Source[]> {
  const rows = await sessions.query<SourceRow>({ name: 'sources', text: SOURCES, values: [ids] });
  return rows.flatMap(({ suspicions, via, ...row }) => {
    const known = suspicions === null ? [] : (JSON.parse(suspicions) as readonly Suspicion[]);
    return sourceOf({ ...row, suspicions: known, via: via === null ? null : { id: via } }) ?? [];
  });
}

/** See `Store.replays`. */
export function readReplays(
  sessions: SessionPool,
  partitions: readonly number[],
): Promise<readonly SourceReplay[]> {
  return sessions.query<SourceReplay>({ name: 'source replays', text: REPLAYS, values: [partitions] });
}
