/**
 * `npm run docs`: writes the parts of `docs/` that follow from the code.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kinds } from '../machines/kinds.ts';
import { kindsDocument } from './docs/kinds-document.ts';

writeFileSync(join(import.meta.dirname, '../docs/kinds.md'), kindsDocument(kinds));
