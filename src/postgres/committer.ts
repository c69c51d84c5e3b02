/**
 * Commits: one statement, one transaction, one round trip, and an answer that is certain.
 *
 * Invariants:
 * I1  nothing of a commit is written unless all its partitions are held under its epochs and after its batches.
 * I2  what is answered is known: a connection that was cut is inquired after before anything is said, and a commit of which
 *     nothing could be learnt is not sent again before it is known that the first time wrote nothing.
 */
import pg from 'pg';
import type { Commit, CommitResult } from '../runtime/ports.ts';
import { commitParts } from './commit-statement.ts';
import {
  DEVICE_ID_CONSTRAINT,
  DEVICE_KEY_CONSTRAINT,
  type DeviceKeys,
  FOREIGN_KEY_VIOLATION,
} from './device-keys.ts';
import { FENCED, fenceConclusion } from './fence.ts';
import { type Backend, Inquiries } from './inquiry.ts';
import type { KnownDatabase } from './known-database.ts';
import { inventoryParts } from './inventory.ts';
import type { PostgresLimits } from './limits.ts';
import { serverInquiry } from './server-inquiry.ts';
import { asError, type Session, type SessionPool, warningOf } from './sessions.ts';
import { type Statement, StatementComposer } from './statement.ts';

/** What a committer works with. */
export interface CommitterOptions {
  readonly sessions: SessionPool;
  readonly keys: DeviceKeys;
  readonly known: KnownDatabase;
  readonly driftPpmOf: (kind: string) => number;
  readonly limits: PostgresLimits;
}

/** A commit that cannot be written as a statement: a value does not fit its column, or it is too large. */
class UnwritableError extends Error {
  override readonly name = 'UnwritableError';
}

/** How often devices that somebody else put in or took away meanwhile are looked up again. */
const KEY_ATTEMPTS_MAX = 3;

/**
 * SQLSTATE classes that speak of the data: 21 (a row twice), 22 (a value that a type does not hold), 23 (a constraint),
 * 54 (larger than Postgres takes). The same commit will never succeed.
 */
const DATA_CLASSES = ['21', '22', '23', '54'];

/** Of class 54 this one is also what a server says that takes nothing from anybody, because its transaction numbers run out. */
const PROGRAM_LIMIT_EXCEEDED = '54000';

/** Commits of one node. */
export class Committer {
  readonly #options: CommitterOptions;
  readonly #composer = new StatementComposer(fenceConclusion);
  readonly #inquiries: Inquiries;

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#inquiries = new Inquiries(serverInquiry(options.sessions), options.limits);
  }

  /** See `Store.commit`. */
  async commit(commit: Commit): Promise<CommitResult> {
    const known = await this.#inquiries.before(commit);
    if (known !== null) return this.#noted(commit, known);
    for (let attempt = 1; ; attempt += 1) {
      const result = await this.#attempt(commit);
      if (result.type !== 'refused' || attempt >= KEY_ATTEMPTS_MAX) return result;
      if (isDeviceGone(result.cause)) this.#options.keys.doubt(commit);
      else if (!isForeignDevice(result.cause)) return result;
    }
  }

  async #attempt(commit: Commit): Promise<CommitResult> {
    let session: Session;
    try {
      session = await this.#options.sessions.open();
    } catch (error) {
      return { type: 'unavailable', cause: asError(error) };
    }
    let isSent = false;
    const { known } = this.#options;
    const gone = commit.partitions.filter((lease) => known.isGone(lease));
    if (gone.length > 0) {
      session.release();
      return { type: 'fenced', partitions: gone.map(({ partition }) => partition) };
    }
    try {
      const keys = await this.#options.keys.resolve(session.client, commit);
      const statement = await this.#write(session, commit, keys);
      isSent = true;
      const warned = warningOf(session);
      await session.client.query({ ...statement, values: [...statement.values] });
      const warning = warned();
      if (warning !== null) {
        session.release(warning);
        return await this.#inquire(commit, session.backend);
      }
      keys.remember();
      for (const line of commit.journal)
        if (line.type === 'forgotten') this.#options.keys.drop(line.forgetting.device);
      known.wrote(commit.partitions);
      session.release();
      return { type: 'committed' };
    } catch (error) {
      const cause = asError(error);
      const isAnswer = cause instanceof pg.DatabaseError || cause instanceof UnwritableError;
      if (isAnswer && (await isAlive(session))) {
        session.release();
        return resultOf(cause);
      }
      session.release(cause);
      return isSent ? this.#inquire(commit, session.backend) : { type: 'unavailable', cause };
    }
  }

  async #write(
    { client }: Session,
    commit: Commit,
    keys: Awaited<ReturnType<DeviceKeys['resolve']>>,
  ): Promise<Statement> {
    const { driftPpmOf, limits } = this.#options;
    const parts = writable(() => commitParts(commit, { keys, driftPpmOf }));
    const inventory = await inventoryParts(client, commit.reports, keys.keyOf);
    const statement = writable(() => this.#composer.compose([...parts, ...inventory]));
    const bytes = statement.values.reduce((sum, { length }) => sum + length, 0);
    if (bytes > limits.statementBytesMax) {
      throw new UnwritableError(
        `the commit takes ${String(bytes)} bytes; at most ${String(limits.statementBytesMax)} are sent`,
      );
    }
    return statement;
  }

  /** What became of a commit that was sent, and whose connection was cut. */
  async #inquire(commit: Commit, backend: Backend): Promise<CommitResult> {
    return this.#noted(commit, await this.#inquiries.after(commit, backend));
  }

  #noted(commit: Commit, found: CommitResult): CommitResult {
    if (found.type === 'committed') this.#options.known.wrote(commit.partitions);
    return found;
  }
}

/** Whatever goes wrong here, nothing has been sent, and it goes wrong each time. */
function writable<T>(write: () => T): T {
  try {
    return write();
  } catch (error) {
    const cause = asError(error);
    throw new UnwritableError(cause.message, { cause });
  }
}

/** Whether the connection still answers: then an error ended only its statement, and nothing of that is written. */
async function isAlive({ client }: Session): Promise<boolean> {
  try {
    await client.query('select 1');
    return true;
  } catch {
    return false;
  }
}

/** What an error says about a commit of which certainly nothing is written. */
function resultOf(cause: Error): CommitResult {
  if (cause instanceof UnwritableError) return { type: 'refused', cause };
  if (!(cause instanceof pg.DatabaseError) || cause.code === undefined) return { type: 'unavailable', cause };
  if (cause.code === FENCED) {
    const partitions = (cause.detail ?? '').split(',').map(Number);
    return { type: 'fenced', partitions };
  }
  const isData = DATA_CLASSES.includes(cause.code.slice(0, 2)) && cause.code !== PROGRAM_LIMIT_EXCEEDED;
  return { type: isData ? 'refused' : 'unavailable', cause };
}

/** Somebody deleted the row of a device. What its twin is stays true, so it is written again. */
function isDeviceGone(cause: Error): boolean {
  if (!(cause instanceof pg.DatabaseError) || cause.code !== FOREIGN_KEY_VIOLATION) return false;
  return DEVICE_KEY_CONSTRAINT.test(cause.constraint ?? '');
}

/** Somebody registered a device between the question for its key and the commit. */
function isForeignDevice(cause: Error): boolean {
  return cause instanceof pg.DatabaseError && cause.constraint === DEVICE_ID_CONSTRAINT;
}
