/**
 * Counts the whole fleet for the metrics: one look at every twin, and at the commands that are not closed.
 */
import type { FleetCensus } from '../history/ports.ts';
import type { SessionPool } from './sessions.ts';

/** Counts it. Rejects when the store is away. */
export async function takeCensus(sessions: SessionPool): Promise<FleetCensus> {
  const [twins, suspicions, divergences, openCommands] = await Promise.all([
    sessions.query<FleetCensus['twins'][number]>({
      name: 'census of twins',
      text: 'select kind, state, count(*) as twins from twin group by kind, state order by kind, state',
    }),
    sessions.query<FleetCensus['suspicions'][number]>({
      name: 'census of suspicions',
      text: `select s ->> 'reason' as reason, count(*) as twins
        from twin, json_array_elements(suspicions) s where suspicions is not null group by 1 order by 1`,
    }),
    sessions.query<FleetCensus['divergences'][number]>({
      name: 'census of divergences',
      text: `select s -> 'divergence' ->> 'sort' as sort, count(*) as twins
        from twin, json_array_elements(suspicions) s
        where suspicions is not null and s -> 'divergence' is not null group by 1 order by 1`,
    }),
    sessions.query<FleetCensus['openCommands'][number]>({
      name: 'census of commands',
      text: 'select outcome, count(*) as commands from command where closed_at is null group by outcome order by outcome',
    }),
  ]);
  return { twins, suspicions, divergences, openCommands };
}
