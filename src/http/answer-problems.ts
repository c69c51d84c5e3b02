/**
 * Decider whatever goes wrong into a problem: what routes throw, what the schemas refuse, what Fastify and Node refuse before
 * any route is asked. Nothing leaves as anything but `application/problem+json`, and no stack leaves at all.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest, FastifySchemaValidationError } from 'fastify';
import { quoted } from '../wire/schema-problem.ts';
import type { DeclaredRoute } from './access.ts';
import type { HttpApp } from './context.ts';
import type { FailureLog } from './failure-log.ts';
import type { Gate } from './limits.ts';
import {
  badQuery,
  Problem,
  PROBLEM_TYPE,
  problemBody,
  type ProblemCode,
  PROBLEMS,
  RETRY_AFTER_S,
} from './problem.ts';

declare module 'fastify' {
  interface FastifyInstance {
    readonly failures: FailureLog;
  }
}

/** Answers a request with the problem that `error` is. */
export function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemOf(error, request);
  const { status } = PROBLEMS[problem.code];
  // Whether the node is ready is asked all the time: that it is not is written once, by `ReadinessLog`.
  if (status >= 500 && problem.code !== 'not-ready')
    request.server.failures.note(request, problem.code, problem.cause ?? problem);
  if ((status === 503 || status === 429) && !reply.hasHeader('retry-after'))
    void reply.header('retry-after', RETRY_AFTER_S);
  void reply.code(status).type(PROBLEM_TYPE).send(problemBody(problem, request.id));
}

/** Answers a path that no route has. */
export function answerUnknownRoute(request: FastifyRequest, reply: FastifyReply): void {
  const path = request.url.split('?', 1)[0] ?? '';
  answerProblem(new Problem('unknown-route', `there is nothing at ${path}`), request, reply);
}

/**
 * Answers what Node could not read as a request at all. There is no request to log, and the connection is of no more use.
 */
export function answerUnreadable(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const problem = unreadable(error);
  const { status } = PROBLEMS[problem.code];
  const body = JSON.stringify(problemBody(problem));
  const head = [
    `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${String(Buffer.byteLength(body))}`,
    'Connection: close',
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
}

/** Answers a target that cannot be looked up in the routes at all, so that no hook is run for it: `gate` keeps out whom the hooks would. */
export async function answerUnroutable(options: {
  readonly gate: Gate | null;
  readonly error: unknown;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}): Promise<void> {
  const { gate, error, request, reply } = options;
  const refusal: unknown = await gate?.(request, reply).then(
    () => null,
    (reason: unknown) => reason,
  );
  answerProblem(refusal ?? error, request, reply);
}

/**
 * Answers every method that a path does not have with 405 and `Allow`, to whoever may ask the path at all. Call it with all routes; it
 * is part of `onRequest`, before a body is read that nobody wants.
 */
export function refuseOtherMethods(app: HttpApp, routes: readonly DeclaredRoute[]): void {
  for (const url of new Set(routes.map((route) => route.url))) {
    const there = routes.filter((route) => route.url === url);
    const methods = new Set(there.map(({ method }) => method));
    const allow = [...methods].sort().join(', ');
    app.route({
      url,
      method: ALL_METHODS.filter((method) => !methods.has(method)),
      config: { access: there.some(({ access }) => access === 'public') ? 'public' : 'read' },
      schema: { hide: true },
      onRequest: async (request, reply) => {
        void reply.header('allow', allow);
        throw new Problem(
          'method-not-allowed',
          `${request.method} is not for this resource; it takes ${allow}`,
        );
      },
      handler: async () => null,
    });
  }
}

const ALL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** What problem an error is. */
export function problemOf(error: unknown, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error;
  const { validation, validationContext, statusCode, message, code } = error as Partial<FastifyError>;
  const [flaw] = validation ?? [];
  if (flaw !== undefined && validationContext === 'body') return refusedBody(flaw);
  if (flaw !== undefined) return refusedBySchema(flaw, request);
  const known = message === undefined ? undefined : BODY_PROBLEMS[code ?? ''];
  if (known !== undefined) return new Problem(known, message ?? '', { cause: error });
  if (statusCode !== undefined && statusCode < 500 && message !== undefined) {
    return new Problem('bad-request', message, { cause: error });
  }
  return new Problem('internal', 'the request failed by a fault of ours; the log has the cause', {
    cause: error,
  });
}

/** What Fastify says of a body that it could not read. */
const BODY_PROBLEMS: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'bad-body',
  FST_ERR_CTP_INVALID_JSON_BODY: 'bad-body',
};

/** Ajv's first complaint about a body, with what it is about (its option `verbose`). */
interface BodyFlaw extends FastifySchemaValidationError {
  readonly data?: unknown;
  readonly parentSchema?: { readonly description?: unknown };
}

function refusedBody(flaw: BodyFlaw): Problem {
  const { keyword, instancePath, params, message = 'is not right', data, parentSchema } = flaw;
  const where = `body${instancePath.replaceAll('/', '.')}`;
  const unknown =
    keyword === 'additionalProperties' ? `: ${String(params.additionalProperty)} is unknown here` : '';
  const given = keyword === 'type' ? `, got ${quoted(data)}` : '';
  const description = parentSchema?.description;
  const meaning = typeof description === 'string' ? ` (${description})` : '';
  return new Problem('bad-body', `${where} ${message}${unknown}${given}${meaning}`);
}

/** Ajv's first complaint about a query, in words for whoever wrote the query. */
function refusedBySchema(flaw: FastifySchemaValidationError, request: FastifyRequest): Problem {
  const { keyword, instancePath, params, message = 'is not of the expected form' } = flaw;
  if (keyword === 'additionalProperties') {
    const schema = request.routeOptions.schema?.querystring as { properties?: object } | undefined;
    const taken = Object.keys(schema?.properties ?? {});
    const parameters = taken.length === 0 ? 'no parameters' : taken.join(', ');
    return badQuery(String(params.additionalProperty), `unknown here; this resource takes ${parameters}`);
  }
  const parameter = instancePath.split('/')[1] ?? '';
  const value = (request.query as Record<string, unknown>)[parameter];
  const given = typeof value === 'number' ? String(value) : JSON.stringify(value);
  if (keyword === 'enum') {
    const values = (params.allowedValues as readonly string[]).join(', ');
    return badQuery(parameter, `expected one of ${values}, got ${given}`);
  }
  return badQuery(parameter, `${message}, got ${given}`);
}

function unreadable(error: Error & { readonly code?: string }): Problem {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem('request-timeout', 'the request did not arrive whole in time');
    case 'HPE_HEADER_OVERFLOW':
      return new Problem('headers-too-large', 'the header of a request is at most 16 KB long, path included');
    default:
      return new Problem('bad-request', `not readable as HTTP: ${error.message}`);
  }
}
