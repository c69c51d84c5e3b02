/**
 * The fleet in numbers, now and over time.
 */
import { Type } from '@sinclair/typebox';
import { AnyKey } from '../../../machines/report.ts';
import type { DeviceCount, StateChange } from '../../history/ports.ts';
import { askStore, type HttpApp, type HttpContext } from '../context.ts';
import { readTime, timeParameter } from '../page.ts';
import { badQuery, problemResponses } from '../problem.ts';
import { rfc3339 } from '../rfc3339.ts';
import { noParameters } from './devices.ts';

/** Counting reads every twin: what was counted this long ago at most is told again, ms. */
const COUNTED_AGAIN_MS = 2_000;

/** The steps between the begin of a history and now, at most. */
const STEPS_MAX = 10_000;

/** What a history covers unless asked otherwise, ms. */
const HISTORY_MS = 86_400_000;
const STEP_MS = 900_000;

const Counts = Type.Record(AnyKey, Type.Integer(), { description: 'devices by known state' });
const ShownCounts = Type.Record(AnyKey, Type.Integer(), {
  description:
    'devices by state as people are told it: as `states`, but for `suspect`, which is either `suspect.doubted` (there is reason to ' +
    'doubt) or `suspect.out-of-service` (the device itself says so); each is a value of the filter `state`',
});
const Qualities = Type.Record(AnyKey, Type.Integer(), {
  description: 'devices by quality: fresh is certain, what may be stale counts as stale',
});
const counted = {
  devices: Type.Integer({ description: 'all of them' }),
  states: Counts,
  shownStates: ShownCounts,
  qualities: Qualities,
};

/** The fleet now. */
export const FleetSchema = Type.Object({
  countedAt: Type.String({ format: 'date-time' }),
  ...counted,
  kinds: Type.Array(Type.Object({ kind: Type.String(), ...counted })),
  sites: Type.Array(Type.Object({ site: Type.String(), ...counted })),
  firmwares: Type.Array(
    Type.Object({
      kind: Type.String(),
      firmware: Type.Union([Type.String(), Type.Null()], { description: 'null: none was ever reported' }),
      ...counted,
    }),
  ),
});

/** The fleet over time. */
export const FleetHistorySchema = Type.Object({
  from: Type.String({ format: 'date-time' }),
  to: Type.String({ format: 'date-time' }),
  stepMs: Type.Integer(),
  points: Type.Array(
    Type.Object({ at: Type.String({ format: 'date-time' }), states: Counts, transitions: Type.Integer() }),
    {
      description:
        'how many devices were known to be in each state at `at`, and the transitions in the step after it',
    },
  ),
});

const historyQuery = Type.Object(
  {
    from: timeParameter('begin; without it, a day before the end'),
    to: timeParameter('end; without it, now'),
    stepMs: Type.Integer({ minimum: 1_000, default: STEP_MS, description: 'between two points, ms' }),
    kind: Type.Optional(Type.String({ description: 'only devices of this kind' })),
  },
  { additionalProperties: false },
);

/** Registers `/v1/fleet` and `/v1/fleet/history`. */
export function fleetRoutes(app: HttpApp, context: HttpContext): void {
  nowRoute(app, context);
  historyRoute(app, context);
}

function nowRoute(app: HttpApp, context: HttpContext): void {
  let known: { readonly at: number; readonly counts: Promise<readonly DeviceCount[]> } | null = null;
  /** Everybody who asks while it is counted, or shortly after, is told the same numbers. */
  const countNow = async (): Promise<{ readonly at: number; readonly counts: readonly DeviceCount[] }> => {
    const now = context.clock.now();
    if (known === null || now - known.at > COUNTED_AGAIN_MS) {
      known = { at: now, counts: askStore(context, (fleetReader) => fleetReader.counts()) };
    }
    const asked = known;
    try {
      return { at: asked.at, counts: await asked.counts };
    } catch (error) {
      if (known === asked) known = null;
      throw error;
    }
  };

  app.get(
    '/v1/fleet',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getFleet',
        summary: 'How many devices are in which state',
        tags: ['fleet'],
        querystring: noParameters,
        response: { 200: FleetSchema, ...problemResponses },
      },
    },
    async () => {
      const { at, counts } = await countNow();
      return {
        countedAt: rfc3339(at),
        ...totalOf(counts),
        kinds: grouped(counts, ({ kind }) => ({ kind })),
        sites: grouped(counts, ({ site }) => ({ site })),
        firmwares: grouped(counts, ({ kind, firmware }) => ({ kind, firmware })),
      };
    },
  );
}

function historyRoute(app: HttpApp, context: HttpContext): void {
  app.get(
    '/v1/fleet/history',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getFleetHistory',
        summary: 'How many devices were known to be in which state, over time',
        description:
          'What twins knew at each time, by the journal: late reports change nothing of it. A device is counted in the state in ' +
          'which its kind is born until its first transition, also before it was known at all.',
        tags: ['fleet'],
        querystring: historyQuery,
        response: { 200: FleetHistorySchema, ...problemResponses },
      },
    },
    async (request) => {
      const { stepMs, kind } = request.query;
      const now = context.clock.now();
      const to = Math.min(readTime('to', request.query.to) ?? now, now);
      const from = readTime('from', request.query.from) ?? to - HISTORY_MS;
      if (to <= from) throw badQuery('to', 'expected a time after `from`, and `from` before now');
      if ((now - from) / stepMs > STEPS_MAX) {
        throw badQuery('stepMs', `that is more than ${String(STEPS_MAX)} steps from \`from\` until now`);
      }
      const isWanted = (one: { readonly kind: string }): boolean => kind === undefined || one.kind === kind;
      const [counts, changes] = await Promise.all([
        askStore(context, (fleetReader) => fleetReader.counts()),
        askStore(context, (fleetReader) => fleetReader.stateChanges({ from, stepMs })),
      ]);
      const points = history(
        counts.filter(isWanted),
        changes.filter(isWanted),
        Math.ceil((now - from) / stepMs),
      );
      return {
        from: rfc3339(from),
        to: rfc3339(to),
        stepMs,
        points: points
          .slice(0, Math.ceil((to - from) / stepMs))
          .map((point, step) => ({ ...point, at: rfc3339(from + step * stepMs) })),
      };
    },
  );
}

/** The states at the begin of each step: from what is now, back through the transitions. */
function history(
  counts: readonly DeviceCount[],
  changes: readonly StateChange[],
  steps: number,
): readonly { readonly states: Record<string, number>; readonly transitions: number }[] {
  const states = { ...totalOf(counts).states };
  const bySteps = new Map<number, StateChange[]>();
  for (const change of changes) bySteps.set(change.step, [...(bySteps.get(change.step) ?? []), change]);
  const points: { readonly states: Record<string, number>; readonly transitions: number }[] = [];
  for (let step = Math.max(steps - 1, ...bySteps.keys()); step >= 0; step -= 1) {
    let transitions = 0;
    for (const { from, to, transitions: count } of bySteps.get(step) ?? []) {
      transitions += count;
      states[from] = (states[from] ?? 0) + count;
      states[to] = (states[to] ?? 0) - count;
    }
    points.push({ states: { ...states }, transitions });
  }
  return points.reverse();
}

/** The counts of each group, in the order of their names. */
function grouped<Group extends object>(
  counts: readonly DeviceCount[],
  groupOf: (count: DeviceCount) => Group,
): (Group & ReturnType<typeof totalOf>)[] {
  const groups = new Map<string, DeviceCount[]>();
  for (const count of counts) {
    const key = JSON.stringify(groupOf(count));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [count]);
    else group.push(count);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, group]) => ({ ...(JSON.parse(key) as Group), ...totalOf(group) }));
}

function totalOf(counts: readonly DeviceCount[]): {
  readonly devices: number;
  readonly states: Record<string, number>;
  readonly shownStates: Record<string, number>;
  readonly qualities: Record<string, number>;
} {
  return {
    devices: counts.reduce((sum, { devices }) => sum + devices, 0),
    states: sumBy(counts, ({ state }) => state),
    shownStates: sumBy(counts, ({ shownState }) => shownState),
    qualities: sumBy(counts, ({ quality }) => quality),
  };
}

function sumBy(
  counts: readonly DeviceCount[],
  nameOf: (count: DeviceCount) => string,
): Record<string, number> {
  const sums = new Map<string, number>();
  for (const count of counts) sums.set(nameOf(count), (sums.get(nameOf(count)) ?? 0) + count.devices);
  return Object.fromEntries([...sums].sort(([a], [b]) => a.localeCompare(b)));
}
