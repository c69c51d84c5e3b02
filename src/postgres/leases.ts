/**
 * Takes, keeps and gives back leases, by the clock of Postgres alone: the nodes' clocks may disagree.
 */
import { usableEpoch } from '../runtime/epoch.ts';
import type { Lease, Store } from '../runtime/ports.ts';
import { type PositionsRow, readPositions } from './lease-row.ts';
import type { SessionPool } from './sessions.ts';

/** How much an epoch may be ahead of the time of its taking, ms. */
const EPOCH_CHANCE_MS = 1_000;

type Held = Parameters<Store['release']>[0];

/**
 * Partitions that another node is just writing to are passed over: somebody holds them. No lease lasts for longer than it was asked for:
 * what seems to was given while the clock was ahead. That is judged by the time at which a row is looked at (`clock_timestamp`), since
 * what was given after the question began (`now`) ends later than the question would give it. Epochs grow with the time of who asks
 * (`epochAfter`), and by chance a little more, so that two databases that were one do not give the same.
 */
const ACQUIRE = `with free as (
  select partition from lease
  where expires_at is null or expires_at <= now() or expires_at > clock_timestamp() + $3 * interval '1 millisecond'
  order by partition limit $2 for update skip locked
)
update lease l
set owner = $1, epoch = greatest(l.epoch + 1, floor($4::bigint + random() * ${String(EPOCH_CHANCE_MS)})::bigint),
  expires_at = now() + $3 * interval '1 millisecond', refuses = null
from free where l.partition = free.partition
returning l.partition, l.epoch, l.positions, l.backlog, l.batch, l.journal, l.published`;

/** Whoever locks several lease rows locks them in the order of their partitions: so nobody waits in a circle. */
const HELD = `select l.partition
  from lease l join unnest($1::smallint[], $2::bigint[]) h (partition, epoch) on h.partition = l.partition
  where l.epoch = h.epoch and l.owner is not null
  order by l.partition for update of l`;

const RENEW = `with held as (${HELD})
update lease l set expires_at = now() + $4 * interval '1 millisecond', refuses = $5::text
from held where l.partition = held.partition and l.owner = $3
returning l.partition`;

/** The epoch ends as well: nothing can be committed under it any more. */
const RELEASE = `with held as (${HELD})
update lease l set owner = null, expires_at = null, refuses = null, epoch = l.epoch + 1
from held where l.partition = held.partition`;

/** See `Store.acquire`. */
export async function acquireLeases(
  sessions: SessionPool,
  { node, limit, ttlMs, epochAtLeast }: Parameters<Store['acquire']>[0],
): Promise<readonly Lease[]> {
  const leases = await sessions.query<Omit<Lease, 'positions'> & { readonly positions: PositionsRow }>({
    text: ACQUIRE,
    values: [node, limit, ttlMs, Math.floor(epochAtLeast)],
  });
  for (const { epoch } of leases) usableEpoch(epoch);
  return leases.map(readPositions).sort((a, b) => a.partition - b.partition);
}

/** See `Store.renew`. */
export async function renewLeases(
  sessions: SessionPool,
  { node, ttlMs, leases, refuses }: Parameters<Store['renew']>[0],
): Promise<readonly number[]> {
  const rows = await sessions.query<{ partition: number }>({
    text: RENEW,
    values: [...heldValues(leases), node, ttlMs, refuses],
  });
  return rows.map(({ partition }) => partition);
}

/** See `Store.release`. */
export async function releaseLeases(sessions: SessionPool, leases: Held): Promise<void> {
  await sessions.query({ text: RELEASE, values: heldValues(leases) });
}

function heldValues(leases: Held): unknown[] {
  return [leases.map(({ partition }) => partition), leases.map(({ epoch }) => epoch)];
}
