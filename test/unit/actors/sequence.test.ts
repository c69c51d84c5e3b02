/**
 * The set of positions seen: rules, and a plain set that it must agree with.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addPosition,
  EMPTY_SEQUENCE,
  missing,
  RANGES_MAX,
  type SequenceSet,
} from '../../../actors/sequence.ts';

type Position = readonly [boot: number, seq: number];

function seen(positions: readonly Position[], from: SequenceSet = EMPTY_SEQUENCE): SequenceSet {
  return positions.reduce((set, [boot, seq]) => addPosition(set, boot, seq) ?? set, from);
}

describe('a sequence', () => {
  test('without losses is one range a boot', () => {
    expect(
      seen([
        [1, 1],
        [1, 2],
        [1, 3],
        [2, 1],
        [2, 2],
      ]).ranges,
    ).toEqual([1, 1, 3, 2, 1, 2]);
  });

  test('knows what it has seen', () => {
    const set = seen([
      [1, 1],
      [1, 3],
      [2, 2],
    ]);
    for (const [boot, seq] of [
      [1, 1],
      [1, 3],
      [2, 2],
    ] as const)
      expect(addPosition(set, boot, seq)).toBeNull();
    expect(addPosition(set, 1, 2)).not.toBeNull();
  });

  test('joins two ranges when the hole between them fills', () => {
    expect(
      seen([
        [1, 1],
        [1, 3],
        [1, 2],
      ]).ranges,
    ).toEqual([1, 1, 3]);
    expect(
      seen([
        [1, 5],
        [1, 4],
        [1, 7],
        [1, 6],
      ]).ranges,
    ).toEqual([1, 4, 7]);
  });

  test('never joins two boots', () => {
    expect(
      seen([
        [1, 3],
        [2, 4],
      ]).ranges,
    ).toEqual([1, 3, 3, 2, 4, 4]);
  });

  test('counts what is missing of every boot that was heard, also before its first report', () => {
    expect(missing(seen([[7, 500]]))).toBe(499);
    expect(
      missing(
        seen([
          [1, 1],
          [1, 5],
          [2, 2],
        ]),
      ),
    ).toBe(4);
    expect(
      missing(
        seen([
          [1, 1],
          [1, 5],
          [1, 3],
        ]),
      ),
    ).toBe(2);
  });
});

describe('at RANGES_MAX', () => {
  const holes = Array.from({ length: RANGES_MAX }, (_, index): Position => [1, 2 * index + 1]);

  test('one more hole closes the oldest hole of that boot, and its positions are missing for good', () => {
    const full = seen(holes);
    expect(missing(full)).toBe(RANGES_MAX - 1);
    const over = seen([[1, 2 * RANGES_MAX + 1]], full);
    expect(over.ranges.length / 3).toBe(RANGES_MAX);
    expect(over.closedMissing).toBe(1);
    expect(missing(over)).toBe(RANGES_MAX);
    expect(addPosition(over, 1, 2), 'what still comes of it counts as seen').toBeNull();
  });

  test('one more boot closes the oldest boot', () => {
    const boots = Array.from({ length: RANGES_MAX + 1 }, (_, index): Position => [index + 1, 2]);
    const over = seen(boots);
    expect(over.ranges.length / 3).toBe(RANGES_MAX);
    expect(over.floorBoot).toBe(2);
    expect(missing(over), 'the first report of each').toBe(RANGES_MAX + 1);
    expect(addPosition(over, 1, 1)).toBeNull();
    expect(addPosition(over, 2, 1)).not.toBeNull();
  });
});

const position = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 12 }));

test('it agrees with a plain set, whatever comes in whatever order', () => {
  fc.assert(
    fc.property(fc.array(position, { maxLength: 60 }), (positions) => {
      const model = new Set<string>();
      let set = EMPTY_SEQUENCE;
      for (const [boot, seq] of positions) {
        const next = addPosition(set, boot, seq);
        expect(next === null).toBe(model.has(`${boot}/${seq}`));
        model.add(`${boot}/${seq}`);
        set = next ?? set;
      }
      let gaps = 0;
      for (let boot = 1; boot <= 4; boot += 1) {
        const seqs = positions.filter(([other]) => other === boot).map(([, seq]) => seq);
        if (seqs.length > 0) gaps += Math.max(...seqs) - new Set(seqs).size;
      }
      expect(missing(set)).toBe(gaps);
      for (let index = 3; index < set.ranges.length; index += 3) {
        const [boot = 0, first = 0] = set.ranges.slice(index);
        const [before = 0, , last = 0] = set.ranges.slice(index - 3);
        expect(boot > before || first > last + 1, 'I1: ascending, not touching').toBe(true);
      }
    }),
  );
});

test('its size is bounded, it never takes a position twice, and it loses no count, whatever comes', () => {
  const wide = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }));
  fc.assert(
    fc.property(fc.array(wide, { maxLength: 300, size: 'max' }), (positions) => {
      const taken = new Set<string>();
      let set = EMPTY_SEQUENCE;
      for (const [boot, seq] of positions) {
        const next = addPosition(set, boot, seq);
        if (next === null) continue;
        expect(taken.has(`${boot}/${seq}`)).toBe(false);
        taken.add(`${boot}/${seq}`);
        expect(next.ranges.length / 3).toBeLessThanOrEqual(RANGES_MAX);
        expect(next.closedMissing).toBeGreaterThanOrEqual(set.closedMissing);
        set = next;
      }
      expect(missing(set)).toBeGreaterThanOrEqual(set.closedMissing);
    }),
  );
});
