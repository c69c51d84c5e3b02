/**
 * Searches another world for a planted bug that the world it names does not show any more.
 */
import { runMutant } from './mutant.ts';
import type { Mutation } from './mutation.ts';

/** So many worlds are run at once, before it is looked whether the bug was noticed in one. */
const LOT = 8;

/** What a search came to. */
export interface Found {
  /** The worlds of the last lot in which the bug's own checker noticed it; none: nowhere. */
  readonly seeds: readonly number[];
  /** Checkers other than the bug's own that noticed it on the way. */
  readonly others: ReadonlySet<string>;
  /** What the last lot printed. */
  readonly output: string;
}

/** Looks at `seeds` worlds from `first` on, lot by lot, until one shows the bug. */
export async function searchOtherWorlds(
  mutation: Mutation,
  { first, seeds }: { readonly first: number; readonly seeds: number },
): Promise<Found> {
  const others = new Set<string>();
  let printed = '';
  for (let next = first; next < first + seeds; next += LOT) {
    const { noticed, output } = await runMutant(mutation, {
      first: next,
      seeds: Math.min(LOT, first + seeds - next),
    });
    const shows = [...noticed].filter(([, checkers]) => checkers.includes(mutation.caughtBy));
    if (shows.length > 0) return { seeds: shows.map(([seed]) => seed).sort((a, b) => a - b), others, output };
    for (const checker of [...noticed.values()].flat()) others.add(checker);
    printed = output;
  }
  return { seeds: [], others, output: printed };
}
