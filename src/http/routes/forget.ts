/**
 * Forgetting a device: everything that Corral's own database holds of it goes, and the answer says what else still holds something, and
 * until when.
 */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyRequest } from 'fastify';
import { ID_PATTERN } from '../../../machines/report.ts';
import { type ForgetReply, ForgetReplySchema } from '../../contract/reply-bodies.ts';
import { siteStream, STREAM_MAX_AGE_MS, STREAMS } from '../../wire/subjects.ts';
import type { ForgetAnswer } from '../command-port.ts';
import { askStore, type HttpApp, type HttpContext } from '../context.ts';
import { httpForm } from '../http-form.ts';
import { Problem, problemResponses } from '../problem.ts';
import { rfc3339, rfc3339OrNull } from '../rfc3339.ts';
import { refusalProblem } from './command-orders.ts';
import { deviceParams, noParameters } from './devices.ts';

const Time = Type.String({ format: 'date-time' });

const WordSchema = Type.Object(
  {
    reason: Type.String({ minLength: 1, maxLength: 256, description: 'why; it is kept with the date' }),
    by: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'on whose behalf' })),
  },
  { additionalProperties: false },
);

const reply = httpForm(Type.Omit(ForgetReplySchema, ['outcome']));
const { at: forgottenAt, ...replied } = reply.schema.properties;

const ForgottenSchema = Type.Object({
  ...replied,
  forgottenAt,
  erasedAt: Type.Union([Time, Type.Null()], {
    description:
      'when the last of its history was erased from the database; null while that is under way: ask again',
  }),
  stillHeld: Type.Array(
    Type.Object({
      where: Type.String(),
      what: Type.String(),
      until: Type.Union([Time, Type.Null()], { description: 'null: as long as its keeper says' }),
    }),
    { description: 'what Corral does not reach into' },
  ),
});

/** The longest word, bytes. */
const WORD_BYTES_MAX = 4_096;

/** Registers `POST /v1/devices/:device/forget`. */
export function forgetRoutes(app: HttpApp, context: HttpContext): void {
  app.post(
    '/v1/devices/:device/forget',
    {
      config: { access: 'operate' },
      bodyLimit: WORD_BYTES_MAX,
      schema: {
        operationId: 'forgetDevice',
        summary: 'Forget it',
        description:
          'Takes a token that may operate. Twin, inventory, history, ledger and journal of the device are erased, and what still comes of ' +
          'it is refused as `forgotten` until it is registered again. Asked again, it is answered alike.',
        tags: ['devices'],
        params: deviceParams,
        querystring: noParameters,
        body: WordSchema,
        response: { 200: ForgottenSchema, 202: ForgottenSchema, ...problemResponses },
      },
    },
    async (request, reply) => {
      const { device } = request.params;
      if (!new RegExp(ID_PATTERN).test(device))
        throw new Problem('unknown-device', 'the path holds no id of a device');
      const { reason, by = null } = request.body;
      const answer = await context.forgetting.forget({ device, reason, by }, callerOf(request));
      const forgotten = forgottenBy(answer);
      const known = await askStore(context, (fleetReader) => fleetReader.forgotten(device));
      const erasedAt = known?.erasedAt ?? null;
      return reply.code(erasedAt === null ? 202 : 200).send(viewOf(forgotten, erasedAt));
    },
  );
}

/** Whose token it was: without one that may operate, nobody comes as far as this. */
function callerOf({ caller }: FastifyRequest): string {
  if (caller === null) throw new Error('an order to forget came without a token past the check of access');
  return caller.name;
}

function forgottenBy(answer: ForgetAnswer): ForgetReply {
  switch (answer.type) {
    case 'forgotten':
      return answer.reply;
    case 'refused':
      throw refusalProblem(answer.refusal);
    case 'no-owner':
      throw new Problem('no-owner', answer.detail);
    case 'hub-away':
      throw new Problem('hub-unavailable', 'the hub is away');
    case 'unanswered':
      throw new Problem('no-answer', `${answer.detail}; ask again, it is answered alike`);
  }
}

function viewOf(forgotten: ForgetReply, erasedAt: number | null): Static<typeof ForgottenSchema> {
  const { at, ...written } = reply.write(forgotten);
  return {
    ...written,
    forgottenAt: at,
    erasedAt: rfc3339OrNull(erasedAt),
    stillHeld: stillHeld(forgotten),
  };
}

/** Streams drop messages by their age, and nobody may take single ones out of them; what is outside of Corral is for its keepers to say. */
function stillHeld({ site, at }: ForgetReply): Static<typeof ForgottenSchema>['stillHeld'] {
  const until = rfc3339(at + STREAM_MAX_AGE_MS);
  return [
    { where: `stream ${siteStream(site)}`, what: 'its reports, as they came', until },
    { where: `stream ${STREAMS.changes.name}`, what: 'what became known of it, with its commands', until },
    { where: `stream ${STREAMS.deadLetters.name}`, what: 'what could not be read of it', until },
    { where: 'standbys of Postgres', what: 'nothing, once they have applied it', until: null },
    {
      where: 'backups and archived log of Postgres',
      what: 'everything. A restore brings the device back, and it has to be forgotten again',
      until: null,
    },
    { where: 'logs of nodes, and whoever watches', what: 'what they have written down', until: null },
  ];
}
