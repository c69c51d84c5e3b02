/**
 * What a report's ring of outcomes names (wire contract 2.1). A number that no twin gives names nothing: whoever claims to have handled
 * such a command was never sent one, so that it proves neither who is alive, nor that another command is over.
 */
import { COMMAND_N_MAX } from '../machines/command.ts';
import { besideWord, type Report } from '../machines/report.ts';

/**
 * A command number above this, claimed by a device, is not believed, and the device is in doubt: the twin's own numbers, which go on
 * above what is believed, have to stay below what a device takes.
 */
export const CLAIMED_N_MAX = COMMAND_N_MAX - 2 ** 20;

/** True when the report names the command number. */
export function isNamed({ commands = [] }: Report, n: number): boolean {
  return commands.some((entry) => entry.n === n);
}

/** True when the report names the command number or a later one that a twin may have given. */
export function isNamedSince({ commands = [] }: Report, n: number): boolean {
  return commands.some((entry) => entry.n >= n && entry.n <= CLAIMED_N_MAX);
}

/**
 * True when the command was executed under another number, before it was given this one; also where the report says something of that
 * which cannot be read.
 */
export function mayBeExecutedBefore(report: Report, n: number): boolean {
  const { commands = [], unreadable = [] } = report;
  const named = commands.find((entry) => entry.n === n);
  return named?.executedAs !== undefined || unreadable.includes(besideWord('executedAs'));
}
