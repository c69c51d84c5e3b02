/**
 * What every archive has to know of a question for devices: what they are sorted by.
 */
import type { Twin } from '../../actors/twin.ts';
import type { DeviceCursor, DeviceOrder, DeviceRow } from '../history/ports.ts';
import type { TwinReading } from './twin-reading.ts';

/** The order in which devices are listed unless asked otherwise: the one that nothing ever changes. */
export const BY_ID: DeviceOrder = { by: 'id', isDescending: false };

/** What a twin is sorted by: ms epoch, or `null` when it has no such time, or where the id alone sorts. */
export function sortValue(by: DeviceOrder['by'], twin: Twin, reading: TwinReading): number | null {
  switch (by) {
    case 'id':
      return null;
    case 'since':
      return twin.since;
    case 'lastContact':
      return twin.lastContactAt;
    case 'asOf':
      return reading.asOf(twin);
  }
}

/** Negative when the first device comes before the second one. */
export function compareDevices({ by, isDescending }: DeviceOrder, a: DeviceCursor, b: DeviceCursor): number {
  if (a.value !== b.value) {
    if (a.value === null) return 1;
    if (b.value === null) return -1;
    return isDescending ? b.value - a.value : a.value - b.value;
  }
  const order = a.device < b.device ? -1 : Number(a.device > b.device);
  return by === 'id' && isDescending ? -order : order;
}

/** The cursor of a page whose last device is this one. */
export function cursorAt(
  { by }: DeviceOrder,
  { device, twin }: DeviceRow,
  reading: TwinReading,
): DeviceCursor {
  return { value: sortValue(by, twin, reading), device };
}
