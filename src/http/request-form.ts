/**
 * What every request is held to before any route sees it, whatever its schema says: a whole number is a safe integer, any other number is finite,
 * text can be stored, and a body is JSON of plain data of a bounded depth, read like every other message of Corral.
 */
import type { FastifyRequest, RouteOptions } from 'fastify';
import { decode } from '../wire/codec.ts';
import { isStorableText } from '../wire/storable-text.ts';
import type { HttpApp } from './context.ts';
import { badQuery, Problem } from './problem.ts';

/** Holds all routes that are registered after it to the form. To be called before their schemas are collected, so that these say so. */
export function holdToForm(app: HttpApp): void {
  app.addHook('onRoute', boundNumbers);
  app.addHook('preValidation', async (request) => checkText(request));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_: unknown, body: Buffer) =>
    readJson(body),
  );
}

/** The parts of a schema that say what may come. */
const REQUEST_PARTS = ['querystring', 'params', 'headers', 'body'] as const;

function boundNumbers(route: RouteOptions): void {
  if (route.schema === undefined) return;
  const parts = REQUEST_PARTS.flatMap((part) => {
    const schema = route.schema?.[part];
    return schema === undefined ? [] : [[part, bounded(schema)] as const];
  });
  route.schema = { ...route.schema, ...Object.fromEntries(parts) };
}

/**
 * Text becomes a number before its schema is looked at, and `1e309` becomes infinite, which is neither above nor below a bound that
 * is not there. So there is one everywhere.
 */
function bounded(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(bounded);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inside = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, bounded(value)]));
  switch (inside.type) {
    case 'integer':
      return { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER, ...inside };
    case 'number':
      return { minimum: -Number.MAX_VALUE, maximum: Number.MAX_VALUE, ...inside };
    default:
      return inside;
  }
}

/** Text that the store cannot hold is nobody's name and no cursor. */
function checkText({ query, params }: FastifyRequest): void {
  for (const [name, value] of Object.entries(query as Record<string, string | string[]>)) {
    if ([name, value].flat().every(isStorableText)) continue;
    throw badQuery(name, 'holds a NUL character or half of a surrogate pair, which no text here has');
  }
  for (const value of Object.values(params as Record<string, string>)) {
    if (isStorableText(value)) continue;
    throw new Problem('bad-request', 'the path holds a NUL character, which no name here has');
  }
}

function readJson(body: Buffer): unknown {
  const decoded = decode(body);
  if (!decoded.ok) throw new Problem('bad-body', decoded.detail);
  if (decoded.encoding === 'json') return decoded.value;
  throw new Problem('bad-body', 'it is announced as JSON and begins like MessagePack');
}
