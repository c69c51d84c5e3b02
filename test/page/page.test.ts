/**
 * The page, as somebody at a browser sees it: on a node with real servers, and devices that report.
 */
import type { Locator } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { chromiumPath, CHROMIUM_NOTE } from './browser.ts';
import { gone, shown, until } from './looking.ts';
import { OPERATE_TOKEN } from './page-system.ts';
import { CONTRADICTION, pageUnderTest } from './page-under-test.ts';

describe.skipIf(chromiumPath() === null)(`the page${CHROMIUM_NOTE}`, () => {
  const { parts, open, row, states } = pageUnderTest();
  const rows = (): Locator => parts.page.locator('[role=row][data-device]');
  const forget = async (device: string): Promise<void> => {
    const response = await fetch(`${parts.system.url}/v1/devices/${device}/forget`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${OPERATE_TOKEN}` },
      body: JSON.stringify({ reason: 'its owner asked for it' }),
    });
    expect(response.ok, await response.text()).toBe(true);
  };

  describe('the fleet', () => {
    test('shows those first that need somebody, with the reason', async () => {
      await open('/');
      await shown(row('cp-200'));
      expect(await rows().first().getAttribute('data-device')).toBe('cp-900');
      await shown(rows().first().getByText('cable-without-hatch'));
    });

    test('is counted, and a count is a filter', async () => {
      const page = await open('/');
      await page.getByRole('link', { name: '1 device of quality doubted' }).click();
      await gone(row('cp-100'));
      await shown(row('cp-900'));
      expect(new URL(page.url()).search).toBe('?quality=suspect');
    });

    test('tells a device that says itself that it is faulted from a twin in doubt, wherever it is shown', async () => {
      const device = await parts.system.device('cp-700');
      await device.report({ state: 'faulted' });
      await parts.system.untilTwin('cp-700', 'it is out of service', ({ state }) => state === 'suspect');
      const page = await open('/');
      await shown(row('cp-700').getByText('out of service'));
      await shown(row('cp-900').getByText('suspect', { exact: true }));
      expect(await row('cp-900').getByText('doubted').count()).toBe(1);
      await page.getByRole('link', { name: '1 charge-point in state out of service' }).click();
      await gone(row('cp-900'));
      await shown(row('cp-700'));
      await page.goto(`${parts.system.url}/devices/cp-700`);
      await shown(page.locator('.known-state').getByText('out of service'));
      const why = page.getByRole('region', { name: 'Why' }).locator('.summary p').first();
      await shown(why.getByText(/is out of service .*, because it says itself that it is faulted/));
    });

    test('shows by each number as many devices as it says, whatever was chosen before', async () => {
      const page = await open('/?q=cp-1');
      await shown(row('cp-100'));
      const names = await page
        .getByRole('region', { name: 'The fleet at a glance' })
        .getByRole('link')
        .evaluateAll((links) => links.map((link) => link.getAttribute('aria-label') ?? ''));
      expect(names.length).toBeGreaterThan(5);
      for (const name of names) {
        await page.goto(`${parts.system.url}/?q=cp-1`);
        const link = page.getByRole('link', { name, exact: true });
        await link.click();
        const count = /^[\d,]+/.exec(name)?.[0] ?? '';
        await shown(page.locator('.extent').getByText(new RegExp(`^${count} devices?$`)));
      }
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
      // Enter opens the row that is marked, which is another one until the list is narrowed.
      await gone(row('cp-100'));
      await shown(row('cp-200'));
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

    test('is searched once by whoever presses Enter, however late the browser is', async () => {
      const page = await open('/');
      await shown(row('cp-200'));
      await page.evaluate(async () => {
        const field = document.querySelector<HTMLInputElement>('#search')!;
        field.value = 'cp-2';
        field.dispatchEvent(new InputEvent('input', { bubbles: true }));
        // The page takes the letters in, and has not painted them when Enter comes.
        for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
        field.form!.requestSubmit();
        document.querySelector<HTMLElement>('[data-device="cp-200"] a')!.click();
      });
      await shown(page.getByRole('heading', { name: 'cp-200' }));
      // Longer than whoever types is waited for: nothing leads back.
      await page.waitForTimeout(500);
      expect(new URL(page.url()).pathname).toBe('/devices/cp-200');
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
      const first = why.locator('.summary p').first();
      await shown(
        first.getByText(/^cp-900 is suspect .*, because the cable connected .* ago through a hatch/),
      );
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
      await shown(page.getByRole('img', { name: /^meterWh: .* Wh, the last [\d,]+\sWh$/ }));
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

    test('does not offer a command that would be refused, and says why', async () => {
      const page = await open('/devices/cp-900');
      const reserve = page.getByRole('button', { name: 'reserve' });
      await shown(reserve);
      expect(await reserve.getAttribute('aria-disabled')).toBe('true');
      const reason = await page.locator('#verdict-reserve').innerText();
      expect(reason).toBe('Would be refused: the known state is in doubt: cable-without-hatch.');
    });

    test('is not said to be sent what its twin does by itself', async () => {
      const page = await open('/devices/cp-900');
      await shown(page.getByRole('button', { name: 'clear' }));
      const reason = await page.locator('#verdict-clear').innerText();
      expect(reason).toBe(
        'Would be accepted and done by the twin itself at once, and nothing is sent to the device: it would end cable-without-hatch.',
      );
    });

    test('that is not known is said to be unknown', async () => {
      const { page, system } = parts;
      await page.goto(`${system.url}/devices/nobody`);
      await shown(page.getByText(/no device "nobody" is known here/));
    });
  });

  test('a device that is forgotten is gone from the fleet, and nothing of it is shown any more', async () => {
    await parts.system.device('cp-950');
    const page = await open('/devices/cp-950');
    await shown(page.getByRole('region', { name: 'Two clocks', exact: true }));
    await forget('cp-950');
    await shown(page.getByText(/cp-950 was forgotten at .*its owner asked for it/));
    await gone(page.getByRole('region', { name: 'Two clocks', exact: true }));
    await page.reload();
    await shown(page.getByText(/cp-950 was forgotten at/));
    await open('/');
    await shown(row('cp-100'));
    expect(await row('cp-950').count()).toBe(0);
  });

  test('a row goes from the fleet when its device is forgotten', async () => {
    await parts.system.device('cp-951');
    await open('/');
    await shown(row('cp-951'));
    await forget('cp-951');
    await gone(row('cp-951'));
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

  describe('a silence', () => {
    const SILENCE_MINUTES = 40;

    const stretch = (window: string, minutesAgo: number): string => {
      const until = new Date(Date.now() - minutesAgo * 60_000).toISOString();
      return `?window=${window}&until=${until}`;
    };
    const silences = (): Locator => parts.page.locator('.track-states .silence');

    test('that fills the stretch is drawn as one, and nothing is said to be whole', async () => {
      await parts.system.silentDevice('cp-610', SILENCE_MINUTES);
      const page = await open(`/devices/cp-610${stretch('5m', 10)}`);
      await shown(page.getByText('No report was measured here.'));
      await shown(page.getByText('silent for 5 min'));
      await shown(silences());
      expect(await states().count()).toBe(0);
      expect(await page.getByText(/none missing/).count()).toBe(0);
      await shown(page.locator('.chart').getByText('not known'));
    });

    test('before the first report of a stretch, and in which it begins, is no part of the state', async () => {
      await parts.system.silentDevice('cp-620', SILENCE_MINUTES);
      const page = await open('/devices/cp-620?window=5m');
      await shown(page.getByText(/^silent for 4 min|^silent for 5 min/));
      await shown(silences());
      const [silence, state] = await Promise.all([silences().boundingBox(), states().last().boundingBox()]);
      expect(silence!.x + silence!.width).toBeLessThanOrEqual(state!.x + 1);
      expect(silence!.width).toBeGreaterThan(state!.width);
    });

    test('is told in words as well', async () => {
      await parts.system.silentDevice('cp-630', SILENCE_MINUTES);
      const page = await open('/devices/cp-630?window=1h');
      await page.getByText(/stretches in words/).click();
      await shown(page.getByRole('table').getByText('silent'));
    });

    test('in a stretch of the past ends when its reports come after all, in their order', async () => {
      const { system } = parts;
      const device = await system.device('cp-650');
      const buffered = device.make({ state: 'charging', sensors: { cableConnected: true }, since: {} });
      const page = await open(`/devices/cp-650${stretch('5m', -0.02)}`);
      await shown(states().getByText('available'));
      await device.publish(buffered);
      await shown(states().getByText('charging'));
      await shown(page.locator('.track-lane').filter({ hasText: 'cableConnected' }));
    });

    test('is not what was before anything was heard: that is not known, and drawn like it', async () => {
      await parts.system.silentDevice('cp-640', SILENCE_MINUTES);
      const page = await open(`/devices/cp-640${stretch('5m', 120)}`);
      await shown(page.getByText('No report was measured here.'));
      expect(await states().count()).toBe(0);
      expect(await silences().count()).toBe(0);
    });
  });
});
