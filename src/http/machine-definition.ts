/**
 * The machine of a kind as data: its states, and what leads from where to where. A machine has no context and no guards, so that is all
 * there is to it.
 */
import { type Static, Type } from '@sinclair/typebox';
import type { AnyStateMachine } from 'xstate';
import type { Kind } from '../../machines/kind.ts';

const StringOrNull = Type.Union([Type.String(), Type.Null()]);

/** A machine as data. */
export const MachineSchema = Type.Object({
  kind: Type.String(),
  initial: Type.String({ description: 'the state in which a twin is born' }),
  states: Type.Array(
    Type.Object({
      path: Type.String({ description: 'charging.delivering' }),
      name: Type.String(),
      parent: StringOrNull,
      accepts: Type.Array(Type.String(), {
        description: 'commands that are legal in it; none for a state with states in it',
      }),
    }),
    { description: 'a state comes before the states in it' },
  ),
  transitions: Type.Array(
    Type.Object({
      from: Type.Union([Type.String(), Type.Null()], { description: 'null: from wherever it is' }),
      event: Type.String({ description: 'report.<observation>, silence, suspicion or expiry' }),
      to: Type.String(),
    }),
    {
      description: 'those that lead somewhere: a command that is sent moves nothing, only what is heard does',
    },
  ),
});

/** A machine as data. */
export type MachineDefinition = Static<typeof MachineSchema>;

type StateNode = AnyStateMachine['root'];

/** Reads the machine of a kind. */
export function machineDefinition(kind: Kind): MachineDefinition {
  const { chart, machine, name, commands } = kind;
  const states: MachineDefinition['states'] = [];
  const transitions: MachineDefinition['transitions'] = [];
  const visit = (node: StateNode): void => {
    const path = pathOf(node);
    const children = Object.values(node.states);
    if (path !== null) {
      const accepts =
        children.length > 0
          ? []
          : Object.keys(commands).filter((command) => chart.accepts(path, `command.${command}`));
      states.push({
        path,
        name: node.key,
        parent: node.parent === undefined ? null : pathOf(node.parent),
        accepts,
      });
    }
    for (const [event, [first]] of node.transitions) {
      const target = first?.target?.[0];
      const to = target === undefined ? null : pathOf(target);
      if (to !== null) transitions.push({ from: path, event, to });
    }
    for (const child of children) visit(child);
  };
  visit(machine.root);
  return { kind: name, initial: chart.initial, states, transitions };
}

/** `null` for the machine itself. */
function pathOf(node: StateNode): string | null {
  return node.path.length === 0 ? null : node.path.join('.');
}
