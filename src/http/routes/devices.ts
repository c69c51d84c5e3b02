/**
 * The fleet's devices, and the twin of one.
 */
import { Type } from '@sinclair/typebox';
import type { Kind } from '../../../machines/kind.ts';
import { ID_PATTERN } from '../../../machines/report.ts';
import type { DeviceQuery } from '../../runtime/ports.ts';
import { askStore, documentNow, type HttpApp, type HttpContext, kindNamed, knownDevice } from '../context.ts';
import { limitParameter, nextPath, NextSchema } from '../page.ts';
import { problemResponses } from '../problem.ts';
import { deviceLine, DeviceLineSchema, twinTag, twinView, TwinViewSchema } from '../twin-view.ts';

/** How many devices a page holds unless asked otherwise, and at most. */
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

const QUALITIES = ['fresh', 'stale', 'suspect', 'unknown'];

/** Registers `/v1/devices` and `/v1/devices/:device`. */
export function deviceRoutes(app: HttpApp, context: HttpContext): void {
  app.get(
    '/v1/devices',
    { schema: { querystring: deviceQuerySchema(context.kinds), response: devicesResponse } },
    async (request) => {
      const { kind, state, quality, site, firmware, label, limit, cursor } = request.query;
      const wanted: DeviceQuery = {
        kind: kind ?? null,
        state: state ?? null,
        quality: quality ?? null,
        site: site ?? null,
        firmware: firmware ?? null,
        label: label ?? null,
        limit,
        cursor: cursor ?? null,
      };
      const found = await askStore(context, (archive) => archive.find(wanted));
      return {
        devices: found.devices.map((row) => {
          const known = kindNamed(context, row.kind);
          return deviceLine(row, known && documentNow(context, row.twin, known));
        }),
        cursor: found.cursor,
        next: found.cursor === null ? null : nextPath(request.url, { cursor: found.cursor }),
      };
    },
  );

  app.get(
    '/v1/devices/:device',
    {
      schema: {
        params: deviceParams,
        querystring: noParameters,
        response: { 200: TwinViewSchema, 304: NotModified, ...problemResponses },
      },
    },
    async (request, reply) => {
      const { twin, inventory, kind } = await knownDevice(context, request.params.device);
      const view = twinView(documentNow(context, twin, kind), inventory);
      const tag = twinTag(view);
      void reply.header('etag', tag).header('cache-control', 'no-cache');
      if (isNamed(tag, request.headers['if-none-match'])) return reply.code(304).send(undefined);
      return view;
    },
  );
}

/** The path parameter of everything about one device. Its form is checked with its existence: neither is there. */
export const deviceParams = Type.Object({ device: Type.String() });

/** For a resource that takes no query: a parameter that does nothing is a misunderstanding. */
export const noParameters = Type.Object({}, { additionalProperties: false });

/** A body that is not sent. */
const NotModified = Type.Unsafe<undefined>({ type: 'null', description: 'still what the tag names' });

const devicesResponse = {
  200: Type.Object({
    devices: Type.Array(DeviceLineSchema, { description: 'in the order of their ids' }),
    cursor: Type.Union([Type.String(), Type.Null()], {
      description: 'the id after which the next page begins',
    }),
    next: NextSchema,
  }),
  ...problemResponses,
};

/** Only kinds and states that exist are taken: an empty list would look like good news. */
function deviceQuerySchema(kinds: readonly Kind[]) {
  const states = new Set(kinds.flatMap(({ machine }) => Object.keys(machine.states)));
  return Type.Object(
    {
      kind: Type.Optional(oneOf(kinds.map(({ name }) => name))),
      state: Type.Optional(oneOf([...states].sort())),
      quality: Type.Optional(oneOf(QUALITIES)),
      site: Type.Optional(Type.String({ pattern: ID_PATTERN, description: 'id of a site' })),
      firmware: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
      label: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 128,
          description: 'a label of the inventory: name, or name=value',
        }),
      ),
      limit: limitParameter({ what: 'devices', byDefault: LIMIT_DEFAULT, most: LIMIT_MAX }),
      cursor: Type.Optional(Type.String({ pattern: ID_PATTERN, description: '`cursor` of the page before' })),
    },
    { additionalProperties: false },
  );
}

function oneOf(values: readonly string[]) {
  return Type.Unsafe<string>({ type: 'string', enum: values });
}

/** Weak comparison (RFC 9110, 13.1.2): that is what `If-None-Match` asks for. */
function isNamed(tag: string, ifNoneMatch: string | undefined): boolean {
  if (ifNoneMatch === undefined) return false;
  const opaque = tag.replace(/^W\//, '');
  return ifNoneMatch
    .split(',')
    .map((named) => named.trim())
    .some((named) => named === '*' || named.replace(/^W\//, '') === opaque);
}
