/**
 * What kinds of devices there are: their states, sensors, commands and limits.
 */
import { Type } from '@sinclair/typebox';
import { AnyKey } from '../../../machines/report.ts';
import type { Kind } from '../../../machines/kind.ts';
import { type HttpApp, type HttpContext, kindNamed } from '../context.ts';
import { Problem, problemResponses } from '../problem.ts';
import { noParameters } from './devices.ts';

const NumberOrNull = Type.Union([Type.Number(), Type.Null()]);
const StringOrNull = Type.Union([Type.String(), Type.Null()]);
const JsonSchema = Type.Record(AnyKey, Type.Unknown(), { description: 'a JSON Schema' });

const KindLineSchema = Type.Object({
  kind: Type.String(),
  description: Type.String(),
  states: Type.Array(Type.String(), { description: 'known states' }),
  commands: Type.Array(Type.String()),
});

/** A kind of device. */
export const KindSchema = Type.Object({
  kind: Type.String(),
  description: Type.String(),
  states: Type.Array(Type.String(), { description: 'known states' }),
  reportedStates: Type.Array(Type.String(), { description: 'what a device may say of itself' }),
  sensors: JsonSchema,
  binarySensors: Type.Array(Type.String(), { description: 'of which a report tells `since`' }),
  commands: Type.Array(
    Type.Object({
      name: Type.String(),
      description: Type.String(),
      args: JsonSchema,
      startWindowMs: Type.Union([Type.Number(), Type.Null()], {
        description: 'how long after it was sent it may start; null: it changes nothing and has no deadline',
      }),
      freshWithinMs: Type.Union([Type.Number(), Type.Null()], {
        description: 'it is decided on knowledge proved no older than this; null: its age does not matter',
      }),
      defaultHoldMs: NumberOrNull,
      longestHoldMs: NumberOrNull,
      endsHold: Type.Boolean(),
      compensatedBy: StringOrNull,
    }),
  ),
  limits: Type.Object({
    silenceMs: Type.Number({ description: 'nothing heard for this long: offline' }),
    freshMs: Type.Number({ description: 'fresh while its age is proved to be at most this' }),
    driftPpm: Type.Number({ description: "the drift of the device's clock is at most this" }),
    probeTimeoutMs: Type.Number({ description: 'how long an answer to `report` is waited for' }),
    resendMs: Type.Number({ description: 'a command in flight is sent again at this interval' }),
  }),
});

/** The path parameter of everything about one kind. */
export const kindParams = Type.Object({ kind: Type.String({ description: 'name of a kind' }) });

/** The kind of this name. Throws the problem `no-such-kind`. */
export function knownKind(context: HttpContext, name: string): Kind {
  const kind = kindNamed(context, name);
  if (kind !== null) return kind;
  const names = context.kinds.map((one) => one.name).join(', ');
  throw new Problem('no-such-kind', `there is no kind "${name}"; there are ${names}`);
}

/** Registers `/v1/kinds` and `/v1/kinds/:kind`. */
export function kindRoutes(app: HttpApp, context: HttpContext): void {
  app.get(
    '/v1/kinds',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'listKinds',
        summary: 'The kinds of devices',
        tags: ['kinds'],
        querystring: noParameters,
        response: { 200: Type.Object({ kinds: Type.Array(KindLineSchema) }), ...problemResponses },
      },
    },
    async () => ({
      kinds: context.kinds.map(({ name, description, machine, commands }) => ({
        kind: name,
        description,
        states: Object.keys(machine.states),
        commands: Object.keys(commands),
      })),
    }),
  );

  app.get(
    '/v1/kinds/:kind',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getKind',
        summary: 'One kind of device',
        tags: ['kinds'],
        params: kindParams,
        querystring: noParameters,
        response: { 200: KindSchema, ...problemResponses },
      },
    },
    async (request) => kindView(knownKind(context, request.params.kind)),
  );
}

function kindView(kind: Kind) {
  const { name, description, machine, reportedStates, sensors, binarySensors, commands, limits } = kind;
  return {
    kind: name,
    description,
    states: Object.keys(machine.states),
    reportedStates: [...reportedStates],
    binarySensors: [...binarySensors],
    sensors: plain(sensors),
    commands: Object.entries(commands).map(([command, spec]) => ({
      name: command,
      description: spec.description,
      args: plain(spec.args),
      startWindowMs: spec.startWindowMs,
      freshWithinMs: spec.freshWithinMs,
      defaultHoldMs: spec.hold?.defaultMs ?? null,
      longestHoldMs: spec.hold?.longestMs ?? null,
      endsHold: spec.endsHold,
      compensatedBy: spec.resolver.compensatedBy,
    })),
    limits: { ...limits },
  };
}

/** A schema as JSON, without what only the schema library knows. */
function plain(schema: object): Record<string, unknown> {
  return JSON.parse(JSON.stringify(schema)) as Record<string, unknown>;
}
