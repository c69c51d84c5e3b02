/** The process of a round: ordered by a message of its parent, answers with news, ends when the parent says so. */
import { startFloorSide } from './floor-side.ts';
import { RoundTimer, type RoundNews, type RoundOrder } from './round.ts';
import { startRuntimeSide } from './runtime-side.ts';

/** Does one round. Resolves when everything has come to rest. */
export async function runRound(): Promise<void> {
  const order = await nextMessage<RoundOrder>();
  const tell = (news: RoundNews): void => {
    process.send?.(news);
  };
  const timer = new RoundTimer(order.reports, tell);
  const start = order.side === 'runtime' ? startRuntimeSide : startFloorSide;
  const side = await start(order, timer);
  await nextMessage();
  await side.stop();
  process.disconnect();
}

function nextMessage<Message>(): Promise<Message> {
  return new Promise((resolve) => process.once('message', (message) => resolve(message as Message)));
}
