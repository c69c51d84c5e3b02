/**
 * A second pair of eyes on a database under test, beside the store's own connections.
 */
import pg from 'pg';

/** Who waits in vain says so before the test is ended, ms. */
const TIMEOUT_MS = 200_000;
const PAUSE_MS = 10;

/** A connection of the test's own. */
export interface DatabaseEye {
  readonly query: <Row extends object>(text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;
  /** Waits until the query finds a row, and returns it; the error says what was waited for. */
  readonly untilRow: <Row extends object>(
    what: string,
    text: string,
    values?: readonly unknown[],
  ) => Promise<Row>;
  readonly close: () => Promise<void>;
}

/** Opens one. */
export async function openEye(url: string): Promise<DatabaseEye> {
  const client = new pg.Client({ connectionString: url, application_name: 'test' });
  // A test that failed may drop the database first.
  client.on('error', () => undefined);
  await client.connect();
  const query = async <Row extends object>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> => {
    const { rows } = await client.query<Row & pg.QueryResultRow>(text, [...values]);
    return rows;
  };
  return {
    query,
    untilRow: async <Row extends object>(what: string, text: string, values?: readonly unknown[]) => {
      const giveUpAt = performance.now() + TIMEOUT_MS;
      for (;;) {
        const [row] = await query<Row>(text, values);
        if (row !== undefined) return row;
        if (performance.now() > giveUpAt) {
          const sessions = await query(
            'select pid, state, wait_event, left(query, 60) as query from pg_stat_activity',
          );
          throw new Error(`waited ${String(TIMEOUT_MS)} ms until ${what}; saw ${JSON.stringify(sessions)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    },
    close: () => client.end(),
  };
}
