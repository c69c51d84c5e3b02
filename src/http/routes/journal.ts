/**
 * The journal of a device: every transition of its KNOWN state, with its cause. What the twin believed, and when.
 */
import { Type } from '@sinclair/typebox';
import { JournalPlaceSchema, TransitionSchema } from '../../contract/journal-entry.ts';
import { askStore, type HttpApp, type HttpContext, knownDevice } from '../context.ts';
import { httpForm } from '../http-form.ts';
import { limitParameter, nextPath, NextSchema } from '../page.ts';
import { problemResponses } from '../problem.ts';
import { wholeErrorMs } from '../rfc3339.ts';
import { deviceParams } from './devices.ts';

/** How many transitions a page holds unless asked otherwise, and at most. */
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

const { device: _, ...transition } = TransitionSchema.properties;
const line = httpForm(Type.Object({ ...JournalPlaceSchema.properties, ...transition }));

const query = Type.Object(
  {
    before: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'a journal number: only transitions before it',
      }),
    ),
    limit: limitParameter({ what: 'transitions', byDefault: LIMIT_DEFAULT, most: LIMIT_MAX }),
  },
  { additionalProperties: false },
);

/** Registers `/v1/devices/:device/journal`. */
export function journalRoutes(app: HttpApp, context: HttpContext): void {
  app.get(
    '/v1/devices/:device/journal',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'listTransitions',
        summary: 'What its twin believed, and why',
        tags: ['devices'],
        params: deviceParams,
        querystring: query,
        response: {
          200: Type.Object({
            device: Type.String(),
            transitions: Type.Array(line.schema, { description: 'newest first' }),
            before: Type.Union([Type.Integer(), Type.Null()], { description: 'of the next page' }),
            next: NextSchema,
          }),
          ...problemResponses,
        },
      },
    },
    async (request) => {
      const { before = null, limit } = request.query;
      const { twin } = await knownDevice(context, request.params.device);
      const page = { before, recordedUpTo: null, limit: limit + 1 };
      const found = await askStore(context, (fleetReader) => fleetReader.transitions(twin.device, page));
      const shown = found.slice(0, limit);
      const last = found.length > limit ? (shown.at(-1)?.no ?? null) : null;
      return {
        device: twin.device,
        transitions: shown.map((entry) => ({
          ...line.write(entry),
          errorMs: wholeErrorMs(entry.errorMs, entry.measuredAt),
        })),
        before: last,
        next: last === null ? null : nextPath(request.url, { before: String(last) }),
      };
    },
  );
}
