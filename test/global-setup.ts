/** Once per test run: a Postgres, and in it the migrated database that the test files copy. */
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../src/postgres/migrate.ts';
import { startPostgres } from '../tools/dev/postgres-server.ts';
import { templateDatabase, temporaryFolder, testSettings } from './servers.ts';

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const { folder, remove } = temporaryFolder();
  const server = await startPostgres({ dataDir: folder, settings: testSettings });
  const client = new pg.Client({ connectionString: server.url() });
  await client.connect();
  await client.query(`create database ${templateDatabase}`);
  await migrate(server.url(templateDatabase));
  // Postgres copies a database only while nobody is connected to it.
  await client.query(`alter database ${templateDatabase} is_template true allow_connections false`);
  await client.end();
  project.provide('postgresUrl', server.url());
  return async () => {
    await server.stop();
    remove();
  };
}
