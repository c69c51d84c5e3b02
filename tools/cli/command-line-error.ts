/**
 * How a command of `corral` ends.
 */

/** The exit codes, for scripts. They never change. */
export const EXIT = {
  /** Done, and all is well; of a command to a device: the device said `done`. */
  done: 0,
  /** It could not be done; one sentence on stderr says why. */
  failed: 1,
  /** The command line was wrong. */
  usage: 2,
  /** It was done, and the answer is no: a check did not hold. */
  refuted: 3,
  /** A command to a device that was certainly not executed, and never will be: refused, rejected or expired. */
  notExecuted: 4,
  /** A command to a device that may or may not have been executed: never take it for failed. */
  unknown: 5,
  /** A command to a device that is in the ledger and still under way, or of which no more than that could be read. */
  pending: 6,
} as const;

/** The exit codes as every help shows them that commands a device. */
export const COMMAND_EXIT_HELP = `
Exit code: 0 done; 4 certainly not executed (refused, rejected, expired), as far back as the database goes; 5 it may or may not have been executed (unknown, no
answer, or a refusal that says nothing of an earlier request under the same --id: ask the ledger); 6 still under way, as far as can be read; 1 Corral could not be asked, and nothing was
sent; 2 the command line was wrong.`;

/** Why a command could not be done, for whoever typed it: a sentence, or one a line where there is more to say. */
export class CommandLineError extends Error {
  override readonly name: string = 'CommandLineError';
  readonly exitCode: number;
  readonly lines: readonly string[];

  constructor(
    sentences: string | readonly string[],
    options: { readonly cause?: unknown; readonly exitCode?: (typeof EXIT)[keyof typeof EXIT] } = {},
  ) {
    const lines = typeof sentences === 'string' ? [sentences] : sentences;
    super(lines.join(' '), { cause: options.cause });
    this.lines = lines;
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}
