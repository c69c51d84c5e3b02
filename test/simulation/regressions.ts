/**
 * Seeds of worlds that once went wrong, each with what was wrong. A seed keeps its world only as long as the world draws its
 * chances in the same order; what a seed showed has a test of its own where it was repaired.
 */
export const regressions: readonly { readonly seed: number; readonly why: string }[] = [
  { seed: 1114, why: 'a copy of a report from two storages ago was news' },
];
