/** The process of a whole node of a bench: what `npm run serve` runs, HTTP included. */
import pino from 'pino';
import { startCorral } from '../../../src/app.ts';
import { readConfig } from '../../../src/config.ts';
import { endProcess, nextMessage } from '../bench-process.ts';
import type { AppNews, AppOrder } from './order.ts';

/** Does as it is told. Resolves when everything has come to rest. */
export async function runAppProcess(): Promise<void> {
  const { env } = await nextMessage<AppOrder>();
  const app = await startCorral(readConfig(env), pino({ level: 'silent' }));
  const news: AppNews = { type: 'up', httpUrl: app.httpUrl };
  process.send?.(news);
  await nextMessage();
  await app.stop();
  endProcess();
}
