/**
 * Keeps the inventory of components by the scans that devices send when they boot: what is built in now, and every change.
 *
 * Scans are rare, so what is known is read before the commit; nobody else writes it, because the commit's fence makes this
 * node the only one that may. A scan that is older than the newest one, and arrives later, changes nothing: it is in the
 * history of reports.
 */
import type { ClientBase } from 'pg';
import type { FiledReport } from '../../actors/decision.ts';
import { comparePositions } from '../../machines/report.ts';
import type { Columns } from './array-parameter.ts';
import {
  type Component,
  type InventoryChange,
  inventoryChanges,
  scannedComponents,
} from './inventory-changes.ts';
import { fill, type FilledPart, type StatementPart } from './statement.ts';

/** A report that lists components. */
interface Scan {
  readonly key: number;
  readonly filed: FiledReport;
  readonly components: readonly Component[];
}

interface Position {
  readonly incarnation: number;
  readonly boot: number;
  readonly seq: number;
}

/** What is known of a device's components, and which scan said so. */
interface Known {
  readonly components: readonly Component[];
  readonly position: Position | null;
}

interface RecordedChange {
  readonly scan: Scan;
  readonly change: InventoryChange;
}

/** The parts that write what the scans among `reports` change. None when there is no scan. */
export async function inventoryParts(
  client: ClientBase,
  reports: readonly FiledReport[],
  keyOf: (device: string) => number,
): Promise<readonly FilledPart[]> {
  const scans = reports.flatMap((filed): Scan[] => {
    const { components } = filed.report;
    if (components === undefined) return [];
    return [{ key: keyOf(filed.device), filed, components: scannedComponents(components) }];
  });
  if (scans.length === 0) return [];
  const known = await readKnown(client, [...new Set(scans.map(({ key }) => key))]);
  const newest = new Map<number, Scan>();
  const changes: RecordedChange[] = [];
  for (const scan of scans.sort((a, b) => compare(positionOf(a), positionOf(b)))) {
    const before = known.get(scan.key) ?? { components: [], position: null };
    const position = positionOf(scan);
    if (before.position !== null && compare(position, before.position) <= 0) continue;
    for (const change of inventoryChanges(before.components, scan.components)) changes.push({ scan, change });
    known.set(scan.key, { components: scan.components, position });
    newest.set(scan.key, scan);
  }
  return partsOf(newest, changes);
}

function partsOf(
  newest: ReadonlyMap<number, Scan>,
  changes: readonly RecordedChange[],
): readonly FilledPart[] {
  if (newest.size === 0) return [];
  const scansPart = fill(scanPart, [...newest.values()], writeScan);
  if (changes.length === 0) return [scansPart];
  // A slot may change more than once in a batch; a row can be written only once.
  const last = new Map(
    changes.map((recorded) => [`${String(recorded.scan.key)} ${recorded.change.slot}`, recorded]),
  );
  const present = [...last.values()].filter(({ change }) => change.after !== null);
  const removed = [...last.values()].filter(({ change }) => change.after === null);
  const models = [...new Set(present.map(({ change }) => change.after?.model ?? ''))].sort();
  return [
    scansPart,
    fill(changePart, changes, writeChange),
    fill(modelPart, models, (name, row) => row.name.text(name)),
    fill(componentPart, present, writeComponent),
    fill(removalPart, removed, ({ scan, change }, row) => {
      row.device.integer(scan.key);
      row.slot.text(change.slot);
    }),
  ];
}

interface KnownRow {
  readonly device: number;
  readonly incarnation: number;
  readonly boot: number;
  readonly seq: number;
  readonly components: string;
}

async function readKnown(client: ClientBase, keys: readonly number[]): Promise<Map<number, Known>> {
  const { rows } = await client.query<KnownRow>({
    name: 'known components',
    text: `select s.device, s.incarnation, s.boot, s.seq, (
        select coalesce(json_agg(json_build_object(
          'slot', c.slot, 'model', m.name, 'serial', c.serial, 'firmware', c.firmware)), '[]')
        from component c join model m on m.key = c.model where c.device = s.device
      ) as components
      from inventory_scan s where s.device = any($1)`,
    values: [keys],
  });
  return new Map(
    rows.map(({ device, components, ...position }) => [
      device,
      { components: JSON.parse(components) as readonly Component[], position },
    ]),
  );
}

function positionOf({ filed }: Scan): Position {
  return { incarnation: filed.incarnation, boot: filed.report.boot, seq: filed.report.seq };
}

function compare(a: Position, b: Position): number {
  return a.incarnation - b.incarnation || comparePositions(a, b);
}

// ---------------------------------------------------------------------------------------------------------- rows

const scanColumns = { device: 'integer', incarnation: 'integer', boot: 'bigint', seq: 'bigint' } as const;

const scanPart: StatementPart<typeof scanColumns> = {
  name: 'scans',
  columns: scanColumns,
  sql: (input) => `scans as (
  insert into inventory_scan (device, incarnation, boot, seq) ${input}
  on conflict (device) do update
  set incarnation = excluded.incarnation, boot = excluded.boot, seq = excluded.seq
)`,
};

function writeScan(scan: Scan, row: Columns<typeof scanColumns>): void {
  const { incarnation, boot, seq } = positionOf(scan);
  row.device.integer(scan.key);
  row.incarnation.integer(incarnation);
  row.boot.bigint(boot);
  row.seq.bigint(seq);
}

const changeColumns = {
  device: 'integer',
  slot: 'text',
  change: 'text',
  before: 'json',
  after: 'json',
  measured_at: 'timestamptz',
  incarnation: 'integer',
  boot: 'bigint',
  seq: 'bigint',
} as const;

const changePart: StatementPart<typeof changeColumns> = {
  name: 'inventory changes',
  columns: changeColumns,
  sql: (input) => `inventory_changes as (
  insert into inventory_change (${Object.keys(changeColumns).join(', ')}) ${input}
)`,
};

function writeChange({ scan, change }: RecordedChange, row: Columns<typeof changeColumns>): void {
  const { incarnation, boot, seq } = positionOf(scan);
  row.device.integer(scan.key);
  row.slot.text(change.slot);
  row.change.text(change.change);
  row.before.text(change.before && JSON.stringify(withoutSlot(change.before)));
  row.after.text(change.after && JSON.stringify(withoutSlot(change.after)));
  row.measured_at.time(scan.filed.measuredAt);
  row.incarnation.integer(incarnation);
  row.boot.bigint(boot);
  row.seq.bigint(seq);
}

function withoutSlot({ model, serial, firmware }: Component): Omit<Component, 'slot'> {
  return { model, serial, firmware };
}

const modelColumns = { name: 'text' } as const;

/** Another node may be adding the same model: whoever comes second waits, and takes the first one's key. */
const modelPart: StatementPart<typeof modelColumns> = {
  name: 'models',
  columns: modelColumns,
  sql: (input) => `models as (
  insert into model (name) ${input}
  on conflict (name) do update set name = excluded.name
  returning key, name
)`,
};

const componentColumns = {
  device: 'integer',
  slot: 'text',
  model: 'text',
  serial: 'text',
  firmware: 'text',
  since: 'timestamptz',
} as const;

const componentPart: StatementPart<typeof componentColumns> = {
  name: 'components',
  columns: componentColumns,
  sql: (input) => `components as (
  insert into component (device, slot, model, serial, firmware, since)
  select i.device, i.slot, m.key, i.serial, i.firmware, i.since from (${input}) i join models m on m.name = i.model
  on conflict (device, slot) do update
  set model = excluded.model, serial = excluded.serial, firmware = excluded.firmware, since = excluded.since
)`,
};

function writeComponent({ scan, change }: RecordedChange, row: Columns<typeof componentColumns>): void {
  if (change.after === null) throw new Error('a component that was removed is not written');
  row.device.integer(scan.key);
  row.slot.text(change.slot);
  row.model.text(change.after.model);
  row.serial.text(change.after.serial);
  row.firmware.text(change.after.firmware);
  row.since.time(scan.filed.measuredAt);
}

const removalColumns = { device: 'integer', slot: 'text' } as const;

const removalPart: StatementPart<typeof removalColumns> = {
  name: 'removals',
  columns: removalColumns,
  sql: (input) => `removals as (
  delete from component c using (${input}) i where c.device = i.device and c.slot = i.slot
)`,
};
