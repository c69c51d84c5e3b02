/**
 * `npm run simulate:servers -- --seeds 100 --first 1`: runs that many storms on real servers and judges them; exit code 1 when a property did not
 * hold in one, or none has shown what some should. `--hours 8` goes on for that long instead. `--seed N` runs one of them and tells what happened; the
 * same seed plans the same troubles, and what comes of them is different each time, because bytes and programs take their own time: `--times 20` runs
 * it as often. `--bail` stops at the first violation, `--terse` leaves out what led to it, `--side-by-side N` says how many storms are under way at
 * once. `--mutants` runs the storms with each planted bug instead, or with those whose sentence has the words of `--bug` in it; exit code 1 when one is
 * not noticed.
 */
import { npmProgram } from '../../tools/cli/npm-program.ts';
import { wholeNumber } from '../../tools/cli/numbers.ts';
import { complain, say } from '../../tools/cli/print.ts';
import { aboveZero, tell, unknownBug } from '../simulation/command-line.ts';
import { startRunPostgres } from '../servers/run-postgres.ts';
import { runLanes } from './lanes.ts';
import { searchStormMutants } from './mutants.ts';
import { stormMutations } from './mutations.ts';
import { closingLine, planText, sightsText, violationText, wayTo } from './print.ts';
import type { Verdict } from './run.ts';
import { neverSeen } from './sights.ts';
import { addTallies, NOTHING, tallyOf } from './tally.ts';

const HOUR_MS = 3_600_000;
const PROGRESS_EVERY = 20;
/** Of so many violations what led to them is shown. */
const SHOWN_MAX = 3;

const program = npmProgram(
  'npm run simulate:servers --',
  'Runs storms on real servers and judges them; exit code 1 when a property did not hold.',
)
  .option('--seeds <n>', 'how many storms', wholeNumber(1), 40)
  .option('--first <seed>', 'the first seed', wholeNumber(1), 1)
  .option('--seed <seed>', 'one of them, and what happened in it', wholeNumber(1))
  .option('--times <n>', 'with --seed: how often', wholeNumber(1), 1)
  .option('--hours <n>', 'storms for so long, however many', aboveZero)
  .option('--side-by-side <n>', 'how many storms are under way at once', wholeNumber(1), 2)
  .option('--patience <seconds>', 'give up a storm in which nothing moves for so long', wholeNumber(1))
  .option('--bail', 'stop at the first violation', false)
  .option('--terse', 'without what led to a violation', false)
  .option('--mutants', 'say which storms notice the planted bugs; exit code 1 when one is not noticed', false)
  .option('--bug <words>', 'with --mutants: only those with these words in their sentence', '')
  .parse();
const values = program.opts<Values>();
const unknown = unknownBug(values.bug, stormMutations);
if (unknown !== null) program.error(`error: ${unknown}`);

interface Values {
  readonly seeds: number;
  readonly first: number;
  readonly seed?: number;
  readonly times: number;
  readonly hours?: number;
  readonly sideBySide: number;
  readonly patience?: number;
  readonly bail: boolean;
  readonly terse: boolean;
  readonly mutants: boolean;
  readonly bug: string;
}

// Whoever ends this ends its servers with it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
let postgresUrl = '';
process.exitCode = values.mutants ? await findMutants() : await runStorms();
// What a storm with a violation has left running is not waited for.
process.exit();

async function findMutants(): Promise<number> {
  const { bug, first, seeds } = values;
  return (await searchStormMutants(bug, { first, seeds })) === 0 ? 0 : 1;
}

async function runStorms(): Promise<number> {
  const postgres = await startRunPostgres();
  postgresUrl = postgres.url;
  try {
    return (await runAll(seedsWanted())) === 0 ? 0 : 1;
  } finally {
    await postgres.end();
  }
}

/** The seeds that are asked for, one after the other. */
function* seedsWanted(): Generator<number, void> {
  const { seed, hours, first, seeds, times } = values;
  if (seed !== undefined) {
    for (let time = 0; time < times; time += 1) yield seed;
    return;
  }
  const last = hours === undefined ? first + seeds - 1 : Infinity;
  const until = performance.now() + (hours === undefined ? Infinity : hours * HOUR_MS);
  for (let next = first; next <= last && performance.now() < until; next += 1) yield next;
}

async function runAll(seeds: Generator<number, void>): Promise<number> {
  let tally = NOTHING;
  const take = (verdict: Verdict): void => {
    tally = addTallies(tally, tallyOf(verdict));
    for (const violation of verdict.violations) tell(violationText(violation));
    if (verdict.violations.length > 0) {
      if (!values.terse && tally.violations <= SHOWN_MAX) {
        tell(planText(verdict));
        tell(wayTo(verdict));
      }
      if (values.bail) seeds.return();
    } else if (values.seed !== undefined && !values.terse) tell(wayTo(verdict));
    if (tally.seeds % PROGRESS_EVERY === 0) complain(`${tally.seeds} storms, ${tally.violations} violations`);
  };
  const { sideBySide } = values;
  await runLanes({ seeds, sideBySide, postgresUrl, take, ...patience() });
  // One storm again and again shows what it shows.
  const never = values.seed === undefined ? neverSeen(tally.seeds, tally.sights) : [];
  say(sightsText(tally, never));
  say(closingLine(tally));
  return tally.violations + never.length;
}

function patience(): { readonly patienceMs?: number } {
  return values.patience === undefined ? {} : { patienceMs: 1_000 * values.patience };
}
