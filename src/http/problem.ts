/**
 * Every error that HTTP answers with: RFC 9457 problem details with a stable `code`. The codes are this one table, from
 * which the documents and the pages under `/problems/` follow.
 */
import { type Static, Type } from '@sinclair/typebox';

/** What a code means; `status` is its HTTP status and never changes. */
export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** What whoever sees it can do. */
  readonly remedy: string;
}

/** Stable codes of problems. The list may grow; the codes and their status never change. */
export const PROBLEMS = {
  'bad-request': {
    status: 400,
    title: 'The request cannot be read',
    remedy: 'Send the request as `detail` says.',
  },
  'bad-query': {
    status: 400,
    title: 'A query parameter is not of the form this resource takes',
    remedy: '`parameter` names it, and `detail` says what would be right.',
  },
  'bad-body': {
    status: 400,
    title: 'The body is not of the form this resource takes',
    remedy: '`detail` says what would be right.',
  },
  'bad-arguments': {
    status: 400,
    title: 'The arguments are not of the form this command takes',
    remedy: 'GET /v1/kinds/<kind> has the schema of each command’s arguments.',
  },
  unauthorized: {
    status: 401,
    title: 'It takes a token that this node knows',
    remedy: 'Send `Authorization: Bearer <token>`.',
  },
  forbidden: {
    status: 403,
    title: 'The token does not have this right',
    remedy: 'Use a token that may operate.',
  },
  'foreign-host': {
    status: 403,
    title: 'Without a token this node answers only under names of loopback',
    remedy: 'Ask for http://localhost, or give the node tokens.',
  },
  'foreign-origin': {
    status: 403,
    title: 'Without a token this node does not answer pages of other origins',
    remedy:
      'Ask from a page of this node, with a token, or from an origin that CORRAL_HTTP_CORS_ORIGINS names.',
  },
  'unknown-route': {
    status: 404,
    title: 'There is no such resource',
    remedy: 'Look up the path in the HTTP reference.',
  },
  'unknown-device': {
    status: 404,
    title: 'No device has this id',
    remedy:
      'Look for it with GET /v1/devices. A device is known once the inventory has it or it was first heard.',
  },
  'unknown-id': {
    status: 404,
    title: 'The ledger has no command with this id for this device',
    remedy:
      'The id is the one the caller gave it. A command that the twin refused was never in the ledger; one that got no answer may still ' +
      'come into it: send it again, with the same id.',
  },
  'unknown-command': {
    status: 404,
    title: 'This kind of device has no such command',
    remedy: '`allowed` names the commands that would be accepted now.',
  },
  'no-such-kind': {
    status: 404,
    title: 'There is no such kind of device',
    remedy: 'GET /v1/kinds lists them.',
  },
  'not-drawn': {
    status: 404,
    title: 'The machine was not laid out for a drawing',
    remedy:
      '`npm run docs` lays out the machines of all kinds. As data or as Mermaid each can be had without.',
  },
  forgotten: {
    status: 410,
    title: 'The device was forgotten',
    remedy:
      'Nothing of it is kept, and what still comes of it is refused. It is known again once somebody registers it: `detail` says how.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'The resource does not take this method',
    remedy: 'Use one of the methods that the header `Allow` names.',
  },
  'request-timeout': {
    status: 408,
    title: 'The request did not arrive whole in time',
    remedy: 'Send it again.',
  },
  'illegal-state': {
    status: 409,
    title: 'The state the device is known to be in does not accept this command',
    remedy: '`state` and `allowed` say what it is in and what it accepts. Nothing was sent.',
  },
  stale: {
    status: 409,
    title: 'The knowledge is older than this command allows, and the device did not renew it in time',
    remedy: 'Nothing was sent. GET /v1/devices/<id>/explain says why it is not heard.',
  },
  offline: {
    status: 409,
    title: 'The device has not been heard for longer than its kind allows',
    remedy: 'Nothing was sent. Wait until it is heard.',
  },
  suspect: {
    status: 409,
    title: 'There is reason to doubt the known state',
    remedy: 'Nothing was sent. GET /v1/devices/<id>/explain says what the doubt is.',
  },
  pending: {
    status: 409,
    title: 'Another command is in flight',
    remedy: 'Nothing was sent. Wait for its outcome.',
  },
  'id-reused': {
    status: 409,
    title: 'The id names another command already',
    remedy: 'Nothing was sent. `firstUse` says what the id names; every command needs an id of its own.',
  },
  'version-mismatch': {
    status: 412,
    title: 'The twin is no longer at the version given as ifVersion',
    remedy: 'Nothing was sent. Read the device and decide again.',
  },
  'desired-too-large': {
    status: 413,
    title: 'The desired configuration would become too large',
    remedy: 'Nothing was changed. Remove what nobody needs, with null.',
  },
  'body-too-large': {
    status: 413,
    title: 'The body is larger than this resource takes',
    remedy: 'Send less.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The body is not JSON',
    remedy: 'Send JSON as `application/json`.',
  },
  'rate-limited': {
    status: 429,
    title: 'Too many requests from this address',
    remedy: 'Ask again after `Retry-After` seconds.',
  },
  overloaded: {
    status: 429,
    title: 'Too many requests wait for this device',
    remedy: 'Nothing was sent. Send it again, with the same id, after `Retry-After` seconds.',
  },
  'headers-too-large': {
    status: 431,
    title: 'The header of the request is too long',
    remedy: 'Send less in it: a cursor, for instance, only as long as it was given out.',
  },
  internal: {
    status: 500,
    title: 'A fault in Corral',
    remedy: 'Report it: the log holds the cause under the id that `instance` names.',
  },
  'unknown-kind': {
    status: 500,
    title: 'This node does not know the kind of the device',
    remedy: 'Run a version of Corral that has the kind among its machines.',
  },
  'store-unavailable': {
    status: 503,
    title: 'The store cannot be reached',
    remedy: 'Ask again after `Retry-After` seconds.',
  },
  busy: {
    status: 503,
    title: 'As many read from the store through this node as may',
    remedy: 'Ask again after `Retry-After` seconds, or another node.',
  },
  'hub-unavailable': {
    status: 503,
    title: 'The hub cannot be reached',
    remedy: 'This request has sent nothing. Ask again, with the same id, after `Retry-After` seconds.',
  },
  'no-owner': {
    status: 503,
    title: 'No node decides for this device now',
    remedy:
      'This request has sent nothing; what became of an earlier one with the same id, the ledger tells. Ask again, with the same id, ' +
      'after `Retry-After` seconds.',
  },
  'too-many-readers': {
    status: 503,
    title: 'This node serves as many readers of events as it may',
    remedy: 'Ask another node, or this one after `Retry-After` seconds.',
  },
  'not-ready': {
    status: 503,
    title: 'The node is not ready',
    remedy: '`parts` says what is wrong; it becomes ready by itself when that is gone.',
  },
  'no-answer': {
    status: 504,
    title: 'The owner of the device gave no answer in time',
    remedy:
      'It may have been accepted, now or later. Send it again, with the same id: that is safe, and tells. ' +
      'GET /v1/devices/<device>/commands/<id> tells once it is in the ledger.',
  },
  'outcome-unreadable': {
    status: 504,
    title: 'The command was accepted, and how it stands could not be read',
    remedy:
      'It was sent to the device. GET /v1/devices/<device>/commands/<id> tells how it stands; sending it again with the same id is safe.',
  },
} as const satisfies Record<string, ProblemKind>;

/** A stable code. */
export type ProblemCode = keyof typeof PROBLEMS;

/** After this many seconds a client may ask again what could not be answered for a passing reason. */
export const RETRY_AFTER_S = 2;

/** The media type of every error. */
export const PROBLEM_TYPE = 'application/problem+json';

/** The body of every error. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'where the code is explained' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'stable' }),
    detail: Type.String({ description: 'what was wrong, and what would be right' }),
    instance: Type.Optional(Type.String({ description: 'names this one request; the log has it too' })),
  },
  { additionalProperties: true, description: 'RFC 9457 problem details' },
);

/** For the `response` of every route's schema. */
export const problemResponses = { '4xx': ProblemSchema, '5xx': ProblemSchema } as const;

/** Thrown anywhere in a request: it becomes the answer. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  /** Members of the body beside those every problem has. */
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(
    code: ProblemCode,
    detail: string,
    options: { readonly extensions?: Readonly<Record<string, unknown>>; readonly cause?: unknown } = {},
  ) {
    super(detail, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.extensions = options.extensions ?? {};
  }
}

/** A query parameter that is not right. */
export function badQuery(parameter: string, detail: string): Problem {
  return new Problem('bad-query', `${parameter}: ${detail}`, { extensions: { parameter } });
}

/** The body of a problem; `instance` is the id of the request, where there is one. */
export function problemBody(problem: Problem, instance?: string): Static<typeof ProblemSchema> {
  const { status, title } = PROBLEMS[problem.code];
  return {
    type: `/problems/${problem.code}`,
    title,
    status,
    code: problem.code,
    detail: problem.message,
    ...(instance === undefined ? {} : { instance: `urn:uuid:${instance}` }),
    ...problem.extensions,
  };
}
