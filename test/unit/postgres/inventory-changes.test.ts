import { describe, expect, test } from 'vitest';
import {
  type Component,
  inventoryChanges,
  scannedComponents,
} from '../../../src/postgres/inventory-changes.ts';

const part = (slot: string, serial: string, firmware: string | null = null): Component => ({
  slot,
  model: 'M',
  serial,
  firmware,
});

describe('what changed between two scans', () => {
  test('is nothing when they found the same, in whatever order', () => {
    expect(inventoryChanges([part('a', '1'), part('b', '2')], [part('b', '2'), part('a', '1')])).toEqual([]);
  });

  test('is a part that was added, removed, replaced or updated, in the order of the slots', () => {
    const known = [part('gone', '1'), part('other', '2'), part('same', '3', '1.0')];
    const found = [part('same', '3', '1.1'), part('new', '4'), part('other', '5')];
    expect(inventoryChanges(known, found)).toEqual([
      { change: 'removed', slot: 'gone', before: known[0], after: null },
      { change: 'added', slot: 'new', before: null, after: found[1] },
      { change: 'replaced', slot: 'other', before: known[1], after: found[2] },
      { change: 'updated', slot: 'same', before: known[2], after: found[0] },
    ]);
  });

  test('is a replacement when the model differs and the serial does not', () => {
    const other = { ...part('a', '1'), model: 'N' };
    expect(inventoryChanges([part('a', '1')], [other])).toMatchObject([{ change: 'replaced' }]);
  });

  test('takes a slot that is named twice for what it is named last', () => {
    const scan = [
      { slot: 'a', model: 'M', serial: '1' },
      { slot: 'a', model: 'M', serial: '2', firmware: '1.0' },
    ];
    expect(scannedComponents(scan)).toEqual([part('a', '2', '1.0')]);
  });
});
