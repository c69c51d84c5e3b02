/**
 * Messages that could not be read: who sent what, and what would have been right. Their bytes are in the stream of their site.
 */
import { Type } from '@sinclair/typebox';
import { NumberedDeadLetterSchema } from '../../contract/dead-letter.ts';
import type { DeadLetterPage } from '../../history/ports.ts';
import { PARTITIONS } from '../../wire/partition.ts';
import { askStore, type HttpApp, type HttpContext } from '../context.ts';
import { httpForm } from '../http-form.ts';
import { limitParameter, nextPath, NextSchema } from '../page.ts';
import { badQuery, problemResponses } from '../problem.ts';

/** How many dead letters a page holds unless asked otherwise, and at most. */
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

const letter = httpForm(NumberedDeadLetterSchema);

/** One message that could not be read. */
export const DeadLetterViewSchema = letter.schema;

const query = Type.Object(
  {
    device: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    cursor: Type.Optional(Type.String({ maxLength: 64, description: '`cursor` of the page before' })),
    limit: limitParameter({ what: 'dead letters', byDefault: LIMIT_DEFAULT, most: LIMIT_MAX }),
  },
  { additionalProperties: false },
);

/** Registers `/v1/deadletters`. */
export function deadLetterRoutes(app: HttpApp, context: HttpContext): void {
  app.get(
    '/v1/deadletters',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'listDeadLetters',
        summary: 'Messages that could not be read',
        tags: ['fleet'],
        querystring: query,
        response: {
          200: Type.Object({
            deadLetters: Type.Array(DeadLetterViewSchema, { description: 'newest first' }),
            cursor: Type.Union([Type.String(), Type.Null()], { description: 'of the next page' }),
            next: NextSchema,
          }),
          ...problemResponses,
        },
      },
    },
    async (request) => {
      const { device = null, reason = null, cursor, limit } = request.query;
      const before = readCursor(cursor);
      const page = {
        device,
        reason,
        before,
        limit: limit + 1,
      };
      const found = await askStore(context, (fleetReader) => fleetReader.deadLetters(page));
      const shown = found.slice(0, limit);
      const last = found.length > limit ? shown.at(-1) : undefined;
      const next =
        last === undefined ? null : [last.receivedAt, last.sequence, last.partition, last.no].join('~');
      return {
        deadLetters: shown.map(letter.write),
        cursor: next,
        next: next === null ? null : nextPath(request.url, { cursor: next }),
      };
    },
  );
}

function readCursor(text: string | undefined): DeadLetterPage['before'] {
  if (text === undefined) return null;
  const isOfForm = /^-?[\d.]+(~\d+){3}$/.test(text);
  const [receivedAt = NaN, sequence = NaN, partition = NaN, no = NaN] = text.split('~').map(Number);
  const areNumbers = [sequence, no].every(Number.isSafeInteger) && Number.isFinite(receivedAt);
  if (isOfForm && areNumbers && partition < PARTITIONS) return { receivedAt, sequence, partition, no };
  throw badQuery('cursor', 'expected `cursor` of the page before, as it was given out');
}
