/**
 * Puts the HTTP side together. It looks and never touches: every route reads what is committed, through the port Archive.
 *
 * Listening is the caller's: `app.listen({ host: HTTP_HOST, port })`. There is no token yet that could tell an engineer from
 * anybody else, so the host is loopback unless an operator decides otherwise.
 */
import { randomUUID } from 'node:crypto';
import { fastify, type FastifyBaseLogger, LogController } from 'fastify';
import {
  answerProblem,
  answerUnknownRoute,
  answerUnreadable,
  refuseOtherMethods,
} from './answer-problems.ts';
import type { HttpApp, HttpContext } from './context.ts';
import { atRoutes } from './routes/at.ts';
import { commandRoutes } from './routes/commands.ts';
import { deadLetterRoutes } from './routes/dead-letters.ts';
import { deviceListRoutes } from './routes/device-list.ts';
import { deviceRoutes } from './routes/devices.ts';
import { explainRoutes } from './routes/explain.ts';
import { fleetRoutes } from './routes/fleet.ts';
import { journalRoutes } from './routes/journal.ts';
import { kindRoutes } from './routes/kinds.ts';
import { nodeRoutes } from './routes/nodes.ts';
import { operationRoutes } from './routes/operations.ts';
import { pageRoutes } from './routes/page.ts';
import { problemRoutes } from './routes/problems.ts';
import { reportRoutes } from './routes/reports.ts';
import { sensorRoutes } from './routes/sensors.ts';
import { timelineRoutes } from './routes/timeline.ts';

/** Where HTTP listens by default. */
export const HTTP_HOST = '127.0.0.1';

/** A request has to arrive whole within this, ms; then it is answered `request-timeout`. */
const REQUEST_TIMEOUT_MS = 10_000;

/** The longest path parameter that reaches a route, to be told what is wrong with it there. Node's limit on the header comes first. */
const PARAMETER_LENGTH_MAX = 16_384;

/** What the HTTP side is built of. */
export interface HttpOptions extends HttpContext {
  readonly logger: FastifyBaseLogger;
}

/** Builds the HTTP side, ready for `listen` or `inject`. `close` ends it, and lets requests under way finish. */
export async function buildHttp(options: HttpOptions): Promise<HttpApp> {
  const { logger, ...context } = options;
  const app: HttpApp = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => randomUUID(),
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX },
    frameworkErrors: answerProblem,
    clientErrorHandler: answerUnreadable,
    // A parameter that is not known is refused, not passed over; a number in a query is text and becomes a number.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: 'array', useDefaults: true } },
    return503OnClosing: false,
  });
  app.setErrorHandler(answerProblem);
  app.setNotFoundHandler(answerUnknownRoute);
  app.addHook('onResponse', async (request, reply) => {
    const { method, url } = request;
    request.log.debug(
      { method, url, status: reply.statusCode, durationMs: Math.round(reply.elapsedTime) },
      'request answered',
    );
  });

  const methodsByPath = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsByPath.get(url) ?? new Set();
    methodsByPath.set(url, methods);
    for (const one of [method].flat()) methods.add(one);
  });
  operationRoutes(app, context);
  fleetRoutes(app, context);
  deviceListRoutes(app, context);
  deviceRoutes(app, context);
  reportRoutes(app, context);
  timelineRoutes(app, context);
  sensorRoutes(app, context);
  journalRoutes(app, context);
  commandRoutes(app, context);
  explainRoutes(app, context);
  atRoutes(app, context);
  kindRoutes(app, context);
  deadLetterRoutes(app, context);
  nodeRoutes(app, context);
  problemRoutes(app);
  pageRoutes(app);
  refuseOtherMethods(app, structuredClone(methodsByPath));
  await app.ready();
  return app;
}
