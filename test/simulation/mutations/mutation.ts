/**
 * A bug planted on purpose: one edit of the production source, in a copy of it. It names the property that has to notice, and
 * a world in which it does.
 */
export interface Mutation {
  /** What is wrong then, as a sentence. */
  readonly bug: string;
  /** Path of the file from the root of the project. */
  readonly file: string;
  /** Text that stands in the file exactly once. */
  readonly find: string;
  readonly put: string;
  /** Name of the checker whose property the bug breaks; others may notice too. */
  readonly caughtBy: string;
  /** A world in which it does. When worlds change another has to be found: `npm run simulate -- --mutants`. */
  readonly seed: number;
}
