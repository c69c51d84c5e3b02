/**
 * A partition as its owner holds it in memory: its twins, its inventory, and how far it got.
 *
 * Invariants:
 * I1  `batch` and `journal` only grow.
 * I2  `journal` numbers are given out once, also by a store that was set back (`epoch.ts`).
 * I3  everything here is at most one uncommitted batch ahead of the store; a failed commit discards all of it.
 */
import type { GivenNumbers } from '../../actors/twin.ts';
import { Backlog } from './backlog.ts';
import type { InventoryEntry, Lease, PartitionAdvance, Store } from './ports.ts';
import type { Forgetting } from '../contract/journal-entry.ts';
import { Sources } from './sources.ts';
import { StreamPositions } from './stream-positions.ts';
import { Twins, type TwinsOptions } from './twins.ts';
import { UnregisteredDevices } from './unregistered-devices.ts';

/** What its owner holds of a partition in memory. */
export interface PartitionState {
  readonly partition: number;
  readonly epoch: number;
  /** How far it got in each stream. */
  readonly positions: StreamPositions;
  /** What was set aside. */
  readonly backlog: Backlog;
  /** Number of the last batch given to the store. */
  batch: number;
  /** Number of the last journal line given out. */
  journal: number;
  /** Journal number up to which lines are known to be published. */
  published: number;
  /** Of all partitions that were opened together. */
  readonly twins: Twins;
  /** Only devices without a twin: what is known of one that has is in its twin. Of all partitions, too. */
  readonly inventory: Map<string, InventoryEntry>;
  /** Of all partitions, too. */
  readonly unregistered: UnregisteredDevices;
  /** Who speaks for devices that do not speak themselves. Of all partitions, too. */
  readonly sources: Sources;
  /** Devices that are forgotten, by id. Of all partitions, too. */
  readonly forgotten: Map<string, Forgetting>;
  /** How far the numbers of devices had got that were forgotten under this lease, by id. Of all partitions, too. */
  readonly given: Map<string, GivenNumbers>;
  /** Devices that were moved to another site, or are of another kind, and whose twins do not know it yet. Of all partitions, too. */
  readonly moved: readonly InventoryEntry[];
}

/** Partitions as their new owner finds them. Rejects when the store cannot be read, or holds what is not understood. */
export async function openPartitions(
  leases: readonly Lease[],
  options: TwinsOptions & { readonly store: Store; readonly sourcesMax: number },
): Promise<readonly PartitionState[]> {
  const twins = new Twins(options);
  const inventory = new Map<string, InventoryEntry>();
  const unregistered = new UnregisteredDevices();
  const sources = new Sources(options.sourcesMax);
  const moved: InventoryEntry[] = [];
  const forgotten = new Map<string, Forgetting>();
  const given = new Map<string, GivenNumbers>();
  const partitions = leases.map(({ partition }) => partition);
  await options.store.load(partitions, {
    twin: (stored) => {
      twins.restore(stored);
      unregistered.add(stored);
      const { device, registeredKind: kind, site, isRegistered: registered, via } = stored;
      if (via !== null) sources.lay({ device, site }, via);
      if (stored.isMoved) moved.push({ device, kind, site, registered });
    },
    registered: (entry) => {
      inventory.set(entry.device, entry);
      unregistered.add({ site: entry.site, isRegistered: entry.registered });
    },
    forgotten: (forgetting) => void forgotten.set(forgetting.device, forgetting),
  });
  return leases.map(({ positions, backlog, ...lease }) => ({
    ...lease,
    positions: new StreamPositions(positions),
    backlog: new Backlog(backlog),
    twins,
    inventory,
    unregistered,
    sources,
    forgotten,
    given,
    moved,
  }));
}

/**
 * What the next commit writes of how far a partition has got: all of it, or only the positions of streams in which nothing was passed over
 * since. A position never gets into the store before what was set aside below it.
 */
export function takeProgress({
  positions,
  backlog,
}: Pick<PartitionState, 'positions' | 'backlog'>): Pick<PartitionAdvance, 'positions' | 'backlog'> {
  if (!positions.isDue && !backlog.isDue) return { positions: positions.takeMoved(), backlog: null };
  // A copy: it goes on changing while this commit is under way.
  return { positions: positions.takeChanged(), backlog: backlog.takeChanged() };
}
