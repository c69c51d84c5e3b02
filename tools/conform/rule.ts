/**
 * What the kit checks: a rule of `docs/protocol.md` under a name that never changes, and what a device was found to make of
 * it.
 */
import type { RuleNeed } from './rule-need.ts';
import type { Trial } from './trial.ts';

/** One rule. */
export interface Rule {
  /** Stable name, kebab-case. */
  readonly id: string;
  /** What a device that keeps it does, as a sentence with the device as its subject. */
  readonly sentence: string;
  /** The anchor of the section in `docs/protocol.md` that gives the reason. */
  readonly section: string;
  readonly needs: readonly RuleNeed[];
  /** Resolves with what was seen of a rule that is kept. Throws the errors of `finding.ts`. */
  readonly check: (trial: Trial) => Promise<string>;
}

/** What became of one rule. */
export interface Verdict {
  readonly rule: string;
  readonly sentence: string;
  readonly verdict: 'kept' | 'broken' | 'not-testable';
  /** What was seen, or why it could not be tested. */
  readonly detail: string;
}
