/** A trial's result, for people. */
import type { ConformResult } from './conform.ts';
import { count } from './bench.ts';
import type { Verdict } from './rule.ts';

const MARKS: Readonly<Record<Verdict['verdict'], string>> = {
  kept: 'kept',
  broken: 'BROKEN',
  'not-testable': 'not testable',
};

/** One line for a rule, and one for what was seen. */
export function verdictLines({ rule, sentence, verdict, detail }: Verdict): readonly string[] {
  return [`${MARKS[verdict].padEnd(13)} ${rule}: ${sentence}`, `${' '.repeat(14)}${detail}`];
}

/** All of it, in lines, and the count at the end. */
export function conformSummary(result: ConformResult): readonly string[] {
  const { device, rules, kept, broken, notTestable } = result;
  const total = `${device}: ${count(kept, 'rule')} kept, ${String(broken)} broken, ${String(notTestable)} not testable`;
  return [...rules.flatMap(verdictLines), '', total];
}
