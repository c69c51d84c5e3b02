/**
 * Looks for a tail that a stream of the hub has lost (`runtime/lost-tail.ts`), asking for its messages one by one.
 */
import { findLostTail, type LostTailQuestion, type ReadMark } from '../runtime/lost-tail.ts';

/** See `findLostTail`; `next` brings the first message at or after a sequence. */
export async function lostTail(
  question: LostTailQuestion & { readonly next: (sequence: number) => Promise<ReadMark | null> },
): Promise<number | null> {
  const search = findLostTail(question);
  let step = search.next();
  while (step.done !== true) step = search.next(await question.next(step.value));
  return step.value;
}
