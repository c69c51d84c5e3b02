/**
 * Why a device is in its state, and what would be accepted now.
 */
import { type Static, Type } from '@sinclair/typebox';
import type { ChainLink } from '../../../actors/explanation-chain.ts';
import { explain, type Explanation } from '../../../actors/explain.ts';
import type { Ownership } from '../../history/ports.ts';
import { partitionOf } from '../../wire/partition.ts';
import { askStore, type HttpApp, type HttpContext, knownDevice } from '../context.ts';
import { problemResponses } from '../problem.ts';
import { rfc3339, wholeErrorMs } from '../rfc3339.ts';
import { deviceParams, noParameters } from './devices.ts';

/** How far back is looked for the last certain point: lines of the journal, commands, and dead letters. */
const TRANSITIONS_MAX = 100;
const COMMANDS_MAX = 20;
const DEAD_LETTERS_MAX = 20;

const Time = Type.String({ format: 'date-time' });
const IntegerOrNull = Type.Union([Type.Integer(), Type.Null()]);
const NumberOrNull = Type.Union([Type.Number(), Type.Null()]);

const ChainLinkSchema = Type.Object({
  at: Time,
  errorMs: Type.Union([Type.Number(), Type.Null()], {
    description: '`at` is right within ± this; null where no round trip bounds it',
  }),
  type: Type.String({
    description: 'report, command, deadline, silence, suspicion, clock, dead-letter or engineer',
  }),
  sentence: Type.String(),
  journalNo: Type.Optional(Type.Integer({ description: 'line of the journal that it is' })),
  from: Type.Optional(Type.String()),
  to: Type.Optional(Type.String()),
  boot: Type.Optional(Type.Integer({ description: 'with seq: the report it rests on' })),
  seq: Type.Optional(Type.Integer()),
  commandId: Type.Optional(Type.String({ description: 'command of the ledger that it is about' })),
  n: Type.Optional(Type.Integer()),
  outcome: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String({ description: 'of a suspicion or a dead letter: stable' })),
  stream: Type.Optional(Type.String({ description: 'that keeps the message, for a dead letter' })),
  streamSequence: Type.Optional(Type.Integer({ description: 'in that stream' })),
});

/** Why a device is in its state. */
export const ExplanationSchema = Type.Object({
  device: Type.String(),
  kind: Type.String(),
  state: Type.String(),
  path: Type.String(),
  quality: Type.String(),
  at: Type.String({ format: 'date-time', description: 'when this was so' }),
  summary: Type.Array(Type.String(), { description: 'the answer in a few sentences' }),
  momentary: Type.Array(Type.String(), {
    description:
      'those of `summary` that are true at `at` only, and that whoever shows it later leaves out: how fresh the knowledge is, what waits, what would be accepted',
  }),
  chain: Type.Array(ChainLinkSchema, {
    description:
      'oldest first, from the last certain point: a report after which it was neither offline nor suspect',
  }),
  suspicions: Type.Array(
    Type.Object({ reason: Type.String(), since: Time, detail: Type.String(), sentence: Type.String() }),
  ),
  timers: Type.Array(Type.Object({ name: Type.String(), at: Time, sentence: Type.String() }), {
    description: 'what the twin does if nothing is heard by then, soonest first',
  }),
  commands: Type.Array(
    Type.Object({
      name: Type.String(),
      accepted: Type.Boolean(),
      sent: Type.Boolean({
        description:
          'whether the device would then be sent it: false for what the twin does by itself, and for what is refused',
      }),
      code: Type.Union([Type.String(), Type.Null()], {
        description:
          'the code it would be refused with, `unavailable` where no twin would be asked; `needs-proof` where the device is asked for a report first',
      }),
      sentence: Type.String(),
    }),
    { description: 'every command of the kind, by the guard that decides on commands' },
  ),
  clock: Type.Object({
    boot: IntegerOrNull,
    verified: Type.Boolean(),
    errorMs: NumberOrNull,
    offsetMs: NumberOrNull,
    sentence: Type.String(),
  }),
});

/** Registers `/v1/devices/:device/explain`. */
export function explainRoutes(app: HttpApp, context: HttpContext): void {
  app.get(
    '/v1/devices/:device/explain',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'explainDevice',
        summary: 'Why it is in this state',
        tags: ['devices'],
        params: deviceParams,
        querystring: noParameters,
        response: { 200: ExplanationSchema, ...problemResponses },
      },
    },
    async (request) => {
      const { device } = request.params;
      const { twin, kind } = await knownDevice(context, device);
      const [ownership, transitions, commands, rejected] = await Promise.all([
        askStore(context, (fleetReader) => fleetReader.ownership(partitionOf(device))),
        askStore(context, (fleetReader) =>
          fleetReader.transitions(device, { before: null, recordedUpTo: null, limit: TRANSITIONS_MAX }),
        ),
        askStore(context, (fleetReader) =>
          fleetReader.commands(device, { beforeN: null, limit: COMMANDS_MAX }),
        ),
        askStore(context, (fleetReader) =>
          fleetReader.deadLetters({ device, reason: null, before: null, limit: DEAD_LETTERS_MAX }),
        ),
      ]);
      const now = context.clock.now();
      const { serverErrorMs } = context;
      const unready = unreadyBecause(ownership);
      return explanationView(
        explain({ twin, kind, now, serverErrorMs, transitions, commands, rejected, unready }),
      );
    },
  );
}

/** Why nobody would ask the twin about a command, as the leases tell it: the owner may be another node than the one that is asked. */
function unreadyBecause({ owner, isHeld, refuses }: Ownership): string | null {
  if (owner === null) return 'no node decides for the device now';
  if (!isHeld) return `the node that decides for the device, ${owner}, has not renewed its lease in time`;
  return refuses === null ? null : `the node that decides for the device, ${owner}, accepts none: ${refuses}`;
}

function explanationView(explanation: Explanation): Static<typeof ExplanationSchema> {
  const { at, chain, suspicions, timers, commands, summary, momentary, clock } = explanation;
  return {
    ...explanation,
    at: rfc3339(at),
    summary: [...summary],
    momentary: [...momentary],
    chain: chain.map(linkView),
    suspicions: suspicions.map((suspicion) => ({ ...suspicion, since: rfc3339(suspicion.since) })),
    timers: timers.map((timer) => ({ ...timer, at: rfc3339(Math.ceil(timer.at)) })),
    commands: [...commands],
    clock: { ...clock, errorMs: wholeErrorMs(clock.errorMs, at) },
  };
}

function linkView(link: ChainLink): Static<typeof ChainLinkSchema> {
  return { ...link, at: rfc3339(link.at), errorMs: wholeErrorMs(link.errorMs, link.at) };
}
