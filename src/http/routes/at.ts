/**
 * A device at a time in the past, in two answers that may differ: what its twin believed then, and what is known now of how it was
 * then. A report that came late changes the second one, and never the first.
 */
import { type Static, Type } from '@sinclair/typebox';
import { isSilence, SILENT } from '../../../actors/timeline.ts';
import { worldState } from '../../../machines/statechart.ts';
import type { HistoryReport, ReportPage } from '../../history/ports.ts';
import { askStore, type HttpApp, type HttpContext, type KnownDevice, knownDevice } from '../context.ts';
import { measuredFirst, type ReadReports } from '../measured-first.ts';
import { readTime } from '../page.ts';
import { badQuery, problemResponses } from '../problem.ts';
import { rfc3339, wholeErrorMs } from '../rfc3339.ts';
import { deviceParams } from './devices.ts';
import { reportView, ReportViewSchema } from './reports.ts';

/** Reports read at once while looking for the newest one that had arrived, and how often at most. */
const READ_SIZE = 200;
const READS_MAX = 20;

/** The clock of a caller who asks for the present may be so much ahead, ms. */
const CLOCK_AHEAD_MS = 5_000;

const Time = Type.String({ format: 'date-time' });
const NumberOrNull = Type.Union([Type.Number(), Type.Null()]);

const KnownThenSchema = Type.Object({
  state: Type.String({ description: 'the known state' }),
  path: Type.String(),
  since: Type.Union([Time, Type.Null()], {
    description: 'when what led to it had been measured; null: it was never heard by then',
  }),
  errorMs: NumberOrNull,
  recordedAt: Type.Union([Time, Type.Null()], { description: 'when the twin decided it' }),
  journalNo: Type.Union([Type.Integer(), Type.Null()]),
  cause: Type.Union([Type.Object({ type: Type.String(), detail: Type.String() }), Type.Null()]),
  report: Type.Union([ReportViewSchema, Type.Null()], {
    description:
      'the newest report that had arrived, timed by the clock as it is known now; null: none, or it is not kept any more',
  }),
});

const KnownNowSchema = Type.Object({
  state: Type.Union([Type.String(), Type.Null()], {
    description:
      'what the device itself believed then; `silent` where it said nothing for longer than its kind allows; null: no report tells',
  }),
  silent: Type.Boolean({
    description:
      'it lies in a silence that is longer than its kind allows: what the device was then nobody knows',
  }),
  measuredAt: Type.Union([Time, Type.Null()], {
    description:
      'when the last report up to then was measured: between it and the next one the state is inferred',
  }),
  errorMs: NumberOrNull,
  report: Type.Union([ReportViewSchema, Type.Null()], {
    description: 'the last report measured up to then, whenever it arrived',
  }),
  next: Type.Union(
    [Type.Object({ state: Type.String(), measuredAt: Time, errorMs: NumberOrNull }), Type.Null()],
    {
      description: 'the first report measured after it',
    },
  ),
});

/** A device at a time, twice. */
export const AtSchema = Type.Object({
  device: Type.String(),
  time: Time,
  knownThen: KnownThenSchema,
  knownNow: KnownNowSchema,
});

const query = Type.Object(
  { time: Type.String({ description: 'RFC 3339: when; not in the future' }) },
  { additionalProperties: false },
);

/** Registers `/v1/devices/:device/at`. */
export function atRoutes(app: HttpApp, context: HttpContext): void {
  app.get(
    '/v1/devices/:device/at',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getDeviceAt',
        summary: 'What it looked like at a time: as known then, and as known now',
        tags: ['devices'],
        params: deviceParams,
        querystring: query,
        response: { 200: AtSchema, ...problemResponses },
      },
    },
    async (request) => {
      const time = pastTime(request.query.time, context.clock.now());
      const device = await knownDevice(context, request.params.device);
      const [then, now] = await Promise.all([
        knownThen(context, device, time),
        knownNow(context, device, time),
      ]);
      return { device: device.twin.device, time: rfc3339(time), knownThen: then, knownNow: now };
    },
  );
}

/** The time that is asked for; the present for a caller whose clock is a little ahead. Throws for one of which nobody can know. */
function pastTime(text: string, now: number): number {
  const time = readTime('time', text);
  if (time === null) throw badQuery('time', 'is needed');
  if (time > now + CLOCK_AHEAD_MS)
    throw badQuery('time', `lies in the future: it is ${rfc3339(now)}, and what will be nobody knows`);
  return Math.min(time, now);
}

/** What the twin believed: its journal up to then. Before the first line it was as it is born. */
async function knownThen(
  context: HttpContext,
  { twin, kind }: KnownDevice,
  time: number,
): Promise<Static<typeof KnownThenSchema>> {
  const [[last], report] = await Promise.all([
    askStore(context, (fleetReader) =>
      fleetReader.transitions(twin.device, { before: null, recordedUpTo: time, limit: 1 }),
    ),
    newestArrived(context, twin.device, time),
  ]);
  const path = last?.to ?? kind.chart.initial;
  return {
    state: worldState(path),
    path,
    since: last === undefined ? null : rfc3339(last.measuredAt),
    errorMs: last === undefined ? null : wholeErrorMs(last.errorMs, last.measuredAt),
    recordedAt: last === undefined ? null : rfc3339(last.recordedAt),
    journalNo: last?.no ?? null,
    cause: last?.cause ?? null,
    report: report && reportView(report),
  };
}

/**
 * The newest report that had arrived by then. Nothing is measured after it arrives, so it is among those measured up to then;
 * those that came late are passed over.
 */
async function newestArrived(
  context: HttpContext,
  device: string,
  time: number,
): Promise<HistoryReport | null> {
  let after: ReportPage['after'] = null;
  for (let reads = 0; reads < READS_MAX; reads += 1) {
    const page: ReportPage = { from: null, to: time + 1, after, isNewestFirst: true, limit: READ_SIZE };
    const reports = await askStore(context, (fleetReader) => fleetReader.reports(device, page));
    const found = reports.find(
      ({ receivedAt, disposition }) => disposition === 'latest' && receivedAt <= time,
    );
    if (found !== undefined) return found;
    const last = reports.at(-1);
    if (last === undefined) return null;
    after = last;
  }
  return null;
}

/**
 * What the device was: the last report, in its order, that was measured up to then, and of those that come after it what was measured first.
 */
async function knownNow(
  context: HttpContext,
  { twin: { device }, kind }: KnownDevice,
  time: number,
): Promise<Static<typeof KnownNowSchema>> {
  const read: ReadReports = (page) => askStore(context, (fleetReader) => fleetReader.reports(device, page));
  const [last] = await read({ from: null, to: time + 1, after: null, isNewestFirst: true, limit: 1 });
  const next = await measuredFirst(read, { after: last ?? null, before: null });
  const heardAgainAt = next?.measuredAt ?? context.clock.now();
  const isSilent =
    last !== undefined &&
    time > last.measuredAt &&
    isSilence(heardAgainAt - last.measuredAt, kind.limits.silenceMs);
  return {
    state: isSilent ? SILENT : (last?.state ?? null),
    silent: isSilent,
    measuredAt: last === undefined ? null : rfc3339(last.measuredAt),
    errorMs: last === undefined ? null : wholeErrorMs(last.errorMs, last.measuredAt),
    report: last === undefined ? null : reportView(last),
    next:
      next === null
        ? null
        : {
            state: next.state,
            measuredAt: rfc3339(next.measuredAt),
            errorMs: wholeErrorMs(next.errorMs, next.measuredAt),
          },
  };
}
