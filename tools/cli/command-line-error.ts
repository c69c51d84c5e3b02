/**
 * How a command of `corral` ends.
 */

/** The exit codes, for scripts. They never change. */
export const EXIT = {
  /** Done, and all is well. */
  done: 0,
  /** It could not be done; one sentence on stderr says why. */
  failed: 1,
  /** The command line was wrong. */
  usage: 2,
  /** It was done, and the answer is no: a check did not hold. */
  refuted: 3,
} as const;

/** Why a command could not be done. The message is one sentence for whoever typed it. */
export class CommandLineError extends Error {
  override readonly name: string = 'CommandLineError';
  readonly exitCode: number;

  constructor(
    message: string,
    options: { readonly cause?: unknown; readonly exitCode?: (typeof EXIT)[keyof typeof EXIT] } = {},
  ) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}
