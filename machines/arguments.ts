/**
 * Arguments of commands: what several kinds take alike, and the check against a kind's table.
 */
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { CommandSpec } from './command.ts';

/** Arguments of a command that takes none. */
export const noArguments = Type.Object({}, { additionalProperties: false });

/** The argument of a command that ends a hold, where its caller means one hold only. */
export const holdArgument = Type.Object(
  {
    hold: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: 'id of the `reserve`: refused where it is held for another',
      }),
    ),
  },
  { additionalProperties: false },
);

/** What is wrong with `args` and what would be right, or `null` when they are of the form the command takes. */
export function argumentsProblem(spec: CommandSpec, args: Readonly<Record<string, unknown>>): string | null {
  const error = Value.Errors(spec.args, args).First();
  if (error === undefined) return null;
  const names = Object.keys(spec.args.properties);
  const takes = names.length === 0 ? 'it takes no arguments' : `it takes: ${names.join(', ')}`;
  return `args${error.path.replaceAll('/', '.')}: ${error.message.toLowerCase()}; ${takes}`;
}
