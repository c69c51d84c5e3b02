/**
 * What the kit checks: a rule of `docs/protocol.md` under a name that never changes, and what a device was found to make of
 * it.
 */
import type { Level } from './level.ts';
import type { RuleNeed } from './rule-need.ts';
import type { Trial } from './trial.ts';

/** One rule. */
export interface Rule {
  /** Stable name, kebab-case. */
  readonly id: string;
  /** The lowest level whose devices have to keep it. */
  readonly level: Level;
  /** What a device that keeps it does, as a sentence with the device as its subject. */
  readonly sentence: string;
  /** The anchor of the section in `docs/protocol.md` that gives the reason. */
  readonly section: string;
  readonly needs: readonly RuleNeed[];
  /**
   * The rules without which this one cannot be judged: its check takes for granted what they say. They are judged before it,
   * and where one is broken this one is not judged, because the device would be blamed for the same thing twice.
   */
  readonly restsOn: readonly string[];
  /** Resolves with what was seen of a rule that is kept. Throws the errors of `finding.ts`. */
  readonly check: (trial: Trial) => Promise<string>;
}

/** What became of one rule. */
export interface Verdict {
  readonly rule: string;
  readonly level: Level;
  readonly sentence: string;
  /** `not-judged`: something failed that it rests on. `not-testable`: the bench or the device has not what the test needs. */
  readonly verdict: 'kept' | 'broken' | 'not-judged' | 'not-testable';
  /** What was seen, or why it was not judged or could not be tested. */
  readonly detail: string;
}
