/** A person who asks to be erased stands in rows of any number of devices: one call puts another name there, and says who still knows it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kinds } from '../../machines/kinds.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import { partitionOf } from '../../src/wire/partition.ts';
import { createDatabase, type TestDatabase } from '../servers/servers.ts';
import { type DatabaseEye, openEye } from './database-eye.ts';
import { OwnedStore } from './owned-store.ts';
import { entry, lines, T0, transition, twin } from './store-samples.ts';

const PERSON = 'Eva Öl "the boss"';
const INSTEAD = 'person 4711';
const DEVICES = ['cp-1', 'car-7', 'kiosk-3'] as const;
const HOLDER = 'cp-9';

let database: TestDatabase;
let store: PostgresStore;
let owned: OwnedStore;
let psql: DatabaseEye;

const word = `${PERSON}: it was repaired`;
const asked = (device: string, by = PERSON) => entry(device, { by, outcome: 'done', closedAt: T0 });
const cleared = (device: string) =>
  entry(device, {
    id: 'e5f0c3a8-0000-4000-8000-000000000002',
    n: 2,
    name: 'clear',
    by: PERSON,
    outcome: 'done',
    proof: `engineer: ${word}`,
    closedAt: T0,
  });

beforeAll(async () => {
  database = await createDatabase();
  store = new PostgresStore({
    connectionString: database.url,
    kinds,
    clock: { now: () => T0 },
    serverErrorMs: 50,
  });
  psql = await openEye(database.url);
  owned = await OwnedStore.take(store);
  const by = { id: 'h1', by: PERSON, since: T0, until: T0 + 60_000, certainUntil: T0 + 61_000 };
  await owned.commit({
    twins: [...DEVICES.map((device) => twin(device)), twin(HOLDER, { hold: by }), twin('cp-8')],
    ledger: [...DEVICES.flatMap((device) => [asked(device), cleared(device)]), asked('cp-8', 'mara')],
    journal: DEVICES.flatMap((device) => {
      const cause = { type: 'engineer', detail: word } as const;
      return lines(partitionOf(device), 1, transition(device, { cause }), asked(device), cleared(device));
    }),
  });
});
afterAll(async () => {
  await psql.close();
  await store.close();
  await database.drop();
});

/** Tables in which the name is found, in whatever column. */
async function namedIn(): Promise<readonly string[]> {
  const found: string[] = [];
  for (const table of ['command', 'outcome', 'transition', 'twin', 'forgotten']) {
    const rows = await psql.query(`select 1 from ${table} t where position('the boss' in t::text) > 0`);
    if (rows.length > 0) found.push(table);
  }
  return found;
}

test('a person is erased over all devices, and nobody else; twins that still know the name are told', async () => {
  expect(await namedIn()).toEqual(['command', 'outcome', 'transition', 'twin']);
  const changed = await psql.query('select * from anonymise($1, $2)', [PERSON, INSTEAD]);
  expect(changed).toEqual([
    { place: 'command', changed: '6', still_in: null },
    { place: 'outcome', changed: '6', still_in: null },
    { place: 'transition', changed: '3', still_in: null },
    { place: 'forgotten', changed: '0', still_in: null },
    { place: 'twin', changed: '0', still_in: [HOLDER] },
  ]);
  expect(await namedIn()).toEqual(['twin']);
  const said = await psql.query<{ by: string; proof: string | null }>(
    'select distinct by, proof from command order by by, proof nulls first',
  );
  expect(said).toEqual([
    { by: 'mara', proof: null },
    { by: INSTEAD, proof: null },
    { by: INSTEAD, proof: `engineer: ${INSTEAD}: it was repaired` },
  ]);
  const outcomes = await psql.query(`select 1 from outcome where entry ->> 'by' = $1`, [INSTEAD]);
  expect(outcomes).toHaveLength(6);
});

test('what an owner writes of such a command afterwards, from memory, does not bring the name back', async () => {
  await owned.commit({
    ledger: DEVICES.map((device) => ({ ...asked(device), outcome: 'rejected' as const })),
  });
  const rows = await psql.query<{ by: string }>(`select by from command where outcome = 'rejected'`);
  expect(rows).toEqual(DEVICES.map(() => ({ by: INSTEAD })));
});

test.each([
  ['', INSTEAD],
  [PERSON, ''],
  ['person', INSTEAD],
])('%j in place of %j is refused, and nothing is changed', async (person, instead) => {
  await expect(psql.query('select * from anonymise($1, $2)', [person, instead])).rejects.toThrow(
    /takes what stands in `by`/,
  );
});
