/** Once per test run: a Postgres, and in it the migrated database that the test files copy. */
import type { TestProject } from 'vitest/node';
import { startRunPostgres } from './run-postgres.ts';

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startRunPostgres();
  project.provide('postgresUrl', postgres.url);
  return postgres.end;
}
