import fc from 'fast-check';
import { pack, unpack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { UNDOUBTED } from '../../../actors/twin.ts';
import { decodeSnapshot, encodeSnapshot, SnapshotError } from '../../../src/postgres/snapshot.ts';
import { anyTwin, bootClock, entry, twin } from '../../contract/store-samples.ts';

describe('a snapshot', () => {
  test('holds everything of a twin that has no column, without rounding', () => {
    fc.assert(
      fc.property(anyTwin('cp-1'), (any) => {
        expect(any).toMatchObject(decodeSnapshot('cp-1', encodeSnapshot(any)));
      }),
    );
  });

  test('of version 1 is read: what it does not hold is not known, or as it was', () => {
    const probe = { n: 4, sentAt: 1_000, lastAskedAt: 9_000, waitsUntil: null, status: 'missed' } as const;
    const [version, awaiting, ...packed] = encodeSnapshot({ ...twin('cp-1'), open: [entry('cp-1')], probe });
    expect([version, awaiting]).toEqual([17, 1]);
    const places = unpack(Uint8Array.from(packed)) as unknown[][];
    const [open, written] = [places[7] as unknown[][], places[9]!];
    // Who asked, and what undoes it.
    open[0]!.splice(-2);
    written.pop();
    const old = Buffer.concat([Buffer.from([1]), pack(places)]);
    expect(decodeSnapshot('cp-1', old)).toMatchObject({
      open: [{ ...entry('cp-1'), compensatedBy: null, asker: null }],
      probe: { ...probe, lastAskedAt: 1_000 },
    });
  });

  test('of version 6 is read: nobody is known to have asked', () => {
    const places = unpack(
      encodeSnapshot({ ...twin('cp-1'), open: [entry('cp-1')] }).subarray(2),
    ) as unknown[][];
    (places[7] as unknown[][])[0]!.pop();
    const old = Buffer.concat([Buffer.from([6, 1]), pack(places)]);
    expect(decodeSnapshot('cp-1', old).open).toEqual([{ ...entry('cp-1'), asker: null }]);
  });

  test('of version 7 is read, and takes as many bytes while nothing is claimed', () => {
    const bytes = encodeSnapshot(twin('cp-1'));
    const { sequence: seen, clock } = twin('cp-1');
    const claim = { boot: 9_000, seq: 3, up: 1_000, receivedAt: 2_000, since: 1_500, seen, clock: clock! };
    const claimed = encodeSnapshot({ ...twin('cp-1'), claim });
    expect(decodeSnapshot('cp-1', claimed).claim).toEqual(claim);
    const places = unpack(claimed.subarray(2)) as unknown[];
    const old = Buffer.concat([Buffer.from([7, 0]), pack(places.slice(0, -1))]);
    expect(old.length).toBe(bytes.length);
    expect(decodeSnapshot('cp-1', old).claim).toBeNull();
  });

  test('of version 9 is read: a clock is the only one of its boot, and no round trips are known to agree', () => {
    const bounds = { boot: 1, latest: { up: 1_000, at: 2_000 }, earliest: { up: 1_000, at: 1_900 } };
    const clock = bootClock(bounds);
    const bytes = encodeSnapshot({
      ...twin('cp-1'),
      clock,
      olderClocks: [bootClock({ ...bounds, boot: 0 })],
    });
    const places = unpack(bytes.subarray(2)) as unknown[][][];
    for (const of of [places[3]!, places[4]![0]!]) of.splice(4);
    const old = Buffer.concat([Buffer.from([9, 0]), pack(places)]);
    expect(decodeSnapshot('cp-1', old).clock).toEqual({ ...clock, agreed: null });
    expect(decodeSnapshot('cp-1', old).olderClocks).toEqual([{ ...clock, boot: 0, agreed: null }]);
  });

  test('takes as many bytes as before for a clock that no round trip bounds', () => {
    const clock = bootClock({ boot: 1, latest: { up: 1_000, at: 2_000 } });
    const places = unpack(encodeSnapshot({ ...twin('cp-1'), clock }).subarray(2)) as unknown[][];
    expect(places[3]).toHaveLength(4);
  });

  test.each([
    [7, [7]],
    [null, []],
  ])('of version 5 is read: it knew one uncertain boot at most (%s)', (stray, uncertainBoots) => {
    const identity = { ...UNDOUBTED, rivalAt: 1_000 };
    const places = unpack(encodeSnapshot({ ...twin('cp-1'), identity }).subarray(2)) as unknown[][];
    places.at(-1)!.splice(-1, 1, stray as never);
    const old = Buffer.concat([Buffer.from([5, 0]), pack(places)]);
    expect(decodeSnapshot('cp-1', old)).toMatchObject({ identity: { ...identity, uncertainBoots } });
  });

  test('of version 16 is read: of whom nothing was heard since it counts anew is not known how it writes', () => {
    const places = unpack(encodeSnapshot({ ...twin('cp-1'), newest: null }).subarray(2)) as unknown[];
    places[2] = null;
    const old = Buffer.concat([Buffer.from([16, 0]), pack(places)]);
    expect(decodeSnapshot('cp-1', old)).toMatchObject({ newest: null, encoding: null });
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
