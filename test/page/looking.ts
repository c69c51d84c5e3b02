/**
 * Looking at the page as somebody would: until something is seen, or is gone.
 */
import type { Locator } from 'playwright-core';

/** How long somebody would look before giving up, ms. */
const PATIENCE_MS = 100_000;

/** Waits until something is seen; the error says what, and what the page showed instead. */
export async function shown(what: Locator): Promise<void> {
  await what.first().waitFor({ state: 'visible', timeout: PATIENCE_MS }).catch(told(what, 'was not shown'));
}

/** Waits until something is not seen any more. */
export async function gone(what: Locator): Promise<void> {
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

/** Waits until it is so; the error says what was waited for, and what was seen last. */
export async function until(
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
