#!/usr/bin/env -S node --import tsx
/**
 * `corral`: Corral from the command line. Results go to stdout, progress and complaints to stderr; exit codes are in
 * `cli/command-line-error.ts`.
 */
import { Command, CommanderError } from 'commander';
import { CommandLineError, EXIT } from './cli/command-line-error.ts';
import { addConform } from './cli/conform.ts';
import { addReplay } from './cli/replay.ts';
import { ConnectError } from '../src/nats/connect.ts';

const program = new Command()
  .name('corral')
  .description('Look into Corral, and try it out.')
  .showHelpAfterError('(--help says more)')
  .exitOverride();
addConform(program);
addReplay(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = complain(error);
}

/** Says what went wrong: one sentence where a person can act on it, the stack where it is a mistake of ours. */
function complain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (error instanceof CommandLineError) {
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof ConnectError) {
    process.stderr.write(`Not connected: ${error.message}. CORRAL_NATS_URL says where to connect.\n`);
    return EXIT.failed;
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return EXIT.failed;
}
