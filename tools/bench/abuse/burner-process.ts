/** A process that has nothing to do with Corral and burns a share of a processor: what abuse is compared with. */
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, nextMessage } from '../bench-process.ts';
import type { BurnerNews, BurnerOrder } from './order.ts';

/** It works for at most so long before it looks whether it is to stop, and sleeps for as long when it is ahead of its share, ms. */
const SLICE_MS = 5;

/** Burns until it is told to stop. */
export async function runBurnerProcess(): Promise<void> {
  const { share } = await nextMessage<BurnerOrder>();
  const news: BurnerNews = { type: 'burning' };
  process.send?.(news);
  const over = new AbortController();
  void nextMessage().then(() => over.abort());
  const startedAt = performance.now();
  const { user, system } = process.cpuUsage();
  // What it could not burn while others had the processor it burns later: in the end it is its share.
  const isBehind = (): boolean => {
    const used = process.cpuUsage();
    return (used.user + used.system - user - system) / 1_000 < share * (performance.now() - startedAt);
  };
  while (!over.signal.aborted) {
    const until = performance.now() + SLICE_MS;
    while (performance.now() < until && isBehind());
    await sleep(isBehind() ? 0 : SLICE_MS);
  }
  endProcess();
}
