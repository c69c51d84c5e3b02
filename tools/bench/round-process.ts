/** The process of a round: ordered by a message of its parent, answers with news, ends when the parent says so. */
import { endProcess, nextMessage } from './bench-process.ts';
import { startFloorSide } from './floor-side.ts';
import { RoundTimer, type RoundNews, type RoundOrder } from './round.ts';
import { type RoundSide, startRuntimeSide } from './runtime-side.ts';
import { startWebSide } from './web-side.ts';

/** Does one round. Resolves when everything has come to rest. */
export async function runRoundProcess(): Promise<void> {
  const order = await nextMessage<RoundOrder>();
  const tell = (news: RoundNews): void => {
    process.send?.(news);
  };
  const side = await start(order, new RoundTimer(order.reports, tell), tell);
  await nextMessage();
  await side.stop();
  endProcess();
}

async function start(
  order: RoundOrder,
  timer: RoundTimer,
  tell: (news: RoundNews) => void,
): Promise<RoundSide> {
  switch (order.side) {
    case 'runtime':
      return startRuntimeSide(order, timer);
    case 'floor':
      return startFloorSide(order, timer);
    case 'web': {
      const web = await startWebSide(order, timer);
      tell({ type: 'listening', port: web.port });
      return web;
    }
  }
}
