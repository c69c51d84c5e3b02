/**
 * A node whose store is cut off just while it starts ends with one sentence that whoever keeps programs running can read, and not with a stack: it is
 * an outage and no fault of the program.
 */
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCorral, StartError } from '../../src/app/app.ts';
import { readConfig } from '../../src/app/config.ts';
import { createDatabase, type TestDatabase } from '../servers/servers.ts';
import { Way } from '../storm/way.ts';

let database: TestDatabase;
let way: Way;

beforeAll(async () => {
  [database, way] = await Promise.all([createDatabase(), Way.open({ name: 'store' })]);
});

afterAll(async () => {
  await way.close();
  await database.drop();
});

test.each([
  { what: 'asks whether the schema is up to date', said: 'pg_advisory_lock' },
  { what: 'keeps house', said: 'pg_try_advisory_lock' },
])('a node says in one sentence that the store was cut off while it $what', async ({ said }) => {
  const config = readConfig({
    CORRAL_POSTGRES_URL: way.urlOf(database.url),
    // It does not come so far as to ask for the hub.
    CORRAL_NATS_URL: 'nats://runtime:runtime@127.0.0.1:1',
    CORRAL_NODE: 'node-under-test',
  });
  way.trap({ said: Buffer.from(said), arrives: false });
  const starting = startCorral(config, pino({ level: 'silent' }));
  const error = await starting.then(
    () => null,
    (reason: unknown) => reason,
  );
  way.heal();
  expect(error).toBeInstanceOf(StartError);
  expect((error as Error).message).toMatch(/^Postgres at 127\.0\.0\.1:\d+ cannot be used: [^\n]+$/);
});
