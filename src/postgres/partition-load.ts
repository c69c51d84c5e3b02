/**
 * Reads partitions for their new owner: each row is passed on as it came, and made into a twin only when something happens to
 * it. That, and a server that sends a table as it lies, makes a takeover of a million twins a matter of seconds.
 */
import type { PartitionSink } from '../runtime/ports.ts';
import { PARTITIONS } from '../wire/partition.ts';
import { worldState } from '../../machines/statechart.ts';
import { type CopiedRow, copyRows } from './copied-row.ts';
import { readForgotten } from './forgotten-rows.ts';
import type { Session } from './sessions.ts';
import { isAwaiting } from './snapshot.ts';
import { columnsBetween, twinSelection } from './twin-row.ts';

/** What loading takes besides a connection. */
export interface LoadOptions {
  readonly partitions: readonly number[];
  readonly timeoutMs: number;
  readonly learnKey: (device: string, key: number) => void;
  readonly sink: PartitionSink;
}

/**
 * Devices and twins are joined in memory, as one process reads the whole table in the order in which it lies: with the usual
 * work_mem the server would write all rows to files and read them again.
 */
const SETTINGS = `set local work_mem = '256MB'; set local max_parallel_workers_per_gather = 0`;

/** Tells the sink everything about the devices of partitions, in one snapshot. Rejects when it cannot be read or understood. */
export async function loadPartitions({ client }: Session, options: LoadOptions): Promise<void> {
  const { partitions, timeoutMs, learnKey, sink } = options;
  const whole = partitions.length === PARTITIONS;
  const chosen = whole ? '' : `where d.partition in (${partitions.map(Number).join(', ')})`;
  const text = `select d.key, d.id, d.kind, d.site, d.registered, t.device is not null, t.received_at, t.via ->> 'id',
      ${twinSelection}
    from device d left join twin t on t.device = d.key ${chosen}`;
  // What is forgotten is read after the devices, and has to be of the same moment.
  await client.query(`begin isolation level repeatable read read only; ${SETTINGS}`);
  try {
    await copyRows(client, { text, timeoutMs }, (row) => passOn(row, sink, learnKey));
    for (const forgetting of await readForgotten(client, partitions)) sink.forgotten(forgetting);
  } finally {
    await client.query('rollback');
  }
}

function passOn(row: CopiedRow, sink: PartitionSink, learnKey: LoadOptions['learnKey']): void {
  const key = row.integer();
  const device = row.text() ?? '';
  learnKey(device, key);
  const kind = row.text() ?? '';
  const site = row.text() ?? '';
  const registered = row.boolean();
  if (!row.boolean()) {
    sink.registered({ device, kind, site, registered });
    return;
  }
  const receivedAt = row.time();
  const via = row.text();
  const { rest: bytes } = row;
  const twin = sketchOf(device, row);
  const heardAt = worldState(twin.path) === 'offline' ? null : receivedAt;
  const { isBusy } = twin;
  const isMoved = twin.site !== site || twin.kind !== kind;
  sink.twin({
    device,
    kind: twin.kind,
    site,
    registeredKind: kind,
    isMoved,
    isRegistered: registered,
    via,
    heardAt,
    isBusy,
    bytes,
  });
}

const FROM_SITE_TO_PATH = columnsBetween('site', 'path');
const FROM_PATH_TO_HOLD = columnsBetween('path', 'hold');
const FROM_HOLD_TO_SNAPSHOT = columnsBetween('hold', 'snapshot');

/** What is to be known of a resting twin, from the fields of {@link twinSelection}. */
function sketchOf(
  device: string,
  row: CopiedRow,
): { readonly kind: string; readonly site: string; readonly path: string; readonly isBusy: boolean } {
  const kind = row.text() ?? '';
  const site = row.text() ?? '';
  pass(row, FROM_SITE_TO_PATH);
  const path = row.text() ?? '';
  pass(row, FROM_PATH_TO_HOLD);
  const isHeld = row.skip();
  pass(row, FROM_HOLD_TO_SNAPSHOT);
  const snapshot = row.bytes();
  return { kind, site, path, isBusy: isHeld || (snapshot !== null && isAwaiting(device, snapshot)) };
}

function pass(row: CopiedRow, fields: number): void {
  for (let field = 0; field < fields; field += 1) row.skip();
}
