/**
 * The fleet's devices, found and sorted.
 *
 * Pages begin after the last device of the page before (by what it was sorted by, and its id), never at a count: devices that come,
 * go or change meanwhile move no other one. In the order of ids, which never change, every device that exists all the while
 * is shown exactly once.
 */
import { KindGuard, type Static, type TOptional, type TSchema, Type } from '@sinclair/typebox';
import type { Kind } from '../../../machines/kind.ts';
import { SUSPECT_STATES } from '../../../machines/shown-state.ts';
import type { DeviceOrder } from '../../history/ports.ts';
import { deviceFilter, FILTER_NAMES, type FilterName, FILTERS } from '../../contract/device-filter.ts';
import { QUALITIES } from '../../contract/twin-document.ts';
import { askStore, documentNow, type HttpApp, type HttpContext, kindNamed } from '../context.ts';
import { deviceCursor, readDeviceCursor } from '../device-cursor.ts';
import { limitParameter, nextPath, NextSchema } from '../page.ts';
import { badQuery, problemResponses } from '../problem.ts';
import { deviceSummary, DeviceSummarySchema } from '../twin-view.ts';

/** How many devices a page holds unless asked otherwise, and at most. */
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

/** The orders a list may be asked in; the older a state, the earlier it was measured. */
const ORDERS: Readonly<Record<string, DeviceOrder>> = {
  id: { by: 'id', isDescending: false },
  '-id': { by: 'id', isDescending: true },
  since: { by: 'since', isDescending: false },
  '-since': { by: 'since', isDescending: true },
  lastContact: { by: 'lastContact', isDescending: false },
  '-lastContact': { by: 'lastContact', isDescending: true },
  ageMs: { by: 'asOf', isDescending: true },
  '-ageMs': { by: 'asOf', isDescending: false },
};

/** The members a line of the list may be restricted to. */
const FIELDS = Object.keys(DeviceSummarySchema.properties);

/** Registers `/v1/devices`. */
export function deviceListRoutes(app: HttpApp, context: HttpContext): void {
  app.get(
    '/v1/devices',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'listDevices',
        summary: 'Devices, found and sorted',
        tags: ['devices'],
        querystring: deviceListQuery(context.kinds),
        response: { 200: DeviceListSchema, ...problemResponses },
      },
    },
    async (request) => {
      const { sort, limit, cursor, fields, total } = request.query;
      const order = ORDERS[sort];
      if (order === undefined) throw badQuery('sort', `expected one of ${Object.keys(ORDERS).join(', ')}`);
      const wanted = readFields(fields);
      const filter = deviceFilter(request.query);
      const isById = order.by === 'id';
      const after = readDeviceCursor(cursor, isById);
      const [found, counted] = await Promise.all([
        askStore(context, (fleetReader) => fleetReader.find({ ...filter, order, limit, cursor: after })),
        total ? askStore(context, (fleetReader) => fleetReader.count(filter)) : null,
      ]);
      const next = found.cursor && deviceCursor(found.cursor, isById);
      return {
        devices: found.devices.map((row) => {
          const known = kindNamed(context, row.kind);
          return onlyFields(deviceSummary(row, known && documentNow(context, row.twin, known)), wanted);
        }),
        total: counted?.devices ?? null,
        totalIsExact: counted?.isExact ?? null,
        cursor: next,
        next: next === null ? null : nextPath(request.url, { cursor: next }),
      };
    },
  );
}

/** A page of the list of devices. */
export const DeviceListSchema = Type.Object({
  devices: Type.Array(Type.Partial(DeviceSummarySchema), {
    description: 'in the order asked for; every member of each, unless `fields` leaves it out',
  }),
  total: Type.Union([Type.Integer(), Type.Null()], {
    description: 'devices on all pages together; null when it was not asked for',
  }),
  totalIsExact: Type.Union([Type.Boolean(), Type.Null()], {
    description:
      'false: `total` is the most that can be, because the error of a measurement reaches across the limit of its kind',
  }),
  cursor: Type.Union([Type.String(), Type.Null()], {
    description: 'after which the next page begins; with `sort=id` the id of a device',
  }),
  next: NextSchema,
});

/** The filters as parameters. Only kinds and states that exist are taken: an empty list would look like good news. */
function filterParameters(kinds: readonly Kind[]): Record<FilterName, TOptional<TSchema>> {
  const states = new Set([...kinds.flatMap(({ machine }) => Object.keys(machine.states)), ...SUSPECT_STATES]);
  const known = { kinds: kinds.map(({ name }) => name), states: [...states].sort() };
  const parameters = FILTER_NAMES.map((name) => {
    const { schema, meaning, among } = FILTERS[name];
    const description = `only devices ${meaning}`;
    if (among !== undefined) return [name, Type.Optional(oneOf(known[among], description))];
    if (KindGuard.IsUnion(schema)) return [name, Type.Optional(oneOf(QUALITIES, description))];
    return [name, Type.Optional({ ...schema, description })];
  });
  return Object.fromEntries(parameters) as Record<FilterName, TOptional<TSchema>>;
}

function deviceListQuery(kinds: readonly Kind[]) {
  return Type.Object(
    {
      ...filterParameters(kinds),
      sort: Type.Unsafe<string>({
        type: 'string',
        enum: Object.keys(ORDERS),
        default: 'id',
        description: 'what to sort by; - for the greatest first. Devices without a value come last',
      }),
      fields: Type.Optional(
        Type.String({ description: `members of each device, separated by commas: ${FIELDS.join(', ')}` }),
      ),
      total: Type.Boolean({ default: true, description: 'count the devices on all pages' }),
      limit: limitParameter({ what: 'devices', byDefault: LIMIT_DEFAULT, most: LIMIT_MAX }),
      cursor: Type.Optional(Type.String({ maxLength: 128, description: '`cursor` of the page before' })),
    },
    { additionalProperties: false },
  );
}

function readFields(text: string | undefined): ReadonlySet<string> | null {
  if (text === undefined) return null;
  const fields = text.split(',').map((field) => field.trim());
  const unknown = fields.find((field) => !FIELDS.includes(field));
  if (unknown === undefined) return new Set(fields);
  throw badQuery('fields', `a device has no member "${unknown}"; it has ${FIELDS.join(', ')}`);
}

type Line = Static<typeof DeviceSummarySchema>;

function onlyFields(line: Line, wanted: ReadonlySet<string> | null): Partial<Line> {
  if (wanted === null) return line;
  return Object.fromEntries(Object.entries(line).filter(([name]) => wanted.has(name)));
}

function oneOf(values: readonly string[], description: string) {
  return Type.Unsafe<string>({ type: 'string', enum: values, description });
}
