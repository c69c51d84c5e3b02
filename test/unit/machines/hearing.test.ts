import { describe, expect, test } from 'vitest';
import { WORLD_STATES } from '../../../machines/kind.ts';
import { kinds } from '../../../machines/kinds.ts';
import { worldState } from '../../../machines/statechart.ts';
import { reportedPaths, statePaths } from '../../../tools/docs/kinds-document.ts';

describe.each(kinds.map((kind) => ({ kind, name: kind.name })))('the machine of a $name', ({ kind }) => {
  const paths = statePaths(kind);

  test('is born offline: nothing is known before the first report', () => {
    expect(kind.chart.initial).toBe('offline');
  });

  test('shows the world the five states, and at most one of its own', () => {
    const shown = [...new Set(paths.map(worldState))];
    expect(shown).toEqual(expect.arrayContaining([...WORLD_STATES]));
    expect(shown.length).toBeLessThanOrEqual(WORLD_STATES.length + 1);
  });

  test.each(paths)('accepts a jump from %s to whatever is reported: states are skipped', (path) => {
    for (const observation of kind.observations) {
      expect(kind.chart.step(path, `report.${observation}`)).toBe(observation);
    }
  });

  test.each(paths)('goes from %s to offline in silence', (path) => {
    expect(kind.chart.step(path, 'silence')).toBe('offline');
  });

  test.each(paths)('goes from %s to suspect on a suspicion', (path) => {
    expect(kind.chart.step(path, 'suspicion')).toBe('suspect.doubted');
  });

  test.each(paths)('ends a hold that has certainly expired in %s only where there is one', (path) => {
    const next = kind.chart.step(path, 'expiry');
    if (worldState(path) === 'reserved') expect(worldState(next)).toBe('available');
    else expect(next).toBe(path);
  });

  test('can observe every observation it declares, and each reported state leads somewhere', () => {
    const led = [...reportedPaths(kind).values()];
    expect([...new Set(led.flat())].sort()).toEqual([...kind.observations].sort());
    expect(led.every((observations) => observations.length > 0)).toBe(true);
  });

  test('keeps the word of the device: a reported world state is observed as that state', () => {
    for (const [reported, observations] of reportedPaths(kind)) {
      if (!paths.map(worldState).includes(reported)) continue;
      expect(observations.map(worldState)).toEqual(observations.map(() => reported));
    }
  });

  test('does not guess at a state that its kind does not report', () => {
    const report = { boot: 1, seq: 1, up: 0, state: 'levitating', sensors: {} };
    expect(() => kind.observe(report)).toThrow('levitating');
  });
});
