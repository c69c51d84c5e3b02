/**
 * What the page says of a command whose first copy got no answer, when it is asked again under the same id: nothing that a second copy comes
 * to is word of the first, which may have been accepted, or still be on its way.
 */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { chromiumPath, CHROMIUM_NOTE } from './browser.ts';
import { shown, until } from './looking.ts';
import { OPERATE_TOKEN } from './page-system.ts';
import { pageUnderTest } from './page-under-test.ts';

describe.skipIf(chromiumPath() === null)(`a command that nobody answered${CHROMIUM_NOTE}`, () => {
  const { parts, open } = pageUnderTest();

  /** The page of a device, ready to command it. */
  async function openWithToken(path: string): Promise<Page> {
    const page = await open(path);
    await page.getByRole('button', { name: 'Enter a token' }).click();
    await page.getByRole('textbox', { name: 'Token' }).fill(OPERATE_TOKEN);
    await page.getByRole('button', { name: 'Keep it' }).click();
    return page;
  }

  test('and was accepted, is not said to be refused when it is asked again in vain', async () => {
    const { system } = parts;
    const device = await system.device('cp-500', { manner: 'probes' });
    const page = await openWithToken('/devices/cp-500');
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

  test('and is still on its way, is not said to be certainly not sent when the twin refuses the second copy', async () => {
    const { system } = parts;
    const device = await system.device('cp-510', { manner: 'probes' });
    const page = await openWithToken('/devices/cp-510');
    const orders = '**/v1/devices/cp-510/commands';
    let first: string | null = null;
    await page.route(orders, async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      first = route.request().postData();
      return route.abort();
    });
    await page.getByRole('button', { name: 'reserve' }).click();
    const progress = page.locator('.sending');
    await shown(progress.getByText(/Nobody answered, so reserve may or may not have been accepted/));
    await page.unroute(orders);
    await device.report({ state: 'charging', sensors: { cableConnected: true, powerW: 7_400 }, since: {} });
    await system.untilTwin('cp-510', 'it charges', ({ state }) => state === 'charging');
    await progress.getByRole('button', { name: 'Ask again' }).click();
    await shown(progress.getByText(/This time it was not accepted: .*charging/));
    await shown(progress.getByText(/so reserve may or may not have been accepted/));
    expect(await page.getByText('certainly not sent').count()).toBe(0);

    await device.report({ state: 'available', sensors: { cableConnected: false, powerW: 0 }, since: {} });
    await system.untilTwin('cp-510', 'it is available', ({ state }) => state === 'available');
    const arrived = await fetch(`${system.url}/v1/devices/cp-510/commands`, {
      method: 'POST',
      headers: { authorization: `Bearer ${OPERATE_TOKEN}`, 'content-type': 'application/json' },
      body: first,
    });
    expect(arrived.status).toBe(202);
    const { n } = await device.command('reserve');
    expect(device.told).toEqual([n]);
    await until('the page shows it', async () => {
      const seen = await page.getByRole('list', { name: 'Commands, newest first' }).innerText();
      return { isDone: seen.includes('reserve'), seen };
    });
  });
});
