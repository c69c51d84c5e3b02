/**
 * The stores that HTTP is looked at over.
 */
import { kinds } from '../../machines/kinds.ts';
import { MemoryStore } from '../../src/memory/store.ts';
import type { Archive, Store } from '../../src/runtime/ports.ts';
import type { StandingClock } from './http-node.ts';

/** A store of one's own, empty. */
export interface OpenStore {
  readonly store: Store & Archive;
  readonly clock: StandingClock;
  readonly end: () => Promise<void>;
}

/** Every store there is. */
export const stores: readonly {
  readonly name: string;
  readonly open: (clock: StandingClock) => Promise<OpenStore>;
}[] = [
  {
    name: 'memory',
    open: async (clock) => {
      const store = new MemoryStore({ kinds, clock, serverErrorMs: 50, retentionDays: 30 });
      return { store, clock, end: async () => undefined };
    },
  },
];
