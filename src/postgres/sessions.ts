/**
 * Connections to Postgres that can be told apart: a commit whose connection was cut must be able to find out what became of
 * the server's side of it.
 */
import pg, { type ClientBase, type PoolClient, type QueryConfig } from 'pg';
import { FleetReaderBusyError } from '../history/ports.ts';
import type { Backend } from './inquiry.ts';
import type { PostgresLimits } from './limits.ts';

/** A connection while one user has it. */
export interface Session {
  readonly client: ClientBase;
  readonly backend: Backend;
  /** Gives it back; with an error it is closed, because nobody knows in what state it is. */
  readonly release: (error?: Error) => void;
}

/** A query that may take longer, or less long, to be answered than the pool's limit. */
export interface TimedQuery extends QueryConfig {
  /** Named as the driver has it. */
  readonly query_timeout?: number;
}

/** How many connections, and to where. */
export interface SessionPoolOptions {
  readonly connectionString: string;
  readonly connectionsMax: number;
  /** So many may wait for one; who comes after them is refused with `FleetReaderBusyError`. Unbounded where it is not given. */
  readonly waitingMax?: number;
  /** The server gives up a statement that takes longer, ms; none where it is not given. */
  readonly statementTimeoutMs?: number;
  /**
   * Commits are prepared once for any number of rows, and what a plan for particular values could gain is less than making it
   * costs. Of a search the values decide which index is worth reading.
   */
  readonly planCacheMode: 'auto' | 'force_generic_plan';
  readonly limits: Pick<PostgresLimits, 'connectTimeoutMs' | 'answerTimeoutMs'>;
  /** Looks at each new connection before anybody uses it. */
  readonly meet?: (client: ClientBase) => Promise<void>;
}

type TypeParserFor = pg.CustomTypesConfig['getTypeParser'];

/** Every integer in the schema fits 53 bits; JSON stays text until somebody needs it. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: Parameters<TypeParserFor>[0], format?: Parameters<TypeParserFor>[1]): unknown => {
    if (oid === pg.types.builtins.INT8) return Number;
    if (oid === pg.types.builtins.JSON) return String;
    return pg.types.getTypeParser(oid, format);
  },
};

/**
 * With `synchronous_commit` off, Postgres answers a commit that a crash of it undoes: commands would go out that nobody remembers. A
 * database or a user may have it off for others; every other value keeps a commit that was answered, and stays as it is.
 */
const SETTINGS = `set jit = off; set timezone = 'UTC';
  select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`;

/** A pool of sessions. */
export class SessionPool {
  readonly #pool: pg.Pool;
  readonly #settings: string;
  readonly #waitingMax: number;
  readonly #meet: SessionPoolOptions['meet'];
  readonly #backends = new WeakMap<PoolClient, Backend>();

  constructor(options: SessionPoolOptions) {
    const { connectionString, connectionsMax, waitingMax, statementTimeoutMs, planCacheMode, limits } =
      options;
    const timeout = `set statement_timeout = ${String(statementTimeoutMs ?? 0)}`;
    this.#settings = `set plan_cache_mode = ${planCacheMode}; ${timeout}; ${SETTINGS}`;
    this.#waitingMax = waitingMax ?? Infinity;
    this.#meet = options.meet;
    this.#pool = new pg.Pool({
      connectionString,
      types,
      max: connectionsMax,
      keepAlive: true,
      application_name: 'corral',
      connectionTimeoutMillis: limits.connectTimeoutMs,
      query_timeout: limits.answerTimeoutMs,
    });
    // An idle connection that breaks is taken out of the pool; whoever needs one next gets another, or the error.
    this.#pool.on('error', () => undefined);
    // While somebody has it, its queries bring the error; without a listener of its own it would end the process.
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /** Takes a connection, a new one if none is idle. Rejects when the server cannot be reached, or as many wait as may. */
  async open(): Promise<Session> {
    const { waitingCount } = this.#pool;
    if (waitingCount >= this.#waitingMax)
      throw new FleetReaderBusyError(`${String(waitingCount)} questions already wait for the store`);
    const client = await this.#pool.connect();
    const release = (error?: Error): void => client.release(error);
    try {
      return { client, release, backend: this.#backends.get(client) ?? (await this.#greet(client)) };
    } catch (error) {
      release(asError(error));
      throw error;
    }
  }

  /** Runs one query on any connection. */
  query<Row extends object>(query: QueryConfig): Promise<readonly Row[]> {
    return this.#run<Row>(query);
  }

  /** Runs one query on any connection; rows come as lists of values. */
  lists<Row extends readonly unknown[]>(query: TimedQuery): Promise<readonly Row[]> {
    return this.#run<Row>({ ...query, rowMode: 'array' });
  }

  async #run<Row extends object>(
    query: TimedQuery & { readonly rowMode?: 'array' },
  ): Promise<readonly Row[]> {
    const { client, release } = await this.open();
    try {
      const { rows } = await client.query<Row & pg.QueryResultRow>(query);
      release();
      return rows;
    } catch (error) {
      release(asError(error));
      throw error;
    }
  }

  /** Closes all connections once they are given back. */
  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #greet(client: PoolClient): Promise<Backend> {
    await client.query(this.#settings);
    const { rows } = await client.query<{ pid: number; started_at: string }>(
      'select pid, backend_start::text as started_at from pg_stat_activity where pid = pg_backend_pid()',
    );
    const [row] = rows;
    if (row === undefined) throw new Error('Postgres does not tell this connection its own process');
    await this.#meet?.(client);
    const backend = { pid: row.pid, startedAt: row.started_at };
    this.#backends.set(client, backend);
    return backend;
  }
}

/** What of a notice of the server is looked at. */
interface Notice {
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly detail?: string | undefined;
}

/** SQLSTATE of a warning without one of its own. */
const WARNING = '01000';

/**
 * Listens for warnings on a session; the function that it returns tells the last one, and ends the listening. Postgres answers a commit
 * whose wait for a standby was cancelled as if it had succeeded, and warns that no standby may have it.
 */
export function warningOf({ client }: Pick<Session, 'client'>): () => Error | null {
  let warning: Error | null = null;
  const hear = ({ code, message, detail }: Notice): void => {
    if (code === WARNING) warning = new Error([message, detail].filter(Boolean).join(': '));
  };
  client.on('notice', hear);
  return () => {
    client.off('notice', hear);
    return warning;
  };
}

/** What was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
