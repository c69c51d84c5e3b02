import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { grafanaDashboard } from '../../../tools/docs/grafana-dashboard.ts';
import { projectFolder } from '../../../tools/dev/project-folders.ts';

test('docs/grafana-dashboard.json is what the code says (npm run docs writes it)', () => {
  const written = readFileSync(join(projectFolder, 'docs/grafana-dashboard.json'), 'utf8');
  expect(written).toBe(`${JSON.stringify(grafanaDashboard(), null, 2)}\n`);
});
