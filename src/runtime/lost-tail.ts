/**
 * Whether a stream has lost its tail, and where: a power cut or a rolled-back disk takes the last messages from it, and what is stored
 * afterwards is given their sequences. Its creation does not tell, and once it has grown again, neither does its length. So some of what
 * was read is remembered by the time at which the hub stored it (`read-marks.ts`), and compared.
 *
 * Where not all between the last message that still stands and the first that does not is remembered, the place is found by the hub's time: what
 * it has stored since is later than all that was read. Where its clock was set back over the loss, or its machine came up with another time,
 * that is not so; this shows in times that fall from one message to the next, and then all from there on is read: twice does no harm, never would.
 * The same where it was known to be wrong as what is lost was stored.
 */

/** A message that was read: its sequence, and when the hub stored it, as its clock told, ms epoch. */
export interface ReadMark {
  readonly sequence: number;
  readonly storedAt: number;
  /** That was known to be wrong as it was read: by it the message is known again, and nothing is earlier or later than it. */
  readonly isDatedWrong?: true | undefined;
}

/** What looking for it takes. */
export interface LostTailQuestion {
  /** Messages that were read; none where nothing is known but how far it was. */
  readonly marks: readonly ReadMark[];
  /** From this sequence on they are all that were read; `Infinity` where there may be more between any two of them. */
  readonly allFrom: number;
  /** The highest sequence that was ever read. */
  readonly reached: number;
  /** What the stream holds now. */
  readonly first: number;
  readonly last: number;
}

/** Asks for the first message at or after each sequence, `null` where there is none, and returns what was found out. */
type Search<Found> = Generator<number, Found, ReadMark | null>;

/** The hub says the time of a message in two ways, of which one is rounded: they differ by so much, ms. */
const ROUNDING_MS = 1;

/** Of so many messages each is looked at where times may fall. */
const CLOSE_MAX = 256;

/** And before those one so much further back each time. */
const STRIDE = 1.25;

/** And none that was stored so long before the loss, ms: clocks were set back at other times as well. */
const SET_BACK_MAX_MS = 86_400_000;

/**
 * Finds the sequence up to which the stream is as it was read; `null` where it has lost nothing of that. What follows it was never read, or
 * is read again.
 */
export function* findLostTail(question: LostTailQuestion): Search<number | null> {
  const { reached, first, last, allFrom } = question;
  const { kept, lost, dated, earlier } = yield* compareMarks(question);
  if (lost === null) return last < reached ? last : null;
  const keptTo = kept?.sequence ?? first - 1;
  if (kept !== null && keptTo >= allFrom) return keptTo;
  if (dated === null) return keptTo;
  const range = { keptTo, since: dated.storedAt };
  if (earlier === null) return yield* lastRead(last, range);
  const to = yield* beforeFall(earlier, range);
  return to === null ? keptTo : yield* lastRead(to, range);
}

/**
 * The first of the marks that does not stand any more, the first of those whose date was believed, and the last before it that does; and the first sequence of one in whose place stands
 * something earlier, so that the clock was set back before that. Marks that were all read in one go are looked at down to the last that stands;
 * others may be of before a loss, though one behind them was read after it.
 */
function* compareMarks({ marks, allFrom, first, last }: LostTailQuestion): Search<{
  readonly kept: ReadMark | null;
  readonly lost: ReadMark | null;
  readonly dated: ReadMark | null;
  readonly earlier: number | null;
}> {
  let kept: ReadMark | null = null;
  let lost: ReadMark | null = null;
  let dated: ReadMark | null = null;
  let earlier: number | null = null;
  for (const mark of marks.toSorted((a, b) => b.sequence - a.sequence)) {
    if (mark.sequence < first) break;
    if (mark.sequence <= last) {
      const found = yield mark.sequence;
      // One message alone is missing where somebody erased it.
      if (found?.sequence !== mark.sequence) continue;
      if (Math.abs(found.storedAt - mark.storedAt) <= ROUNDING_MS) {
        kept ??= mark;
        if (allFrom < Infinity) break;
        continue;
      }
      if (found.storedAt < mark.storedAt) earlier = mark.sequence;
    }
    lost = mark;
    if (mark.isDatedWrong !== true) dated = mark;
    kept = null;
  }
  return { kept, lost, dated, earlier };
}

/** What is looked at: behind what stands as it was read, for what was stored before what is lost. */
interface Range {
  readonly keptTo: number;
  /** When the first that is lost was stored, ms epoch. */
  readonly since: number;
}

/** The last message up to `last` that was stored before what is lost, if times do not fall before it; else, before they do. */
function* lastRead(last: number, range: Range): Search<number> {
  const to = (yield* firstStoredAfter(range.since, { from: range.keptTo + 1, last })) - 1;
  const before = yield* beforeFall(to, range);
  return before === null ? to : yield* lastRead(before, range);
}

/** The lowest sequence whose message was stored after `time`; the one beyond the last where there is none. */
function* firstStoredAfter(
  time: number,
  { from, last }: { readonly from: number; readonly last: number },
): Search<number> {
  let low = from;
  let high = last + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = yield middle;
    if (found === null || found.sequence >= high || found.storedAt > time) high = middle;
    else low = found.sequence + 1;
  }
  return low;
}

/** The last message up to `to` before the first whose time is before its own, as far as those tell that are looked at; `null` where none is. */
function* beforeFall(to: number, { keptTo, since }: Range): Search<number | null> {
  let before: number | null = null;
  let later = Infinity;
  for (let back = 0; to - back > keptTo; back = back < CLOSE_MAX ? back + 1 : Math.ceil(back * STRIDE)) {
    const found = yield to - back;
    if (found === null || found.sequence > to) continue;
    if (found.storedAt > later + ROUNDING_MS) before = found.sequence;
    if (found.storedAt < since - SET_BACK_MAX_MS) break;
    later = found.storedAt;
  }
  return before;
}
