/** A trial's result, for people. */
import type { ConformResult } from './conform.ts';
import { count } from './bench.ts';
import type { Verdict } from './rule.ts';

const MARKS: Readonly<Record<Verdict['verdict'], string>> = {
  kept: 'kept',
  broken: 'BROKEN',
  'not-judged': 'not judged',
  'not-testable': 'not testable',
};

/** One line for a rule, and one for what was seen. */
export function verdictLines({ rule, sentence, verdict, detail }: Verdict): readonly string[] {
  const seen = verdict === 'not-judged' ? `not judged because ${detail}` : detail;
  return [`${MARKS[verdict].padEnd(13)} ${rule}: ${sentence}`, `${' '.repeat(14)}${seen}`];
}

/** All of it, in lines, and at the end the count and the level. */
export function conformSummary(result: ConformResult): readonly string[] {
  const { device, rules, kept, broken, notJudged, notTestable } = result;
  const total = `${device}: ${count(kept, 'rule')} kept, ${String(broken)} broken, ${String(notJudged)} not judged, ${String(notTestable)} not testable`;
  return [...rules.flatMap(verdictLines), '', total, ...levelLines(result)];
}

/** What was tested, and what the device passes; nothing where some rules only were tested. */
function levelLines({ level, passed, passes, isWhole }: ConformResult): readonly string[] {
  if (!isWhole) return [];
  if (passed) return [`it passes level ${level}`];
  return [`it does not pass level ${level}${passes === null ? '' : `, but level ${passes}`}`];
}
