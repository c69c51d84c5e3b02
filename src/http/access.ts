/**
 * Who may ask what. Every route says on itself who may: `config: { access: 'public' | 'read' | 'operate' }`. A server with a route that
 * does not say so does not start, and what no route is found for is treated like something to read. It is the MATCHED route that is
 * judged, never the spelling of its path.
 *
 * - `public` says nothing of the fleet: health, problems, documents, the page's files.
 * - `read` takes a token, unless the node listens on loopback and has none for reading.
 * - `operate` always takes a token that may operate.
 *
 * Where no token protects reading, a browser on the same machine is what strangers could ask through. So the node then answers under
 * names of loopback only, whatever the route, and what is not public not to pages of other origins.
 */
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { HttpApp } from './context.ts';
import { hostsAskedFor, isLoopback } from './loopback.ts';
import { Problem } from './problem.ts';
import { type NamedToken, tokenTable } from './token.ts';

/** What it takes to ask a route. */
export type RouteAccess = 'public' | 'read' | 'operate';

/** What the tokens are; none of a kind means that nobody has that right by a token. */
export interface Access {
  readonly readTokens: readonly NamedToken[];
  /** They may read as well. */
  readonly operateTokens: readonly NamedToken[];
  /** Whoever reaches the node may read: only where nobody else can reach it. */
  readonly isReadOpen: boolean;
}

/** Whoever asks, as far as that is proved. */
export interface Caller {
  /** Of the token. */
  readonly name: string;
}

/** A route, as it declares itself. */
export interface DeclaredRoute {
  readonly method: string;
  readonly url: string;
  readonly access: RouteAccess;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may ask this route; see `src/http/access.ts`. */
    access?: RouteAccess;
    /** It tells those who watch the process how it is: asked without bound, and under whatever name they have for the machine. */
    isProbe?: boolean;
  }
  interface FastifyRequest {
    /** Whose token the request came with; `null` where it came without one, and needs none. */
    caller: Caller | null;
  }
  interface FastifyInstance {
    /** Every route so far, with what it takes to ask it. Throws when one does not say. */
    declaredRoutes(): readonly DeclaredRoute[];
  }
}

/** Collects the routes that are registered from now on. The server does not become ready while one of them does not say who may ask it. */
export function collectDeclarations(app: HttpApp): void {
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    routes.push(route);
  });
  app.decorate('declaredRoutes', () => routes.flatMap(declarationsOf));
  app.addHook('onReady', async () => {
    app.declaredRoutes();
  });
}

function declarationsOf({ method, url, config }: RouteOptions): readonly DeclaredRoute[] {
  const access = config?.access;
  const methods = [method].flat();
  if (access !== undefined) return methods.map((one) => ({ method: one, url, access }));
  throw new Error(
    `${methods.join(', ')} ${url} does not say who may ask it: its config.access has to be public, read or operate`,
  );
}

/** Lets the routes of a plugin, which is to be registered on `scope` after it, declare what they cannot say themselves. */
export function declareAll(scope: HttpApp, access: RouteAccess): void {
  scope.addHook('onRoute', (route) => {
    route.config = { ...route.config, access };
  });
}

/** Who may ask, whatever for, is looked at in two steps: CORS answers between them, before any token is sent. */
export interface AccessCheck {
  /** Throws the problems `bad-request` and `foreign-host`. */
  checkHost(request: FastifyRequest): void;
  /** Finds the caller. Throws the problems `unauthorized`, `forbidden` and `foreign-origin`. */
  checkCaller(request: FastifyRequest, reply: FastifyReply): void;
}

/** Makes the check of requests; pages of `corsOrigins` may read the answers. */
export function accessCheck(access: Access, corsOrigins: readonly string[]): AccessCheck {
  const readers = tokenTable(access.readTokens);
  const operators = tokenTable(access.operateTokens);
  return {
    checkHost: (request) => {
      checkForm(request);
      if (access.isReadOpen && request.routeOptions.config.isProbe !== true) checkHost(request);
    },
    checkCaller: (request, reply) => {
      const needed = accessOf(request);
      const token = bearerOf(request);
      const operator = token && operators.nameOf(token);
      const name = operator ?? (token && readers.nameOf(token));
      request.caller = name === null ? null : { name };
      if (needed === 'public' || operator !== null) return;
      if (needed === 'read' && (access.isReadOpen || name !== null)) {
        if (name === null) checkOrigin(request, corsOrigins);
        return;
      }
      if (name !== null) throw new Problem('forbidden', 'this token may read; it takes one that may operate');
      const error = token === null ? '' : ', error="invalid_token"';
      void reply.header('www-authenticate', `Bearer realm="corral"${error}`);
      throw new Problem(
        'unauthorized',
        token === null ? wayIn(access, needed) : 'the token is none of this node',
      );
    },
  };
}

/** What is not there is nothing public. A route that says nothing is not there: the server would not have started with it. */
function accessOf({ is404, routeOptions }: FastifyRequest): RouteAccess {
  if (is404) return 'read';
  const { access } = routeOptions.config;
  if (access === undefined)
    throw new Problem('forbidden', 'this route does not say who may ask it, so nobody may');
  return access;
}

function wayIn({ operateTokens }: Access, needed: RouteAccess): string {
  if (needed === 'read') return 'send `Authorization: Bearer <token>` with a token that may read or operate';
  if (operateTokens.length > 0) return 'send `Authorization: Bearer <token>` with a token that may operate';
  return 'this node takes no commands over HTTP: CORRAL_HTTP_OPERATE_TOKENS names nobody who may';
}

function bearerOf({ headers }: FastifyRequest): string | null {
  return /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}

/** Which of two names a request is for, proxies and servers do not agree on (RFC 9112, 3.2). */
function checkForm({ raw }: FastifyRequest): void {
  const { length } = hostsAskedFor(raw, '');
  if (length === 1 || (length === 0 && raw.httpVersion === '1.0')) return;
  const problem = length === 0 ? 'this one has none' : `this one has ${String(length)}`;
  throw new Problem('bad-request', `a request of HTTP/1.1 has one header \`Host\`, ${problem}`);
}

/** A request that gives no name at all (HTTP/1.0) is no browser's, and yet nothing says that it is meant for this node. */
function checkHost({ raw, originalUrl }: FastifyRequest): void {
  const hosts = hostsAskedFor(raw, originalUrl);
  const foreign = hosts.length === 0 ? '' : hosts.find((host) => !isLoopback(host));
  if (foreign === undefined) return;
  throw new Problem(
    'foreign-host',
    `without a token this node answers under localhost, 127.0.0.1 and [::1], not under "${foreign}"`,
  );
}

/**
 * A page of any origin can make its reader's browser ask loopback, and need not see the answer to hold a connection. Browsers say for
 * whom they ask: `Origin`, or `Sec-Fetch-Site` (Fetch Metadata) where they send no origin.
 */
function checkOrigin({ headers }: FastifyRequest, corsOrigins: readonly string[]): void {
  const { origin, host, 'sec-fetch-site': site } = headers;
  const isOwn = origin === `http://${host ?? ''}`;
  if (
    origin === undefined
      ? site !== 'cross-site' && site !== 'same-site'
      : isOwn || corsOrigins.includes(origin)
  )
    return;
  throw new Problem(
    'foreign-origin',
    'without a token this node does not answer pages of other origins; CORRAL_HTTP_CORS_ORIGINS names those that may ask',
  );
}
