/**
 * The twin of one device.
 */
import { Type } from '@sinclair/typebox';
import { documentNow, type HttpApp, type HttpContext, knownDevice } from '../context.ts';
import { problemResponses } from '../problem.ts';
import { twinTag, twinView, TwinViewSchema } from '../twin-view.ts';

/** Registers `/v1/devices/:device`. */
export function deviceRoutes(app: HttpApp, context: HttpContext): void {
  app.get(
    '/v1/devices/:device',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getDevice',
        summary: 'What is known of a device',
        tags: ['devices'],
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

/** Weak comparison (RFC 9110, 13.1.2): that is what `If-None-Match` asks for. */
function isNamed(tag: string, ifNoneMatch: string | undefined): boolean {
  if (ifNoneMatch === undefined) return false;
  const opaque = tag.replace(/^W\//, '');
  return ifNoneMatch
    .split(',')
    .map((named) => named.trim())
    .some((named) => named === '*' || named.replace(/^W\//, '') === opaque);
}
