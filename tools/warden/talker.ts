/** How much each connection says: two looks at the hub's counts, some time apart. */
import type { Traffic, Visitor } from './visitor.ts';

/** A connection, and what it did a second between the two looks. */
export interface Talker extends Visitor {
  readonly inPerSecond: Traffic;
  readonly outPerSecond: Traffic;
}

/** What a talker is judged by. */
export type Measure = 'messages' | 'bytes';

/**
 * The connections of the second look with their rates, the worst talker first: who sends the most a second, and of those that send
 * alike, who has sent the most. One that came between the looks is counted from nothing.
 */
export function talkersOf(
  before: readonly Visitor[],
  after: readonly Visitor[],
  by: Measure,
): readonly Talker[] {
  const firstLook = new Map(before.map((visitor) => [keyOf(visitor), visitor]));
  const clocks = new Map(before.map(({ serverId, countedAt }) => [serverId, countedAt]));
  const talkers = after.map((visitor) => {
    const first = firstLook.get(keyOf(visitor));
    const seconds = (visitor.countedAt - (clocks.get(visitor.serverId) ?? visitor.countedAt)) / 1_000;
    return {
      ...visitor,
      inPerSecond: rate(first?.in, visitor.in, seconds),
      outPerSecond: rate(first?.out, visitor.out, seconds),
    };
  });
  const other = by === 'messages' ? 'bytes' : 'messages';
  return talkers.sort(
    (a, b) =>
      b.inPerSecond[by] - a.inPerSecond[by] ||
      b.inPerSecond[other] - a.inPerSecond[other] ||
      b.in[by] - a.in[by] ||
      a.cid - b.cid,
  );
}

function keyOf({ serverId, cid }: Visitor): string {
  return `${serverId} ${String(cid)}`;
}

function rate(first: Traffic = { messages: 0, bytes: 0 }, then: Traffic, seconds: number): Traffic {
  const of = (measure: Measure): number =>
    seconds > 0 ? Math.max(0, (then[measure] - first[measure]) / seconds) : 0;
  return { messages: of('messages'), bytes: of('bytes') };
}
