/**
 * Whether the database behind a new connection is still the one that this node knows. It can be set back under a node that runs: restored
 * from a backup, with its machine from a snapshot, or as a copy of its folder. Its connections break then, and the next ones lead to a
 * database that does not know what this node has seen committed, and may give a device the key of another one.
 *
 * Invariants:
 * I1  what was learnt from one database is used with no other: keys are forgotten, and a lease is good where it was taken.
 * I2  a database that has all that this node has seen committed, on the same server and timeline, is the same.
 */
import type { ClientBase } from 'pg';
import type { Lease, PartitionAdvance } from '../runtime/ports.ts';

type Held = Pick<Lease, 'partition' | 'epoch'>;

interface Seen {
  readonly epoch: number;
  readonly batch: number;
}

/** What the store is told by whoever watches over it. */
export interface SetBack {
  readonly type: 'store-set-back';
  /** What is not as this node has seen it, as a sentence. */
  readonly found: string;
}

interface Found {
  readonly server: string;
  readonly key: number;
  readonly leases: readonly { readonly partition: number; readonly epoch: number; readonly batch: number }[];
}

/** `pg_control_system` may be kept from a role: then the timeline alone tells servers apart, and the lease rows databases. */
const LOOK = `select
    concat_ws('/',
      case when has_function_privilege('pg_control_system()', 'execute')
        then (select system_identifier::text from pg_control_system()) end,
      case when not pg_is_in_recovery() then left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) end) as server,
    (select last_value from device_key) as key,
    (select json_agg(json_build_object('partition', partition, 'epoch', epoch, 'batch', batch))::jsonb from lease) as leases`;

/** See the head of this file. */
export class KnownDatabase {
  readonly #onSetBack: (notice: SetBack) => void;
  #server: string | null = null;
  #highestKey = 0;
  /** What this node has seen last of each partition that it holds. */
  #held = new Map<number, Seen>();
  /** Leases that were taken in a database which is gone, by partition and epoch. */
  readonly #gone = new Set<string>();

  constructor(onSetBack: (notice: SetBack) => void) {
    this.#onSetBack = onSetBack;
  }

  /** A new connection: looks at what it leads to. Rejects when that cannot be read. */
  async meet(client: ClientBase): Promise<void> {
    // What is committed while the question is under way is not in its answer.
    const before = { held: new Map(this.#held), highestKey: this.#highestKey, server: this.#server };
    const { rows } = await client.query<Found>(LOOK);
    const [found] = rows;
    if (found === undefined) throw new Error('the database does not say which one it is');
    const problem = problemOf(found, before);
    if (this.#server === before.server) this.#server = found.server;
    if (problem === null) return;
    for (const [partition, { epoch }] of before.held) this.#gone.add(nameOf({ partition, epoch }));
    this.#held = new Map();
    this.#highestKey = 0;
    this.#onSetBack({ type: 'store-set-back', found: problem });
  }

  /** Leases were taken. */
  took(leases: readonly Lease[]): void {
    for (const { partition, epoch, batch } of leases) this.#held.set(partition, { epoch, batch });
  }

  /** A commit was written. */
  wrote(advances: readonly PartitionAdvance[]): void {
    for (const { partition, epoch, afterBatch } of advances) {
      if (this.#held.get(partition)?.epoch === epoch)
        this.#held.set(partition, { epoch, batch: afterBatch + 1 });
    }
  }

  /** A key was read or given. */
  saw(key: number): void {
    this.#highestKey = Math.max(this.#highestKey, key);
  }

  /** Whether a lease was taken in a database that is gone. */
  isGone(lease: Held): boolean {
    return this.#gone.has(nameOf(lease));
  }
}

function nameOf({ partition, epoch }: Held): string {
  return `${String(partition)} ${String(epoch)}`;
}

/** What a database lacks of what was seen before it was looked at, or `null`. */
function problemOf(
  { server, key, leases }: Found,
  before: {
    readonly server: string | null;
    readonly highestKey: number;
    readonly held: ReadonlyMap<number, Seen>;
  },
): string | null {
  if (before.server !== null && before.server !== server)
    return `it is on the server and timeline ${server}, and was on ${before.server}`;
  if (key < before.highestKey)
    return `it has given device keys up to ${String(key)}, and had given ${String(before.highestKey)}`;
  for (const { partition, epoch, batch } of leases) {
    const seen = before.held.get(partition);
    if (seen === undefined || epoch > seen.epoch) continue;
    if (epoch < seen.epoch || batch < seen.batch)
      return `partition ${String(partition)} is at epoch ${String(epoch)} and batch ${String(batch)}, and was at ${String(seen.epoch)} and ${String(seen.batch)}`;
  }
  return null;
}
