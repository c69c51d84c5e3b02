/**
 * A node of Corral in this process, on a hub and a database of the test.
 */
import pino, { type Logger } from 'pino';
import { type App, startCorral } from '../../src/app/app.ts';
import { readConfig } from '../../src/app/config.ts';
import type { RuntimeLimits } from '../../src/runtime/limits.ts';
import type { Hub } from '../../tools/dev/hub.ts';

/** Where the node finds its servers, and how it differs from a usual one. */
export interface TestNodeOptions {
  readonly hub: Hub;
  readonly databaseUrl: string;
  readonly node?: string;
  readonly limits?: Partial<RuntimeLimits>;
  /** More of its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Takes what it logs; nobody does unless it is given. */
  readonly log?: Logger;
  /** It may find that another node has all partitions, and is ready to take over. */
  readonly mayStandBy?: boolean;
}

/** Starts a node and waits until it hears all that the stream holds. */
export async function startNode(options: TestNodeOptions): Promise<App> {
  const { hub, databaseUrl, node = 'node-under-test', limits = {}, env = {} } = options;
  const { mayStandBy = false, log = pino({ level: 'silent' }) } = options;
  const config = readConfig({
    CORRAL_NATS_URL: hub.url('runtime'),
    CORRAL_POSTGRES_URL: databaseUrl,
    CORRAL_HTTP_PORT: '0',
    CORRAL_NODE: node,
    ...env,
  });
  const app = await startCorral(config, log, limits);
  await until('the node is ready', async () => {
    const parts = await app.health.check();
    const missing = parts.filter(({ ok, standsBy }) => !ok || (standsBy === true && !mayStandBy));
    return missing.length === 0 ? { done: true } : { done: false, seen: JSON.stringify(missing) };
  });
  return app;
}

/** What a wait looks at. */
export type Seen<T = undefined> =
  { readonly done: true; readonly value?: T } | { readonly done: false; readonly seen: string };

/** Waits for what cannot be waited for otherwise; the error says what it waited for and what it saw last. */
export async function until<T = undefined>(
  what: string,
  look: () => Promise<Seen<T>>,
  timeoutMs = 200_000,
): Promise<T | undefined> {
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen.done) return seen.value;
    if (performance.now() > giveUpAt) {
      throw new Error(`waited ${String(timeoutMs)} ms until ${what}; saw ${seen.seen}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
