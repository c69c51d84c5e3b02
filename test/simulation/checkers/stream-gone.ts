import type { HubLoss } from '../record.ts';
import { type Checker, type Flaw, isCutTold } from './checker.ts';

/** Whoever reads that messages are gone looks for what has lost them. */
export const streamGone: Checker = {
  name: 'stream-gone',
  sentence: 'nothing is said to be gone from a stream but what the hub has lost of it before',
  check: (evidence) =>
    evidence.record.gone.flatMap(({ at, node, range }): Flaw[] => {
      const { stream, from, to, isTail } = range;
      const losses = evidence.record.hubLosses.filter((loss) => loss.at <= at);
      const lost = losses.flatMap((loss) =>
        sequencesOf(loss).map((ends) => ({ ...ends, isTold: isCutTold(evidence, loss.at) })),
      );
      // Of a tail it is said from where the node had read to, and that reading goes on behind what the hub was left with.
      const isTrue = isTail
        ? lost.some(({ first, isTold }) => from > first && (to >= first - 1 || !isTold) && to < from)
        : lost.some(({ first, last }) => from <= last && to >= first);
      if (isTrue) return [];
      const what = isTail
        ? `the tail of ${stream} behind ${to}, read to ${from - 1},`
        : `${from} to ${to} of ${stream}`;
      return [{ at, device: null, text: `${node} says that ${what} is gone, and the hub has not lost it` }];
    }),
};

/** There is one stream of reports. */
function sequencesOf({ reports }: HubLoss): readonly { readonly first: number; readonly last: number }[] {
  const [first, last] = [reports[0], reports.at(-1)];
  return first === undefined || last === undefined ? [] : [{ first: first.sequence, last: last.sequence }];
}
