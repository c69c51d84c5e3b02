/**
 * The browser that looks at the page: a Chromium that is installed on the machine, without a window.
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Where it is installed; `null` on a machine without one. `CHROMIUM` names another. */
export function chromiumPath(): string | null {
  const folders = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)];
  const places = [
    process.env.CHROMIUM ?? '',
    ...folders.flatMap((folder) => NAMES.map((name) => join(folder, name))),
  ];
  return places.find((place) => place !== '' && existsSync(place)) ?? null;
}

/** What the name of a suite says where its tests cannot be run. */
export const CHROMIUM_NOTE =
  chromiumPath() === null
    ? ' (skipped: no Chromium is installed; install chromium, or name one in CHROMIUM)'
    : '';

/** Starts it. Whoever starts it closes it. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === null) throw new Error('no Chromium is installed');
  // In a container there is nobody who could grant it a sandbox.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}
