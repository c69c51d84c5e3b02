/**
 * The fence: the first part of every commit. It moves the lease rows of the commit's partitions, and the whole statement
 * fails unless each of them is still under the epoch and after the batch that the node knows.
 */
import type { PartitionAdvance } from '../runtime/ports.ts';
import type { Columns } from './array-parameter.ts';
import { writePositions } from './lease-row.ts';
import type { StatementPart } from './statement.ts';

const columns = {
  partition: 'smallint',
  epoch: 'bigint',
  after_batch: 'bigint',
  positions: 'text',
  backlog: 'text',
  journal: 'bigint',
  published: 'bigint',
} as const;

/** Whoever locks several lease rows locks them in the order of their partitions: so nobody waits in a circle. */
export const fencePart: StatementPart<typeof columns> = {
  name: 'fence',
  columns,
  sql: (input) => `held as (
  select l.partition, a.positions::jsonb as positions, a.backlog::jsonb as backlog, a.journal, a.published
  from (${input}) a join lease l on l.partition = a.partition
  where l.epoch = a.epoch and l.batch = a.after_batch
  order by l.partition for update of l
), fence as (
  update lease l
  set batch = l.batch + 1, positions = l.positions || held.positions, backlog = coalesce(held.backlog, l.backlog),
    journal = held.journal, published = held.published
  from held where l.partition = held.partition
  returning l.partition
)`,
};

/** The end of a commit's statement; its first parameter is the first column of the fence. */
export const fenceConclusion = `select case when count(*) = cardinality($1::smallint[]) then true
  else refuse_commit(array(select unnest($1::smallint[]) except select partition from fence)) end
from fence`;

/** SQLSTATE of a commit whose fence did not hold (migration 0002). */
export const FENCED = 'FENCE';

/** Writes one row of the fence. */
export function writeFence(advance: PartitionAdvance, row: Columns<typeof columns>): void {
  row.partition.smallint(advance.partition);
  row.epoch.bigint(advance.epoch);
  row.after_batch.bigint(advance.afterBatch);
  row.positions.text(writePositions(advance.positions));
  row.backlog.text(advance.backlog && JSON.stringify(advance.backlog));
  row.journal.bigint(advance.journal);
  row.published.bigint(advance.published);
}
