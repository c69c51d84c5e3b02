/**
 * Every planted bug has its place in the source and a property that is to notice it. Whoever moves code is told in a second which bugs need
 * another place, and not after the minutes that the bugs themselves take.
 */
import { describe, expect, test } from 'vitest';
import { SETTLING, stormCheckers } from '../../storm/checkers/all.ts';
import { stormMutations } from '../../storm/mutations.ts';
import { checkers } from '../checkers/all.ts';
import { mutations } from './all.ts';
import { occurrences } from './mutant.ts';

const LISTS = [
  { of: 'simulated worlds', planted: mutations, properties: checkers.map(({ name }) => name) },
  {
    of: 'storms',
    planted: stormMutations,
    properties: [SETTLING.name, ...stormCheckers.map(({ name }) => name)],
  },
];

describe.each(LISTS)('of each bug that is planted in $of', ({ planted, properties }) => {
  test('the text to be replaced stands in its file exactly once, and something else is put there', () => {
    const astray = planted
      .map((mutation) => ({ mutation, times: occurrences(mutation) }))
      .filter(({ mutation: { find, put }, times }) => times !== 1 || find === put)
      .map(({ mutation: { bug, file }, times }) => `${bug}: ${times} times in ${file}`);
    expect(astray).toEqual([]);
  });

  test('there is the property that has to notice it', () => {
    const unnoticed = planted.filter(({ caughtBy }) => !properties.includes(caughtBy));
    expect(unnoticed.map(({ bug, caughtBy }) => `${bug}: ${caughtBy}`)).toEqual([]);
  });

  test('its sentence names it and no other one', () => {
    const sentences = planted.map(({ bug }) => bug);
    expect(sentences).toEqual([...new Set(sentences)]);
  });
});
