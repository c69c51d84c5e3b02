/**
 * Lists are read page by page. A page says how the next one is asked for: `next` is its path, ready to be requested, or
 * `null` on the last page. Nothing is skipped or shown twice because something changed between two pages.
 */
import { type TInteger, type TOptional, type TString, Type } from '@sinclair/typebox';
import { badQuery } from './problem.ts';
import { parseRfc3339 } from './rfc3339.ts';

/** The query parameter `limit`. */
export function limitParameter(options: {
  readonly what: string;
  readonly byDefault: number;
  readonly most: number;
}): TInteger {
  const { what, byDefault, most } = options;
  return Type.Integer({
    minimum: 1,
    maximum: most,
    default: byDefault,
    description: `${what} on a page, at most`,
  });
}

/** A query parameter that is a time; {@link readTime} reads it. */
export function timeParameter(description: string): TOptional<TString> {
  return Type.Optional(Type.String({ description: `RFC 3339: ${description}` }));
}

/** Reads a query parameter that is a time to ms epoch; `null` when it was not given. Throws `bad-query`. */
export function readTime(parameter: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = parseRfc3339(text);
  if (ms !== null) return ms;
  const hint = text.includes(' ') ? '; a "+" in a query is written %2B' : '';
  throw badQuery(
    parameter,
    `expected a time in RFC 3339 with an offset, such as 2026-01-31T14:02:00Z, got "${text}"${hint}`,
  );
}

/** Throws `bad-query` when a window of time holds nothing whatever the history. */
export function checkWindow(from: number | null, to: number | null): void {
  if (from !== null && to !== null && to <= from) {
    throw badQuery('to', 'expected a time after `from`');
  }
}

/** The highest incarnation a position may name: the server counts them, one for each time a device lost its storage. */
export const INCARNATION_MAX = 2_147_483_647;

/** `next` of every page. */
export const NextSchema = Type.Union([Type.String(), Type.Null()], {
  description: 'path of the next page, or null on the last one',
});

/** The path of the next page: the one asked for, with `changed` put in its query. */
export function nextPath(url: string, changed: Readonly<Record<string, string>>): string {
  const [path = '', query = ''] = url.split('?', 2);
  const parameters = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changed)) parameters.set(name, value);
  return `${path}?${parameters.toString()}`;
}
