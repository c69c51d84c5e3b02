/**
 * Commands over HTTP: the same as over NATS, decided by the owner of the device, under the same idempotency key.
 */
import { randomUUID } from 'node:crypto';
import { Type } from '@sinclair/typebox';
import type { FastifyRequest } from 'fastify';
import { commandId } from '../../../machines/command-id.ts';
import { AnyKey } from '../../../machines/report.ts';
import { ACCEPTANCES, acceptanceOf } from '../../wire/acceptance.ts';
import { type CommandOutcome, CommandOutcomeSchema } from '../../contract/ledger-entry.ts';
import type { RefusalBody } from '../../contract/refusal.ts';
import { WAIT_MS_MAX } from '../../wire/request.ts';
import { readTraceParent } from '../../wire/trace.ts';
import type { Caller } from '../access.ts';
import { answerProblem, problemOf } from '../answer-problems.ts';
import type { CommandAnswer } from '../command-port.ts';
import { type HttpApp, type HttpContext, knownDevice } from '../context.ts';
import { httpForm } from '../http-form.ts';
import { Problem, problemResponses, PROBLEMS } from '../problem.ts';
import { rfc3339OrNull } from '../rfc3339.ts';
import { deviceParams } from './devices.ts';

const OrderSchema = Type.Object(
  {
    id: Type.Optional(
      Type.String({
        pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$',
        description:
          'a UUID, which names this command for good: sent again, it is answered alike and never executed twice. Without one ' +
          'it is drawn here, and a request whose answer is lost cannot be repeated safely',
      }),
    ),
    name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$', description: 'a command of the kind' }),
    args: Type.Optional(Type.Record(AnyKey, Type.Unknown())),
    ifVersion: Type.Optional(
      Type.Integer({ minimum: 0, description: 'refused unless the twin is at this version' }),
    ),
    by: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'on whose behalf' })),
  },
  { additionalProperties: false },
);

const accepted = httpForm(CommandOutcomeSchema);

/** A command as it stands. */
export const OrderAnswerSchema = accepted.schema;

const query = Type.Object(
  {
    waitMs: Type.Integer({
      minimum: 0,
      maximum: WAIT_MS_MAX,
      default: 0,
      description: 'how long the outcome is waited for, ms',
    }),
  },
  { additionalProperties: false },
);

const acceptances = Object.entries(ACCEPTANCES)
  .map(([acceptance, sentence]) => `${acceptance} (${sentence})`)
  .join(', ');

/** The longest order, bytes; a longer one is `body-too-large`. What a device is told is a fraction of it. */
const ORDER_BYTES_MAX = 65_536;

/** Registers `POST /v1/devices/:device/commands`. */
export function commandOrderRoutes(app: HttpApp, context: HttpContext): void {
  app.post(
    '/v1/devices/:device/commands',
    {
      config: { access: 'operate' },
      bodyLimit: ORDER_BYTES_MAX,
      schema: {
        operationId: 'commandDevice',
        summary: 'Command it',
        description:
          'Takes a token that may operate. A refusal by the twin is a problem with the same code as over NATS: nothing was sent. ' +
          `Every problem says in \`acceptance\` what is known of the command: ${acceptances}.`,
        tags: ['commands'],
        params: deviceParams,
        querystring: query,
        body: OrderSchema,
        response: {
          200: OrderAnswerSchema,
          202: OrderAnswerSchema,
          ...problemResponses,
        },
      },
      errorHandler: (error, request, reply) => {
        answerProblem(withAcceptance(problemOf(error, request), request.body), request, reply);
      },
    },
    async (request, reply) => {
      const { twin } = await knownDevice(context, request.params.device);
      const { id = randomUUID(), name, args = {}, ifVersion = null, by = null } = request.body;
      const { traceparent = '' } = request.headers;
      const order = {
        device: twin.device,
        name,
        id: commandId(id),
        args,
        ifVersion,
        by,
        waitMs: request.query.waitMs,
        // What is no trace is ignored, as its standard wants it.
        traceParent: readTraceParent(String(traceparent)) === null ? null : String(traceparent),
      };
      const answer = await context.commands.command(order, callerOf(request).name);
      const outcome = acceptedOutcome(answer, commandId(id));
      void reply
        .code(outcome.outcome === 'pending' ? 202 : 200)
        .header('location', `/v1/devices/${twin.device}/commands/${outcome.id}`);
      return accepted.write(outcome);
    },
  );
}

/** Whose token it was: without one that may operate, nobody comes as far as this. */
function callerOf(request: FastifyRequest): Caller {
  if (request.caller === null) throw new Error('a command came without a token past the check of access');
  return request.caller;
}

function acceptedOutcome(answer: CommandAnswer, id: string): CommandOutcome {
  switch (answer.type) {
    case 'accepted':
      return answer.outcome;
    case 'refused':
      throw refusalProblem(answer.refusal);
    case 'no-owner':
      throw new Problem('no-owner', answer.detail, { extensions: { id } });
    case 'hub-away':
      throw new Problem('hub-unavailable', 'the hub is away', { extensions: { id } });
    case 'unanswered':
      throw new Problem('no-answer', answer.detail, { extensions: { id } });
    case 'outcome-unreadable':
      throw new Problem('outcome-unreadable', answer.detail, { extensions: { id } });
  }
}

/**
 * The problem, with what it means for the command, and in words where it is no refusal. Of an id that was drawn for this request there is
 * no other copy.
 */
function withAcceptance(problem: Problem, body: unknown): Problem {
  const word = acceptanceOf(problem.code);
  const isDrawn = typeof body === 'object' && body !== null && !('id' in body);
  const acceptance = isDrawn && word === 'not-this-copy' ? 'no' : word;
  const { code, message, extensions, cause } = problem;
  const detail = PROBLEMS[code].status < 500 ? message : `${message}: ${ACCEPTANCES[acceptance]}`;
  return new Problem(code, detail, { extensions: { ...extensions, acceptance }, cause });
}

/** A refusal of the owner, as a problem of the same code. */
export function refusalProblem({ code, detail, state, allowed, id, firstUse }: RefusalBody): Problem {
  const used = firstUse && {
    firstUse: { ...firstUse, acceptedAt: rfc3339OrNull(firstUse.acceptedAt) },
  };
  return new Problem(code, detail, { extensions: { id, state, allowed, ...used } });
}
