/**
 * Who may ask what. Everything under `/v1`, and the metrics, is the fleet's: it takes a token to read, unless the node listens on
 * loopback and has none for reading, and always one to command. The rest (health, problems, documents, the page's files) says
 * nothing of the fleet.
 *
 * A page in a browser on the same machine could be made to ask a loopback address under another name; so where no token protects
 * reading, the name asked for has to be one of loopback.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';

/** What the tokens are; none of a kind means that nobody has that right by a token. */
export interface Access {
  readonly readTokens: readonly string[];
  /** They may read as well. */
  readonly operateTokens: readonly string[];
  /** Whoever reaches the node may read: only where nobody else can reach it. */
  readonly isReadOpen: boolean;
}

const PROTECTED = ['/v1/', '/metrics'];

/** Makes the check of a request. Throws the problems `unauthorized`, `forbidden` and `foreign-host`. */
export function accessCheck(access: Access): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  const readers = access.readTokens.map(digestOf);
  const operators = access.operateTokens.map(digestOf);
  return async (request, reply) => {
    const { method, url } = request;
    if (!PROTECTED.some((prefix) => url.startsWith(prefix))) return;
    const isReading = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
    if (isReading && access.isReadOpen) {
      checkHost(request);
      return;
    }
    const token = bearerOf(request);
    if (token === null) {
      void reply.header('www-authenticate', 'Bearer realm="corral"');
      throw new Problem('unauthorized', wayIn(access, isReading));
    }
    const digest = digestOf(token);
    if (isAmong(digest, operators)) return;
    const isReader = isAmong(digest, readers);
    if (isReader && isReading) return;
    if (isReader) throw new Problem('forbidden', 'this token may read; it takes one that may operate');
    void reply.header('www-authenticate', 'Bearer realm="corral", error="invalid_token"');
    throw new Problem('unauthorized', 'the token is none of this node');
  };
}

function wayIn({ operateTokens }: Access, isReading: boolean): string {
  if (isReading) return 'send `Authorization: Bearer <token>` with a token that may read or operate';
  if (operateTokens.length > 0) return 'send `Authorization: Bearer <token>` with a token that may operate';
  return 'this node takes no commands over HTTP: CORRAL_HTTP_OPERATE_TOKENS names nobody who may';
}

function bearerOf({ headers }: FastifyRequest): string | null {
  return /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}

/** Digests are of one length, so that comparing them tells nothing of the token by how long it takes. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Compares with every one, found or not. */
function isAmong(digest: Buffer, known: readonly Buffer[]): boolean {
  return known.map((one) => timingSafeEqual(one, digest)).includes(true);
}

function checkHost({ hostname }: FastifyRequest): void {
  if (isLoopback(hostname)) return;
  throw new Problem(
    'foreign-host',
    `without a token this node answers under localhost, 127.0.0.1 and [::1], not under "${hostname}"`,
  );
}

/** Whether a host name or address is one of this machine alone. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (isIP(name) === 4) return name.startsWith('127.');
  return name === '::1' || name === 'localhost' || name.endsWith('.localhost');
}
