/**
 * `node.log.<device>`: an engineer gives one device a log level of its own on every node, for a while. Every node answers for
 * itself; an empty request only asks.
 */
import { type Static, Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { decode } from './codec.ts';
import { lengthProblem } from './request.ts';
import { schemaProblem } from './schema-problem.ts';

/** Where it is asked; `*` for every device. */
export const nodeLog = (device: string): string => `node.log.${device}`;

/** The longest that a level may last, ms. */
export const LOG_LEVEL_MS_MAX = 24 * 3_600_000;

const LevelSchema = Type.Union(
  (['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const).map((level) => Type.Literal(level)),
);

/** The request; empty to ask only. */
export const LogLevelRequestSchema = Type.Object({
  level: Type.Union([LevelSchema, Type.Null()], { description: '`null`: as all other devices again' }),
  forMs: Type.Optional(
    Type.Integer({
      minimum: 1_000,
      maximum: LOG_LEVEL_MS_MAX,
      description: 'how long it lasts; 10 minutes unless given',
    }),
  ),
  by: Type.Optional(
    Type.String({ minLength: 1, maxLength: 128, description: 'on whose behalf, for the log' }),
  ),
});
/** The request, read. */
export type LogLevelRequest = Static<typeof LogLevelRequestSchema>;

/** The reply of one node. */
export const LogLevelReplySchema = Type.Object({
  node: Type.String(),
  device: Type.String(),
  level: Type.Union([LevelSchema, Type.Null()], { description: '`null`: none of its own' }),
  until: Type.Union([Type.Integer(), Type.Null()], { description: 'ms epoch' }),
});
/** The reply, as it is written. */
export type LogLevelReply = Static<typeof LogLevelReplySchema>;

const check = TypeCompiler.Compile(LogLevelRequestSchema);

/** Reads a request; `null` where it only asks. */
export function readLogLevelRequest(
  payload: Uint8Array,
):
  | { readonly ok: true; readonly body: LogLevelRequest | null }
  | { readonly ok: false; readonly detail: string } {
  if (payload.length === 0) return { ok: true, body: null };
  const tooLong = lengthProblem('log-level', payload);
  if (tooLong !== null) return { ok: false, detail: tooLong };
  const decoded = decode(payload);
  if (!decoded.ok) return { ok: false, detail: decoded.detail };
  const value: unknown = decoded.value;
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
    return { ok: true, body: null };
  return check.Check(value) ? { ok: true, body: value } : { ok: false, detail: schemaProblem(check, value) };
}
