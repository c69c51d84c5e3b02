/**
 * A device of the inventory, with its twin if it has one, as one row.
 */
import type { Twin } from '../../actors/twin.ts';
import type { InventoryEntry } from '../runtime/ports.ts';
import { readTwin, type TwinRow, twinSelection } from './twin-row.ts';

/** The columns that are a device and its twin, if it has one; rows of {@link DeviceTwinRow}. */
export const deviceTwinSelection = `d.key, d.id, d.kind as inventory_kind, d.site as inventory_site, d.registered,
  t.device is not null as is_heard, ${twinSelection}`;

/** A row of {@link deviceTwinSelection}. What follows `isHeard` is null unless that is true. */
export type DeviceTwinRow = [
  key: number,
  id: string,
  kind: string,
  site: string,
  registered: boolean,
  isHeard: boolean,
  ...twin: TwinRow,
];

/** Reads a device and its twin. */
export function readDeviceTwin(row: DeviceTwinRow): {
  readonly key: number;
  readonly inventory: InventoryEntry;
  readonly twin: Twin | null;
} {
  const [key, device, kind, site, registered, isHeard, ...twin] = row;
  return {
    key,
    inventory: { device, kind, site, registered },
    twin: isHeard ? readTwin(device, twin) : null,
  };
}
