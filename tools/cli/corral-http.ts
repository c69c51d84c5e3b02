/**
 * What the command line reads of Corral, over HTTP: as anybody could.
 */
import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { TypeCompiler, type TypeCheck } from '@sinclair/typebox/compiler';
import { CommandLineError, EXIT } from './command-line-error.ts';

/** How long an answer is waited for, ms. */
const ANSWER_MS = 15_000;

/** RFC 3339 in UTC, as Corral writes every time. */
const Time = Type.String({ pattern: '^\\d{4,6}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$' });

const TwinBody = TypeCompiler.Compile(
  Type.Object({
    state: Type.String(),
    sequence: Type.Object({
      boot: Type.Union([Type.Integer(), Type.Null()]),
      seq: Type.Union([Type.Integer(), Type.Null()]),
      missing: Type.Integer(),
      late: Type.Integer(),
      duplicates: Type.Integer(),
    }),
  }),
);
/** What is read of a twin. */
export type TwinBody = Static<TSchemaOf<typeof TwinBody>>;

const TimelineBody = TypeCompiler.Compile(
  Type.Object({
    intervals: Type.Array(
      Type.Object({
        state: Type.String(),
        silent: Type.Boolean(),
        from: Time,
        to: Type.Union([Time, Type.Null()]),
        lastReportAt: Time,
        reports: Type.Integer(),
      }),
    ),
    next: Type.Union([Type.String(), Type.Null()]),
  }),
);

const ProblemBody = TypeCompiler.Compile(Type.Object({ code: Type.String(), detail: Type.String() }));

type TSchemaOf<Check> = Check extends TypeCheck<infer Schema extends TSchema> ? Schema : never;

/** A time in which the device was in one state, by measured time; ms epoch of the server. */
export interface TimelineStretch {
  readonly state: string;
  /** Nothing was heard in it, for longer than its kind allows. */
  readonly isSilent: boolean;
  readonly from: number;
  /** `null`: no report says that it ended. */
  readonly to: number | null;
  readonly lastReportAt: number;
  readonly reports: number;
}

/** Corral gave no answer, or was not ready for one: it may come back. */
export class CorralAway extends CommandLineError {
  override readonly name = 'CorralAway';
}

/** Corral's HTTP side. */
export class CorralHttp {
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  /**
   * `base` as `http://127.0.0.1:4800`, and the bearer token where Corral asks for one. Throws {@link CommandLineError} for an
   * address that is none.
   */
  constructor(base: string, token: string | null = null) {
    const url = URL.canParse(base) ? new URL(base) : null;
    if (url === null || !['http:', 'https:'].includes(url.protocol)) {
      throw new CommandLineError(
        `CORRAL_HTTP_URL is ${base}, which is no address of the form http://127.0.0.1:4800.`,
      );
    }
    this.#base = base.replace(/\/+$/, '');
    this.#headers = token === null ? {} : { authorization: `Bearer ${token}` };
  }

  /**
   * The answer to a question, as it came: a schema says what the caller reads of it. Throws {@link CommandLineError} with what
   * Corral said when it is anything else.
   */
  async read<Schema extends TSchema>(path: string, check: TypeCheck<Schema>): Promise<Static<Schema>> {
    const { status, body } = await this.#fetch(path);
    if (status === 200 && check.Check(body)) return body;
    throw this.#complaint(path, status, body);
  }

  /** Tells Corral to do something, and returns what it says to that. Throws as {@link read} does. */
  async tell<Schema extends TSchema>(
    path: string,
    order: object,
    check: TypeCheck<Schema>,
  ): Promise<Static<Schema>> {
    const { status, body } = await this.#fetch(path, order);
    if ((status === 200 || status === 202) && check.Check(body)) return body;
    throw this.#complaint(path, status, body);
  }

  /** The pages of a list, one after the other: `next` of each is the path of the next one. */
  async *pages<Schema extends TSchema>(
    path: string,
    check: TypeCheck<Schema>,
  ): AsyncGenerator<Static<Schema>, void, undefined> {
    let next: string | null = path;
    while (next !== null) {
      const page: Static<Schema> = await this.read(next, check);
      yield page;
      next = (page as { readonly next?: string | null }).next ?? null;
    }
  }

  /** Any text, such as `/metrics`. */
  async text(path: string): Promise<string> {
    const { status, text, body } = await this.#fetch(path);
    if (status === 200) return text;
    throw this.#complaint(path, status, body);
  }

  /** The twin's document, or `null` for a device that Corral does not know. */
  async twin(device: string): Promise<TwinBody | null> {
    return this.#get(`/v1/devices/${device}`, TwinBody);
  }

  /** The whole timeline of a device, page by page; empty for a device that Corral does not know. */
  async timeline(device: string): Promise<readonly TimelineStretch[]> {
    const stretches: TimelineStretch[] = [];
    let path: string | null = `/v1/devices/${device}/timeline?limit=10000`;
    while (path !== null) {
      const page: Static<TSchemaOf<typeof TimelineBody>> | null = await this.#get(path, TimelineBody);
      for (const { state, silent, from, to, lastReportAt, reports } of page?.intervals ?? []) {
        stretches.push({
          state,
          isSilent: silent,
          reports,
          from: Date.parse(from),
          to: to === null ? null : Date.parse(to),
          lastReportAt: Date.parse(lastReportAt),
        });
      }
      path = page?.next ?? null;
    }
    return stretches;
  }

  async #get<Schema extends TSchema>(path: string, check: TypeCheck<Schema>): Promise<Static<Schema> | null> {
    const { status, body } = await this.#fetch(path);
    if (status === 200 && check.Check(body)) return body;
    if (status === 404 && ProblemBody.Check(body) && body.code === 'unknown-device') return null;
    throw this.#complaint(path, status, body);
  }

  #complaint(path: string, status: number, body: unknown): CommandLineError {
    const problem = ProblemBody.Check(body) ? body : null;
    if (problem !== null && status < 500) {
      const advice = status === 401 || status === 403 ? ' CORRAL_TOKEN holds the token.' : '';
      const exitCode = status === 400 ? EXIT.usage : EXIT.failed;
      return new CommandLineError(`${problem.code}: ${problem.detail}.${advice}`, { exitCode });
    }
    const said = problem === null ? 'nothing that could be understood' : `${problem.code}: ${problem.detail}`;
    const sentence = `${this.#base}${path} answered ${String(status)}, ${said}.`;
    return status === 503 ? new CorralAway(sentence) : new CommandLineError(sentence);
  }

  async #fetch(
    path: string,
    order: object | null = null,
  ): Promise<{ readonly status: number; readonly text: string; readonly body: unknown }> {
    try {
      const signal = AbortSignal.timeout(ANSWER_MS);
      const headers =
        order === null ? this.#headers : { ...this.#headers, 'content-type': 'application/json' };
      const sent = order === null ? {} : { method: 'POST', body: JSON.stringify(order) };
      const response = await fetch(`${this.#base}${path}`, { ...sent, headers, signal });
      const text = await response.text();
      return { status: response.status, text, body: parsed(text) };
    } catch (cause) {
      throw new CorralAway(
        `Corral gives no answer at ${this.#base}: is it running? CORRAL_HTTP_URL says where it is.`,
        { cause },
      );
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whoever answered was not Corral.
    return null;
  }
}
