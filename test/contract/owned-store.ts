/**
 * A store of which one node owns every partition, and commits to all of them at once.
 */
import { expect } from 'vitest';
import type { Commit, Lease, Store } from '../../src/runtime/ports.ts';
import { PARTITIONS } from '../../src/wire/partition.ts';
import { advance, advanced, commitOf } from './store-samples.ts';

export class OwnedStore {
  readonly leases: Map<number, Lease>;
  readonly #store: Store;

  private constructor(store: Store, leases: readonly Lease[]) {
    this.#store = store;
    this.leases = new Map(leases.map((lease) => [lease.partition, lease]));
  }

  static async take(store: Store): Promise<OwnedStore> {
    return new OwnedStore(
      store,
      await store.acquire({ node: 'a', limit: PARTITIONS, ttlMs: 60_000, epochAtLeast: Date.now() }),
    );
  }

  /** Commits to all partitions. */
  async commit(change: Partial<Commit>): Promise<void> {
    const partitions = [...this.leases.values()].map((lease) => advance(lease));
    expect(await this.#store.commit(commitOf(partitions, change))).toEqual({ type: 'committed' });
    for (const to of partitions) this.leases.set(to.partition, advanced(this.leases.get(to.partition)!, to));
  }
}
