import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { kinds } from '../../../machines/kinds.ts';
import { machineDefinition } from '../../../src/http/machine-definition.ts';
import { projectFolder } from '../../../tools/dev/project-folders.ts';
import { type Twin, twinRows } from '../../../tools/cli/twin-rows.ts';

const tutorial = readFileSync(join(projectFolder, 'docs/tutorial.md'), 'utf8');

/** The twin of a device that was never heard: every row that there always is. */
const TWIN: Twin = {
  device: 'cp-901',
  kind: 'charge-point',
  site: 'depot',
  registered: false,
  version: 1,
  state: 'offline',
  path: 'offline',
  since: null,
  quality: 'unknown',
  asOf: null,
  errorMs: null,
  ageMs: null,
  lastContact: null,
  connected: false,
  responsive: true,
  firmware: null,
  reported: {},
  desired: { version: 0, values: {}, delta: {} },
  pending: [],
  hold: null,
  suspicions: [],
  allowed: [],
  clock: { offsetMs: null, errorMs: null, verified: false },
  sequence: { incarnation: 1, boot: null, seq: null, missing: 0, late: 0, duplicates: 0 },
};

test('the tutorial shows as many migrations as there are', () => {
  const files = readdirSync(join(projectFolder, 'src/postgres/migrations')).filter((name) =>
    name.endsWith('.sql'),
  );
  expect(tutorial).toContain(`migrations           all ${String(files.length)} applied`);
});

test('the tutorial shows a twin in the rows that there are', () => {
  const [, sample = ''] = /\$ corral get cp-901\n([^`]*)```/.exec(tutorial) ?? [];
  const rows = [...sample.matchAll(/^│ (\S[^│]*?) +│/gm)].map(([, name]) => name);
  expect(rows).toEqual(twinRows(TWIN).map(([name]) => name));
});

test('the tutorial shows what a charge point accepts now', () => {
  const kind = kinds.find(({ name }) => name === 'charge-point')!;
  const { states } = machineDefinition(kind);
  const accepted = (path: string): string | undefined =>
    states.find((state) => state.path === path)?.accepts.join(', ');
  expect(tutorial).toMatch(new RegExp(`accepts now +│ ${accepted('available.idle')!} `));
  expect(tutorial).toMatch(new RegExp(`accepts now │ ${accepted('charging.delivering')!} `));
});
