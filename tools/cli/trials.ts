/** `corral simulate` and `corral bench`: tries the runtime itself, in simulated worlds and against the clock. */
import type { Command } from 'commander';
import { runProgram } from './child-program.ts';
import { EXIT } from './command-line-error.ts';
import { wholeNumber } from './numbers.ts';

const SIMULATE_HELP = `
Runs the production node, twins and devices over virtual clocks, with a network that loses, doubles, delays and cuts, and checks what
backends were told against what really happened.

Examples:
  corral simulate --seeds 100
  corral simulate --seed 4711

Exit code: 0 when every property held in every world, 3 when one did not.`;

const BENCH_HELP = `
Measures Corral on servers of its own. What can be measured: corral bench --help

Examples:
  corral bench ingest --rounds 3
  corral bench ingest --devices 1000 --reports 50000 --json`;

/** Adds the subcommands. */
export function addTrials(program: Command): void {
  program
    .command('simulate')
    .description('Run simulated worlds from seeds, and judge what the runtime did in them.')
    .option('--seeds <n>', 'how many worlds', wholeNumber(1), 100)
    .option('--first <seed>', 'the first seed', wholeNumber(1), 1)
    .option('--seed <seed>', 'replay one world with its trace', wholeNumber(1))
    .option('--bail', 'stop at the first violation')
    .addHelpText('after', SIMULATE_HELP)
    .action(runSimulate);
  program
    .command('bench')
    .description('Measure what Corral costs, against what it would cost to do nothing.')
    .helpOption(false)
    .allowUnknownOption()
    .argument('[argument...]', 'what to measure, and how')
    .addHelpText('after', BENCH_HELP)
    .action(async (args: readonly string[]) => {
      process.exitCode = await runProgram('tools/bench.ts', args);
    });
}

async function runSimulate(flags: {
  readonly seeds: number;
  readonly first: number;
  readonly seed?: number;
  readonly bail?: true;
}): Promise<void> {
  const { seeds, first, seed, bail } = flags;
  const worlds = ['--seeds', String(seeds), '--first', String(first), ...(bail === true ? ['--bail'] : [])];
  const args = seed === undefined ? worlds : ['--seed', String(seed)];
  const code = await runProgram('test/simulation/main.ts', args);
  process.exitCode = code === 1 ? EXIT.refuted : code;
}
