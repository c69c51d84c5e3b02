/** What the programs that run worlds and storms say, and are told. */
import { say } from '../../tools/cli/print.ts';

/** Says it in as many lines as it has. */
export function tell(text: string): void {
  say(text.split('\n'));
}

/** Reads the whole number of an option. Throws where it is none. */
export function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`${option} takes a whole number from 1, not ${text}`);
}
