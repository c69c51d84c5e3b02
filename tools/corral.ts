/**
 * `corral`: Corral from the command line. Results go to stdout, progress and complaints to stderr; exit codes are in
 * `cli/command-line-error.ts`. `corral.js` is what runs it as a command of the system.
 */
import { CommanderError } from 'commander';
import { CommandLineError, EXIT } from './cli/command-line-error.ts';
import { complain, complainOf, endWithReader } from './cli/print.ts';
import { corralProgram } from './cli/program.ts';
import { ConnectError } from '../src/nats/connect.ts';

endWithReader();
try {
  await corralProgram().parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}

/** Says what went wrong: one sentence where a person can act on it, the stack where it is a mistake of ours. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (error instanceof CommandLineError) {
    complain(error.lines);
    return error.exitCode;
  }
  if (error instanceof ConnectError) {
    complain(
      `Not connected: ${error.message}; the help of each command says which variable holds the address.`,
    );
    return EXIT.failed;
  }
  complainOf(error);
  return EXIT.failed;
}
