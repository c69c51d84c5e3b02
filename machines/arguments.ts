/**
 * Checks a command's arguments against its kind's table.
 */
import { Value } from '@sinclair/typebox/value';
import type { CommandSpec } from './command.ts';

/** What is wrong with `args` and what would be right, or `null` when they are of the form the command takes. */
export function argumentsProblem(spec: CommandSpec, args: Readonly<Record<string, unknown>>): string | null {
  const error = Value.Errors(spec.args, args).First();
  if (error === undefined) return null;
  const names = Object.keys(spec.args.properties);
  const takes = names.length === 0 ? 'it takes no arguments' : `it takes: ${names.join(', ')}`;
  return `args${error.path.replaceAll('/', '.')}: ${error.message.toLowerCase()}; ${takes}`;
}
