/**
 * Whether a stream has lost its tail, and where: a power cut or a rolled-back disk takes the last messages from it, and what is stored
 * afterwards is given their sequences. Its creation does not tell, and once it has grown again, neither does its length. So what was
 * read last is remembered by the time at which the hub stored it, and compared.
 */

/** A message that was read: its sequence, and when the hub stored it, ms epoch. */
export interface ReadMark {
  readonly sequence: number;
  readonly storedAt: number;
}

/** The hub says the time of a message in two ways, of which one is rounded: they differ by so much, ms. */
const ROUNDING_MS = 1;

/** What looking for it takes. */
export interface LostTailQuestion {
  /** Messages that were read; none where nothing is known but how far it was. */
  readonly marks: readonly ReadMark[];
  /** The highest sequence that was ever read. */
  readonly reached: number;
  /** What the stream holds now. */
  readonly first: number;
  readonly last: number;
  /** The message of a sequence, or `null` where there is none any more. */
  readonly read: (sequence: number) => Promise<Pick<ReadMark, 'storedAt'> | null>;
  /** The first message at or after a sequence. */
  readonly next: (sequence: number) => Promise<ReadMark | null>;
}

/**
 * The sequence up to which the stream is as it was read; `null` where it has lost nothing of that. What follows it was never read.
 *
 * It is found by the hub's time: what the hub has stored since is later than all that was read. Where its clock was set back over the loss,
 * and what stands in the place of a message is EARLIER than that, all that the stream holds is read: twice does no harm, never would.
 */
export async function lostTail(question: LostTailQuestion): Promise<number | null> {
  const { marks, reached, first, last, read } = question;
  let since = Infinity;
  for (const { sequence, storedAt } of marks) {
    if (sequence < first) continue;
    if (sequence <= last) {
      const found = await read(sequence);
      // One message alone is missing where somebody erased it.
      if (found === null || Math.abs(found.storedAt - storedAt) <= ROUNDING_MS) continue;
      if (found.storedAt < storedAt) return first - 1;
    }
    since = Math.min(since, storedAt);
  }
  if (since === Infinity) return last < reached ? last : null;
  return (await firstStoredAfter(since, question)) - 1;
}

/** The lowest sequence whose message was stored after `time`; the one beyond the last where there is none. */
async function firstStoredAfter(time: number, { first, last, next }: LostTailQuestion): Promise<number> {
  let low = first;
  let high = last + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = await next(middle);
    if (found === null || found.sequence >= high || found.storedAt > time) high = middle;
    else low = found.sequence + 1;
  }
  return low;
}
