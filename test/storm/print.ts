/** What the command prints of storms. */
import { traceText, violationText as textOfViolation } from '../simulation/print.ts';
import type { Violation } from '../simulation/run.ts';
import type { Verdict } from './run.ts';
import type { Sight } from './sights.ts';
import type { Tally } from './tally.ts';
import { troubleText } from './trouble.ts';

/** How many lines are shown before a flaw. */
const LINES_BEFORE = 120;

/** A violation, and how its troubles are planned again. */
export function violationText(violation: Violation): string {
  const { seed } = violation;
  return `${textOfViolation(violation)}\n  again: npm run simulate:servers -- --seed ${seed} --times 20 --bail (the same troubles; when each byte passes is new)`;
}

export function planText({ plan, seed }: Verdict): string {
  return [`  planned by seed ${seed}:`, ...plan.map((trouble) => `    ${troubleText(trouble)}`)].join('\n');
}

/** What led to the first violation, or all that happened where there is none. */
export function wayTo({ record, violations }: Verdict): string {
  const [first] = violations;
  const { device = null, at = Infinity } = first?.flaw ?? {};
  const lines = record.trace.filter(
    (line) =>
      line.at <= at &&
      (device === null ||
        line.who === device ||
        line.who === 'storm' ||
        line.who.startsWith('node-') ||
        line.text.includes(device)),
  );
  return lines
    .slice(first === undefined ? 0 : -LINES_BEFORE)
    .map((line) => `    ${traceText(line)}`)
    .join('\n');
}

export function closingLine({
  seeds,
  reports,
  requests,
  executions,
  lines,
  violations,
  troubles,
}: Tally): string {
  const total = Object.values(troubles).reduce((sum, count) => sum + count, 0);
  return [
    `${seeds} storm${seeds === 1 ? '' : 's'}`,
    `${reports} reports, ${requests} requests, ${executions} executions, ${lines} lines followed`,
    `${total} troubles (${listOf(troubles)})`,
    `${violations} violation${violations === 1 ? '' : 's'}`,
  ].join(', ');
}

/** What was seen, in how many storms, and what some storm should have shown and none has. */
export function sightsText({ sights }: Tally, never: readonly Sight[]): string {
  const seen = `seen while it stormed, and in how many storms: ${listOf(sights)}`;
  return never.length === 0 ? seen : `${seen}\nno storm has shown: ${never.join(', ')}`;
}

function listOf(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}
