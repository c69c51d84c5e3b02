/**
 * What became of a commit whose connection was cut before it was answered.
 *
 * The server may still be at work on it. So its process is ended first, and waited for; after that nothing of it can happen any
 * more, and the lease rows, which every commit moves, tell whether it did.
 *
 * Where commits wait for a standby, ending one that waits makes it visible although no standby has it. So what is seen is believed once
 * a transaction of our own, written after it and under the same rule, was answered: standbys have everything in the order of the log.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { PartitionAdvance } from '../runtime/ports.ts';
import type { PostgresLimits } from './limits.ts';
import { asError, type Backend, type SessionPool, warningOf } from './sessions.ts';

/** What is certain about the commit. */
export type Finding =
  | { readonly type: 'written' }
  | { readonly type: 'not-written' }
  /** Others have all its partitions by now, and went on from whatever is stored. */
  | { readonly type: 'lost'; readonly partitions: readonly number[] }
  /** The server could not be asked in time. */
  | { readonly type: 'open'; readonly cause: Error };

/** How long the server takes at most to end one of its processes before it is asked again, ms. */
const TERMINATION_WAIT_MS = 1_000;

interface LeaseRow {
  readonly partition: number;
  readonly epoch: number;
  readonly batch: number;
}

/** Finds out. Asks again while the server is away, for `giveUpAfterMs` in all. */
export async function inquire(options: {
  readonly sessions: SessionPool;
  readonly backend: Backend;
  readonly advances: readonly PartitionAdvance[];
  readonly limits: Pick<PostgresLimits, 'giveUpAfterMs' | 'inquiryPauseMs'>;
}): Promise<Finding> {
  const { sessions, backend, advances, limits } = options;
  const deadline = performance.now() + limits.giveUpAfterMs;
  let cause = new Error(`process ${String(backend.pid)} of the server did not end`);
  do {
    try {
      if (await hasEnded(sessions, backend)) return await readFinding(sessions, advances);
    } catch (error) {
      cause = asError(error);
    }
    await pause(limits.inquiryPauseMs);
  } while (performance.now() < deadline);
  return { type: 'open', cause };
}

/** Ends the process. True when it is gone: its transaction is decided then. */
async function hasEnded(sessions: SessionPool, { pid, startedAt }: Backend): Promise<boolean> {
  const running = await sessions.query({
    text: `select pg_terminate_backend(pid, $3) from pg_stat_activity
      where pid = $1 and backend_start = $2::timestamptz`,
    values: [pid, startedAt, TERMINATION_WAIT_MS],
  });
  return running.length === 0;
}

async function readFinding(sessions: SessionPool, advances: readonly PartitionAdvance[]): Promise<Finding> {
  const leases = await sessions.query<LeaseRow>({
    text: 'select partition, epoch, batch from lease where partition = any($1::smallint[])',
    values: [advances.map(({ partition }) => partition)],
  });
  const byPartition = new Map(leases.map((lease) => [lease.partition, lease]));
  for (const { partition, epoch, afterBatch } of advances) {
    const lease = byPartition.get(partition);
    if (lease?.epoch !== epoch) continue;
    if (lease.batch <= afterBatch) return { type: 'not-written' };
    await proveDurable(sessions, partition);
    return { type: 'written' };
  }
  return { type: 'lost', partitions: advances.map(({ partition }) => partition) };
}

/** Writes something that changes nothing, and waits for the answer. Rejects when there is none in time, or one with a reservation. */
async function proveDurable(sessions: SessionPool, partition: number): Promise<void> {
  const session = await sessions.open();
  try {
    const warned = warningOf(session);
    await session.client.query('update lease set batch = batch where partition = $1', [partition]);
    const warning = warned();
    if (warning !== null) throw warning;
    session.release();
  } catch (error) {
    session.release(asError(error));
    // It may wait for a standby for ever.
    await hasEnded(sessions, session.backend);
    throw error;
  }
}
