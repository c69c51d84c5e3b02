/** A process that has nothing to do with Corral and burns a share of a processor: what abuse is compared with. */
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, nextMessage } from '../bench-process.ts';
import type { BurnerNews, BurnerOrder } from './order.ts';

/** It works for its share of each of these, and sleeps for the rest, ms. */
const SLICE_MS = 10;

/** Burns until it is told to stop. */
export async function runBurnerProcess(): Promise<void> {
  const { share } = await nextMessage<BurnerOrder>();
  const news: BurnerNews = { type: 'burning' };
  process.send?.(news);
  const over = new AbortController();
  void nextMessage().then(() => over.abort());
  while (!over.signal.aborted) {
    const { user, system } = process.cpuUsage();
    const isSpent = (): boolean => {
      const used = process.cpuUsage();
      return used.user + used.system - user - system >= share * SLICE_MS * 1_000;
    };
    const startedAt = performance.now();
    while (!isSpent());
    await sleep(Math.max(0, SLICE_MS - (performance.now() - startedAt)));
  }
  endProcess();
}
