/**
 * A partition as its owner holds it in memory: its twins, its inventory, and how far it got.
 *
 * Invariants:
 * I1  `batch` and `journal` only grow; `position` only falls when the stream was made anew.
 * I2  `journal` numbers are given out without a gap.
 * I3  everything here is at most one uncommitted batch ahead of the store; a failed commit discards all of it.
 */
import { assertInvariants } from '../../actors/invariants.ts';
import type { Twin } from '../../actors/twin.ts';
import type { InventoryEntry, Lease, StoredPartition } from './ports.ts';

/** What its owner holds of a partition in memory. */
export interface PartitionState {
  readonly partition: number;
  readonly epoch: number;
  /** Stream sequence up to which everything is decided. */
  position: number;
  /** The stream in which `position` counts. */
  stream: string | null;
  /** Number of the last batch given to the store. */
  batch: number;
  /** Number of the last journal line given out. */
  journal: number;
  /** Journal number up to which lines are known to be published. */
  published: number;
  readonly twins: Map<string, Twin>;
  /** Only devices without a twin: what is known of one that has is in its twin. */
  readonly inventory: Map<string, InventoryEntry>;
}

/** A partition as its new owner finds it. Throws when a stored twin breaks an invariant. */
export function openPartition(lease: Lease, stored: StoredPartition): PartitionState {
  const { partition, epoch, position, stream, batch, journal, published } = lease;
  const twins = new Map<string, Twin>();
  for (const twin of stored.twins) {
    assertInvariants(twin);
    twins.set(twin.device, twin);
  }
  const silent = stored.inventory.filter(({ device }) => !twins.has(device));
  const inventory = new Map(silent.map((entry) => [entry.device, entry]));
  return { partition, epoch, position, stream, batch, journal, published, twins, inventory };
}
