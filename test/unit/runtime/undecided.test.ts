import { expect, test } from 'vitest';
import { undecidedIn } from '../../../src/runtime/undecided.ts';

const stream = 'DEVICES-depot';

const held = (...positions: readonly number[]) =>
  positions.map((position, partition) => ({
    partition,
    positions: position === 0 ? [] : [{ stream, position, made: 'on monday' }],
  }));
const asked = (last: number) => ({ stream, last, idleLagMax: 100 });

test('an owner is not behind because nothing was said for some of its partitions', () => {
  expect(undecidedIn(held(1_000, 950, 900), asked(1_000))).toEqual([]);
  expect(undecidedIn(held(60, 0, 0), asked(60))).toEqual([]);
});

test('what was stored after the farthest of its partitions is not decided, of any of them', () => {
  expect(undecidedIn(held(1_000, 950), asked(1_007))).toEqual([{ stream, after: 1_000, partitions: [0, 1] }]);
});

test('partitions that lag by more than idle ones do were taken later, and have to be read from where they stand', () => {
  expect(undecidedIn(held(1_000, 899, 950, 700), asked(1_000))).toEqual([
    { stream, after: 700, partitions: [1, 3] },
  ]);
  expect(undecidedIn(held(1_000, 0), asked(1_005))).toEqual([
    { stream, after: 1_000, partitions: [0] },
    { stream, after: 0, partitions: [1] },
  ]);
});

test('who has read nothing of a stream has all of it to decide', () => {
  expect(undecidedIn(held(0, 0), asked(12))).toEqual([{ stream, after: 0, partitions: [0, 1] }]);
  expect(undecidedIn(held(0, 0), asked(0))).toEqual([]);
});
