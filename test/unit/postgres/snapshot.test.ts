import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeSnapshot, encodeSnapshot, SnapshotError } from '../../../src/postgres/snapshot.ts';
import { anyTwin, twin } from '../../contract/store-samples.ts';

describe('a snapshot', () => {
  test('holds everything of a twin that has no column, without rounding', () => {
    fc.assert(
      fc.property(anyTwin('cp-1'), (any) => {
        expect(any).toMatchObject(decodeSnapshot('cp-1', encodeSnapshot(any)));
      }),
    );
  });

  test('of a version that is not known is refused, and names the device', () => {
    const bytes = encodeSnapshot(twin('cp-1'));
    bytes[0] = 99;
    expect(() => decodeSnapshot('cp-1', bytes)).toThrow(SnapshotError);
    expect(() => decodeSnapshot('cp-1', bytes)).toThrow(/cp-1 is of version 99/);
  });

  test('of a twin that nothing is in flight for takes less than 100 bytes', () => {
    expect(encodeSnapshot(twin('cp-1')).length).toBeLessThan(100);
  });
});
