/** The process of a whole node of a bench: what `npm run serve` runs, HTTP included. */
import pino from 'pino';
import { startCorral } from '../../../src/app/app.ts';
import { readConfig } from '../../../src/app/config.ts';
import { endProcess, nextMessage } from '../bench-process.ts';
import type { AppNews, AppOrder } from './order.ts';

/** Does as it is told. Resolves when everything has come to rest. */
export async function runAppProcess(): Promise<void> {
  const { env, logFile } = await nextMessage<AppOrder>();
  const log =
    logFile === null ? pino({ level: 'silent' }) : pino({ level: 'info' }, pino.destination(logFile));
  const app = await startCorral(readConfig(env), log);
  const news: AppNews = { type: 'up', httpUrl: app.httpUrl };
  process.send?.(news);
  await nextMessage();
  await app.stop();
  endProcess();
}
