/**
 * `npm run build:page`: builds the page that a node serves at `/`. `npm start` does it by itself when it has to.
 */
import { npmProgram } from './cli/npm-program.ts';
import { complain } from './cli/print.ts';
import { buildPage } from './page/build-page.ts';

npmProgram('npm run build:page --', 'Builds the page of src/page into dist/page.').parse();
const startedAt = performance.now();
await buildPage();
complain(`page      built in ${String(Math.round(performance.now() - startedAt))} ms`);
