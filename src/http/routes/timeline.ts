/**
 * What a device WAS, by measured time, late reports included; what its twin believed at that time is in the journal.
 *
 * Without `from` the timeline begins with the oldest report in the archive: an answer leaves nothing out that nobody asked it
 * to leave out, and the page's limit bounds it.
 */
import { Type } from '@sinclair/typebox';
import type { WindowedInterval } from '../../../actors/timeline.ts';
import { askStore, type HttpApp, type HttpContext, knownDevice } from '../context.ts';
import { nextPath, NextSchema } from '../page.ts';
import { problemResponses } from '../problem.ts';
import { rfc3339, rfc3339OrNull, wholeErrorMs } from '../rfc3339.ts';
import { readTimelineCursor, timelineCursor } from '../timeline-cursor.ts';
import { readTimeline } from '../timeline-page.ts';
import { readWindow, windowQuery } from '../window-query.ts';
import { deviceParams } from './devices.ts';

const Time = Type.String({ format: 'date-time' });

const IntervalSchema = Type.Object({
  state: Type.String({
    description:
      'what the device itself believed; `silent` where nothing was heard for longer than its kind allows',
  }),
  silent: Type.Boolean({
    description:
      'nothing was heard in it, for longer than its kind allows: what the device was meanwhile nobody knows. It begins with the last ' +
      'report before it, and holds none',
  }),
  from: Time,
  errorMs: Type.Union([Type.Number(), Type.Null()], {
    description: '`from` is right within ± this; null while no round trip bounds it',
  }),
  to: Type.Union([Time, Type.Null()], { description: 'null: no report says that it ended' }),
  incarnation: Type.Integer(),
  boot: Type.Integer(),
  seq: Type.Integer({ description: 'position of the report that began it' }),
  lastReportAt: Type.String({ format: 'date-time', description: 'the last report that says so' }),
  reports: Type.Integer(),
  gaps: Type.Integer({ description: 'holes in the numbering of the reports in it' }),
  missing: Type.Integer({ description: 'reports in those holes' }),
  reboots: Type.Integer({ description: 'restarts after which the device was in the same state again' }),
  beganBefore: Type.Boolean({ description: 'it began before the window asked for' }),
  goesOn: Type.Boolean({ description: 'it reaches beyond the window asked for' }),
});

/** Registers `/v1/devices/:device/timeline`. */
export function timelineRoutes(app: HttpApp, context: HttpContext): void {
  app.get(
    '/v1/devices/:device/timeline',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getTimeline',
        summary: 'What it was, by measured time',
        tags: ['devices'],
        params: deviceParams,
        querystring: windowQuery('intervals'),
        response: {
          200: Type.Object({
            device: Type.String(),
            intervals: Type.Array(IntervalSchema, { description: 'without a space between them' }),
            cursor: Type.Union([Type.String(), Type.Null()], { description: 'of the next page' }),
            next: NextSchema,
          }),
          ...problemResponses,
        },
      },
    },
    async (request) => {
      const window = readWindow(request.query);
      const fold = readTimelineCursor(request.query.cursor);
      const { twin, kind } = await knownDevice(context, request.params.device);
      const page = await readTimeline({
        read: (page) => askStore(context, (fleetReader) => fleetReader.reports(twin.device, page)),
        window,
        limit: request.query.limit,
        fold,
        silenceMs: kind.limits.silenceMs,
        now: context.clock.now(),
      });
      const cursor = page.fold && timelineCursor(page.fold);
      return {
        device: twin.device,
        intervals: page.intervals.map(intervalView),
        cursor,
        next: cursor === null ? null : nextPath(request.url, { cursor }),
      };
    },
  );
}

function intervalView({ isSilent, ...interval }: WindowedInterval) {
  return {
    ...interval,
    silent: isSilent,
    from: rfc3339(interval.from),
    errorMs: wholeErrorMs(interval.errorMs, interval.from),
    to: rfc3339OrNull(interval.to),
    lastReportAt: rfc3339(interval.lastReportAt),
  };
}
