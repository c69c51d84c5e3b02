/**
 * `npm run measure:page`: how long the page takes from its address to the first useful picture, with a large fleet in the store: the
 * numbers of the fleet and the first rows of the list are painted. It lies here and not with the benches because it needs a browser.
 */
import type { Browser } from 'playwright-core';
import { prepareFleet } from '../../tools/bench/ingest.ts';
import { startBenchServers } from '../../tools/bench/bench-servers.ts';
import { npmProgram } from '../../tools/cli/npm-program.ts';
import { wholeNumber } from '../../tools/cli/numbers.ts';
import { showProgress } from '../../tools/cli/progress.ts';
import { buildPage } from '../../tools/page/build-page.ts';
import { startNode } from '../nodes/node.ts';
import { startBrowser } from './browser.ts';

/** What was seen when, ms after the browser was given the address. */
interface Load {
  readonly numbersMs: number;
  readonly rowsMs: number;
}

const DATABASE = 'page';

/** A page that is not there by then will not come, ms. */
const LOAD_TIMEOUT_MS = 60_000;

/** Runs in the browser: notes in which frame each part was in the document. It is text, as compiled functions need what no browser has. */
const WATCH = `
  globalThis.seen = {};
  const parts = { numbersMs: '.states td', rowsMs: '[data-device]' };
  const look = () => {
    for (const [part, selector] of Object.entries(parts)) {
      if (!(part in seen) && document.querySelector(selector) !== null) seen[part] = performance.now();
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
`;

const { devices, loads } = npmProgram(
  'npm run measure:page --',
  'Measures how long the page takes to show a large fleet, on servers of its own.',
)
  .option('--devices <n>', 'devices in the store', wholeNumber(1), 100_000)
  .option('--loads <n>', 'how often the page is opened, each time without a cache', wholeNumber(1), 20)
  .parse()
  .opts<{ readonly devices: number; readonly loads: number }>();

const progress = showProgress();
await buildPage();
const servers = await startBenchServers();
try {
  await prepareFleet(servers, DATABASE, { devices, mix: 'believable', encoding: 'msgpack', progress });
  progress.at('starting the node and the browser');
  const app = await startNode({ hub: servers.hub, databaseUrl: servers.postgres.url(DATABASE) });
  const browser = await startBrowser();
  const seen: Load[] = [];
  for (let load = 0; load < loads; load += 1) {
    progress.at(`load ${String(load + 1)} of ${String(loads)}`);
    seen.push(await loadOnce(browser, app.httpUrl));
  }
  process.stdout.write(
    `${JSON.stringify({ devices, loads, numbersMs: spread(seen, 'numbersMs'), rowsMs: spread(seen, 'rowsMs') })}\n`,
  );
  await browser.close();
  await app.stop();
} finally {
  await servers.stop();
}

/** Opens the page in a browser that has never seen it. */
async function loadOnce(browser: Browser, url: string): Promise<Load> {
  const context = await browser.newContext({ viewport: { width: 1_360, height: 860 } });
  const page = await context.newPage();
  await page.addInitScript({ content: WATCH });
  await page.goto(url);
  await page.waitForFunction(
    () => {
      const { seen } = globalThis as unknown as { readonly seen: Partial<Load> };
      return seen.numbersMs !== undefined && seen.rowsMs !== undefined;
    },
    null,
    { timeout: LOAD_TIMEOUT_MS },
  );
  const times = await page.evaluate(() => (globalThis as unknown as { readonly seen: Load }).seen);
  await context.close();
  return times;
}

function spread(loads: readonly Load[], part: keyof Load): Readonly<Record<'p50' | 'worst', number>> {
  const sorted = loads.map((load) => Math.round(load[part])).sort((a, b) => a - b);
  return { p50: sorted[Math.floor(sorted.length / 2)] ?? 0, worst: sorted.at(-1) ?? 0 };
}
