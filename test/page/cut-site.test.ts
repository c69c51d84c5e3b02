/**
 * What the page shows of a device whose site is cut off: the silence, from the last report on, and no state that goes on.
 */
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, CHROMIUM_NOTE, startBrowser } from './browser.ts';
import { gone, shown } from './looking.ts';
import { type PageSystem, startPageSystem } from './page-system.ts';

describe.skipIf(chromiumPath() === null)(`the page of a device whose site is cut off${CHROMIUM_NOTE}`, () => {
  const parts = {} as { system: PageSystem; browser: Browser };

  beforeAll(async () => {
    const limits = pathToFileURL(join(import.meta.dirname, 'short-silence.ts')).href;
    parts.system = await startPageSystem({ NODE_OPTIONS: `--import=tsx --import=${limits}` });
    parts.browser = await startBrowser();
  });
  afterAll(async () => {
    await parts.browser.close();
    await parts.system.end();
  });

  test('shows the silence since its last report, and no state that goes on', async () => {
    const { system, browser } = parts;
    const device = await system.device('cp-100');
    await device.report({ state: 'charging', sensors: { cableConnected: true, powerW: 7_400 }, since: {} });
    await system.untilTwin('cp-100', 'it charges', ({ state }) => state === 'charging');
    const page = await browser.newPage({ viewport: { width: 1_280, height: 1_400 } });
    await page.goto(`${system.url}/devices/cp-100?window=5m`);
    await shown(page.locator('.track-states .segment').getByText('charging'));
    await system.cutSite();
    await shown(page.locator('.known-state').getByText('offline'));
    await shown(page.locator('.track-states .silence'));
    await shown(page.locator('.legend').getByText(/^silent for/));
    await gone(page.locator('.legend').getByText(/^none missing$/));
    const [silence, state] = await Promise.all([
      page.locator('.track-states .silence').last().boundingBox(),
      page.locator('.track-states .segment').last().boundingBox(),
    ]);
    expect(state!.x + state!.width).toBeLessThanOrEqual(silence!.x + 3);
    await shown(page.locator('.track-lane').getByText('?'));
    await shown(page.locator('.chart').getByText('not known'));
    const why = page.getByRole('region', { name: 'Why' }).locator('.summary p').first();
    await shown(why.getByText(/^cp-100 is offline, because nothing was heard since/));
  });
});
