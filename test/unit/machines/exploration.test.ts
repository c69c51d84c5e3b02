import { adjacencyMapToArray, getAdjacencyMap } from '@xstate/graph';
import type { AnyMachineSnapshot, StateValue } from 'xstate';
import { describe, expect, test } from 'vitest';
import type { Kind } from '../../../machines/kind.ts';
import { kinds } from '../../../machines/kinds.ts';
import { type MachineEventType, pathOf } from '../../../machines/statechart.ts';
import { statePaths } from '../../../tools/docs/kinds-document.ts';

interface Edge {
  readonly from: string;
  readonly event: MachineEventType;
  readonly to: string;
}

/** Sends every event a kind has in every state that can be reached, as XState itself sees it. */
function explore(kind: Kind): readonly Edge[] {
  const types: MachineEventType[] = [
    ...kind.observations.map((observation) => `report.${observation}` as const),
    ...Object.keys(kind.commands).map((command) => `command.${command}` as const),
    'silence',
    'suspicion',
    'expiry',
  ];
  const graph = getAdjacencyMap(kind.machine, { events: types.map((type) => ({ type })) });
  return adjacencyMapToArray(graph).map(({ state, event, nextState }) => ({
    from: pathOf((state as AnyMachineSnapshot).value as StateValue),
    event: (event as { type: MachineEventType }).type,
    to: pathOf((nextState as AnyMachineSnapshot).value as StateValue),
  }));
}

/** All states that can be reached from one, itself included. */
function reachable(edges: readonly Edge[], start: string): ReadonlySet<string> {
  const found = new Set([start]);
  for (const path of found) for (const edge of edges) if (edge.from === path) found.add(edge.to);
  return found;
}

describe.each(kinds.map((kind) => ({ kind, name: kind.name })))('exploring all of a $name', ({ kind }) => {
  const edges = explore(kind);
  const paths = statePaths(kind);

  test('every state can be reached from the first', () => {
    expect([...reachable(edges, kind.chart.initial)].sort()).toEqual([...paths].sort());
  });

  test('there is no state without a way out, and from each there is a way to every other', () => {
    for (const path of paths) {
      expect(edges.some((edge) => edge.from === path && edge.to !== path)).toBe(true);
      expect([...reachable(edges, path)].sort()).toEqual([...paths].sort());
    }
  });

  test('every report and silence are handled in every state', () => {
    const heard = edges.filter(({ event }) => event.startsWith('report.') || event === 'silence');
    expect(heard).toHaveLength(paths.length * (kind.observations.length + 1));
    expect(heard.filter(({ from, event }) => !kind.chart.accepts(from, event))).toEqual([]);
  });

  test('what is not accepted changes nothing', () => {
    const ignored = edges.filter(({ from, event }) => !kind.chart.accepts(from, event));
    expect(ignored.filter(({ from, to }) => from !== to)).toEqual([]);
  });

  test('a command never moves it: only what is observed does', () => {
    const commanded = edges.filter(({ event }) => event.startsWith('command.'));
    expect(commanded).toHaveLength(paths.length * Object.keys(kind.commands).length);
    expect(commanded.filter(({ from, to }) => from !== to)).toEqual([]);
  });

  test('the remembered steps are those of XState', () => {
    expect(edges.map(({ from, event }) => kind.chart.step(from, event))).toEqual(edges.map(({ to }) => to));
  });

  test('while it is offline nothing but `report` and a person’s word is accepted, and while it is suspect what may end that', () => {
    for (const path of paths.filter((known) => /^(offline|suspect)/.test(known))) {
      const accepted = Object.keys(kind.commands).filter((name) =>
        kind.chart.accepts(path, `command.${name}`),
      );
      const words = path === 'suspect.out-of-service' ? [] : ['clear', 'renew-identity', 'abandon'];
      expect(accepted).toEqual(['report', ...(path === 'offline' ? [] : ['reboot']), ...words]);
    }
  });
});
