/**
 * What protects the node from those who ask too much, and those who may not ask at all.
 */
import { fastifyCompress } from '@fastify/compress';
import { fastifyCors } from '@fastify/cors';
import { fastifyRateLimit } from '@fastify/rate-limit';
import { type Access, accessCheck } from './access.ts';
import type { HttpApp } from './context.ts';
import { Problem } from './problem.ts';

/** The stretch of time in which the requests of one address are counted, ms. */
const RATE_WINDOW_MS = 10_000;

/** Answers shorter than this are not worth packing, bytes. */
const COMPRESSED_BYTES_MIN = 1_024;

/** What an operator may set. */
export interface HttpGuards {
  readonly access: Access;
  /** Requests that one address may make in ten seconds; more are told to wait. */
  readonly rateMax: number;
  /** Origins whose pages may read the answers; none unless configured. */
  readonly corsOrigins: readonly string[];
}

/** Puts the guards before everything that is registered after them. */
export async function guardHttp(app: HttpApp, { access, rateMax, corsOrigins }: HttpGuards): Promise<void> {
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
  });
  // Counted before the token is looked at, so that nobody tries tokens faster than that either.
  await app.register(fastifyRateLimit, {
    max: rateMax,
    timeWindow: RATE_WINDOW_MS,
    allowList: ({ url }) => url === '/healthz' || url === '/readyz',
    errorResponseBuilder: (_request, { max, after }) =>
      new Problem(
        'rate-limited',
        `${String(max)} requests in ${String(RATE_WINDOW_MS / 1_000)} s are the most from one address; there is room again in ${after}`,
      ),
  });
  const check = accessCheck(access);
  app.addHook('preParsing', async (request, reply) => {
    await check(request, reply);
  });
  if (corsOrigins.length > 0) {
    await app.register(fastifyCors, {
      origin: [...corsOrigins],
      methods: ['GET', 'HEAD', 'POST'],
      allowedHeaders: ['authorization', 'content-type', 'if-none-match', 'last-event-id', 'traceparent'],
      exposedHeaders: ['etag', 'location', 'retry-after', 'x-request-id'],
      maxAge: 600,
    });
  }
  await app.register(fastifyCompress, { threshold: COMPRESSED_BYTES_MIN, encodings: ['gzip', 'deflate'] });
}
