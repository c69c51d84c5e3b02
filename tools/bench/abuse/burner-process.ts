/** A process that has nothing to do with Corral and burns CPU: what abuse is compared with. */
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess } from '../bench-process.ts';
import type { BurnerNews, BurnerOrder } from './order.ts';

/** It works for at most so long before it hears what it is told, and sleeps for as long when it has used all that it may, ms. */
const SLICE_MS = 5;

/** Burns what it is told to, until it is told to stop. */
export async function runBurnerProcess(): Promise<void> {
  let allowed = 0;
  const over = new AbortController();
  process.on('message', (message: BurnerOrder | 'stop') => {
    if (message === 'stop') over.abort();
    else allowed = message.micros;
  });
  const news: BurnerNews = { type: 'burning' };
  process.send?.(news);
  const { user, system } = process.cpuUsage();
  const mayBurn = (): boolean => {
    const used = process.cpuUsage();
    return used.user + used.system - user - system < allowed;
  };
  while (!over.signal.aborted) {
    const until = performance.now() + SLICE_MS;
    while (performance.now() < until && mayBurn());
    await sleep(mayBurn() ? 0 : SLICE_MS);
  }
  endProcess();
}
