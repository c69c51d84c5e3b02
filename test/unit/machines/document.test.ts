import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { kinds } from '../../../machines/kinds.ts';
import { kindsDocument } from '../../../tools/docs/kinds-document.ts';

test('docs/kinds.md says what the machines do (npm run docs writes it)', () => {
  const written = readFileSync(join(import.meta.dirname, '../../../docs/kinds.md'), 'utf8');
  expect(written).toBe(kindsDocument(kinds));
});
