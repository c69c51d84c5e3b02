/**
 * The page in a browser, on a node with real servers: three devices report, and a tab is opened for each test. What a page throws fails
 * the test in which it does.
 */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { RawDevice } from '../devices/raw-device.ts';
import { startBrowser } from './browser.ts';
import { shown } from './looking.ts';
import { type PageSystem, startPageSystem } from './page-system.ts';

/** A cable that connected through a hatch which had been closed for long. */
export const CONTRADICTION = {
  state: 'available',
  sensors: { hatchOpen: false, cableConnected: true, carPresent: true, meterWh: 1_000 },
  since: { hatchOpen: 600_000, cableConnected: 5_000, carPresent: 5_000 },
};

/** What tests look at; there while they run. */
export interface PageParts {
  system: PageSystem;
  browser: Browser;
  /** The tab of this test. */
  page: Page;
  /** `cp-100`, of which nothing is doubted. */
  fine: RawDevice;
  /** `cp-900`, which contradicts itself. */
  doubted: RawDevice;
}

/** The page for the tests of this block, and the ways to look at it. */
export interface PageUnderTest {
  readonly parts: PageParts;
  /** Shows a path, and waits until what it shows is live. */
  readonly open: (path: string) => Promise<Page>;
  /** The row of a device in the fleet. */
  readonly row: (device: string) => Locator;
  /** The stretches of the states of a device. */
  readonly states: () => Locator;
}

/** Brings it up before the tests of the block in which it is called, and ends it after them. */
export function pageUnderTest(): PageUnderTest {
  const parts = {} as PageParts;
  const errors: string[] = [];

  beforeAll(async () => {
    parts.system = await startPageSystem();
    parts.browser = await startBrowser();
    parts.fine = await parts.system.device('cp-100');
    await parts.system.device('cp-200');
    parts.doubted = await parts.system.device('cp-900', { manner: 'probes' });
    await parts.doubted.report(CONTRADICTION);
    await parts.system.untilTwin('cp-900', 'it is suspect', ({ state }) => state === 'suspect');
  });
  beforeEach(async () => {
    parts.page = await parts.browser.newPage({ viewport: { width: 1_280, height: 900 } });
    errors.length = 0;
    parts.page.on('pageerror', (error) => errors.push(error.message));
  });
  afterEach(async () => {
    await parts.page.close();
    expect(errors).toEqual([]);
  });
  afterAll(async () => {
    await parts.browser.close();
    await parts.system.end();
  });

  return {
    parts,
    open: async (path) => {
      const { page, system } = parts;
      await page.goto(`${system.url}${path}`);
      await shown(page.getByRole('status').filter({ hasText: /^live$/ }));
      return page;
    },
    row: (device) => parts.page.locator(`[data-device="${device}"]`),
    states: () => parts.page.locator('.track-states .segment'),
  };
}
