/**
 * Which devices were registered, or moved, since an owner looked last.
 *
 * Transactions commit in another order than they begin in. So a look goes through all that were not certainly over at the look
 * before, some of which is told twice, and nothing is missed. Of a database that was restored, ids of transactions may lie ahead:
 * those are as old as what an owner loads.
 */
import type { InventoryEntry } from '../runtime/ports.ts';
import type { SessionPool } from './sessions.ts';

const REGISTERED = `select s.through, d.id as device, d.kind, d.site, d.registered
from (select txid_snapshot_xmin(now_running) as through, txid_snapshot_xmax(now_running) as ahead from txid_current_snapshot() now_running) s
left join device d on d.registered_in >= $1 and d.registered_in < s.ahead`;

type RegisteredRow = { readonly through: number } & (
  InventoryEntry | { readonly [Name in keyof InventoryEntry]: null }
);

/** See `Store.registered`. */
export async function registeredSince(
  sessions: SessionPool,
  since: number | null,
): Promise<{ readonly entries: readonly InventoryEntry[]; readonly through: number }> {
  const rows = await sessions.query<RegisteredRow>({
    name: 'registered since',
    text: REGISTERED,
    values: [since],
  });
  const entries = rows.flatMap(({ through: _, ...entry }) => (entry.device === null ? [] : [entry]));
  return { entries, through: rows[0]?.through ?? since ?? 0 };
}
