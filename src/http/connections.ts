/**
 * Connections, bounded in number and in time, whatever is done on them. Node's own limits do not do it: it takes the longer of its two
 * timeouts for bodies, gives up the one for idle connections as soon as any byte arrives (an empty line will do), does not mind how
 * slowly an answer is taken, and stops looking when it closes. Browsers open some connections in advance, which it then waits for.
 *
 * Invariants:
 * I1  A connection without a request under way is cut after HEADER_MS, or KEEP_ALIVE_MS after the last answer; bytes are no request.
 * I2  A request under way is cut BODY_MS after its header while its body is not whole, and ANSWER_MS after its header while its answer
 *     is not taken. Only an answer without an end (`isEndless`) may last: it judges its reader itself.
 * I3  There are at most CONNECTIONS_MAX, and CONNECTIONS_EACH_MAX of one address.
 * I4  Nothing waits behind an answer without an end, where it could never be answered: such an answer is refused to who has asked for
 *     more behind it already, and whoever asks for more while it lasts is cut.
 * I5  When a connection has closed, so has every answer on it (`close` of its `ServerResponse`), also one whose turn never came.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Cancel, Clock } from '../runtime/ports.ts';
import { answerUnreadable } from './answer-problems.ts';
import type { HttpApp } from './context.ts';
import { Problem } from './problem.ts';
import { addressBlock } from './remote-address.ts';

/** Connections at once; what comes above it is closed, and counted. */
export const CONNECTIONS_MAX = 1_000;

/** Of one address; what comes above it is closed, and counted. It leaves room for others, and is enough for a proxy before the node. */
export const CONNECTIONS_EACH_MAX = 500;

/** The header of the first request has to be whole within this, ms; then it is answered `request-timeout`. */
export const HEADER_MS = 10_000;

/** A body has to be whole so long after its header, ms; then the request is answered `request-timeout`. */
export const BODY_MS = 10_000;

/** After an answer the next request has to be there within this, ms, header and all; more than proxies keep a connection that rests. */
export const KEEP_ALIVE_MS = 72_000;

/** A request is answered, and the answer taken, within this, ms: longer than any command is waited for. Then the connection is cut. */
export const ANSWER_MS = 120_000;

/** Requests on one connection, after which it is closed; whoever has more to ask connects again. */
export const REQUESTS_EACH_MAX = 10_000;

/** How often all connections are looked at, ms: so much later than its limit one may be cut. */
export const LOOK_MS = 1_000;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its answer has no end; whoever writes it judges the reader. */
    isEndless?: boolean;
  }
}

/** What connections are judged by, and who hears of those that are not let in, and of requests behind an answer without an end. */
export interface ConnectionsOptions {
  readonly clock: Clock;
  readonly onRefused: () => void;
  readonly onBehindEndless: () => void;
}

const BEHIND_ENDLESS =
  'another request waits behind this one on its connection, and this answer has no end: ask for it on a connection of its own';

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly since: number;
  isEndless: boolean;
}

interface Connection {
  readonly socket: Socket;
  readonly block: string;
  readonly underWay: Set<Exchange>;
  /** The one behind which no other waits; `null`: nothing is under way. */
  newest: Exchange | null;
  /** Since when nothing was under way, and how many bytes had come by then. */
  restsSince: number;
  bytesBefore: number;
  /** Since when a request is on its way that is not there yet, or a body that nobody waits for any more; `null`: nothing is. */
  begunAt: number | null;
  /** It was told so, and is destroyed when it is still there at the next look. */
  isCut: boolean;
}

/** Bounds the connections of a server from now on. */
export function boundConnections(app: HttpApp, options: ConnectionsOptions): void {
  const { clock, onRefused, onBehindEndless } = options;
  const connections = new Map<Socket, Connection>();
  const exchanges = new WeakMap<IncomingMessage, Exchange>();
  let isClosing = false;
  let cancel: Cancel | null = null;

  const look = (): void => {
    const now = clock.now();
    for (const connection of connections.values()) judge(connection, now);
    cancel = connections.size === 0 ? null : clock.after(LOOK_MS, look);
  };
  const isRefused = (block: string): boolean => {
    if (isClosing) return true;
    const ofBlock = [...connections.values()].filter((connection) => connection.block === block).length;
    if (connections.size < CONNECTIONS_MAX && ofBlock < CONNECTIONS_EACH_MAX) return false;
    onRefused();
    return true;
  };

  app.server.on('connection', (socket) => {
    const block = addressBlock(socket.remoteAddress);
    if (isRefused(block)) {
      socket.destroy();
      return;
    }
    const now = clock.now();
    const rest = { restsSince: now, bytesBefore: 0, begunAt: now, isCut: false };
    const connection = { socket, block, underWay: new Set<Exchange>(), newest: null, ...rest };
    connections.set(socket, connection);
    socket.once('close', () => {
      connections.delete(socket);
      closeWaiting(connection);
    });
    cancel ??= clock.after(LOOK_MS, look);
  });
  app.server.on('request', (request, response) => {
    const connection = connections.get(request.socket);
    if (connection === undefined) return;
    const exchange = { request, response, since: clock.now(), isEndless: false };
    const isBehindEndless = connection.newest?.isEndless === true;
    connection.underWay.add(exchange);
    connection.newest = exchange;
    response.once('close', () => {
      connection.underWay.delete(exchange);
      if (connection.newest === exchange) connection.newest = null;
      connection.restsSince = clock.now();
      connection.bytesBefore = connection.socket.bytesRead;
      connection.begunAt = request.complete ? null : connection.restsSince;
      if (isClosing && connection.underWay.size === 0) connection.socket.destroySoon();
    });
    exchanges.set(request, exchange);
    if (!isBehindEndless) return;
    onBehindEndless();
    request.socket.destroy();
  });
  app.addHook('preHandler', async ({ raw, routeOptions }) => {
    const exchange = exchanges.get(raw);
    const connection = connections.get(raw.socket);
    if (exchange === undefined || connection === undefined || routeOptions.config.isEndless !== true) return;
    if (connection.newest === exchange) exchange.isEndless = true;
    else {
      onBehindEndless();
      throw new Problem('bad-request', BEHIND_ENDLESS);
    }
  });
  app.addHook('preClose', async () => {
    isClosing = true;
    // Nobody loses anything: nothing was asked on them, or all is answered.
    for (const { socket, underWay } of connections.values()) if (underWay.size === 0) socket.destroy();
  });
  app.addHook('onClose', async () => cancel?.());
}

/**
 * Node closes the answer that has its turn, and forgets those that waited for theirs. Whoever holds something for one of them, a place,
 * a file, a stream, waits for its `close` to let go.
 */
function closeWaiting({ underWay }: Connection): void {
  for (const { response } of [...underWay]) {
    if (response.socket !== null) continue;
    response.destroy();
    response.emit('close');
  }
}

function judge(connection: Connection, now: number): void {
  const { socket, underWay, isCut } = connection;
  if (isCut) socket.destroy();
  else if (underWay.size === 0) judgeRest(connection, now);
  else for (const exchange of underWay) judgeExchange(connection, exchange, now);
}

function judgeRest(connection: Connection, now: number): void {
  const { socket, restsSince, bytesBefore } = connection;
  const hasBegun = socket.bytesRead > bytesBefore;
  if (hasBegun) connection.begunAt ??= now;
  const { begunAt } = connection;
  if (begunAt !== null && now - begunAt >= HEADER_MS) cut(connection, hasBegun);
  else if (now - restsSince >= KEEP_ALIVE_MS) cut(connection, false);
}

function judgeExchange(connection: Connection, exchange: Exchange, now: number): void {
  const { request, response, since, isEndless } = exchange;
  if (!request.complete && now - since >= BODY_MS) cut(connection, !response.headersSent);
  else if (!isEndless && now - since >= ANSWER_MS) cut(connection, false);
}

/** Whoever began a request is told why it ends. */
function cut(connection: Connection, isToldWhy: boolean): void {
  const { socket } = connection;
  connection.isCut = true;
  if (!isToldWhy) socket.destroy();
  else answerUnreadable(Object.assign(new Error('too slow'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
}
