/**
 * Bytes of a backend's request to a checked body (wire contract 2.3). What is wrong comes back as one sentence that says what would be
 * right: it becomes a `bad-arguments` refusal.
 *
 * Fields that the contract does not name are passed over, but for those that restrict what is asked for: without a filter more is
 * found than was meant, and without a condition more is done. So `fleet.find` refuses every field it does not know, and a command and
 * a change of the desired configuration every unknown one that begins with `if`.
 */
import { type TSchema, type Static, Type } from '@sinclair/typebox';
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler';
import { commandId, isUuid, UUID_PATTERN } from '../../machines/command-id.ts';
import { ID_PATTERN } from '../../machines/report.ts';
import { type DeviceFilter, deviceFilter, FILTER_NAMES, FILTERS } from '../contract/device-filter.ts';
import { decode, type Encoding, encodingOf } from './codec.ts';
import { quoted, schemaProblem } from './schema-problem.ts';

/** What may be asked, by the name of its limit. */
type RequestName = 'get' | 'command' | 'ledger' | 'desired' | 'forget' | 'find' | 'log-level';

/**
 * A longer request is refused before it is read, bytes. What is asked for in a few fields has room for many more of them; the
 * arguments of a command as much as over HTTP; a change of the desired configuration for all of it (64 KB), and for all that it removes.
 */
export const REQUEST_BYTES_MAX: Readonly<Record<RequestName, number>> = {
  get: 4 * 1024,
  ledger: 4 * 1024,
  forget: 4 * 1024,
  find: 8 * 1024,
  'log-level': 4 * 1024,
  command: 64 * 1024,
  desired: 128 * 1024,
};
/** The longest a backend may ask to be kept waiting for an outcome, ms. */
export const WAIT_MS_MAX = 60_000;
/** How long a backend is kept waiting when it does not say, ms. */
export const WAIT_MS_DEFAULT = 5_000;
/** The most devices on one page of `fleet.find`. */
export const FIND_LIMIT_MAX = 1_000;
/** Devices on a page when the request does not say. */
export const FIND_LIMIT_DEFAULT = 100;

/** A request that was read, or why not: `detail` for the refusal, and the `id` if one could be made out. */
export type ReadRequest<Body> =
  | { readonly ok: true; readonly body: Body }
  | { readonly ok: false; readonly detail: string; readonly id: string | null };

/** Body of `twin.<id>.command.<name>`. */
export interface CommandBody {
  /** The caller's idempotency key: a UUID, in lower case. */
  readonly id: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** How long the caller wants to be kept waiting for the outcome, ms; 0: answer once it is in the ledger. */
  readonly waitMs: number;
  readonly ifVersion: number | null;
  readonly by: string | null;
}

/** Body of `twin.<id>.ledger`. */
export interface LedgerBody {
  readonly id: string;
}

/** Body of `twin.<id>.desired`. */
export interface DesiredBody {
  /** JSON merge patch (RFC 7396). */
  readonly patch: Readonly<Record<string, unknown>>;
  readonly ifVersion: number | null;
}

const Id = Type.String({
  pattern: UUID_PATTERN,
  description: 'a UUID, which names this command for good: asked again, it is not executed again',
});
const IfVersion = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'the version of the twin, or of its desired values, that the caller has seen',
});
const AnyMap = Type.Record(Type.String(), Type.Unknown());

/** Body of `twin.<id>.command.<name>`, as it comes. */
export const CommandRequestSchema = Type.Object({
  id: Id,
  args: Type.Optional(AnyMap),
  waitMs: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: WAIT_MS_MAX,
      description: 'how long to wait for the outcome, ms',
    }),
  ),
  ifVersion: Type.Optional(IfVersion),
  by: Type.Optional(
    Type.String({ minLength: 1, maxLength: 128, description: 'on whose behalf, for the ledger' }),
  ),
});
const commandCheck = TypeCompiler.Compile(CommandRequestSchema);

/** Body of `twin.<id>.ledger`, as it comes. */
export const LedgerRequestSchema = Type.Object({ id: Id });
const ledgerCheck = TypeCompiler.Compile(LedgerRequestSchema);

/** Body of `twin.<id>.desired`, as it comes. */
export const DesiredRequestSchema = Type.Object({ patch: AnyMap, ifVersion: Type.Optional(IfVersion) });
const desiredCheck = TypeCompiler.Compile(DesiredRequestSchema);

/** The filters of `fleet.find`. */
const FIND_FILTERS = FILTER_NAMES.filter((name) => FILTERS[name].isOfFind);

/** A value that no device has is taken, whatever its form, and finds nothing. */
const findFilters = Object.fromEntries(
  FIND_FILTERS.map((name) => {
    const { schema, meaning } = FILTERS[name];
    const description = `only devices ${meaning}`;
    const taken =
      schema.type === 'string'
        ? Type.String({ minLength: 1, maxLength: 128, description })
        : { ...schema, description };
    return [name, Type.Optional(taken)];
  }),
);

/** Body of `fleet.find`, as it comes; empty finds everything. A field it does not name is refused. */
export const FindRequestSchema = Type.Object(
  {
    ...findFilters,
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: FIND_LIMIT_MAX, description: 'devices on one page' }),
    ),
    cursor: Type.Optional(
      Type.String({ pattern: ID_PATTERN, description: 'the cursor that the page before came with' }),
    ),
  },
  { additionalProperties: false },
);
const findCheck = TypeCompiler.Compile(FindRequestSchema);

/** The encoding of a request, in which its reply goes back; JSON for one that cannot be read or is empty. */
export function replyEncodingOf(payload: Uint8Array): Encoding {
  return encodingOf(payload) ?? 'json';
}

/** Reads `twin.<id>.get`: nothing is needed of it, so that it may hold whatever it likes, and is not looked into. */
export function readGet(payload: Uint8Array): ReadRequest<null> {
  const tooLong = lengthProblem('get', payload);
  return tooLong === null ? { ok: true, body: null } : { ok: false, detail: tooLong, id: null };
}

/** Reads `twin.<id>.command.<name>`. `args` are checked later, against the command table of the kind. */
export function readCommand(payload: Uint8Array): ReadRequest<CommandBody> {
  const read = readChecked('command', commandCheck, payload, unknownCondition);
  if (!read.ok) return read;
  const { id, args = {}, waitMs = WAIT_MS_DEFAULT, ifVersion = null, by = null } = read.body;
  return { ok: true, body: { id: commandId(id), args, waitMs, ifVersion, by } };
}

/** Reads `twin.<id>.ledger`. */
export function readLedger(payload: Uint8Array): ReadRequest<LedgerBody> {
  const read = readChecked('ledger', ledgerCheck, payload);
  return read.ok ? { ok: true, body: { id: commandId(read.body.id) } } : read;
}

/** Why a device is forgotten, and on whose behalf. */
export interface ForgetBody {
  readonly reason: string;
  readonly by: string | null;
}

const forgetCheck = TypeCompiler.Compile(
  Type.Object({
    reason: Type.String({ minLength: 1, maxLength: 256, description: 'why it is forgotten' }),
    by: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'on whose behalf' })),
  }),
);

/** Reads what forgetting takes. */
export function readForget(payload: Uint8Array): ReadRequest<ForgetBody> {
  const read = readChecked('forget', forgetCheck, payload);
  return read.ok ? { ok: true, body: { reason: read.body.reason, by: read.body.by ?? null } } : read;
}

/** Reads `twin.<id>.desired`. */
export function readDesired(payload: Uint8Array): ReadRequest<DesiredBody> {
  const read = readChecked('desired', desiredCheck, payload, unknownCondition);
  if (!read.ok) return read;
  return { ok: true, body: { patch: read.body.patch, ifVersion: read.body.ifVersion ?? null } };
}

/** A request for a page of devices in the order of their ids. */
export interface FindBody {
  readonly filter: DeviceFilter;
  readonly limit: number;
  /** The id after which the page begins. */
  readonly cursor: string | null;
}

/** Reads `fleet.find`; empty finds everything. */
export function readFind(payload: Uint8Array): ReadRequest<FindBody> {
  const read = readChecked('find', findCheck, payload, unknownFilter);
  if (!read.ok) return read;
  const { limit = FIND_LIMIT_DEFAULT, cursor = null, ...values } = read.body;
  return { ok: true, body: { filter: deviceFilter(values), limit, cursor } };
}

/** Why a request is not read; `null` when it is short enough. */
export function lengthProblem(name: RequestName, payload: Uint8Array): string | null {
  const bytesMax = REQUEST_BYTES_MAX[name];
  if (payload.length <= bytesMax) return null;
  return `a ${name} request may have ${String(bytesMax)} bytes, this one has ${String(payload.length)}`;
}

/** Anything but a map is refused; no bytes at all stand for the empty map. */
function readMap(name: RequestName, payload: Uint8Array): ReadRequest<Record<string, unknown>> {
  if (payload.length === 0) return { ok: true, body: {} };
  const tooLong = lengthProblem(name, payload);
  if (tooLong !== null) return { ok: false, detail: tooLong, id: null };
  const decoded = decode(payload);
  if (!decoded.ok) return { ok: false, detail: decoded.detail, id: null };
  if (Array.isArray(decoded.value)) {
    return { ok: false, detail: 'a request is a map, this one is a list', id: null };
  }
  return { ok: true, body: decoded.value as Record<string, unknown> };
}

function readChecked<Schema extends TSchema>(
  name: RequestName,
  check: TypeCheck<Schema>,
  payload: Uint8Array,
  misunderstood: (body: Readonly<Record<string, unknown>>) => string | null = () => null,
): ReadRequest<Static<Schema>> {
  const read = readMap(name, payload);
  if (!read.ok) return read;
  const value: unknown = read.body;
  const problem = misunderstood(read.body);
  if (problem === null && check.Check(value)) return { ok: true, body: value };
  const { id } = read.body;
  // Whatever else stands there may be as long as the request, and names no command.
  const detail = problem ?? schemaProblem(check, value);
  return { ok: false, detail, id: typeof id === 'string' && isUuid(id) ? id : null };
}

/** A field of `fleet.find` that restricts nothing that this node knows. */
function unknownFilter(body: Readonly<Record<string, unknown>>): string | null {
  const known = Object.keys(FindRequestSchema.properties);
  const unknown = Object.keys(body).find((field) => !known.includes(field));
  return unknown === undefined
    ? null
    : `${quoted(unknown)} is unknown here; fleet.find takes ${known.join(', ')}`;
}

/** A condition that this node does not know, and so cannot keep. */
function unknownCondition(body: Readonly<Record<string, unknown>>): string | null {
  const unknown = Object.keys(body).find((field) => /^if/i.test(field) && field !== 'ifVersion');
  return unknown === undefined
    ? null
    : `${quoted(unknown)} is no condition that is known here; there is ifVersion`;
}
