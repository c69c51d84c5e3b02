/**
 * `npm run bench`: what Corral costs, against what it would cost to do nothing. Results go to stdout, progress to stderr.
 * `docs/benchmarks.md` says how to read them.
 */
import { type Command, Option } from 'commander';
import { abuseTargets, measureAbuse } from './bench/abuse/abuse.ts';
import { runAbuserProcess } from './bench/abuse/abuser-process.ts';
import { runAppProcess } from './bench/abuse/app-process.ts';
import { runBurnerProcess } from './bench/abuse/burner-process.ts';
import { type AbuseName, ABUSES, ALL_TOGETHER } from './bench/abuse/order.ts';
import { catchupTargets, measureCatchup } from './bench/catchup.ts';
import { commandTargets, measureCommand } from './bench/command.ts';
import { type DurabilityLine, measureDurability } from './bench/durability.ts';
import type { FleetMix } from './bench/fleet-mix.ts';
import { historyTargets, measureHistory } from './bench/history.ts';
import { httpTargets, measureHttp } from './bench/http.ts';
import { measureIngest } from './bench/ingest.ts';
import { ingestResult, ingestTable, ingestTargets } from './bench/ingest-result.ts';
import { liveTargets, measureLive } from './bench/live.ts';
import { runNodeProcess } from './bench/node-process.ts';
import { runRoundProcess } from './bench/round-process.ts';
import { measurePageImages, pageImagesLines } from './bench/page-images.ts';
import { measureStart, startTargets } from './bench/start.ts';
import { type TargetLine, targetTable } from './bench/target-table.ts';
import { CommandLineError, EXIT } from './cli/command-line-error.ts';
import { npmProgram } from './cli/npm-program.ts';
import { wholeNumber } from './cli/numbers.ts';
import { complain, complainOf, print, printJson } from './cli/print.ts';
import { showProgress } from './cli/progress.ts';
import { DevServerError } from './dev/dev-server-error.ts';
import type { Mix } from './fleet/report-mix.ts';

/** Of every bench. */
interface Flags {
  readonly devices: number;
  readonly mix: keyof typeof MIXES;
  readonly encoding: 'json' | 'msgpack';
  readonly json?: true;
}

interface IngestFlags extends Flags {
  readonly reports: number;
  readonly webReports: number;
  readonly rounds: number;
  readonly profile?: string;
}

interface AbuseFlags extends Pick<Flags, 'devices' | 'encoding' | 'json'> {
  readonly seconds: number;
  readonly abuses: readonly AbuseName[];
  readonly profile?: string;
}

interface DurabilityFlags extends Pick<Flags, 'json'> {
  readonly singles: number;
  readonly messages: number;
  readonly rounds: number;
}

/** What a bench found. */
interface Finding {
  /** One line of JSON. */
  readonly result: object;
  readonly targets: readonly TargetLine[];
  /** More for people. */
  readonly details?: string;
}

/** Short names of what devices say. */
const MIXES = { believable: 'believable', same: 'steady', change: 'changing' } as const satisfies Record<
  string,
  Mix
>;

const progress = showProgress();

const program = npmProgram(
  'npm run bench --',
  'Measures Corral on servers of its own. Without a command: all targets, in about twenty minutes.',
);

bench(
  'ingest',
  'Reports that become durable in a second, with their history, against floor and web application.',
)
  .option('--reports <n>', 'reports in all, each a message', wholeNumber(1), 200_000)
  .option('--web-reports <n>', 'of them for the web application; 0 leaves it out', wholeNumber(0), 20_000)
  .option('--rounds <n>', 'rounds of each side; medians count', wholeNumber(1), 3)
  .option('--profile <dir>', "write CPU profiles of the runtime's rounds into a folder")
  .action(async (flags: IngestFlags) => tell(flags, await ingest(flags)));

bench('live', 'Latency from a device behind a leaf to the commit, at 10, 50 and 90 % of the most.')
  .option('--seconds <n>', 'at each load', wholeNumber(1), 10)
  .action(async (flags: Flags & { readonly seconds: number }) => tell(flags, await live(flags)));

bench('command', 'Round trip of a command, idle and under half the most load, against request and commit.')
  .option('--commands <n>', 'in each part', wholeNumber(2), 1_000)
  .action(async (flags: Flags & { readonly commands: number }) => tell(flags, await command(flags)));

bench('start', 'Rows to live twins in a second, and memory per twin.', 100_000)
  .alias('memory')
  .option('--rounds <n>', 'starts; medians count', wholeNumber(1), 3)
  .action(async (flags: Flags & { readonly rounds: number }) => tell(flags, await start(flags)));

bench('catchup', 'Time to be current after a node was away for so many reports.')
  .option('--reports <n>', 'that came meanwhile', wholeNumber(1), 300_000)
  .action(async (flags: Flags & { readonly reports: number }) => tell(flags, await catchup(flags)));

bench('history', 'The last five minutes of a device, out of many million reports.')
  .option('--rows <n>', 'reports in the table', wholeNumber(1), 20_000_000)
  .option('--questions <n>', 'each for another device', wholeNumber(1), 1_000)
  .action(async (flags: Flags & { readonly rows: number; readonly questions: number }) =>
    tell(flags, await history(flags)),
  );

bench('http', 'The doubtful devices of a fleet over HTTP, and why one is as it is.', 100_000)
  .option('--questions <n>', 'of each kind', wholeNumber(1), 500)
  .action(async (flags: Flags & { readonly questions: number }) => tell(flags, await http(flags)));

bench(
  'pages',
  'What the image of a page in the log of Postgres costs, and what compression saves.',
  1_000_000,
)
  .option('--changes <n>', 'rows changed with each setting', wholeNumber(1), 100_000)
  .action(async (flags: Flags & { readonly changes: number }) => tell(flags, await pages(flags)));

program
  .command('durability')
  .description(
    'What it costs that a hub loses nothing it has acknowledged: synced always, or on three servers.',
  )
  .option('--singles <n>', 'messages one after the other, in each round', wholeNumber(1), 300)
  .option('--messages <n>', 'messages with 256 under way, in each round', wholeNumber(1), 5_000)
  .option('--rounds <n>', 'rounds of each; medians count', wholeNumber(1), 5)
  .option('--json', 'the result as one line of JSON')
  .action(async (flags: DurabilityFlags) => tell(flags, await durability(flags)));

program
  .command('abuse')
  .description('A thousand good reports a second of one site, while others do all they can to stop them.')
  .option('--devices <n>', 'good devices', wholeNumber(1), 1_000)
  .addOption(
    new Option('--encoding <encoding>', 'how they report').choices(['msgpack', 'json']).default('msgpack'),
  )
  .option('--seconds <n>', 'of each run', wholeNumber(1), 30)
  .addOption(
    new Option('--abuses <names...>', 'only these')
      .choices(ABUSES)
      .default(ALL_TOGETHER, 'all but one-device, at once'),
  )
  .option('--profile <dir>', 'write a CPU profile of the node and its log into a folder')
  .option('--json', 'the result as one line of JSON')
  .action(async (flags: AbuseFlags) => tell(flags, await abuse(flags)));

program
  .command('all', { isDefault: true })
  .description('All targets of the design, one after the other, at sizes that take about twenty minutes.')
  .option('--json', 'the results as one line of JSON')
  .action(async (flags: Pick<Flags, 'json'>) => tell(flags, await all()));

program.command('abuser', { hidden: true }).action(runAbuserProcess);
program.command('app', { hidden: true }).action(runAppProcess);
program.command('burner', { hidden: true }).action(runBurnerProcess);
program.command('round', { hidden: true }).action(runRoundProcess);
program.command('node', { hidden: true }).action(runNodeProcess);

// What runs when a process exits ends the servers, and the processes that this one started end with it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(EXIT.failed));
process.once('disconnect', () => process.exit(EXIT.failed));

try {
  await program.parseAsync();
} catch (error) {
  const isExpected = error instanceof CommandLineError || error instanceof DevServerError;
  if (isExpected) complain(error.message);
  else complainOf(error);
  process.exitCode = EXIT.failed;
}

/** A command with what every bench takes. */
function bench(name: string, description: string, devices = 10_000): Command {
  return program
    .command(name)
    .description(description)
    .option('--devices <n>', 'devices of the fleet', wholeNumber(1), devices)
    .addOption(
      new Option('--mix <mix>', 'what they say: days of a fleet, never anything new, or always')
        .choices(Object.keys(MIXES))
        .default('believable'),
    )
    .addOption(
      new Option('--encoding <encoding>', 'how they say it').choices(['msgpack', 'json']).default('msgpack'),
    )
    .option('--json', 'the result as one line of JSON');
}

async function tell({ json }: Pick<Flags, 'json'>, { result, targets, details }: Finding): Promise<void> {
  const forPeople = [...(details === undefined ? [] : [details]), targetTable(targets)];
  await (json === true ? printJson(result) : print(forPeople.flatMap((text) => text.split('\n'))));
}

function fleetOf({ devices, mix, encoding }: Omit<Flags, 'json'>): FleetMix {
  return { devices, mix: MIXES[mix], encoding };
}

async function ingest(flags: Omit<IngestFlags, 'json'>): Promise<Finding> {
  const { reports, webReports, rounds, profile } = flags;
  const options = { ...fleetOf(flags), reports, webReports, rounds, profileDir: profile ?? null, progress };
  const result = ingestResult(await measureIngest(options), options);
  return { result, targets: ingestTargets(result), details: ingestTable(result) };
}

async function live(flags: Flags & { readonly seconds: number }): Promise<Finding> {
  const result = await measureLive({ ...fleetOf(flags), seconds: flags.seconds, progress });
  return { result, targets: liveTargets(result) };
}

async function command(flags: Flags & { readonly commands: number }): Promise<Finding> {
  const result = await measureCommand({ ...fleetOf(flags), commands: flags.commands, progress });
  return { result, targets: commandTargets(result) };
}

async function start(flags: Flags & { readonly rounds: number }): Promise<Finding> {
  const result = await measureStart({ ...fleetOf(flags), rounds: flags.rounds, progress });
  return { result, targets: startTargets(result) };
}

async function catchup(flags: Flags & { readonly reports: number }): Promise<Finding> {
  const result = await measureCatchup({ ...fleetOf(flags), reports: flags.reports, progress });
  return { result, targets: catchupTargets(result) };
}

async function history(
  flags: Flags & { readonly rows: number; readonly questions: number },
): Promise<Finding> {
  const { rows, questions } = flags;
  const result = await measureHistory({ ...fleetOf(flags), rows, questions, progress });
  return { result, targets: historyTargets(result) };
}

async function http(flags: Flags & { readonly questions: number }): Promise<Finding> {
  const result = await measureHttp({ ...fleetOf(flags), questions: flags.questions, progress });
  return { result, targets: httpTargets(result) };
}

async function pages(flags: Flags & { readonly changes: number }): Promise<Finding> {
  const result = await measurePageImages({ ...fleetOf(flags), changes: flags.changes, progress });
  return { result, targets: pageImagesLines(result) };
}

async function durability({ singles, messages, rounds }: DurabilityFlags): Promise<Finding> {
  const onProgress = (text: string): void => progress.step(text);
  const lines = await measureDurability({ singles, messages, rounds, onProgress });
  const [usual] = lines;
  const targets = lines.map((line) => ({
    what: line.way,
    target: '',
    measured: durabilityText(line, usual ?? line),
    isMet: null,
  }));
  return { result: { lines }, targets };
}

function durabilityText({ perSecond, ackP50Ms, ackP99Ms }: DurabilityLine, usual: DurabilityLine): string {
  const rate = `${String(perSecond)} messages/s (${(perSecond / usual.perSecond).toFixed(2)})`;
  const p50 = `ack p50 ${String(ackP50Ms)} ms (${(ackP50Ms / usual.ackP50Ms).toFixed(1)})`;
  return `${rate}, ${p50}, p99 ${String(ackP99Ms)} ms (${(ackP99Ms / usual.ackP99Ms).toFixed(1)})`;
}

async function abuse(flags: Omit<AbuseFlags, 'json'>): Promise<Finding> {
  const { devices, encoding, seconds, abuses, profile: profileDir = null } = flags;
  const result = await measureAbuse({ devices, encoding, seconds, abuses, profileDir, progress });
  return { result, targets: abuseTargets(result) };
}

async function all(): Promise<Finding> {
  const small = { devices: 10_000, mix: 'believable', encoding: 'msgpack' } as const;
  const large = { ...small, devices: 1_000_000 };
  const rounds = 1;
  const results: Record<string, object> = {};
  const targets: TargetLine[] = [];
  const runs: readonly (readonly [string, () => Promise<Finding>])[] = [
    ['ingest', () => ingest({ ...small, reports: 200_000, webReports: 20_000, rounds: 3 })],
    ['ingest, one million', () => ingest({ ...large, reports: 200_000, webReports: 0, rounds })],
    ['live', () => live({ ...small, seconds: 10 })],
    ['command', () => command({ ...small, commands: 1_000 })],
    ['start', () => start({ ...small, devices: 100_000, rounds: 3 })],
    ['start, one million', () => start({ ...large, rounds })],
    ['catchup', () => catchup({ ...small, reports: 300_000 })],
    ['abuse', () => abuse({ devices: 1_000, encoding: 'msgpack', seconds: 30, abuses: ALL_TOGETHER })],
    ['http', () => http({ ...small, devices: 100_000, questions: 500 })],
    ['history', () => history({ ...small, rows: 20_000_000, questions: 1_000 })],
  ];
  for (const [name, run] of runs) {
    progress.step(`--- ${name}`);
    const finding = await run();
    results[name] = finding.result;
    targets.push(...finding.targets);
  }
  return { result: results, targets };
}
