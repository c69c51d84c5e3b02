/** Bytes of `device.<id>.command` to a command. What cannot be read is ignored by the agent and counted. */
import { type Static, Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { type Command, COMMAND_N_MAX, EPOCH_MAX } from '../../machines/command.ts';
import { decode } from '../wire/codec.ts';
import { type DecodeLimits, MESSAGE_LIMITS, VALUES_MAX } from '../wire/decode-limits.ts';
import { schemaProblem } from '../wire/schema-problem.ts';

const Uint = (minimum: number, description: string, maximum = Number.MAX_SAFE_INTEGER) =>
  Type.Integer({ minimum, maximum, description });

/** A command holds the arguments of a request, which may be as many as a request holds, and what a twin says with them. */
const COMMAND_LIMITS: DecodeLimits = { ...MESSAGE_LIMITS, valuesMax: 2 * VALUES_MAX };

/** A command as it arrives. Unknown fields are allowed and left alone; a missing `args` is an empty one. */
export const CommandSchema = Type.Object({
  n: Uint(1, "the twin's command number for this device; only grows", COMMAND_N_MAX),
  epoch: Uint(
    0,
    'of the lease of the sender; a device refuses any lower than the highest it has seen',
    EPOCH_MAX,
  ),
  id: Type.String({ minLength: 1, maxLength: 64, description: 'of the command in the ledger' }),
  name: Type.String({ minLength: 1, maxLength: 64 }),
  args: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  boot: Type.Optional(Uint(0, 'execute only in this boot')),
  notAfterUp: Type.Optional(Uint(0, 'execute only while the own uptime is at most this, ms')),
  holdMs: Type.Optional(Uint(0, 'for `reserve`: let go by yourself after this')),
});

const commandCheck = TypeCompiler.Compile(CommandSchema);

/** A command, or why the payload is none. */
export type ReadCommand =
  { readonly ok: true; readonly command: Command } | { readonly ok: false; readonly detail: string };

/** Reads the payload of a command. Never throws. */
export function readCommand(payload: Uint8Array): ReadCommand {
  const decoded = decode(payload, COMMAND_LIMITS);
  if (!decoded.ok) return { ok: false, detail: decoded.detail };
  if (!commandCheck.Check(decoded.value)) {
    return { ok: false, detail: schemaProblem(commandCheck, decoded.value) };
  }
  const message: Static<typeof CommandSchema> = decoded.value;
  return { ok: true, command: { ...message, args: message.args ?? {} } };
}
