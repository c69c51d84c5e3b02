/**
 * What the command prints: violations with the part of the trace that leads to them, and the closing line.
 */
import { nameOf, planText, type Trouble } from './plan.ts';
import { neverVisited, VISITED_WITHIN_SEEDS } from './rare-states.ts';
import type { Tally, Violation } from './run.ts';
import type { Shrunk } from './shrink.ts';
import type { TraceLine } from './trace.ts';

/** How many lines of a trace are shown before a flaw. */
const LINES_BEFORE = 60;
const LINE_WIDTH = 400;

/** A line of a trace, with its time of day. */
export function traceText({ at, who, text }: TraceLine): string {
  return `${clockTime(at)} ${who.padEnd(15)} ${text}`.slice(0, LINE_WIDTH);
}

/** A violation, without its trace. */
export function violationText({ seed, checker, sentence, flaw, flaws }: Violation): string {
  const where = flaw.device === null ? '' : `${flaw.device}: `;
  return [
    `seed ${seed}: ${checker}, in ${flaws} place${flaws === 1 ? '' : 's'}`,
    `  it should hold: ${sentence}`,
    `  but at ${clockTime(flaw.at)} ${where}${flaw.text}`,
  ].join('\n');
}

/** What is left of a world's troubles when no more can be left out, and the command that runs exactly that. */
export function shrunkText(seed: number, { plan, troubles, trials }: Shrunk): string {
  const singles = new Set(troubles.filter(({ number }) => number > 0).map(({ sort }) => sort));
  const left = troubles.filter(({ number, sort }) => number > 0 || !singles.has(sort));
  const lines = left.map((trouble: Trouble) => `    ${clockTime(trouble.at)} ${nameOf(trouble)}`);
  return [
    `  with ${left.length} trouble${left.length === 1 ? '' : 's'} left, as ${trials} worlds with less showed:`,
    ...lines,
    `  npm run simulate -- --seed ${seed} ${planText(plan)}`.trimEnd(),
  ].join('\n');
}

/** The last lines of a trace up to a flaw that have to do with its device. */
export function relevantLines(lines: readonly TraceLine[], { flaw }: Violation): string {
  const { device, at } = flaw;
  const before = lines.filter((line) => line.at <= at);
  const relevant = before.filter(
    ({ who, text }) => device === null || who === device || who === 'storm' || text.includes(device),
  );
  return relevant
    .slice(-LINES_BEFORE)
    .map((line) => `    ${traceText(line)}`)
    .join('\n');
}

/** `1000 seeds, 3120 simulated hours, ... 0 violations`. */
export function closingLine(tally: Tally, violations: number): string {
  const commands = sum(tally.commands);
  const faults = sum(tally.faults);
  return [
    `${tally.seeds} seed${tally.seeds === 1 ? '' : 's'}`,
    `${Math.round(tally.hours)} simulated hours`,
    `${tally.reports} reports`,
    `${tally.requests} requests`,
    `${commands} commands (${list(tally.commands)})`,
    `${faults} faults (${list(tally.faults)})`,
    `${violations} violation${violations === 1 ? '' : 's'}`,
  ].join(', ');
}

/** In how many worlds each rare state was visited; and which was in none, where that is a failure. */
export function rareText({ seeds, rare }: Tally): string {
  const visited = `rare states, and how many worlds were in them: ${list(rare)}`;
  const never = neverVisited(seeds, rare);
  if (never.length === 0) return visited;
  return `${visited}\nno world was in ${never.join(', ')}: of ${VISITED_WITHIN_SEEDS} and more, some has to be`;
}

function clockTime(at: number): string {
  return new Date(at).toISOString().slice(8, 23).replace('T', ' ');
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function list(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}
