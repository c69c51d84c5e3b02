/**
 * Requests that nobody should send, derived from the description of the interface: every operation, and in each of its parameters,
 * headers and members of its body every nasty value; then seeded mixtures of them. No answer to any of them may be 5xx.
 */
import { ANY_HEADERS, NASTY_BODIES, NASTY_HEADERS, NASTY_JSON, NASTY_TEXTS } from './nasty-values.ts';
import { Chance } from '../simulation/world/chance.ts';

/** One request, ready to be written: the path as it goes over the wire, the body as its bytes. */
export interface NastyRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** What of a description is looked at. */
export interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly operationId?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: Schema;
}

interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** Path parameters that exist, so that what else is wrong is reached. */
export type Known = Readonly<Record<string, readonly string[]>>;

/** Every operation with every nasty value in each place. */
export function everyNasty(description: Description, known: Known): readonly NastyRequest[] {
  return operationsOf(description).flatMap((operation) => {
    const { parameters, members } = operation;
    const inParameters = parameters.flatMap((parameter) =>
      valuesFor(parameter).map((value) =>
        written(operation, known, { parameters: new Map([[parameter.name, value]]) }),
      ),
    );
    const inHeaders = ANY_HEADERS.flatMap((name) =>
      NASTY_HEADERS.map((value) => written(operation, known, { headers: { [name]: value } })),
    );
    const inMembers = members.flatMap((member) =>
      NASTY_JSON.map((value) => written(operation, known, { members: new Map([[member, value]]) })),
    );
    const bodies =
      members.length === 0 ? [] : NASTY_BODIES.map((body) => written(operation, known, { body }));
    const twice = parameters
      .filter((parameter) => parameter.in === 'query')
      .map(({ name }) => written(operation, known, { parameters: new Map([[name, `1&${name}=2`]]) }));
    return [written(operation, known, {}), ...inParameters, ...twice, ...inHeaders, ...inMembers, ...bodies];
  });
}

/** So many mixtures of nasty values, the same for a seed. */
export function nastyMixtures(
  description: Description,
  known: Known,
  options: { readonly seed: number; readonly count: number },
): readonly NastyRequest[] {
  const chance = new Chance(options.seed);
  const operations = operationsOf(description);
  return Array.from({ length: options.count }, () => {
    const operation = chance.pick(operations);
    const parameters = new Map(
      operation.parameters
        .filter(() => chance.hits(1 / 2))
        .map((parameter) => [parameter.name, chance.pick(valuesFor(parameter))] as const),
    );
    const members = new Map(
      operation.members
        .filter(() => chance.hits(1 / 3))
        .map((member) => [member, chance.pick(NASTY_JSON)] as const),
    );
    const headers = chance.hits(1 / 3) ? { [chance.pick(ANY_HEADERS)]: chance.pick(NASTY_HEADERS) } : {};
    return written(operation, known, { parameters, members, headers });
  });
}

interface Described {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** Of the body; none where it takes no body. */
  readonly members: readonly string[];
}

function operationsOf({ paths }: Description): readonly Described[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { parameters = [], requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      parameters,
      members: Object.keys(requestBody?.content['application/json']?.schema.properties ?? {}),
    })),
  );
}

/** What is nasty anywhere, and what lies at the bounds that the description names. */
function valuesFor({ in: where, schema }: Parameter): readonly string[] {
  if (where === 'header') return NASTY_HEADERS;
  const bounds = [schema.minimum, schema.maximum].filter((bound) => bound !== undefined);
  const around = bounds.flatMap((bound) => [bound - 1, bound, bound + 1]).map(String);
  return [
    ...NASTY_TEXTS,
    ...around,
    ...(schema.enum ?? []).map((value) => encodeURIComponent(String(value))),
  ];
}

function written(
  { method, path, parameters, members }: Described,
  known: Known,
  given: {
    readonly parameters?: ReadonlyMap<string, string>;
    readonly headers?: Readonly<Record<string, string>>;
    readonly members?: ReadonlyMap<string, string>;
    readonly body?: string;
  },
): NastyRequest {
  const valueOf = (name: string): string | undefined => given.parameters?.get(name);
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => valueOf(name) ?? known[name]?.[0] ?? 'x');
  const query = parameters
    .filter((parameter) => parameter.in === 'query')
    .flatMap(({ name, required }) => {
      const value = valueOf(name) ?? (required === true ? known[name]?.[0] : undefined);
      return value === undefined ? [] : [`${name}=${value}`];
    });
  const headers = Object.fromEntries(
    parameters
      .filter((parameter) => parameter.in === 'header' && valueOf(parameter.name) !== undefined)
      .map(({ name }) => [name, valueOf(name) ?? '']),
  );
  const right = new Map(
    members.flatMap((member) => (known[member] === undefined ? [] : [[member, known[member][0] ?? '']])),
  );
  const json = [...new Map([...right, ...(given.members ?? [])])].map(
    ([name, value]) => `${JSON.stringify(name)}:${value}`,
  );
  const body = given.body ?? (members.length === 0 ? null : `{${json.join(',')}}`);
  return {
    method,
    path: query.length === 0 ? filled : `${filled}?${query.join('&')}`,
    headers: {
      ...(body === null ? {} : { 'content-type': 'application/json' }),
      ...headers,
      ...given.headers,
    },
    body,
  };
}
