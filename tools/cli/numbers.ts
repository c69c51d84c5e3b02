/** Numbers on the command line. */
import { InvalidArgumentError } from 'commander';

/** Reads a whole number from `least` up; commander says which option it was given to. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number;
    throw new InvalidArgumentError(`It is a whole number, ${String(least)} or more.`);
  };
}
