/**
 * The fleet in numbers.
 */
import { Type } from '@sinclair/typebox';
import { askStore, type HttpApp, type HttpContext } from '../context.ts';
import { problemResponses } from '../problem.ts';
import { rfc3339 } from '../rfc3339.ts';
import { noParameters } from './devices.ts';

const Counts = Type.Record(Type.String(), Type.Integer(), { description: 'devices by known state' });

const FleetSchema = Type.Object({
  countedAt: Type.String({ format: 'date-time' }),
  devices: Type.Integer({ description: 'all of them' }),
  states: Counts,
  kinds: Type.Array(Type.Object({ kind: Type.String(), devices: Type.Integer(), states: Counts })),
});

/** Registers `/v1/fleet`. */
export function fleetRoutes(app: HttpApp, context: HttpContext): void {
  app.get(
    '/v1/fleet',
    { schema: { querystring: noParameters, response: { 200: FleetSchema, ...problemResponses } } },
    async () => {
      const counts = await askStore(context, (archive) => archive.counts());
      const kindNames = [...new Set(counts.map(({ kind }) => kind))].sort();
      return {
        countedAt: rfc3339(context.clock.now()),
        ...totalOf(counts),
        kinds: kindNames.map((kind) => ({ kind, ...totalOf(counts.filter((count) => count.kind === kind)) })),
      };
    },
  );
}

function totalOf(counts: readonly { readonly state: string; readonly devices: number }[]): {
  readonly devices: number;
  readonly states: Record<string, number>;
} {
  const states = new Map<string, number>();
  for (const { state, devices } of counts) states.set(state, (states.get(state) ?? 0) + devices);
  return {
    devices: counts.reduce((sum, { devices }) => sum + devices, 0),
    states: Object.fromEntries([...states].sort(([a], [b]) => a.localeCompare(b))),
  };
}
