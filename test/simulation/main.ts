/**
 * `npm run simulate -- --seeds 1000 --first 1`: runs that many worlds and judges them; exit code 1 when a property did not
 * hold in one of them, or when they were many and none was in some rare state. `--seed N` replays one with its trace; `--bail` stops at the first violation, `--terse` leaves traces
 * out. `--mutants` runs the worlds with each planted bug instead, or with those whose sentence has the words of `--bug` in it;
 * exit code 1 when one is not noticed at the seed that it names.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { complain, say } from '../../tools/cli/print.ts';
import { searchMutants } from './mutations/search.ts';
import { closingLine, rareText, relevantLines, traceText, violationText } from './print.ts';
import { neverVisited } from './rare-states.ts';
import { addTallies, NOTHING, runSeed, type Verdict, type Violation } from './run.ts';
import { KeptTrace, NO_TRACE } from './trace.ts';

/** Of so many violations the way that led to them is shown. */
const SHOWN_MAX = 3;
const PROGRESS_EVERY = 100;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
    bail: { type: 'boolean', default: false },
    terse: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    bug: { type: 'string', default: '' },
    worker: { type: 'boolean', default: false },
  },
});

if (values.worker) serveParent();
else if (values.mutants) process.exitCode = (await searchMutants(values.bug, worlds())) === 0 ? 0 : 1;
else if (values.seed === undefined) process.exitCode = await runMany(worlds());
else process.exitCode = await replay(wholeNumber('--seed', values.seed));

/** Runs the seeds that the parent process asks for, one after the other. */
function serveParent(): void {
  process.on('message', (seed: number) => {
    void runSeed(seed).then((verdict) => process.send?.(verdict));
  });
  process.on('disconnect', () => process.exit());
}

/** The worlds that are asked for. */
function worlds(): { readonly first: number; readonly seeds: number } {
  return { first: wholeNumber('--first', values.first), seeds: wholeNumber('--seeds', values.seeds) };
}

async function runMany({ first, seeds }: ReturnType<typeof worlds>): Promise<number> {
  const last = first + seeds - 1;
  const violations: Violation[] = [];
  let tally = NOTHING;
  let next = first;
  const take = (verdict: Verdict): void => {
    tally = addTallies(tally, verdict.tally);
    violations.push(...verdict.violations);
    for (const violation of verdict.violations) tell(violationText(violation));
    if (values.bail && violations.length > 0) next = Infinity;
    if (tally.seeds % PROGRESS_EVERY === 0) complain(`${tally.seeds} seeds`);
  };
  const workers = Math.min(availableParallelism(), last - first + 1);
  await Promise.all(
    Array.from({ length: workers }, async () => {
      const worker = fork(import.meta.filename, ['--worker'], { execArgv: process.execArgv });
      while (next <= last) {
        const seed = next;
        next += 1;
        take(await judgedBy(worker, seed));
      }
      worker.disconnect();
    }),
  );
  if (!values.terse) for (const violation of violations.slice(0, SHOWN_MAX)) await show(violation);
  tell(rareText(tally));
  tell(closingLine(tally, violations.length));
  return violations.length + neverVisited(tally.seeds, tally.rare).length === 0 ? 0 : 1;
}

function judgedBy(worker: ChildProcess, seed: number): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error(`the process that ran seed ${seed} ended`));
    worker.once('exit', onExit);
    worker.once('message', (verdict: Verdict) => {
      worker.off('exit', onExit);
      resolve(verdict);
    });
    worker.send(seed);
  });
}

/** The way to a violation: the world is run once more, with a trace. */
async function show(violation: Violation): Promise<void> {
  const trace = new KeptTrace();
  await runSeed(violation.seed, trace);
  tell(`\n${violationText(violation)}\n${relevantLines(trace.lines, violation)}\n`);
}

async function replay(seed: number): Promise<number> {
  const trace = values.terse ? NO_TRACE : new KeptTrace();
  const { violations, tally, digest } = await runSeed(seed, trace);
  if (trace instanceof KeptTrace) for (const line of trace.lines) tell(traceText(line));
  for (const violation of violations) tell(violationText(violation));
  if (digest !== null) tell(`trace ${digest}`);
  tell(closingLine(tally, violations.length));
  return violations.length === 0 ? 0 : 1;
}

/** Says it in as many lines as it has. */
function tell(text: string): void {
  say(text.split('\n'));
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`${option} takes a whole number from 1, not ${text}`);
}
