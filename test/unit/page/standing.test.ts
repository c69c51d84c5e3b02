/**
 * What the page makes of a state that was answered a moment ago.
 */
import { describe, expect, test } from 'vitest';
import { standingOf } from '../../../src/page/ageing.ts';
import { doubtOf, knownUntil } from '../../../src/page/connection.ts';
import { shownState, stateName } from '../../../src/page/state-name.ts';

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

const lost = { type: 'lost', since: 5_000, reason: 'it stands still', isLocked: false } as const;

test('what is shown is known up to when the node was heard last, and no longer', () => {
  expect(knownUntil({ type: 'live' }, 9_000)).toBe(9_000);
  expect(knownUntil(lost, 9_000)).toBe(5_000);
  expect(knownUntil({ ...lost, since: null }, 9_000)).toBe(9_000);
});

test('nothing is known to be true while the node is not heard, nor after it could not tell', () => {
  expect(doubtOf({ type: 'live' }, null)).toBe(null);
  expect(doubtOf(lost, null)).toBe('the connection to Corral is lost');
  expect(doubtOf({ type: 'live' }, new Error('503'))).toBe('Corral could not tell how it is now');
});

test.each([
  ['suspect.doubted', 'suspect.doubted', 'suspect'],
  ['suspect.out-of-service', 'suspect.out-of-service', 'out of service'],
  ['charging.delivering', 'charging', 'charging'],
])('a twin at %s is counted and named alike everywhere', (path, state, name) => {
  expect(shownState(path)).toBe(state);
  expect(stateName(shownState(path))).toBe(name);
});
