import { expect, test } from 'vitest';
import { neverVisited, RARE_STATES, VISITED_WITHIN_SEEDS } from '../../simulation/rare-states.ts';

const everywhere = Object.fromEntries(RARE_STATES.map((state) => [state, 1]));

test('a long run that visits each rare state in one world misses none', () => {
  expect(neverVisited(VISITED_WITHIN_SEEDS, everywhere)).toEqual([]);
});

test('a long run in which no world was in a rare state says which', () => {
  const { searching: _, ...others } = everywhere;
  expect(neverVisited(VISITED_WITHIN_SEEDS, others)).toEqual(['searching']);
});

test('a short run may have missed any', () => {
  expect(neverVisited(VISITED_WITHIN_SEEDS - 1, {})).toEqual([]);
});
