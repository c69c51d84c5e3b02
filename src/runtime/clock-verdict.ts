/**
 * Whose clock is wrong where this node's and the hub's are not one. Nobody's own word tells: the store is asked as a third, and where it
 * does not settle it, what both told when they were last one, which the monotonic clock has carried on.
 */

/** What another clock, or this machine's, is ahead of the monotonic one by: at least and at most, ms. */
export interface TimeRange {
  readonly least: number;
  readonly most: number;
}

/** `unknown`: three clocks tell three times, or two and the third was not asked yet, and nothing tells what was right before. */
export type WrongClock = 'node' | 'hub' | 'both' | 'unknown';

/** Three clocks, and what is known of before. */
export interface Clocks {
  readonly node: TimeRange;
  readonly hub: TimeRange;
  /** `null` before it was compared. */
  readonly store: TimeRange | null;
  /** This machine's when it was last the hub's; `null` where it never was. */
  readonly agreed: TimeRange | null;
  /** What was right when that was known last; `null` where it never was. */
  readonly right: TimeRange | null;
  /** How far two clocks may differ, ms. */
  readonly errorMs: number;
}

/** Whose clock is wrong. Where neither shows, the hub's counts as right: it dates what all nodes hear. */
export function wrongClockOf({ node, hub, store, agreed, right, errorMs }: Clocks): WrongClock {
  const agree = (a: TimeRange, b: TimeRange | null): boolean =>
    b !== null && a.least - b.most <= errorMs && b.least - a.most <= errorMs;
  if (agree(hub, agreed) && !agree(node, agreed)) return 'node';
  if (agree(node, store) !== agree(hub, store)) return agree(node, store) ? 'hub' : 'node';
  const before = agreed ?? right;
  if (before === null) return 'unknown';
  if (agree(hub, before)) return 'node';
  return agree(node, before) ? 'hub' : 'both';
}
