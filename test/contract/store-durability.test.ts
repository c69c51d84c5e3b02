/** What a commit that was answered is worth: it survives a crash of the server, whatever the database is set to. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_POSTGRES_LIMITS } from '../../src/postgres/limits.ts';
import { SessionPool } from '../../src/postgres/sessions.ts';
import { createDatabase, type TestDatabase } from '../servers/servers.ts';

let database: TestDatabase;
let sessions: SessionPool;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(async () => {
  await sessions.close();
  await database.drop();
});

function open(setting: string): void {
  const url = new URL(database.url);
  url.searchParams.set('options', `-c synchronous_commit=${setting}`);
  sessions = new SessionPool({
    connectionString: url.href,
    connectionsMax: 1,
    planCacheMode: 'auto',
    limits: DEFAULT_POSTGRES_LIMITS,
  });
}

describe('a session of the store', () => {
  test.each([
    ['off', 'on'],
    ['on', 'on'],
    ['local', 'local'],
    ['remote_apply', 'remote_apply'],
  ])('that Postgres opens with synchronous_commit %s has %s', async (given, kept) => {
    open(given);
    expect(await sessions.query({ text: "select current_setting('synchronous_commit') as setting" })).toEqual(
      [{ setting: kept }],
    );
  });
});
