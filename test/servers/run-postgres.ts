/** The Postgres of a whole run, and in it the migrated database that is copied for whoever needs one of its own. */
import pg from 'pg';
import { migrate } from '../../src/postgres/migrate.ts';
import { startPostgres } from '../../tools/dev/postgres-server.ts';
import { templateDatabase, temporaryFolder, testSettings } from './servers.ts';

/** See the head of this file. */
export interface RunPostgres {
  /** With the right to create databases. */
  readonly url: string;
  readonly end: () => Promise<void>;
}

/** Starts it in a temporary folder. */
export async function startRunPostgres(): Promise<RunPostgres> {
  const { folder, remove } = temporaryFolder();
  const server = await startPostgres({ dataDir: folder, settings: testSettings });
  const client = new pg.Client({ connectionString: server.url() });
  await client.connect();
  await client.query(`create database ${templateDatabase}`);
  await migrate(server.url(templateDatabase));
  // Postgres copies a database only while nobody is connected to it.
  await client.query(`alter database ${templateDatabase} is_template true allow_connections false`);
  await client.end();
  return {
    url: server.url(),
    end: async () => {
      await server.stop();
      remove();
    },
  };
}
