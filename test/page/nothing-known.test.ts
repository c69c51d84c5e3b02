/**
 * The page while Corral cannot tell how things are: the store does not answer, or the node is dead or frozen. Nothing of it is said to go on.
 */
import type { Locator } from 'playwright-core';
import { afterEach, describe, expect, test } from 'vitest';
import { chromiumPath, CHROMIUM_NOTE } from './browser.ts';
import { gone, shown, until } from './looking.ts';
import { pageUnderTest } from './page-under-test.ts';

/** As long as the page waits for an answer to a question, ms. */
const GIVEN_UP_MS = 15_000;

describe.skipIf(chromiumPath() === null)(`the page${CHROMIUM_NOTE}`, () => {
  const { parts, open, row, states } = pageUnderTest();
  const why = (): Locator => parts.page.getByRole('region', { name: 'Why' });
  /** What was true of a moment that has passed, and of which nobody knows whether it still is. */
  const momentary = [/knowledge is proved fresh/, /^It would accept/];
  const explained = async (): Promise<void> => {
    for (const sentence of momentary) await shown(why().getByText(sentence));
  };
  /** Why it was in the state that is known last, and no more. */
  const explainedAsKnownThen = async (cause: RegExp): Promise<void> => {
    for (const sentence of momentary) await gone(why().getByText(sentence));
    await shown(why().getByText(cause));
  };

  describe('while the store does not answer', () => {
    afterEach(() => parts.system.giveStoreBack());

    test('nothing of a device is said to go on, until it does', async () => {
      const { system } = parts;
      const device = await system.device('cp-660');
      await device.report({
        state: 'charging',
        sensors: { cableConnected: true, powerW: 7_400 },
        since: {},
      });
      const page = await open('/devices/cp-660?window=5m');
      const [lane, chart] = [page.locator('.track-lane'), page.locator('.chart')];
      await shown(states().getByText('charging'));
      await shown(lane.getByText('on', { exact: true }));
      await shown(chart.getByText('7,400 W'));
      await explained();
      system.freezeStore();
      await shown(page.locator('.known-quality').getByText('unknown'));
      await shown(page.getByText('last known:'));
      await shown(lane.getByText('?'));
      await shown(chart.getByText('not known'));
      await shown(page.getByRole('img', { name: /the last known state is charging/ }));
      for (const name of ['Why', 'What it was', 'Its machine', 'Two clocks', 'Newest report'])
        await shown(page.getByRole('region', { name, exact: true }).getByText(/^As it was known/));
      await explainedAsKnownThen(/^cp-660 is charging .*, because it says charging/);
      const [bar, state] = [page.locator('.track-states .track-bar'), states().last()];
      await until('what is known ends before now', async () => {
        const [all, known] = [await bar.boundingBox(), await state.boundingBox()];
        const leftPx = all!.x + all!.width - (known!.x + known!.width);
        return { isDone: leftPx > 15, seen: `${String(leftPx)} px` };
      });
      const plot = await chart.locator('.u-over').last().boundingBox();
      await page.mouse.move(plot!.x + plot!.width - 4, plot!.y + plot!.height / 2);
      await shown(chart.getByText('not known there'));
      system.giveStoreBack();
      await gone(page.getByText('last known:'));
      await shown(page.getByRole('img', { name: /the present state is charging/ }));
      await gone(page.getByText(/^As it was known/));
      await explained();
    });

    test('no row of the fleet is fresh where its tally is unknown, until it does', async () => {
      const page = await open('/');
      await parts.fine.report();
      const tally = page.getByRole('region', { name: 'The fleet at a glance' });
      await shown(row('cp-100').getByText('fresh'));
      parts.system.freezeStore();
      await shown(tally.getByLabel(/devices of quality unknown/));
      await shown(row('cp-100').getByText('unknown'));
      expect(await page.locator('.device-row').getByText('fresh').count()).toBe(0);
      parts.system.giveStoreBack();
      await shown(tally.getByRole('link', { name: /of quality fresh$/ }));
      await parts.fine.report();
      await shown(row('cp-100').getByText('fresh'));
    });
  });

  test('a node that stands still is noticed by a page that asks for nothing, long before a question would be given up', async () => {
    const { node } = parts.system;
    const page = await open('/');
    await shown(row('cp-100'));
    const noticed = page.evaluate(async () => {
      const banner = (): boolean => document.querySelector('.banner [role=alert]') !== null;
      const from = performance.now();
      while (!banner()) await new Promise((resolve) => setTimeout(resolve, 20));
      return performance.now() - from;
    });
    const frozenAt = Date.now();
    node.pause();
    const afterMs = await noticed;
    const said = await page.getByRole('alert').innerText();
    await shown(page.getByText('connection lost', { exact: true }));
    node.resume();
    await shown(page.getByRole('status').filter({ hasText: /^live$/ }));
    // What it heard last was a sign of life, at most a second before.
    const times = [-4_000, -3_000, -2_000, -1_000, 0, 1_000].map((ms) =>
      new Date(frozenAt + ms).toISOString().slice(11, 19),
    );
    expect(times.some((time) => said.includes(`lost at ${time} UTC`))).toBe(true);
    expect(afterMs).toBeLessThan(GIVEN_UP_MS);
  });

  describe.each([
    ['dead', () => parts.system.node.kill(), () => parts.system.node.start()],
    ['frozen', async () => parts.system.node.pause(), async () => parts.system.node.resume()],
  ] as const)('while the node is %s', (_how, lose, giveBack) => {
    const live = (): Promise<void> => shown(parts.page.getByRole('status').filter({ hasText: /^live$/ }));
    const lost = (): Promise<void> =>
      shown(parts.page.getByRole('alert').getByText(/Connection to Corral lost/));

    test('a device is unknown, until the node is back', async () => {
      // What the page asks for after a report must not be on its way when the node is lost.
      await parts.fine.report();
      const page = await open('/devices/cp-100');
      await shown(page.locator('.known-quality').getByText('fresh'));
      await shown(page.getByRole('button', { name: 'reserve' }));
      await shown(page.getByRole('img', { name: /the present state is/ }));
      await explained();
      await lose();
      await lost();
      await shown(page.locator('.known-quality').getByText('unknown'));
      await shown(page.getByText('last known:'));
      await shown(page.getByRole('img', { name: /the last known state is/ }));
      await gone(page.locator('.known').getByText(/^for .*, since/));
      await shown(why().getByText(/^As it was known at/));
      await explainedAsKnownThen(/^cp-100 is available .*, because it says available/);
      await gone(page.getByRole('button', { name: 'reserve' }));
      await giveBack();
      await live();
      await gone(page.getByText('last known:'));
      await shown(page.getByRole('button', { name: 'reserve' }));
      await explained();
    });

    test('the fleet counts everything as unknown, until the node is back', async () => {
      const page = await open('/');
      const tally = page.getByRole('region', { name: 'The fleet at a glance' });
      await shown(tally.getByRole('link', { name: /of quality fresh$/ }));
      const all = await tally.locator('.total strong').innerText();
      await lose();
      await lost();
      await shown(tally.getByLabel(`${all} devices of quality unknown`));
      await shown(
        tally.getByText(/^States as last counted, at .* How the devices are now, nobody here knows/),
      );
      expect(await tally.getByText('fresh').count()).toBe(0);
      expect(await page.locator('.device-row').getByText('fresh').count()).toBe(0);
      await giveBack();
      await live();
      await shown(tally.getByRole('link', { name: /of quality fresh$/ }));
    });

    test('a device that is opened only then is not said to be read for ever', async () => {
      const page = await open('/');
      await shown(row('cp-200'));
      await lose();
      await page.getByRole('link', { name: 'cp-200' }).click();
      await lost();
      await shown(page.getByText(/^Nothing is known of cp-200 here: the connection to Corral is lost/));
      expect(await page.getByText('Reading…').count()).toBe(0);
      await giveBack();
      await live();
      await shown(page.locator('.known-state'));
    });
  });
});
