/**
 * `npm run simulate -- --seeds 1000 --first 1`: runs that many worlds and judges them; exit code 1 when a property did not
 * hold in one of them. `--seed N` replays one with its trace; `--bail` stops at the first violation.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { closingLine, relevantLines, traceText, violationText } from './print.ts';
import { addTallies, NOTHING, runSeed, type Verdict, type Violation } from './run.ts';
import { KeptTrace } from './trace.ts';

/** Of so many violations the way that led to them is shown. */
const SHOWN_MAX = 3;
const PROGRESS_EVERY = 100;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
    bail: { type: 'boolean', default: false },
    worker: { type: 'boolean', default: false },
  },
});

if (values.worker) serveParent();
else if (values.seed === undefined) process.exitCode = await runMany();
else process.exitCode = await replay(wholeNumber('--seed', values.seed));

/** Runs the seeds that the parent process asks for, one after the other. */
function serveParent(): void {
  process.on('message', (seed: number) => {
    void runSeed(seed).then((verdict) => process.send?.(verdict));
  });
  process.on('disconnect', () => process.exit());
}

async function runMany(): Promise<number> {
  const first = wholeNumber('--first', values.first);
  const last = first + wholeNumber('--seeds', values.seeds) - 1;
  const violations: Violation[] = [];
  let tally = NOTHING;
  let next = first;
  const take = (verdict: Verdict): void => {
    tally = addTallies(tally, verdict.tally);
    violations.push(...verdict.violations);
    for (const violation of verdict.violations) console.log(violationText(violation));
    if (values.bail && violations.length > 0) next = Infinity;
    if (tally.seeds % PROGRESS_EVERY === 0) console.error(`${tally.seeds} seeds`);
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
  for (const violation of violations.slice(0, SHOWN_MAX)) await show(violation);
  console.log(closingLine(tally, violations.length));
  return violations.length === 0 ? 0 : 1;
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
  console.log(`\n${violationText(violation)}\n${relevantLines(trace.lines, violation)}\n`);
}

async function replay(seed: number): Promise<number> {
  const trace = new KeptTrace();
  const { violations, tally, digest } = await runSeed(seed, trace);
  for (const line of trace.lines) console.log(traceText(line));
  for (const violation of violations) console.log(violationText(violation));
  console.log(`trace ${digest ?? ''}`);
  console.log(closingLine(tally, violations.length));
  return violations.length === 0 ? 0 : 1;
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`${option} takes a whole number from 1, not ${text}`);
}
