/** What the programs that run worlds and storms say, and are told. */
import { InvalidArgumentError } from 'commander';
import { say } from '../../tools/cli/print.ts';

/** Says it in as many lines as it has. */
export function tell(text: string): void {
  say(text.split('\n'));
}

/** Reads the number of an option that may be a fraction; commander says which. */
export function aboveZero(text: string): number {
  const number = Number(text);
  if (number > 0 && number < Infinity) return number;
  throw new InvalidArgumentError('It is a number above 0.');
}

/** Says why nothing is tried where no planted bug has these words in its sentence; `null` where one has. */
export function unknownBug(words: string, bugs: readonly { readonly bug: string }[]): string | null {
  if (bugs.some(({ bug }) => bug.includes(words))) return null;
  return `--bug takes words out of the sentence of a planted bug, and none has ${JSON.stringify(words)} in it: ${bugs.map(({ bug }) => bug).join('; ')}`;
}
