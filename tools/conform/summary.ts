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
export function verdictLines({ rule, sentence, verdict, detail }: Verdict): string {
  return `${MARKS[verdict].padEnd(13)} ${rule}: ${sentence}\n${' '.repeat(14)}${detail}`;
}

/** All of it, and the count at the end. */
export function conformSummary({ device, rules, kept, broken, notTestable }: ConformResult): string {
  const total = `${device}: ${count(kept, 'rule')} kept, ${String(broken)} broken, ${String(notTestable)} not testable`;
  return [...rules.map(verdictLines), '', total].join('\n');
}
