/**
 * The stores that HTTP is looked at over.
 */
import { kinds } from '../../machines/kinds.ts';
import { MemoryStore } from '../../src/memory/store.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import type { FleetReader } from '../../src/history/ports.ts';
import type { Store } from '../../src/runtime/ports.ts';
import { createDatabase } from '../servers/servers.ts';
import type { StandingClock } from './http-node.ts';

/** A store of one's own, empty. */
export interface OpenStore {
  readonly store: Store & FleetReader;
  readonly clock: StandingClock;
  readonly end: () => Promise<void>;
}

/** How a store is opened. */
export interface StoreKind {
  readonly name: string;
  readonly open: (clock: StandingClock) => Promise<OpenStore>;
}

/** The store in memory. */
export const memory: StoreKind = {
  name: 'memory',
  open: async (clock) => {
    const store = new MemoryStore({ kinds, clock, serverErrorMs: 50, retentionDays: 30 });
    return { store, clock, end: async () => undefined };
  },
};

/** The store on Postgres, in a database of its own. */
export const postgres: StoreKind = {
  name: 'Postgres',
  open: async (clock) => {
    const database = await createDatabase();
    const store = new PostgresStore({ connectionString: database.url, kinds, clock, serverErrorMs: 50 });
    return { store, clock, end: () => store.close().then(database.drop) };
  },
};

/** Every store there is. */
export const stores: readonly StoreKind[] = [memory, postgres];
