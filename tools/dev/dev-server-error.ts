/**
 * What a person is told when a development server cannot start: one sentence that names what is wrong and what to do.
 * The command line prints the message alone, without a stack.
 */

/**
 * - `port-in-use`: a port that was asked for by number is taken.
 * - `data-in-use`: another running program uses the data folder.
 * - `binary-missing`: a server's program could not be found or obtained.
 * - `not-started`: the server ended, or did not answer in time; the message quotes the end of its log.
 * - `data-unusable`: the data folder was made by another version, or cannot be reached.
 */
export type DevServerErrorCode =
  'port-in-use' | 'data-in-use' | 'binary-missing' | 'not-started' | 'data-unusable';

/** An operating error of a development server. `message` is one sentence for a person. */
export class DevServerError extends Error {
  override readonly name = 'DevServerError';
  readonly code: DevServerErrorCode;

  constructor(code: DevServerErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
