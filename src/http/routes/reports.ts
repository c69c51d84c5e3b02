/**
 * A device's reports, as they came, in the order in which the device made them.
 */
import { type Static, Type } from '@sinclair/typebox';
import { AnyKey } from '../../../machines/report.ts';
import type { HistoryReport, ReportPage } from '../../history/ports.ts';
import { askStore, type HttpApp, type HttpContext, knownDevice } from '../context.ts';
import {
  checkWindow,
  INCARNATION_MAX,
  limitParameter,
  nextPath,
  NextSchema,
  readTime,
  timeParameter,
} from '../page.ts';
import { badQuery, problemResponses } from '../problem.ts';
import { rfc3339, wholeErrorMs } from '../rfc3339.ts';
import { deviceParams } from './devices.ts';

/** How many reports a page holds unless asked otherwise, and at most. */
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

/** A length of time as people write it. */
const DURATION_PATTERN = '^\\d{1,6}[smhd]$';
const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A report in history. */
export const ReportViewSchema = Type.Object({
  incarnation: Type.Integer(),
  boot: Type.Integer(),
  seq: Type.Integer(),
  up: Type.Integer({ description: 'uptime of the device when it was measured, ms' }),
  state: Type.String(),
  measuredAt: Type.String({ format: 'date-time', description: "by the boot's clock as it is known now" }),
  errorMs: Type.Union([Type.Number(), Type.Null()], {
    description: 'measuredAt is right within ± this; null while no round trip bounds it',
  }),
  receivedAt: Type.String({ format: 'date-time', description: "when the hub's stream stored it" }),
  disposition: Type.Union([Type.Literal('latest'), Type.Literal('late')], {
    description: '`latest` moved the known state, `late` only filled history',
  }),
  fate: Type.Union([Type.Literal('news'), Type.Literal('late')], {
    deprecated: true,
    description: 'what `disposition` says, under its old name: `news` for `latest`',
  }),
  body: Type.Record(AnyKey, Type.Unknown(), { description: 'the report as it came' }),
});

const query = Type.Object(
  {
    from: timeParameter('only reports measured at or after this'),
    to: timeParameter('only reports measured before this'),
    before: timeParameter('the same as `to`: with `last` the time that led up to it'),
    last: Type.Optional(
      Type.String({
        pattern: DURATION_PATTERN,
        description:
          'how long before the end of the window it begins: 30s, 5m, 2h, 1d. Without an end, before now',
      }),
    ),
    order: Type.Unsafe<'oldest' | 'newest'>({
      type: 'string',
      enum: ['oldest', 'newest'],
      default: 'oldest',
      description: 'which come first, in the order in which the device made them',
    }),
    after: Type.Optional(
      Type.String({
        description:
          'a position, incarnation.boot.seq: only reports that come after it in the order asked for',
      }),
    ),
    limit: limitParameter({ what: 'reports', byDefault: LIMIT_DEFAULT, most: LIMIT_MAX }),
  },
  { additionalProperties: false },
);

/** Registers `/v1/devices/:device/reports`. */
export function reportRoutes(app: HttpApp, context: HttpContext): void {
  app.get(
    '/v1/devices/:device/reports',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'listReports',
        summary: 'Its reports, as they came',
        tags: ['devices'],
        params: deviceParams,
        querystring: query,
        response: {
          200: Type.Object({
            device: Type.String(),
            reports: Type.Array(ReportViewSchema, {
              description: 'fewer than `limit` where they come to 2 MiB: `after` is not null then',
            }),
            after: Type.Union([Type.String(), Type.Null()], { description: 'of the next page' }),
            next: NextSchema,
          }),
          ...problemResponses,
        },
      },
    },
    async (request) => {
      const { limit } = request.query;
      const { from, to } = readWindow(request.query, context.clock.now());
      checkWindow(from, to);
      const begin = readPosition(request.query.after);
      const { twin } = await knownDevice(context, request.params.device);
      const isNewestFirst = request.query.order === 'newest';
      const page: ReportPage = { from, to, after: begin, isNewestFirst, limit };
      const read = (which: ReportPage): Promise<readonly HistoryReport[]> =>
        askStore(context, (fleetReader) => fleetReader.reports(twin.device, which));
      const reports = await read(page);
      const last = reports.at(-1);
      // A page of large reports is shorter than asked for, so what follows does not show from its length.
      const isLast = last === undefined || (await read({ ...page, after: last, limit: 1 })).length === 0;
      const after = isLast ? null : `${String(last.incarnation)}.${String(last.boot)}.${String(last.seq)}`;
      return {
        device: twin.device,
        reports: reports.map(reportView),
        after,
        next: after === null ? null : nextPath(request.url, { after }),
      };
    },
  );
}

/** A report for HTTP. */
export function reportView(report: HistoryReport): Static<typeof ReportViewSchema> {
  return {
    ...report,
    fate: report.disposition === 'latest' ? 'news' : 'late',
    measuredAt: rfc3339(report.measuredAt),
    errorMs: wholeErrorMs(report.errorMs, report.measuredAt),
    receivedAt: rfc3339(report.receivedAt),
  };
}

/** The window of measured time that `from`, `to`, `before` and `last` name. */
function readWindow(
  query: Readonly<Partial<Record<'from' | 'to' | 'before' | 'last', string>>>,
  now: number,
): Pick<ReportPage, 'from' | 'to'> {
  const { last, to, before } = query;
  if (to !== undefined && before !== undefined)
    throw badQuery('before', 'is the same as `to`: give one of them');
  const end = before === undefined ? readTime('to', to) : readTime('before', before);
  const from = readTime('from', query.from);
  if (last === undefined) return { from, to: end };
  if (from !== null) throw badQuery('last', 'and `from` both say where the window begins: give one of them');
  const [, count = '', unit = ''] = /^(\d+)([smhd])$/.exec(last) ?? [];
  return { from: (end ?? now) - Number(count) * (UNITS_MS[unit] ?? 0), to: end };
}

function readPosition(text: string | undefined): ReportPage['after'] {
  if (text === undefined) return null;
  const match = /^(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const [incarnation = NaN, boot = NaN, seq = NaN] = (match?.slice(1) ?? []).map(Number);
  if (![incarnation, boot, seq].every(Number.isSafeInteger) || incarnation > INCARNATION_MAX) {
    throw badQuery('after', `expected incarnation.boot.seq, such as 1.3.17, got "${text}"`);
  }
  return { incarnation, boot, seq };
}
