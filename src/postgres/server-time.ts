/** What time Postgres has it. */
import type { ClientBase } from 'pg';

/** Not `now()`, which is when the transaction began. */
const SERVER_TIME = 'select (extract(epoch from clock_timestamp()) * 1000)::double precision as now';

/** The time by the clock of Postgres, ms epoch. */
export async function serverTime(client: Pick<ClientBase, 'query'>): Promise<number> {
  const { rows } = await client.query<{ readonly now: number }>(SERVER_TIME);
  const [row] = rows;
  if (row === undefined) throw new Error('Postgres does not tell the time');
  return row.now;
}
