/**
 * What changed in a device between two scans of its components.
 */
import type { Report } from '../../machines/report.ts';

/** What is in a slot. */
export interface Component {
  readonly slot: string;
  readonly model: string;
  readonly serial: string;
  readonly firmware: string | null;
}

/** One line of a device's inventory history. */
export interface InventoryChange {
  readonly change: 'added' | 'removed' | 'replaced' | 'updated';
  readonly slot: string;
  readonly before: Component | null;
  readonly after: Component | null;
}

/** The components a report lists. A slot that is named twice holds what is named last. */
export function scannedComponents(components: NonNullable<Report['components']>): readonly Component[] {
  const bySlot = new Map(
    components.map(({ slot, model, serial, firmware }) => [
      slot,
      { slot, model, serial, firmware: firmware ?? null },
    ]),
  );
  return [...bySlot.values()];
}

/**
 * The changes that lead from what is known to what a scan found, in the order of the slots. Another model or serial in a
 * slot is another part (`replaced`); the same part with another firmware is `updated`.
 */
export function inventoryChanges(
  known: readonly Component[],
  found: readonly Component[],
): readonly InventoryChange[] {
  const before = new Map(known.map((component) => [component.slot, component]));
  const after = new Map(found.map((component) => [component.slot, component]));
  const slots = [...new Set([...before.keys(), ...after.keys()])].sort();
  return slots.flatMap((slot) => changeOf(slot, before.get(slot) ?? null, after.get(slot) ?? null) ?? []);
}

function changeOf(slot: string, before: Component | null, after: Component | null): InventoryChange | null {
  if (before === null) return { change: 'added', slot, before, after };
  if (after === null) return { change: 'removed', slot, before, after };
  const isSamePart = before.model === after.model && before.serial === after.serial;
  if (!isSamePart) return { change: 'replaced', slot, before, after };
  return before.firmware === after.firmware ? null : { change: 'updated', slot, before, after };
}
