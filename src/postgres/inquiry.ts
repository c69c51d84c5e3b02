/**
 * What became of a commit whose connection was cut before it was answered.
 *
 * The server may still be at work on it. So its process is ended first, and waited for; after that nothing of it can happen any
 * more, and the lease rows, which every commit moves, tell whether it did.
 *
 * Where commits wait for a standby, ending one that waits makes it visible although no standby has it. So what is seen is believed once
 * a transaction of our own, written after it and under the same rule, was answered: standbys have everything in the order of the log. And it
 * is believed as that transaction found it: a standby may have taken over in between, without the commit.
 */
import type { Commit, CommitResult, PartitionAdvance } from '../runtime/ports.ts';
import type { PostgresLimits } from './limits.ts';

/** The server's process behind a connection. Its start tells it from a later one with the same number. */
export interface Backend {
  readonly pid: number;
  readonly startedAt: string;
}

/** What every commit moves, as it stands. */
export interface LeaseRow {
  readonly partition: number;
  readonly epoch: number;
  readonly batch: number;
}

/** All that an inquiry needs of the world: the questions that are put to the server, each of which rejects when it is not answered in time, and time. */
export interface InquiryPort {
  /** Ends a process of the server. True when it is gone: its transaction is decided then. */
  end(backend: Backend): Promise<boolean>;
  /** The lease rows of partitions, of those that are there. */
  leases(partitions: readonly number[]): Promise<readonly LeaseRow[]>;
  /**
   * Writes into a lease row what stands there, and returns that; `null` where there is no such row. Rejects also when it is answered with a
   * reservation.
   */
  rewrite(partition: number): Promise<LeaseRow | null>;
  /** Ms that only grow. */
  monotonic(): number;
  pause(ms: number): Promise<void>;
}

/** How long, and how often. */
export type InquiryLimits = Pick<PostgresLimits, 'giveUpAfterMs' | 'inquiryPauseMs'>;

/** What is certain about the commit. */
type Finding =
  | { readonly type: 'written' }
  | { readonly type: 'not-written' }
  /** Others have all its partitions by now, and went on from whatever is stored. */
  | { readonly type: 'lost'; readonly partitions: readonly number[] }
  /** The server could not be asked in time. */
  | { readonly type: 'open'; readonly cause: Error };

/** Inquiries of one node, and the commits of which it does not know whether they were written. */
export class Inquiries {
  readonly #port: InquiryPort;
  readonly #limits: InquiryLimits;
  /** With the server's process that may have written it. */
  readonly #open = new WeakMap<Commit, Backend>();

  constructor(port: InquiryPort, limits: InquiryLimits) {
    this.#port = port;
    this.#limits = limits;
  }

  /**
   * What became of a commit that is made a second time; `null` when the first time certainly wrote nothing, or there was none: then it
   * may be sent.
   */
  async before(commit: Commit): Promise<CommitResult | null> {
    const backend = this.#open.get(commit);
    if (backend === undefined) return null;
    const result = await this.after(commit, backend);
    return result.type !== 'unavailable' || this.#open.has(commit) ? result : null;
  }

  /** What became of a commit that was sent to this process of the server, and was not answered. */
  async after(commit: Commit, backend: Backend): Promise<CommitResult> {
    const finding = await inquire(this.#port, this.#limits, backend, commit.partitions);
    if (finding.type === 'open') this.#open.set(commit, backend);
    else this.#open.delete(commit);
    switch (finding.type) {
      case 'written':
        return { type: 'committed' };
      case 'lost':
        return { type: 'fenced', partitions: finding.partitions };
      case 'not-written':
        return { type: 'unavailable', cause: new Error('the connection was cut before the commit') };
      case 'open':
        return { type: 'unavailable', cause: finding.cause };
    }
  }
}

/** Finds out. Asks again while the server is away, for `giveUpAfterMs` in all. */
async function inquire(
  port: InquiryPort,
  { giveUpAfterMs, inquiryPauseMs }: InquiryLimits,
  backend: Backend,
  advances: readonly PartitionAdvance[],
): Promise<Finding> {
  const deadline = port.monotonic() + giveUpAfterMs;
  let cause = new Error(`process ${String(backend.pid)} of the server did not end`);
  do {
    try {
      if (await port.end(backend)) return await readFinding(port, advances);
    } catch (error) {
      cause = error instanceof Error ? error : new Error(String(error));
    }
    await port.pause(inquiryPauseMs);
  } while (port.monotonic() < deadline);
  return { type: 'open', cause };
}

async function readFinding(port: InquiryPort, advances: readonly PartitionAdvance[]): Promise<Finding> {
  const leases = await port.leases(advances.map(({ partition }) => partition));
  const byPartition = new Map(leases.map((lease) => [lease.partition, lease]));
  for (const { partition, epoch, afterBatch } of advances) {
    const lease = byPartition.get(partition);
    if (lease?.epoch !== epoch) continue;
    if (lease.batch <= afterBatch) return { type: 'not-written' };
    const kept = await port.rewrite(partition);
    if (kept?.epoch === epoch) return { type: kept.batch > afterBatch ? 'written' : 'not-written' };
  }
  return { type: 'lost', partitions: advances.map(({ partition }) => partition) };
}
