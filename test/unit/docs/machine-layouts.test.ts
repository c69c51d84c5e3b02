/**
 * How the machine of a kind is drawn is laid out when `npm run docs` runs, and a node shows no drawing of another machine.
 */
import { describe, expect, test } from 'vitest';
import { kinds } from '../../../machines/kinds.ts';
import { machineDefinition } from '../../../src/http/machine-definition.ts';
import { readLayout } from '../../../src/http/machine-layout.ts';
import { layOut } from '../../../tools/docs/machine-layout.ts';

describe('the layout of a machine', () => {
  test.each(kinds)('of a $name is what the code says (npm run docs writes it)', async (kind) => {
    const machine = machineDefinition(kind);
    const layout = readLayout(machine);
    expect(layout).toEqual(await layOut(machine));
    expect(Object.keys(layout.boxes).sort()).toEqual(machine.states.map(({ path }) => path).sort());
    expect(layout.arrows).toHaveLength(machine.transitions.length);
  });

  test('is refused where the machine was changed since, or never laid out', () => {
    const [kind] = kinds;
    const machine = machineDefinition(kind!);
    expect(() => readLayout({ ...machine, states: machine.states.slice(1) })).toThrow(
      /was laid out before it was changed/,
    );
    expect(() => readLayout({ ...machine, kind: 'tram' })).toThrow(/was never laid out/);
  });
});
