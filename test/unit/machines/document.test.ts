import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SUSPICIONS } from '../../../actors/suspicions.ts';
import { kinds } from '../../../machines/kinds.ts';
import { kindsDocument } from '../../../tools/docs/kinds-document.ts';
import { suspicionsDocument } from '../../../tools/docs/suspicions-document.ts';

test('docs/kinds.md says what the machines do (npm run docs writes it)', () => {
  const written = readFileSync(join(import.meta.dirname, '../../../docs/kinds.md'), 'utf8');
  expect(written).toBe(kindsDocument(kinds));
});

test('docs/suspicions.md has a row for every reason the code knows (npm run docs writes it)', () => {
  const written = readFileSync(join(import.meta.dirname, '../../../docs/suspicions.md'), 'utf8');
  expect(written).toBe(suspicionsDocument(kinds));
});

test('every reason is raised somewhere under its own name, and none is raised that has no row', () => {
  const root = join(import.meta.dirname, '../../..');
  const raised = kinds.flatMap(({ name }) => {
    const source = readFileSync(join(root, `machines/${name}.ts`), 'utf8');
    return [...source.matchAll(/code: '([a-z-]+)'/g)].map(([, code]) => `${name} ${code ?? ''}`);
  });
  const listed = kinds.flatMap(({ name, contradictions }) =>
    Object.keys(contradictions).map((code) => `${name} ${code}`),
  );
  expect([...new Set(raised)].sort()).toEqual([...listed].sort());
  const reasons = ['suspicions.ts', 'divergence.ts', 'legality.ts'].flatMap((file) =>
    [
      ...readFileSync(join(root, 'actors', file), 'utf8').matchAll(
        /^(?:export )?const [A-Z_]+ = '([a-z-]+)';$/gm,
      ),
    ].map(([, reason]) => reason),
  );
  expect(reasons.sort()).toEqual(Object.keys(SUSPICIONS).sort());
});
