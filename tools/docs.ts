/**
 * `npm run docs`: writes the parts of `docs/` that follow from the code, and how the machines of the kinds are drawn.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kinds } from '../machines/kinds.ts';
import { machineDefinition } from '../src/http/machine-definition.ts';
import { layoutFile, LAYOUTS_FOLDER } from '../src/http/machine-layout.ts';
import { npmProgram } from './cli/npm-program.ts';
import { rules } from './conform/rules.ts';
import { asyncapiDocument } from './docs/asyncapi-document.ts';
import { grafanaDashboard } from './docs/grafana-dashboard.ts';
import { httpDocument } from './docs/http-document.ts';
import { kindsDocument } from './docs/kinds-document.ts';
import { layOut } from './docs/machine-layout.ts';
import { protocolDocument } from './docs/protocol-document.ts';
import { protocolVectors } from './docs/protocol-vectors.ts';
import { suspicionsDocument } from './docs/suspicions-document.ts';

npmProgram('npm run docs --', 'Writes the parts of docs/ that follow from the code.').parse();

const docs = join(import.meta.dirname, '../docs');
writeFileSync(join(docs, 'kinds.md'), kindsDocument(kinds));
writeFileSync(join(docs, 'suspicions.md'), suspicionsDocument(kinds));

const vectors = protocolVectors();
const protocolFile = join(docs, 'protocol.md');
const protocol = readFileSync(protocolFile, 'utf8');
writeFileSync(protocolFile, protocolDocument(protocol, { kinds, rules, vectors }));
writeFileSync(join(docs, 'protocol-vectors.json'), `${JSON.stringify(vectors, null, 2)}\n`);
writeFileSync(join(docs, 'asyncapi.json'), `${JSON.stringify(asyncapiDocument(), null, 2)}\n`);
writeFileSync(join(docs, 'grafana-dashboard.json'), `${JSON.stringify(grafanaDashboard(), null, 2)}\n`);

rmSync(LAYOUTS_FOLDER, { recursive: true, force: true });
mkdirSync(LAYOUTS_FOLDER);
for (const kind of kinds) {
  const layout = await layOut(machineDefinition(kind));
  writeFileSync(layoutFile(kind.name), `${JSON.stringify(layout, null, 2)}\n`);
}

const httpFile = join(docs, 'http.md');
writeFileSync(httpFile, httpDocument(readFileSync(httpFile, 'utf8')));
