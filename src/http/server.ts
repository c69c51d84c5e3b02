/**
 * Puts the HTTP side together. It shows what is committed, through the port Archive; the one thing that it lets anybody do, to command
 * a device, is decided by the device's owner like any backend's command.
 *
 * Listening is the caller's: `app.listen({ host, port })`, on loopback unless there are tokens (`access.ts`).
 */
import { randomUUID } from 'node:crypto';
import { fastify, type FastifyBaseLogger, LogController } from 'fastify';
import {
  answerProblem,
  answerUnknownRoute,
  answerUnroutable,
  answerUnreadable,
  refuseOtherMethods,
} from './answer-problems.ts';
import {
  boundConnections,
  HEADER_MS,
  BODY_MS,
  KEEP_ALIVE_MS,
  LOOK_MS,
  REQUESTS_EACH_MAX,
} from './connections.ts';
import type { HttpApp, HttpContext, HttpParts } from './context.ts';
import { httpCounters } from './counters.ts';
import { writeEvent } from '../telemetry/log-events.ts';
import { FailureLog } from './failure-log.ts';
import { type Gate, guardHttp, type HttpGuards } from './limits.ts';
import { originForm } from './loopback.ts';
import { collectOpenApi } from './openapi.ts';
import { holdToForm } from './request-form.ts';
import { schemaController } from './schema-check.ts';
import { atRoutes } from './routes/at.ts';
import { commandOrderRoutes } from './routes/command-orders.ts';
import { forgetRoutes } from './routes/forget.ts';
import { commandRoutes } from './routes/commands.ts';
import { deadLetterRoutes } from './routes/dead-letters.ts';
import { deviceListRoutes } from './routes/device-list.ts';
import { deviceRoutes } from './routes/devices.ts';
import { eventRoutes } from './routes/events.ts';
import { explainRoutes } from './routes/explain.ts';
import { fleetRoutes } from './routes/fleet.ts';
import { journalRoutes } from './routes/journal.ts';
import { kindRoutes } from './routes/kinds.ts';
import { machineRoutes } from './routes/machines.ts';
import { nodeRoutes } from './routes/nodes.ts';
import { operationRoutes } from './routes/operations.ts';
import { pageRoutes } from './routes/page.ts';
import { problemRoutes } from './routes/problems.ts';
import { reportRoutes } from './routes/reports.ts';
import { sensorRoutes } from './routes/sensors.ts';
import { timelineRoutes } from './routes/timeline.ts';

/** The longest path parameter that reaches a route, to be told what is wrong with it there. Node's limit on the header comes first. */
const PARAMETER_LENGTH_MAX = 16_384;

/** What the HTTP side is built of. */
export interface HttpOptions extends HttpParts {
  readonly logger: FastifyBaseLogger;
  readonly guards: HttpGuards;
}

/** Builds the HTTP side, ready for `listen` or `inject`. `close` ends it, and lets requests under way finish. */
export async function buildHttp(options: HttpOptions): Promise<HttpApp> {
  const { logger, guards, ...parts } = options;
  const context: HttpContext = { ...parts, counters: httpCounters(parts.metrics) };
  let gate: Gate | null = null;
  const app: HttpApp = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => randomUUID(),
    // Of Node's own limits the header's has to be the shorter one: it takes the longer of the two for bodies, whichever that is.
    // A request without a host it would answer by itself, uncounted; `access.ts` does.
    http: { headersTimeout: HEADER_MS, connectionsCheckingInterval: LOOK_MS, requireHostHeader: false },
    requestTimeout: HEADER_MS + BODY_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxRequestsPerSocket: REQUESTS_EACH_MAX,
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX },
    rewriteUrl: ({ url = '/' }) => originForm(url),
    frameworkErrors: (error, request, reply) => void answerUnroutable({ gate, error, request, reply }),
    clientErrorHandler: answerUnreadable,
    schemaController: schemaController(),
    return503OnClosing: false,
    // A machine may be as busy as it likes: nothing that is registered here waits for anybody.
    pluginTimeout: 0,
  });
  boundConnections(app, {
    clock: context.clock,
    onRefused: () => context.counters.connectionsRefused.inc(),
    onBehindEndless: () => context.counters.requestsBehindEvents.inc(),
  });
  app.decorate('failures', new FailureLog(context.clock));
  app.setErrorHandler(answerProblem);
  app.setNotFoundHandler(answerUnknownRoute);
  app.addHook('onResponse', async (request, reply) => {
    const { method, url } = request;
    const durationMs = Math.round(reply.elapsedTime);
    writeEvent(request.log, 'http-answered', { method, url, status: reply.statusCode, durationMs });
  });

  gate = await guardHttp(app, guards);
  holdToForm(app);
  await collectOpenApi(app);
  const foreign = app.declaredRoutes().length;
  for (const register of ROUTES) register(app, context);
  refuseOtherMethods(app, app.declaredRoutes().slice(foreign));
  await app.ready();
  return app;
}

const ROUTES: readonly ((app: HttpApp, context: HttpContext) => void)[] = [
  deviceListRoutes,
  deviceRoutes,
  explainRoutes,
  atRoutes,
  reportRoutes,
  timelineRoutes,
  sensorRoutes,
  journalRoutes,
  commandRoutes,
  commandOrderRoutes,
  forgetRoutes,
  eventRoutes,
  fleetRoutes,
  deadLetterRoutes,
  nodeRoutes,
  kindRoutes,
  machineRoutes,
  operationRoutes,
  problemRoutes,
  pageRoutes,
];
