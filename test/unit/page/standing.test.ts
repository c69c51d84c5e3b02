/**
 * What the page makes of a state that was answered a moment ago.
 */
import { describe, expect, test } from 'vitest';
import { standingOf } from '../../../src/page/ageing.ts';

const said = { quality: 'fresh', ageMs: 2_000, errorMs: 500 } as const;
const live = { freshMs: 60_000, doubt: null };

describe('a state that was fresh when it was answered', () => {
  test('grows older while nothing is said', () => {
    expect(standingOf({ said, heardAt: 1_000 }, 4_000, live)).toMatchObject({
      quality: 'fresh',
      ageMs: 5_000,
    });
  });

  test('is fresh up to the limit of its kind, the error counted in, and stale after it', () => {
    expect(standingOf({ said, heardAt: 0 }, 57_500, live).quality).toBe('fresh');
    expect(standingOf({ said, heardAt: 0 }, 57_501, live)).toMatchObject({
      quality: 'stale',
      because: 'it has become too old while nothing newer came',
    });
  });

  test('is worth nothing while the node is not heard', () => {
    const doubt = 'the connection to Corral is lost';
    expect(standingOf({ said, heardAt: 0 }, 1, { freshMs: 60_000, doubt })).toMatchObject({
      quality: 'unknown',
      because: 'the connection to Corral is lost: it was fresh when last heard of',
    });
  });
});

test.each(['stale', 'suspect', 'unknown'] as const)('a state that was %s stays so', (quality) => {
  expect(standingOf({ said: { ...said, quality }, heardAt: 0 }, 90_000, live).quality).toBe(quality);
});

test('a device that was never heard has no age', () => {
  const never = { quality: 'unknown', ageMs: null, errorMs: null } as const;
  expect(standingOf({ said: never, heardAt: 0 }, 90_000, live)).toEqual({
    quality: 'unknown',
    ageMs: null,
    because: null,
  });
});
