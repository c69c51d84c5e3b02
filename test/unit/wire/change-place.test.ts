/**
 * Places in the stream CHANGES, as whoever reads it keeps them.
 */
import { describe, expect, test } from 'vitest';
import { type ChangePlace, placeText, readPlace } from '../../../src/wire/change-place.ts';

describe('a place', () => {
  test.each<[string, ChangePlace]>([
    ['7', { made: null, sequence: 7 }],
    ['7@1750000000000', { made: null, sequence: 7, storedAt: 1_750_000_000_000 }],
    ['made-7', { made: 'made', sequence: 7 }],
    ['2025-06-15T15:06:40.5Z-0@0', { made: '2025-06-15T15:06:40.5Z', sequence: 0, storedAt: 0 }],
  ])('is kept as %s, and read as it was', (text, place) => {
    expect(placeText(place)).toBe(text);
    expect(readPlace(text)).toStrictEqual(place);
  });

  test.each(['', '-7', 'made-', '@5', 'made-@5', '7@', 'made', '7 ', '-1@5', '1.5', 'a b-7', 'made-7@x'])(
    'is not read from %j',
    (text) => {
      expect(readPlace(text)).toBeNull();
    },
  );

  test.each(['9007199254740993', 'made-7@9007199254740993', `${'m'.repeat(65)}-7`])(
    'is not read from %s, which is larger than any',
    (text) => {
      expect(readPlace(text)).toBeNull();
    },
  );
});
