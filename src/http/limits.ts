/**
 * What protects the node from those who ask too much, and those who may not ask at all.
 */
import { fastifyCompress } from '@fastify/compress';
import { fastifyCors } from '@fastify/cors';
import { fastifyRateLimit } from '@fastify/rate-limit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Access, accessCheck, collectDeclarations } from './access.ts';
import type { HttpApp } from './context.ts';
import { Problem } from './problem.ts';
import { addressBlock } from './remote-address.ts';

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

/** What every request passes first: throws the problem that keeps it out. */
export type Gate = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/**
 * Puts the guards before everything that is registered after them, also before what answers where there is no route. The gate is for
 * what no hook is run for.
 */
export async function guardHttp(app: HttpApp, { access, rateMax, corsOrigins }: HttpGuards): Promise<Gate> {
  collectDeclarations(app);
  // Node would answer an `Expect` that it does not know by itself, before anything is counted or looked at; RFC 9110, 10.1.1, lets it pass.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  app.decorateRequest('caller', null);
  await app.register(fastifyRateLimit, {
    global: false,
    max: rateMax,
    timeWindow: RATE_WINDOW_MS,
    // As connections and readers are counted: a program on this machine has sixteen million addresses.
    keyGenerator: ({ ip }) => addressBlock(ip),
    allowList: ({ routeOptions }) => routeOptions.config.isProbe === true,
    errorResponseBuilder: (_request, { max, after }) =>
      new Problem(
        'rate-limited',
        `${String(max)} requests in ${String(RATE_WINDOW_MS / 1_000)} s are the most from one address; there is room again in ${after}`,
      ),
  });
  const check = accessCheck(access, corsOrigins);
  const countRate = app.rateLimit();
  const enter: Gate = async (request, reply) => {
    void reply.header('x-request-id', request.id);
    // Counted before anything is looked at, so that nobody tries tokens faster than that either.
    await countRate.call(app, request, reply);
    check.checkHost(request);
  };
  app.addHook('onRequest', enter);
  if (corsOrigins.length > 0) await allowOrigins(app, corsOrigins);
  app.addHook('onRequest', async (request, reply) => {
    check.checkCaller(request, reply);
  });
  await app.register(fastifyCompress, { threshold: COMPRESSED_BYTES_MIN, encodings: ['gzip', 'deflate'] });
  return async (request, reply) => {
    await enter(request, reply);
    check.checkCaller(request, reply);
  };
}

/** A browser that asks beforehand whether it may ask sends no token, so it is answered before one is looked for. */
async function allowOrigins(app: HttpApp, corsOrigins: readonly string[]): Promise<void> {
  app.addHook('onRoute', (route) => {
    const isPreflight = route.method === 'OPTIONS' && route.url === '*';
    if (isPreflight) route.config = { ...route.config, access: 'public' };
  });
  await app.register(fastifyCors, {
    delegator: async ({ headers }: FastifyRequest) => ({
      origin: [...corsOrigins],
      methods: ['GET', 'HEAD', 'POST'],
      allowedHeaders: ['authorization', 'content-type', 'if-none-match', 'last-event-id', 'traceparent'],
      exposedHeaders: ['etag', 'location', 'retry-after', 'x-request-id'],
      maxAge: 600,
      // What is no such question gets the answer of its path, like everything else.
      preflight: headers.origin !== undefined && headers['access-control-request-method'] !== undefined,
    }),
  });
}
