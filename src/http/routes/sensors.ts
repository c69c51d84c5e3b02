/**
 * What the binary sensors of a device WERE, by measured time: as reports told it, and as `since` restores it where none came.
 */
import { Type } from '@sinclair/typebox';
import type { SensorChange } from '../../../actors/sensor-changes.ts';
import { askStore, type HttpApp, type HttpContext, knownDevice } from '../context.ts';
import { nextPath, NextSchema } from '../page.ts';
import { problemResponses } from '../problem.ts';
import { rfc3339, wholeErrorMs } from '../rfc3339.ts';
import { readSensors } from '../sensor-page.ts';
import { readWindow, windowQuery } from '../window-query.ts';
import { deviceParams } from './devices.ts';

const Time = Type.String({ format: 'date-time' });

const ChangeSchema = Type.Object({
  sensor: Type.String(),
  value: Type.Boolean({ description: 'what it said from then on' }),
  at: Type.String({ format: 'date-time', description: 'when it changed; not later' }),
  notBefore: Type.String({
    format: 'date-time',
    description: 'the same as `at` where that is exact; else it changed in between',
  }),
  errorMs: Type.Union([Type.Number(), Type.Null()], {
    description: 'both are right within ± this; null while no round trip bounds it',
  }),
  inferred: Type.Boolean({
    description: 'no report was received for it: a later one proves that it happened',
  }),
  incarnation: Type.Integer(),
  boot: Type.Integer(),
  seq: Type.Integer({ description: 'position of the report that tells it' }),
});

/** Registers `/v1/devices/:device/sensors`. */
export function sensorRoutes(app: HttpApp, context: HttpContext): void {
  app.get(
    '/v1/devices/:device/sensors',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'listSensorChanges',
        summary: 'When its binary sensors changed',
        tags: ['devices'],
        params: deviceParams,
        querystring: windowQuery('changes'),
        response: {
          200: Type.Object({
            device: Type.String(),
            began: Type.Array(Type.Object({ sensor: Type.String(), value: Type.Boolean(), from: Time }), {
              description:
                'what each was when the window began, or when it was first told; on the first page',
            }),
            changes: Type.Array(ChangeSchema, { description: 'in the order of time' }),
            cursor: Type.Union([Type.String(), Type.Null()], { description: 'of the next page' }),
            next: NextSchema,
          }),
          ...problemResponses,
        },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const window = readWindow(request.query);
      const { twin, kind } = await knownDevice(context, request.params.device);
      const page = await readSensors({
        read: (asked) => askStore(context, (fleetReader) => fleetReader.reports(twin.device, asked)),
        sensors: kind.binarySensors,
        driftPpm: kind.limits.driftPpm,
        silenceMs: kind.limits.silenceMs,
        window,
        limit,
        cursor,
      });
      return {
        device: twin.device,
        began: page.began.map(({ sensor, value, from }) => ({ sensor, value, from: rfc3339(from) })),
        changes: page.changes.map(changeView),
        cursor: page.cursor,
        next: page.cursor === null ? null : nextPath(request.url, { cursor: page.cursor }),
      };
    },
  );
}

function changeView({ at, notBefore, errorMs, isInferred, ...change }: SensorChange) {
  return {
    ...change,
    at: rfc3339(at),
    notBefore: rfc3339(notBefore),
    errorMs: wholeErrorMs(errorMs, at),
    inferred: isInferred,
  };
}
