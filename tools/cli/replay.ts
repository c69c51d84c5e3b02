/** `corral replay`: real sessions, as devices that Corral hears. */
import { type Command, Option } from 'commander';
import { judge, type Judgement } from '../replay/judgement.ts';
import { periodOf, takePeriod } from '../replay/period.ts';
import { replay } from '../replay/replay.ts';
import { nothingInFile, nothingInPeriod } from '../replay/nothing-to-replay.ts';
import { readSessionFile } from '../replay/session-file.ts';
import { holds, summaryOf, summaryTable } from '../replay/summary.ts';
import { WallClock } from '../replay/wall-clock.ts';
import { httpUrl, hubSecurity, siteUrl } from './addresses.ts';
import { CommandLineError, EXIT } from './command-line-error.ts';
import { wholeNumber } from './numbers.ts';
import { print, printJson } from './print.ts';
import { showProgress } from './progress.ts';

/** The operators of the files that are known keep their records in this place's time. */
const TIME_ZONE = 'Europe/London';

interface ReplayFlags {
  readonly from?: string;
  readonly days: number;
  readonly order: 'backfill' | 'fifo';
  readonly live?: true;
  readonly speed: number;
  readonly heartbeat: number;
  readonly patience: number;
  readonly json?: true;
}

const EXAMPLES = `
Each connector becomes a charge point that lives the period without a link, and then delivers what it has buffered. Its
charging times in Corral's timeline are compared with the file's sessions. A replay takes devices that Corral has never
heard of: 50245-1 in the first run against a Corral, 50245-1-r2 in the second.

Environment:
  CORRAL_NATS_URL  a site's leaf, or the hub with a site's credentials (default: the site of npm start)
  CORRAL_HTTP_URL  Corral's HTTP address (default: that of npm start)

Examples:
  corral replay sessions.csv.gz --from 2019-03-01 --days 7
  corral replay sessions.csv.gz --from 2019-03-01 --days 7 --order fifo --json
  corral replay sessions.csv.gz --from 2017-10-29 --days 1 --live --speed 600

Exit code: 0 when every session matches and every report is stored once, 3 when not, 1 when it could not be done.`;

/** Adds the subcommand. */
export function addReplay(program: Command): void {
  program
    .command('replay')
    .description('Replay a file of charging sessions as devices, and check what Corral makes of them.')
    .argument('<file>', 'comma-separated values, gzipped or not: start, end, charge_point, connector, kwh')
    .option('--from <day>', 'first day, as 2019-03-01 (default: the first day in the file)')
    .option('--days <n>', 'how many days', wholeNumber(1), 7)
    .addOption(
      new Option('--order <order>', 'what is delivered first: the current report, or the oldest')
        .choices(['backfill', 'fifo'])
        .default('backfill'),
    )
    .option('--live', 'live the period now, instead of delivering it afterwards')
    .option('--speed <n>', 'how many times faster it is lived', wholeNumber(1), 600)
    .option('--heartbeat <seconds>', 'a device reports at least this often', wholeNumber(1), 300)
    .option('--patience <seconds>', 'give up when nothing moves for so long', wholeNumber(1), 120)
    .option('--json', 'the result as one line of JSON')
    .addHelpText('after', EXAMPLES)
    .action(runReplay);
}

async function runReplay(file: string, flags: ReplayFlags): Promise<void> {
  const progress = showProgress();
  const clock = new WallClock(TIME_ZONE);
  progress.step(`reading  ${file}`);
  const judged = judge(await readSessionFile(file), clock);
  const from = flags.from ?? firstDay(file, judged, clock);
  const period = periodOf(from, flags.days, clock);
  const record = takePeriod(judged, period);
  if (record.sessions.length === 0) {
    const lines = nothingInPeriod({ file, from, days: flags.days }, { judged, record, clock });
    throw new CommandLineError(lines);
  }
  const outcome = await replay(period, record, {
    natsUrl: siteUrl(),
    security: hubSecurity(),
    httpUrl: httpUrl(),
    progress,
    order: flags.order === 'fifo' ? 'fifo' : 'current-first',
    liveSpeed: flags.live === true ? flags.speed : null,
    heartbeatMs: flags.heartbeat * 1_000,
    patienceMs: flags.patience * 1_000,
  });
  const mode = flags.live === true ? 'live' : flags.order;
  const summary = summaryOf({ file, from, days: flags.days, mode }, record, outcome, clock);
  await (flags.json === true ? printJson(summary) : print(summaryTable(summary)));
  if (!holds(summary)) process.exitCode = EXIT.refuted;
}

function firstDay(file: string, judged: Judgement, clock: WallClock): string {
  const [first] = judged.sessions;
  if (first === undefined) throw new CommandLineError(nothingInFile(file, judged));
  return clock.shownAt(first.startAt).slice(0, 10);
}
