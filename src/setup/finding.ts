/** What is said of one thing that Corral runs on: how it is, and what to do about it. `corral doctor` and every start say it alike. */

/** `warning`: Corral runs, and something will hurt some day. `bad`: it does not run, or promises what it cannot keep. */
export type Verdict = 'good' | 'warning' | 'bad';

/** One thing that was looked at. */
export interface Finding {
  /** Stable kebab-case name of the check. */
  readonly check: string;
  readonly verdict: Verdict;
  /** What was found. */
  readonly found: string;
  /** What to do; `null` where nothing has to be done. */
  readonly advice: string | null;
}

/** It is as it should be. */
export function good(check: string, found: string): Finding {
  return { check, verdict: 'good', found, advice: null };
}

/** It works, and something should be done. */
export function warning(check: string, found: string, advice: string): Finding {
  return { check, verdict: 'warning', found, advice };
}

/** Something has to be done. */
export function bad(check: string, found: string, advice: string): Finding {
  return { check, verdict: 'bad', found, advice };
}

/** What was thrown, as a sentence. */
export function becauseOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(becauseOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
