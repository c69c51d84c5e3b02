/**
 * `npm run simulate:servers -- --seeds 100 --first 1`: runs that many storms on real servers and judges them; exit code 1 when a property did not
 * hold in one, or none has shown what some should. `--hours 8` goes on for that long instead. `--seed N` runs one of them and tells what happened; the
 * same seed plans the same troubles, and what comes of them is different each time, because bytes and programs take their own time: `--times 20` runs
 * it as often. `--bail` stops at the first violation, `--terse` leaves out what led to it, `--side-by-side N` says how many storms are under way at
 * once. `--mutants` runs the storms with each planted bug instead, or with those whose sentence has the words of `--bug` in it; exit code 1 when one is
 * not noticed.
 */
import { parseArgs } from 'node:util';
import { complain, say } from '../../tools/cli/print.ts';
import { tell, wholeNumber } from '../simulation/command-line.ts';
import { startRunPostgres } from '../run-postgres.ts';
import { runLanes } from './lanes.ts';
import { searchStormMutants } from './mutants.ts';
import { closingLine, planText, sightsText, violationText, wayTo } from './print.ts';
import type { Verdict } from './run.ts';
import { neverSeen } from './sights.ts';
import { addTallies, NOTHING, tallyOf } from './tally.ts';

const HOUR_MS = 3_600_000;
const PROGRESS_EVERY = 20;
/** Of so many violations what led to them is shown. */
const SHOWN_MAX = 3;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '40' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
    times: { type: 'string', default: '1' },
    hours: { type: 'string' },
    'side-by-side': { type: 'string', default: '2' },
    patience: { type: 'string' },
    bail: { type: 'boolean', default: false },
    terse: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    bug: { type: 'string', default: '' },
  },
});

// Whoever ends this ends its servers with it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
let postgresUrl = '';
process.exitCode = values.mutants ? await findMutants() : await runStorms();
// What a storm with a violation has left running is not waited for.
process.exit();

async function findMutants(): Promise<number> {
  const storms = { first: wholeNumber('--first', values.first), seeds: wholeNumber('--seeds', values.seeds) };
  return (await searchStormMutants(values.bug, storms)) === 0 ? 0 : 1;
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
  const { seed, hours } = values;
  if (seed !== undefined) {
    const times = wholeNumber('--times', values.times);
    for (let time = 0; time < times; time += 1) yield wholeNumber('--seed', seed);
    return;
  }
  const first = wholeNumber('--first', values.first);
  const last = hours === undefined ? first + wholeNumber('--seeds', values.seeds) - 1 : Infinity;
  const until = performance.now() + (hours === undefined ? Infinity : Number(hours) * HOUR_MS);
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
  const sideBySide = wholeNumber('--side-by-side', values['side-by-side']);
  await runLanes({ seeds, sideBySide, postgresUrl, take, ...patience() });
  // One storm again and again shows what it shows.
  const never = values.seed === undefined ? neverSeen(tally.seeds, tally.sights) : [];
  say(sightsText(tally, never));
  say(closingLine(tally));
  return tally.violations + never.length;
}

function patience(): { readonly patienceMs?: number } {
  return values.patience === undefined
    ? {}
    : { patienceMs: 1_000 * wholeNumber('--patience', values.patience) };
}
