/**
 * Programs that npm runs: `npm run simulate -- --seeds 100`. What is wrong on their command line is told in one sentence with exit code 2,
 * as `corral` tells it, and `--help` says how they are used.
 */
import { Command } from 'commander';
import { EXIT } from './command-line-error.ts';
import { complain, say } from './print.ts';

/** A program under the name by which it is typed; what is added to it inherits how it ends. */
export function npmProgram(typed: string, description: string): Command {
  return (
    new Command()
      .name(typed)
      .description(description)
      .showHelpAfterError('(--help says more)')
      .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT.done : EXIT.usage))
      // What commander says quotes what was typed.
      .configureOutput({
        writeOut: (text) => say(linesOf(text)),
        writeErr: (text) => complain(linesOf(text)),
      })
  );
}

/** The lines of a text that ends with one. */
export function linesOf(text: string): readonly string[] {
  return text.replace(/\n$/, '').split('\n');
}
