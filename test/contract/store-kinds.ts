/**
 * The stores that keep the contract, each opened empty, with the levers a test of it needs.
 */
import pg from 'pg';
import { kinds } from '../../machines/kinds.ts';
import { MemoryStore } from '../../src/memory/store.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import type { FleetReader } from '../../src/history/ports.ts';
import type { InventoryEntry, Store } from '../../src/runtime/ports.ts';
import { createDatabase } from '../servers/servers.ts';
import { T0 } from './store-samples.ts';

/** A store under test. */
export interface StoreUnderTest {
  readonly store: Store & FleetReader;
  /** Registers a device, as an engineer would. */
  readonly register: (
    device: Omit<InventoryEntry, 'registered'> & { readonly labels?: Readonly<Record<string, string>> },
  ) => Promise<void>;
  /** Lets all leases run out. */
  readonly expireLeases: () => Promise<void>;
  /** What time the store has, ms. */
  readonly now: () => number;
  /** Sets the store's clock back by hours. */
  readonly setClockBack: () => Promise<void>;
  /** Drops what is beyond its retention at `now`. */
  readonly maintain: (now: number) => Promise<void>;
  readonly end: () => Promise<void>;
}

/** How long the stores under test keep reports. */
export const RETENTION_DAYS = 30;

const LEASE_TTL_MAX_MS = 3_600_000;

/** Every store, by name. */
export const storesUnderTest: readonly {
  readonly name: string;
  readonly open: () => Promise<StoreUnderTest>;
}[] = [
  { name: 'in memory', open: openMemory },
  { name: 'on Postgres', open: openPostgres },
];

async function openMemory(): Promise<StoreUnderTest> {
  let now = T0;
  const clock = { now: () => now };
  const store = new MemoryStore({ kinds, clock, serverErrorMs: 50, retentionDays: RETENTION_DAYS });
  return {
    store,
    register: async ({ labels = {}, ...device }) => {
      store.register({ ...device, labels, registered: true });
    },
    expireLeases: async () => {
      now += LEASE_TTL_MAX_MS;
    },
    now: () => now,
    setClockBack: async () => {
      now -= 5 * LEASE_TTL_MAX_MS;
    },
    maintain: (time) => store.maintain(time),
    end: async () => undefined,
  };
}

async function openPostgres(): Promise<StoreUnderTest> {
  const database = await createDatabase();
  const connectionString = database.url;
  const limits = { retentionDays: RETENTION_DAYS };
  const clock = { now: () => T0 };
  const store = new PostgresStore({ connectionString, kinds, clock, serverErrorMs: 50, limits });
  const client = new pg.Client({ connectionString });
  await client.connect();
  return {
    store,
    register: async ({ device, kind, site, labels = {} }) => {
      await client.query(
        'insert into device (id, kind, site, registered, labels) values ($1, $2, $3, true, $4)',
        [device, kind, site, labels],
      );
    },
    expireLeases: async () => {
      await client.query("update lease set expires_at = now() - interval '1 second' where owner is not null");
    },
    now: () => Date.now(),
    setClockBack: async () => {
      await client.query(
        "update lease set expires_at = expires_at + interval '5 hours' where owner is not null",
      );
    },
    maintain: async (time) => {
      await store.maintain(time);
    },
    end: async () => {
      await store.close();
      await client.end();
      await database.drop();
    },
  };
}
