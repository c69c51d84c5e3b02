/** The process of the abusers: their CPU time is their own. */
import { endProcess, nextMessage } from '../bench-process.ts';
import { startAbusers } from './abuses.ts';
import type { AbuserNews, AbuserOrder } from './order.ts';

/** Abuses until it is told to stop, and then tells what was offered. */
export async function runAbuserProcess(): Promise<void> {
  const tell = (news: AbuserNews): void => {
    process.send?.(news);
  };
  const abusers = await startAbusers(await nextMessage<AbuserOrder>());
  tell({ type: 'abusing' });
  await nextMessage();
  tell({ type: 'offered', offered: await abusers.stop() });
  await nextMessage();
  endProcess();
}
