/**
 * `npm run build:page`: builds the page that a node serves at `/`. `npm start` does it by itself when it has to.
 */
import { buildPage } from './page/build-page.ts';

const startedAt = performance.now();
await buildPage();
process.stderr.write(`page      built in ${String(Math.round(performance.now() - startedAt))} ms\n`);
