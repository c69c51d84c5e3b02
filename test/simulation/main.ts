/**
 * `npm run simulate -- --seeds 1000 --first 1`: runs that many worlds and judges them; exit code 1 when a property did not
 * hold in one of them, or when they were many and none was in some rare state. `--hours 8` runs worlds for so long instead. What is
 * violated is shrunk to its shortest trouble, and the command is printed that replays it. `--seed N` replays one world with its
 * trace, with `--only` and `--storm-ms` what is left of it; `--bail` stops at the first violation, `--terse` leaves traces and shrinking out. `--mutants` runs the worlds with each planted bug instead, or with those whose sentence has the words of `--bug` in it;
 * exit code 1 when one is not noticed at the seed that it names.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { Option } from 'commander';
import { npmProgram } from '../../tools/cli/npm-program.ts';
import { wholeNumber } from '../../tools/cli/numbers.ts';
import { complain } from '../../tools/cli/print.ts';
import { aboveZero, tell, unknownBug } from './command-line.ts';
import { mutations } from './mutations/all.ts';
import { searchMutants } from './mutations/search.ts';
import { EVERYTHING, type Plan, readOnly } from './plan.ts';
import { closingLine, rareText, relevantLines, shrunkText, traceText, violationText } from './print.ts';
import { neverVisited } from './rare-states.ts';
import { addTallies, NOTHING, runSeed, type Verdict, type Violation } from './run.ts';
import { shrinkViolation } from './shrink-violation.ts';
import { KeptTrace, NO_TRACE } from './trace.ts';

/** Of so many violations the way that led to them is shown. */
const SHOWN_MAX = 3;
const PROGRESS_EVERY = 100;
const HOUR_MS = 3_600_000;
/** Shrinking one violation takes no longer than this, ms: what was found by then is printed. */
const SHRINK_MAX_MS = 300_000;

const program = npmProgram(
  'npm run simulate --',
  'Runs simulated worlds from seeds and judges them; exit code 1 when a property did not hold.',
)
  .option('--seeds <n>', 'how many worlds', wholeNumber(1), 100)
  .option('--first <seed>', 'the first seed', wholeNumber(1), 1)
  .option('--seed <seed>', 'replay one world, with its trace', wholeNumber(1))
  .option('--hours <n>', 'worlds for so long, however many', aboveZero)
  .option('--only <troubles>', 'with --seed: only these, as node-crash:2,mix-ups, or nothing', readOnly)
  .option('--storm-ms <n>', 'with --seed: a storm of this length', wholeNumber(1))
  .option('--bail', 'stop at the first violation', false)
  .option('--terse', 'without traces and shrinking', false)
  .option('--mutants', 'say where the planted bugs are noticed; exit code 1 when one is not', false)
  .option('--bug <words>', 'with --mutants: only those with these words in their sentence', '')
  .addOption(new Option('--worker').hideHelp().default(false))
  .parse();
const values = program.opts<Values>();
const unknown = unknownBug(values.bug, mutations);
if (unknown !== null) program.error(`error: ${unknown}`);

if (values.worker) serveParent();
else if (values.mutants) process.exitCode = (await searchMutants(values.bug, worlds())) === 0 ? 0 : 1;
else if (values.seed === undefined) process.exitCode = await runMany(worlds());
else process.exitCode = await replay(values.seed);

interface Values {
  readonly seeds: number;
  readonly first: number;
  readonly seed?: number;
  readonly hours?: number;
  readonly only?: readonly string[];
  readonly stormMs?: number;
  readonly bail: boolean;
  readonly terse: boolean;
  readonly mutants: boolean;
  readonly bug: string;
  readonly worker: boolean;
}

/** Runs the seeds that the parent process asks for, one after the other. */
function serveParent(): void {
  process.on('message', (seed: number) => {
    void runSeed(seed).then((verdict) => process.send?.(verdict));
  });
  process.on('disconnect', () => process.exit());
}

/** The worlds that are asked for: so many, or as many as there is time for. */
function worlds(): { readonly first: number; readonly seeds: number } {
  return { first: values.first, seeds: values.hours === undefined ? values.seeds : Infinity };
}

/** How long worlds are begun, ms. */
function forMs(): number {
  return values.hours === undefined ? Infinity : values.hours * HOUR_MS;
}

/** What of a world is to be run. */
function plan(): Plan {
  return { only: values.only ?? EVERYTHING.only, stormMs: values.stormMs ?? null };
}

async function runMany({ first, seeds }: ReturnType<typeof worlds>): Promise<number> {
  const last = first + seeds - 1;
  const until = Date.now() + forMs();
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
      while (next <= last && (Date.now() < until || next === first)) {
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

/** The shortest way to a violation that is found in time: what is left of the world is run once more, with a trace. */
async function show(violation: Violation): Promise<void> {
  const until = Date.now() + SHRINK_MAX_MS;
  const shrunk = await shrinkViolation(violation, () => Date.now() < until);
  const trace = new KeptTrace();
  const { violations } = await runSeed(violation.seed, trace, shrunk.plan);
  const left = violations.find(({ checker }) => checker === violation.checker) ?? violation;
  tell(
    `\n${violationText(left)}\n${shrunkText(violation.seed, shrunk)}\n${relevantLines(trace.lines, left)}\n`,
  );
}

async function replay(seed: number): Promise<number> {
  const trace = values.terse ? NO_TRACE : new KeptTrace();
  const { violations, tally, digest } = await runSeed(seed, trace, plan());
  if (trace instanceof KeptTrace) for (const line of trace.lines) tell(traceText(line));
  for (const violation of violations) tell(violationText(violation));
  if (digest !== null) tell(`trace ${digest}`);
  tell(closingLine(tally, violations.length));
  return violations.length === 0 ? 0 : 1;
}
