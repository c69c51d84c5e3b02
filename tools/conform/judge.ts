/**
 * Judges rules, each once and after those that it rests on, so that a device is blamed for what it does wrong and for
 * nothing that follows from it.
 */
import { Broken, isFinding, NotJudged, NotSeen, NotTestable } from './finding.ts';
import type { Rule, Verdict } from './rule.ts';
import type { Trial } from './trial.ts';

/** The parts of a judge. */
export interface JudgeOptions {
  /** All there are: what a rule rests on is looked up here. */
  readonly rules: readonly Rule[];
  readonly trial: Trial;
  /** Told of each rule before it is tested. */
  readonly testing: (rule: Rule) => void;
}

/** See the head of this file. */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #verdicts = new Map<string, Verdict>();

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  /** The verdict on a rule. Throws what is no finding: a fault of the kit or of its server. */
  async judge(rule: Rule): Promise<Verdict> {
    const known = this.#verdicts.get(rule.id);
    if (known !== undefined) return known;
    const { id, level, sentence } = rule;
    const verdict = { rule: id, level, sentence, ...(await this.#judged(rule)) };
    this.#verdicts.set(id, verdict);
    return verdict;
  }

  /** The broken ones of all that were judged so far. */
  broken(): readonly Verdict[] {
    return [...this.#verdicts.values()].filter(({ verdict }) => verdict === 'broken');
  }

  async #judged(rule: Rule): Promise<Pick<Verdict, 'verdict' | 'detail'>> {
    const { trial, testing } = this.#options;
    try {
      for (const ground of rule.restsOn) await this.#mustStand(ground);
      for (const need of rule.needs) {
        const lack = trial.lacks(need);
        if (lack !== null) throw new NotTestable(lack);
      }
      testing(rule);
      return { verdict: 'kept', detail: await rule.check(trial) };
    } catch (error) {
      if (!isFinding(error)) throw error;
      return { verdict: verdictOf(error), detail: error.message };
    }
  }

  /** Throws {@link NotJudged} where the rule of that name is broken, or could not be judged itself. */
  async #mustStand(id: string): Promise<void> {
    const rule = this.#options.rules.find((known) => known.id === id);
    if (rule === undefined) throw new Error(`a rule rests on ${id}, and there is none of that name`);
    const { verdict, detail } = await this.judge(rule);
    if (verdict === 'broken') throw new NotJudged(`\`${id}\` is broken`);
    if (verdict === 'not-judged') throw new NotJudged(detail);
  }
}

function verdictOf(error: Broken | NotSeen | NotJudged | NotTestable): Verdict['verdict'] {
  if (error instanceof NotTestable) return 'not-testable';
  return error instanceof NotJudged ? 'not-judged' : 'broken';
}
