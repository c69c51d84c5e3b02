/**
 * Says what is wrong with a value that a schema refuses, and what would be right: one sentence for whoever sent it.
 */
import type { TSchema } from '@sinclair/typebox';
import type { TypeCheck } from '@sinclair/typebox/compiler';

/** How much of a wrong value is quoted. */
const QUOTE_LENGTH_MAX = 40;

/** The first thing that is wrong: `/seq: expected integer to be greater or equal to 1, got 0 (counts reports within a boot)`. */
export function schemaProblem(check: TypeCheck<TSchema>, value: unknown): string {
  const error = check.Errors(value).First();
  if (error === undefined) return 'the value is not of the expected form';
  const where = error.path === '' ? 'the message' : error.path;
  const expected = error.message.charAt(0).toLowerCase() + error.message.slice(1);
  const meaning = typeof error.schema.description === 'string' ? ` (${error.schema.description})` : '';
  return `${where}: ${expected}, got ${quoted(error.value)}${meaning}`;
}

/** What was given, in few enough characters for a sentence. */
export function quoted(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  const text = JSON.stringify(value);
  return text.length <= QUOTE_LENGTH_MAX ? text : `${text.slice(0, QUOTE_LENGTH_MAX).toWellFormed()}...`;
}
