/**
 * What becomes known, as it becomes known: server-sent events from the stream CHANGES. The id of an event is its place in that
 * stream, and says in which stream of the name: whoever comes back with `Last-Event-ID`, to any node, goes on where it was, or is told that
 * there is no such place any more.
 */
import { Type } from '@sinclair/typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ChangeFeed, ChangesGone, ChangeSink } from '../../runtime/change-feed.ts';
import { type ChangePlace, readPlace } from '../../wire/change-place.ts';
import { type HttpApp, type HttpContext, knownDevice } from '../context.ts';
import { EventReaders } from '../event-readers.ts';
import { EventStream } from '../event-stream.ts';
import { EventTexts } from '../event-texts.ts';
import { badQuery, Problem, problemResponses } from '../problem.ts';
import { deviceParams, noParameters } from './devices.ts';

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
    'command’s outcome became known), `gone` (the stream no longer holds what was asked for, or is another one), `slow` (too little was read: come back ' +
    'with Last-Event-ID). The id is the place in the stream, and says in which: give it back as it is. A line that is published twice has the same partition and no.',
});

const response = {
  200: { description: 'events', content: { 'text/event-stream': { schema: EventsSchema } } },
  ...problemResponses,
};

/** Registers `/v1/events` and `/v1/devices/:device/events`. */
export function eventRoutes(app: HttpApp, context: HttpContext): void {
  const texts = new EventTexts({ counters: context.counters, log: app.log });
  const readers: Readers = { places: new EventReaders(), streams: new Set(), texts, areSentAway: false };
  app.addHook('preClose', async () => {
    readers.areSentAway = true;
    for (const stream of readers.streams) stream.end();
  });
  // An answer to HEAD would drain the stream, which has no end.
  const always = {
    config: { access: 'read' as const, isEndless: true },
    exposeHeadRoute: false,
    compress: false as const,
  };

  app.get(
    '/v1/events',
    {
      ...always,
      schema: {
        operationId: 'followFleet',
        summary: 'What becomes known of all devices, as it does',
        tags: ['events'],
        querystring: noParameters,
        headers,
        response,
      },
    },
    (request, reply) => follow({ context, readers, request, reply, find: async () => null }),
  );

  app.get(
    '/v1/devices/:device/events',
    {
      ...always,
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
    (request, reply) => {
      const find = async (): Promise<string> =>
        (await knownDevice(context, request.params.device)).twin.device;
      return follow({ context, readers, request, reply, find });
    },
  );
}

/** Who follows events on this node. */
interface Readers {
  readonly places: EventReaders;
  readonly streams: Set<EventStream>;
  readonly texts: EventTexts;
  /** The node is being stopped: whoever comes now goes as well. */
  areSentAway: boolean;
}

interface Following {
  readonly context: HttpContext;
  readonly readers: Readers;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Finds the device that is followed; `null`: all are. */
  readonly find: () => Promise<string | null>;
}

/** The place is taken before anything is waited for, and held until the response has ended, however that comes about. */
async function follow({ context, readers, request, reply, find }: Following): Promise<FastifyReply> {
  const giveBack = readers.places.take(request);
  let stream: EventStream | null = null;
  try {
    const place = placeAsked(request.headers['last-event-id']);
    const device = await find();
    // Asked also by who says where to go on: while the hub is away nothing can arrive, and the stream would say that all is well.
    const last = await lastPlace(context);
    const after = place ?? last;
    stream = new EventStream(context.clock);
    begin({ stream, readers, request, reply, giveBack });
    void stream.write({ event: 'open', id: after, data: { after: after.sequence } });
    if (readers.areSentAway) stream.end();
    const feed = await openFeed(context, { after, device, sink: sinkOf(stream, readers.texts) });
    void stream.ended.then(() => feed.stop());
  } catch (error) {
    if (stream === null) giveBack();
    else stream.cut();
    throw error;
  }
  return reply
    .type('text/event-stream')
    .headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
    .send(stream.body);
}

function begin({
  stream,
  readers,
  request,
  reply,
  giveBack,
}: Pick<Following, 'readers' | 'request' | 'reply'> & {
  readonly stream: EventStream;
  readonly giveBack: () => void;
}): void {
  readers.streams.add(stream);
  void stream.ended.then(() => {
    readers.streams.delete(stream);
    giveBack();
  });
  // The reader may have gone while its device was looked up. When it goes later, the response closes, even if its turn never came (I5 of
  // connections.ts).
  if (reply.raw.destroyed || request.raw.socket.destroyed) stream.cut();
  reply.raw.once('close', () => stream.cut());
}

function sinkOf(stream: EventStream, texts: EventTexts): ChangeSink {
  let isHearing = false;
  stream.deaf();
  return {
    deliver: async (batch) => {
      // However slowly it is taken: something arrives.
      stream.heard();
      const text = texts.of(batch);
      if (text.length > 0 && !(await stream.writeText(text))) return;
      if (!isHearing) stream.deaf();
    },
    gone: (range) => {
      const { from, to, made } = range;
      const id = { made, sequence: to };
      void stream.write({ event: 'gone', id, data: { from, to, detail: detailOf(range) } });
    },
    hearing: (is) => {
      isHearing = is;
      if (is) stream.heard();
      else if (!stream.isWriting) stream.deaf();
    },
    // The reader comes back, and goes on after the last event that it has.
    ended: () => stream.end(),
  };
}

function detailOf({ from, to, isTail }: ChangesGone): string {
  if (isTail === true)
    return 'the hub was set back, and the stream has lost its last events: read the devices and journals anew';
  return to < from
    ? 'the stream was made anew, and its places with it: read the devices and journals anew'
    : 'the stream no longer holds them: read the devices and journals anew';
}

async function lastPlace({ changes }: HttpContext): Promise<ChangePlace> {
  try {
    return await changes.last();
  } catch (cause) {
    throw new Problem('hub-unavailable', 'the hub cannot be asked where the stream of changes ends', {
      cause,
    });
  }
}

async function openFeed(
  { changes }: HttpContext,
  options: Parameters<ChangeFeed['open']>[0],
): ReturnType<ChangeFeed['open']> {
  try {
    return await changes.open(options);
  } catch (cause) {
    throw new Problem('hub-unavailable', 'the hub cannot be asked for the stream of changes', { cause });
  }
}

function placeAsked(text: string | string[] | undefined): ChangePlace | null {
  if (text === undefined || text === '') return null;
  const place = typeof text === 'string' ? readPlace(text) : null;
  if (place !== null) return place;
  throw badQuery('Last-Event-ID', 'expected the id of an event, as it was told');
}
