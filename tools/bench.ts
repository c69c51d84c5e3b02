/**
 * `npm run bench`: what Corral costs, against what it would cost to do nothing. Results go to stdout, progress to stderr.
 */
import { Command, Option } from 'commander';
import { measureIngest } from './bench/ingest.ts';
import { ingestResult, ingestTable, ingestTargets } from './bench/ingest-result.ts';
import { runRoundProcess } from './bench/round-process.ts';
import { targetTable } from './bench/target-table.ts';
import { CommandLineError, EXIT } from './cli/command-line-error.ts';
import { wholeNumber } from './cli/numbers.ts';
import { progressOn } from './cli/progress.ts';
import { DevServerError } from './dev/dev-server-error.ts';
import type { Mix } from './fleet/report-mix.ts';

interface IngestFlags {
  readonly devices: number;
  readonly reports: number;
  readonly webReports: number;
  readonly rounds: number;
  readonly mix: keyof typeof MIXES;
  readonly encoding: 'json' | 'msgpack';
  readonly profile?: string;
  readonly json?: true;
}

/** Short names of what devices say. */
const MIXES = { believable: 'believable', same: 'steady', change: 'changing' } as const satisfies Record<
  string,
  Mix
>;

const program = new Command()
  .name('npm run bench --')
  .description('Measures Corral on servers of its own.')
  .showHelpAfterError('(--help says more)');

program
  .command('ingest')
  .description('Reports that become durable in a second, with their history, against the floor.')
  .option('--devices <n>', 'devices that report', wholeNumber(1), 10_000)
  .option('--reports <n>', 'reports in all, each a message', wholeNumber(1), 200_000)
  .option('--web-reports <n>', 'of them for the web application; 0 leaves it out', wholeNumber(0), 20_000)
  .option('--rounds <n>', 'rounds of each side; medians count', wholeNumber(1), 3)
  .addOption(
    new Option('--mix <mix>', 'what they say: days of a fleet, never anything new, or always')
      .choices(Object.keys(MIXES))
      .default('believable'),
  )
  .addOption(
    new Option('--encoding <encoding>', 'how they say it').choices(['msgpack', 'json']).default('msgpack'),
  )
  .option('--profile <dir>', "write CPU profiles of the runtime's rounds into a folder")
  .option('--json', 'the result as one line of JSON')
  .action(async ({ json, profile, mix, ...flags }: IngestFlags) => {
    const progress = progressOn(process.stderr);
    const options = { ...flags, mix: MIXES[mix], profileDir: profile ?? null, progress };
    const result = ingestResult(await measureIngest(options), options);
    const table = `${ingestTable(result)}\n${targetTable(ingestTargets(result))}`;
    process.stdout.write(`${json === true ? JSON.stringify(result) : table}\n`);
  });

program.command('round', { hidden: true }).action(runRoundProcess);

try {
  await program.parseAsync();
} catch (error) {
  const isExpected = error instanceof CommandLineError || error instanceof DevServerError;
  const text = error instanceof Error ? (isExpected ? error.message : error.stack) : String(error);
  process.stderr.write(`${text ?? 'unknown error'}\n`);
  process.exitCode = EXIT.failed;
}
