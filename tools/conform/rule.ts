/**
 * What the kit checks: a rule of `docs/protocol.md` under a name that never changes, and what a device was found to make of
 * it.
 */
import type { Trial } from './trial.ts';

/** What a rule has to have before it can be tested. */
export type RuleNeed =
  /** A device that answers `report`: everything else is asked through commands. */
  | 'answers'
  /** A device that takes `reserve` and `release` and is free: the kit executes nothing else. */
  | 'holds'
  /** A way to restart the device. */
  | 'restart'
  /** A server that is the kit's to stop and start. */
  | 'own-server';

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
