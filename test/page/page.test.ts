/**
 * The page, as somebody at a browser sees it: on a node with real servers, and devices that report.
 */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RawDevice } from '../raw-device.ts';
import { chromiumPath, CHROMIUM_NOTE, startBrowser } from './browser.ts';
import { OPERATE_TOKEN, type PageSystem, startPageSystem } from './page-system.ts';

/** A cable that connected through a hatch which had been closed for long. */
const CONTRADICTION = {
  state: 'available',
  sensors: { hatchOpen: false, cableConnected: true, carPresent: true, meterWh: 1_000 },
  since: { hatchOpen: 600_000, cableConnected: 5_000, carPresent: 5_000 },
};

describe.skipIf(chromiumPath() === null)(`the page${CHROMIUM_NOTE}`, () => {
  const parts = {} as {
    system: PageSystem;
    browser: Browser;
    page: Page;
    fine: RawDevice;
    doubted: RawDevice;
  };
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

  async function open(path: string): Promise<Page> {
    const { page, system } = parts;
    await page.goto(`${system.url}${path}`);
    await shown(page.getByRole('status').filter({ hasText: /^live$/ }));
    return page;
  }

  const rows = (): Locator => parts.page.locator('[role=row][data-device]');
  const row = (device: string): Locator => parts.page.locator(`[data-device="${device}"]`);

  describe('the fleet', () => {
    test('shows suspects first, with their reason', async () => {
      await open('/');
      await shown(row('cp-200'));
      expect(await rows().first().getAttribute('data-device')).toBe('cp-900');
      await shown(rows().first().getByText('cable-without-hatch'));
    });

    test('is counted, and a count is a filter', async () => {
      const page = await open('/');
      await page.getByRole('link', { name: '1 device of quality suspect' }).click();
      await gone(row('cp-100'));
      await shown(row('cp-900'));
      expect(new URL(page.url()).search).toBe('?quality=suspect');
    });

    test('shows a change of state without being asked', async () => {
      await open('/');
      await shown(row('cp-100').getByText('available'));
      await parts.fine.report({ state: 'charging' });
      await shown(row('cp-100').getByText('charging'));
      await parts.fine.report({ state: 'available' });
      await shown(row('cp-100').getByText('available'));
    });

    test('moves a device that becomes suspect to the top', async () => {
      await open('/');
      await shown(row('cp-200'));
      const device = await parts.system.device('cp-300', { manner: 'probes' });
      await shown(row('cp-300'));
      await device.report(CONTRADICTION);
      await shown(row('cp-300').getByText('suspect').first());
      await until('cp-300 is among the first two', async () => {
        const first = await rows().evaluateAll((all) =>
          all.slice(0, 2).map((one) => one.getAttribute('data-device')),
        );
        return { isDone: first.includes('cp-300'), seen: first.join(', ') };
      });
    });

    test('is searched and walked by keyboard alone', async () => {
      const page = await open('/');
      await shown(row('cp-200'));
      await page.keyboard.press('/');
      await page.keyboard.type('CP-2');
      await page.keyboard.press('Enter');
      await page.keyboard.press('Enter');
      await shown(page.getByRole('heading', { name: 'cp-200' }));
      await page.keyboard.press('u');
      await shown(row('cp-100'));
      const first = await rows().first().getAttribute('data-device');
      await page.keyboard.press('j');
      await page.keyboard.press('j');
      await page.keyboard.press('k');
      await page.keyboard.press('Home');
      await page.keyboard.press('Enter');
      await shown(page.getByRole('heading', { name: first ?? '' }));
    });

    test('says that no device is like that', async () => {
      const page = await open('/?q=nobody');
      await shown(page.getByText('No device is like that.'));
    });
  });

  describe('a device', () => {
    test('is shown with its state, its quality, its age and both clocks', async () => {
      const page = await open('/devices/cp-100');
      const known = page.getByRole('region', { name: 'What is known now' });
      await shown(known.getByText('available'));
      await shown(known.getByText(/^\d+ s old$/));
      await shown(page.getByText("device's wall clock"));
      await shown(page.getByText(/a round trip in this boot bounds them/));
    });

    test('ages while nothing is said', async () => {
      const page = await open('/devices/cp-900');
      const age = page.locator('.known-age');
      const before = await age.innerText();
      await until('its age has grown', async () => {
        const seen = await age.innerText();
        return { isDone: seen !== before, seen };
      });
    });

    test('says why it is suspect, in sentences and cause by cause', async () => {
      const page = await open('/devices/cp-900');
      await shown(page.getByRole('region', { name: 'Suspicions' }).getByText('cable-without-hatch'));
      const why = page.getByRole('region', { name: 'Why' });
      await shown(why.locator('.summary p').first());
      await shown(why.getByRole('list', { name: 'Chain of causes' }).getByText(/cable/).first());
    });

    test('has its present state lit in its machine', async () => {
      const page = await open('/devices/cp-900');
      await shown(page.getByRole('img', { name: /the present state is suspect/ }));
      await shown(page.locator('.drawing .lit[data-path="suspect.doubted"]'));
    });

    test('marks the reports that are missing and the parts that came late', async () => {
      const { system } = parts;
      const device = await system.device('cp-400');
      const late = device.make({ state: 'charging' });
      device.make();
      await device.report({ state: 'available' });
      const page = await open('/devices/cp-400?window=5m');
      await shown(page.getByText('2 reports missing'));
      await device.publish(late);
      await shown(page.getByText('1 report missing'));
      await shown(page.getByText('1 report came late'));
      await page.getByText(/stretches in words/).click();
      await shown(page.getByRole('table').getByText('charging'));
    });

    test('shows its sensors, those that are on or off as lanes and numbers as charts', async () => {
      const page = await open('/devices/cp-900');
      await shown(page.locator('.track-lane').filter({ hasText: 'hatchOpen' }));
      await shown(page.getByRole('img', { name: /^meterWh: / }));
    });

    test('is commanded with a token, and the outcome is watched arriving', async () => {
      const page = await open('/devices/cp-100');
      await shown(page.getByText(/enter a token for operating/));
      await page.getByRole('button', { name: 'Enter a token' }).click();
      await page.getByRole('textbox', { name: 'Token' }).fill(OPERATE_TOKEN);
      await page.getByRole('button', { name: 'Keep it' }).click();
      await page.getByLabel('your name').fill('mara');
      await page.getByRole('button', { name: 'reserve' }).click();
      await shown(page.getByText('reserve was accepted'));
      const newest = page.getByRole('list', { name: 'Commands, newest first' }).getByRole('listitem').first();
      await shown(newest.getByText('done'));
      await shown(newest.getByText('by mara'));
      await shown(page.getByRole('region', { name: 'Hold' }).getByText('Held for mara'));
      await page.getByRole('button', { name: 'release' }).click();
      await gone(page.getByRole('region', { name: 'Hold' }));
    });

    test('is not said to have refused what was asked again in vain, after its first answer was lost', async () => {
      const { system } = parts;
      const device = await system.device('cp-500', { manner: 'probes' });
      const page = await open('/devices/cp-500');
      await page.getByRole('button', { name: 'Enter a token' }).click();
      await page.getByRole('textbox', { name: 'Token' }).fill(OPERATE_TOKEN);
      await page.getByRole('button', { name: 'Keep it' }).click();
      // The order arrives, its answer does not.
      const orders = '**/v1/devices/cp-500/commands';
      await page.route(orders, async (route) => {
        if (route.request().method() === 'POST') await route.fetch();
        await route.abort();
      });
      await page.getByRole('button', { name: 'reserve' }).click();
      const { n } = await device.command('reserve');
      const progress = page.locator('.sending');
      await shown(progress.getByText(/Nobody answered, so reserve may or may not have been accepted/));
      await page.unroute(orders);
      await system.killHub();
      await progress.getByRole('button', { name: 'Ask again' }).click();
      await shown(progress.getByText(/This time it was not accepted: the hub is away/));
      await shown(
        progress.getByText(/The first time nobody answered, so reserve may or may not have been accepted/),
      );
      await system.startHub();
      await progress.getByRole('button', { name: 'Ask again' }).click();
      await shown(page.getByText('reserve was accepted'));
      expect(device.told).toEqual([n]);
    });

    test('does not offer a command that would be refused, and says why', async () => {
      const page = await open('/devices/cp-900');
      const reserve = page.getByRole('button', { name: 'reserve' });
      await shown(reserve);
      expect(await reserve.getAttribute('aria-disabled')).toBe('true');
      const reason = await page.locator('#verdict-reserve').innerText();
      expect(reason).toBe('Would be refused: the known state is in doubt: cable-without-hatch.');
    });

    test('that is not known is said to be unknown', async () => {
      const { page, system } = parts;
      await page.goto(`${system.url}/devices/nobody`);
      await shown(page.getByText(/no device "nobody" is known here/));
    });
  });

  describe('for everybody', () => {
    test.each(['/', '/devices/cp-900'])('%s fits a phone without scrolling sideways', async (path) => {
      await parts.page.setViewportSize({ width: 375, height: 780 });
      const page = await open(path);
      await shown(page.getByText('cable-without-hatch').first());
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(375);
    });

    test.each(['/', '/devices/cp-900'])('everything one can use on %s has a name', async (path) => {
      const page = await open(path);
      await shown(page.getByText('cable-without-hatch').first());
      const nameless = await page.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>('a, button, input, select, summary, [tabindex="0"]')]
          .filter((one) => {
            const isField = one instanceof HTMLInputElement || one instanceof HTMLSelectElement;
            const labels = isField ? [...(one.labels ?? [])] : [];
            const name =
              one.getAttribute('aria-label') ?? one.getAttribute('aria-labelledby') ?? one.textContent;
            return name.trim() === '' && labels.length === 0;
          })
          .map((one) => one.outerHTML.slice(0, 120)),
      );
      expect(nameless).toEqual([]);
    });

    test('loads nothing from elsewhere', async () => {
      const asked: string[] = [];
      parts.page.on('request', (request) => asked.push(new URL(request.url()).origin));
      await open('/devices/cp-900');
      expect([...new Set(asked)]).toEqual([parts.system.url]);
    });
  });

  describe('when the node is gone', () => {
    test('the page says so and takes nothing for fresh, until it is back', async () => {
      const page = await open('/devices/cp-100');
      await parts.fine.report();
      await shown(page.locator('.known-quality').getByText('fresh'));
      await parts.system.stopNode();
      await shown(page.getByRole('alert').getByText(/Connection to Corral lost/));
      await shown(page.locator('.known-quality').getByText('unknown'));
      await shown(page.getByText('last known:'));
      await parts.system.startNode();
      await shown(page.getByRole('status').filter({ hasText: /^live$/ }));
      await gone(page.getByText('last known:'));
    });
  });
});

/** How long somebody would look before giving up, ms. */
const PATIENCE_MS = 20_000;

/** Waits until something is seen; the error says what, and what the page showed instead. */
async function shown(what: Locator): Promise<void> {
  await what.first().waitFor({ state: 'visible', timeout: PATIENCE_MS }).catch(told(what, 'was not shown'));
}

/** Waits until something is not seen any more. */
async function gone(what: Locator): Promise<void> {
  await what.first().waitFor({ state: 'hidden', timeout: PATIENCE_MS }).catch(told(what, 'did not go'));
}

function told(what: Locator, how: string): (cause: unknown) => Promise<never> {
  return async (cause) => {
    const text = await what.page().locator('body').innerText();
    throw new Error(`${what.toString()} ${how} in ${String(PATIENCE_MS)} ms; the page shows:\n${text}`, {
      cause,
    });
  };
}

async function until(
  what: string,
  look: () => Promise<{ readonly isDone: boolean; readonly seen: string }>,
): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    const { isDone, seen } = await look();
    if (isDone) return;
    if (performance.now() > giveUpAt) {
      throw new Error(`waited ${String(PATIENCE_MS)} ms until ${what}; saw ${seen}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
