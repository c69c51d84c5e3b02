/**
 * Who owns which partition, in memory: the same rules as the table `lease` of Postgres.
 *
 * Invariants:
 * I1  a later epoch of a partition is higher.
 * I2  `positions`, `backlog`, `batch`, `journal` and `published` move only under the epoch and after the batch that the fence names.
 */
import type { LeaseView, Ownership } from '../history/ports.ts';
import { epochAfter, usableEpoch } from '../runtime/epoch.ts';
import type { Lease, PartitionAdvance, Store, StreamPosition } from '../runtime/ports.ts';
import { PARTITIONS } from '../wire/partition.ts';

type Held = Pick<Lease, 'partition' | 'epoch'>;

/** The leases of all partitions. */
export class LeaseTable {
  #rows: LeaseView[] = Array.from({ length: PARTITIONS }, (_, partition) => ({
    partition,
    owner: null,
    expiresAt: null,
    epoch: 0,
    positions: [],
    backlog: [],
    batch: 0,
    journal: 0,
    published: 0,
  }));
  /** By partition, why its owner accepts no commands. */
  readonly #refusals = new Map<number, string>();

  /** Gives up to `limit` partitions that nobody holds at `now` to `node`, each under a fresh epoch. */
  acquire(options: Parameters<Store['acquire']>[0] & { readonly now: number }): readonly Lease[] {
    const { node, limit, ttlMs, epochAtLeast, now } = options;
    const free = this.#rows.filter(({ expiresAt }) => isFree(expiresAt, now, ttlMs));
    return free.slice(0, limit).map((row) => {
      const epoch = usableEpoch(epochAfter(row.epoch, epochAtLeast));
      this.#rows[row.partition] = { ...row, epoch, owner: node, expiresAt: now + ttlMs };
      this.#refusals.delete(row.partition);
      const { partition, positions, backlog, batch, journal, published } = row;
      return { partition, epoch, positions, backlog, batch, journal, published };
    });
  }

  /** Another one with the same leases. */
  copy(): LeaseTable {
    const table = new LeaseTable();
    table.#rows = structuredClone(this.#rows);
    for (const [partition, refuses] of this.#refusals) table.#refusals.set(partition, refuses);
    return table;
  }

  /** Every partition, and who holds it. */
  rows(): readonly LeaseView[] {
    return structuredClone(this.#rows);
  }

  /** See `Archive.ownership`. */
  ownership(partition: number, now: number): Ownership {
    const { owner = null, expiresAt = null } = this.#rows[partition] ?? {};
    const isHeld = expiresAt !== null && expiresAt > now;
    return { owner, isHeld, refuses: this.#refusals.get(partition) ?? null };
  }

  /** Extends those of `leases` that are still held; returns their partitions. */
  renew(options: Parameters<Store['renew']>[0] & { readonly now: number }): readonly number[] {
    const { node, ttlMs, now, leases, refuses } = options;
    const kept = leases.filter((lease) => this.#rowUnder(lease)?.owner === node);
    for (const { partition } of kept) {
      this.#change(partition, { expiresAt: now + ttlMs });
      if (refuses === null) this.#refusals.delete(partition);
      else this.#refusals.set(partition, refuses);
    }
    return kept.map(({ partition }) => partition);
  }

  /** Ends those of `leases` that are still held; nothing can be committed under their epochs any more. */
  release(leases: readonly Held[]): void {
    for (const lease of leases) {
      const row = this.#rowUnder(lease);
      if (row === undefined) continue;
      this.#refusals.delete(lease.partition);
      this.#change(lease.partition, { owner: null, expiresAt: null, epoch: usableEpoch(row.epoch + 1) });
    }
  }

  /** The partitions that may not be advanced: another epoch, or another batch than the last one. */
  refusing(advances: readonly PartitionAdvance[]): readonly number[] {
    return advances
      .filter((advance) => this.#rowUnder(advance)?.batch !== advance.afterBatch)
      .map(({ partition }) => partition);
  }

  /** Moves what {@link refusing} did not refuse. */
  advance(advances: readonly PartitionAdvance[]): void {
    for (const { partition, afterBatch, positions: moved, backlog: changed, ...numbers } of advances) {
      const { journal, published } = numbers;
      const before = this.#rows[partition];
      const positions = withMoved(before?.positions ?? [], moved);
      const backlog = changed ?? before?.backlog ?? [];
      this.#change(partition, { batch: afterBatch + 1, positions, backlog, journal, published });
    }
  }

  #rowUnder({ partition, epoch }: Held): LeaseView | undefined {
    const row = this.#rows[partition];
    return row?.epoch === epoch ? row : undefined;
  }

  #change(partition: number, change: Partial<LeaseView>): void {
    const row = this.#rows[partition];
    if (row === undefined) throw new Error(`there is no partition ${String(partition)}`);
    this.#rows[partition] = { ...row, ...change };
  }
}

/** No lease lasts for longer than it was asked for: what seems to was given while the clock was ahead. */
function isFree(expiresAt: number | null, now: number, ttlMs: number): boolean {
  return expiresAt === null || expiresAt <= now || expiresAt > now + ttlMs;
}

function withMoved(
  positions: readonly StreamPosition[],
  moved: readonly StreamPosition[],
): readonly StreamPosition[] {
  const others = positions.filter(({ stream }) => moved.every((one) => one.stream !== stream));
  return [...others, ...moved];
}
