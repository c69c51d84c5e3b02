/**
 * What the command line reads of Corral, over HTTP: as anybody could.
 */
import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { TypeCompiler, type TypeCheck } from '@sinclair/typebox/compiler';
import { CommandLineError } from './command-line-error.ts';

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

  /** `base` as `http://127.0.0.1:4800`. Throws {@link CommandLineError} for anything else. */
  constructor(base: string) {
    const url = URL.canParse(base) ? new URL(base) : null;
    if (url === null || !['http:', 'https:'].includes(url.protocol)) {
      throw new CommandLineError(
        `CORRAL_HTTP_URL is ${base}, which is no address of the form http://127.0.0.1:4800.`,
      );
    }
    this.#base = base.replace(/\/+$/, '');
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
      for (const { state, from, to, lastReportAt, reports } of page?.intervals ?? []) {
        stretches.push({
          state,
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
    const problem = ProblemBody.Check(body) ? body : null;
    if (status === 404 && problem?.code === 'unknown-device') return null;
    const said = problem === null ? 'nothing that could be understood' : `${problem.code}: ${problem.detail}`;
    const sentence = `${this.#base}${path} answered ${String(status)}, ${said}.`;
    throw status === 503 ? new CorralAway(sentence) : new CommandLineError(sentence);
  }

  async #fetch(path: string): Promise<{ readonly status: number; readonly body: unknown }> {
    try {
      const response = await fetch(`${this.#base}${path}`, { signal: AbortSignal.timeout(ANSWER_MS) });
      const text = await response.text();
      return { status: response.status, body: parsed(text) };
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
