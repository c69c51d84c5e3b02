/**
 * What becomes known, as it becomes known: server-sent events from the stream CHANGES. The id of an event is its place in that
 * stream, so that whoever comes back with `Last-Event-ID`, to any node, goes on where it was.
 */
import { Type } from '@sinclair/typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ChangeSink } from '../../runtime/ports.ts';
import { changeEvent } from '../change-view.ts';
import { type HttpApp, type HttpContext, knownDevice } from '../context.ts';
import { EventStream } from '../event-stream.ts';
import { badQuery, Problem, problemResponses } from '../problem.ts';
import { deviceParams, noParameters } from './devices.ts';

/** How many readers a node serves at once; one more is told to ask another node, or later. */
export const EVENT_READERS_MAX = 100;

const headers = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({ description: 'id of the last event that was read: everything after it follows' }),
  ),
});

/** What the handler answers with is the reply itself, which carries the stream. */
const EventsSchema = Type.Unsafe<FastifyReply>({
  type: 'string',
  description:
    'text/event-stream. `open` (where it begins), `changed` (a line of the journal, with the device as it stood), `outcome` (a ' +
    'command’s outcome became known), `gone` (the stream no longer holds what was asked for), `slow` (too little was read: come back ' +
    'with Last-Event-ID). The id is the place in the stream. A line that is published twice has the same partition and no.',
});

const response = {
  200: { description: 'events', content: { 'text/event-stream': { schema: EventsSchema } } },
  ...problemResponses,
};

/** Registers `/v1/events` and `/v1/devices/:device/events`. */
export function eventRoutes(app: HttpApp, context: HttpContext): void {
  const readers: Readers = { all: new Set(), areSentAway: false };
  app.addHook('preClose', async () => {
    readers.areSentAway = true;
    for (const reader of readers.all) reader.end();
  });

  app.get(
    '/v1/events',
    {
      config: { access: 'read' },
      compress: false,
      schema: {
        operationId: 'followFleet',
        summary: 'What becomes known of all devices, as it does',
        tags: ['events'],
        querystring: noParameters,
        headers,
        response,
      },
    },
    (request, reply) => follow({ context, readers, request, reply, device: null }),
  );

  app.get(
    '/v1/devices/:device/events',
    {
      config: { access: 'read' },
      compress: false,
      schema: {
        operationId: 'followDevice',
        summary: 'What becomes known of one device, as it does',
        tags: ['events'],
        params: deviceParams,
        querystring: noParameters,
        headers,
        response,
      },
    },
    async (request, reply) => {
      const { twin } = await knownDevice(context, request.params.device);
      return follow({ context, readers, request, reply, device: twin.device });
    },
  );
}

/** Who follows events on this node. */
interface Readers {
  readonly all: Set<EventStream>;
  /** The node is being stopped: whoever comes now goes as well. */
  areSentAway: boolean;
}

async function follow(options: {
  readonly context: HttpContext;
  readonly readers: Readers;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly device: string | null;
}): Promise<FastifyReply> {
  const { context, readers, request, reply, device } = options;
  if (readers.all.size >= EVENT_READERS_MAX) {
    throw new Problem('too-many-readers', `${String(EVENT_READERS_MAX)} readers follow events here already`);
  }
  const after = readPlace(request.headers['last-event-id']) ?? (await lastPlace(context));
  const stream = new EventStream(context.clock);
  readers.all.add(stream);
  void stream.write({ event: 'open', id: after, data: { after } });
  if (readers.areSentAway) stream.end();
  const feed = await context.changes.open({ after, device, sink: sinkOf(stream) });
  void stream.ended.then(() => {
    readers.all.delete(stream);
    return feed.stop();
  });
  return reply
    .type('text/event-stream')
    .headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
    .send(stream.body);
}

function sinkOf(stream: EventStream): ChangeSink {
  return {
    deliver: async (batch) => {
      for (const change of batch) {
        const event = changeEvent(change);
        if (event !== null && !(await stream.write(event))) return;
      }
    },
    gone: ({ from, to }) => {
      const detail =
        to < from
          ? 'the stream was made anew: its places begin from 1 again'
          : 'the stream no longer holds them: read the devices and journals anew';
      void stream.write({ event: 'gone', id: to, data: { from, to, detail } });
    },
    // The reader comes back, and goes on after the last event that it has.
    ended: () => stream.end(),
  };
}

async function lastPlace(context: HttpContext): Promise<number> {
  try {
    return await context.changes.lastSequence();
  } catch (cause) {
    throw new Problem('hub-unavailable', 'the hub cannot be asked where the stream of changes ends', {
      cause,
    });
  }
}

function readPlace(text: string | string[] | undefined): number | null {
  if (text === undefined || text === '') return null;
  const place = Number(text);
  if (typeof text === 'string' && /^\d+$/.test(text) && Number.isSafeInteger(place)) return place;
  throw badQuery('Last-Event-ID', 'expected the id of an event, a whole number');
}
