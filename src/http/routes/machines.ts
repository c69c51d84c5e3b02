/**
 * The machines of the kinds: as data, as Mermaid, as a drawing, and as a drawing of where a device is in it.
 */
import { Type } from '@sinclair/typebox';
import { worldState } from '../../../machines/statechart.ts';
import { askStore, type HttpApp, type HttpContext, knownDevice } from '../context.ts';
import { machineDefinition, MachineSchema } from '../machine-definition.ts';
import { drawMachine } from '../machine-drawing.ts';
import { readLayout } from '../machine-layout.ts';
import { mermaidOf } from '../machine-mermaid.ts';
import { problemResponses } from '../problem.ts';
import { deviceParams, noParameters } from './devices.ts';
import { kindParams, knownKind } from './kinds.ts';

const FORMATS = ['json', 'mermaid', 'svg'] as const;
type Format = (typeof FORMATS)[number];

const SVG = 'image/svg+xml';
const MERMAID = 'text/vnd.mermaid';

/** A drawing runs nothing and loads nothing, also where it is opened by itself. */
const SVG_HEADERS = { 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'" };

const query = Type.Object(
  {
    format: Type.Optional(
      Type.Unsafe<Format>({
        type: 'string',
        enum: [...FORMATS],
        description: 'without it, what `Accept` asks for; else json',
      }),
    ),
  },
  { additionalProperties: false },
);

const drawing = (description: string) => ({
  description,
  content: { [SVG]: { schema: Type.String() } },
});

/** Registers `/v1/kinds/:kind/machine` and `/v1/devices/:device/machine.svg`. */
export function machineRoutes(app: HttpApp, context: HttpContext): void {
  kindMachineRoute(app, context);
  deviceMachineRoute(app, context);
}

function kindMachineRoute(app: HttpApp, context: HttpContext): void {
  app.get(
    '/v1/kinds/:kind/machine',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getMachine',
        summary: 'The machine of a kind, as data, as Mermaid or as a drawing',
        tags: ['kinds'],
        params: kindParams,
        querystring: query,
        response: {
          200: {
            description: 'the machine',
            content: {
              'application/json': { schema: MachineSchema },
              [MERMAID]: { schema: Type.String() },
              [SVG]: { schema: Type.String() },
            },
          },
          ...problemResponses,
        },
      },
    },
    async (request, reply) => {
      const kind = knownKind(context, request.params.kind);
      const machine = machineDefinition(kind);
      void reply.header('vary', 'accept');
      switch (request.query.format ?? accepted(request.headers.accept)) {
        case 'json':
          return reply.type('application/json').send(machine);
        case 'mermaid':
          return reply.type(`${MERMAID}; charset=utf-8`).send(mermaidOf(machine));
        case 'svg': {
          const layout = readLayout(machine);
          const title = `The states of a ${kind.name}`;
          return reply
            .type(SVG)
            .headers(SVG_HEADERS)
            .send(drawMachine({ machine, layout, title, now: null }));
        }
      }
    },
  );
}

function deviceMachineRoute(app: HttpApp, context: HttpContext): void {
  app.get(
    '/v1/devices/:device/machine.svg',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'drawDevice',
        summary: 'Its machine, with the state it is in lit and its last transition marked',
        tags: ['devices'],
        params: deviceParams,
        querystring: noParameters,
        response: { 200: drawing('the drawing'), ...problemResponses },
      },
    },
    async (request, reply) => {
      const { twin, kind } = await knownDevice(context, request.params.device);
      const page = { before: null, recordedUpTo: null, limit: 1 };
      const machine = machineDefinition(kind);
      const layout = readLayout(machine);
      const [last = null] = await askStore(context, (fleetReader) =>
        fleetReader.transitions(twin.device, page),
      );
      const { path } = twin;
      const svg = drawMachine({
        machine,
        layout,
        title: `${twin.device} is ${worldState(path)} (${path})`,
        now: { path, last },
      });
      return reply
        .type(SVG)
        .headers({ ...SVG_HEADERS, 'cache-control': 'no-cache' })
        .send(svg);
    },
  );
}

function accepted(accept: string | undefined): Format {
  const wanted = (accept ?? '').split(',').map((type) => type.split(';', 1)[0]?.trim());
  const known: Readonly<Record<string, Format>> = {
    'application/json': 'json',
    [MERMAID]: 'mermaid',
    'text/plain': 'mermaid',
    [SVG]: 'svg',
  };
  return wanted.map((type) => known[type ?? '']).find((format) => format !== undefined) ?? 'json';
}
