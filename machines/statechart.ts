/**
 * Steps a kind's XState machine purely, and remembers every step.
 *
 * A kind's machine has no context and no guards, so (state value, event type) decides the next state alone. XState is
 * asked once for each such pair; after that a step is a lookup. State values are written as paths: `charging.delivering`.
 */
import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  initialTransition,
  type StateValue,
  transition,
} from 'xstate';

/**
 * The events a kind's machine understands. Machines hold no context and no guards on payloads, so that a state value
 * and an event type decide the next state alone, and stepping can be remembered.
 *
 * - `report.<observation>`: the newest report says so; the kind's `observe` picks the observation;
 * - `silence`: nothing was heard for `limits.silenceMs`;
 * - `suspicion`: at least one suspicion is open;
 * - `expiry`: the device's hold has certainly ended by itself, though no report has said so yet;
 * - `command.<name>`: accepted in a state if, and only if, that state has a transition for it. Such a transition has no
 *   target (only observed state moves a twin) and one action, `send`, or `decide` where the twin itself executes it: what
 *   follows is data, not a side effect.
 */
export type MachineEventType = `report.${string}` | 'silence' | 'suspicion' | 'expiry' | `command.${string}`;

/** A machine that can be stepped by path and event type. */
export interface Statechart {
  /** The path in which a twin is born. */
  readonly initial: string;
  /** The path after the event; the same path when the machine does not react. Throws on a path it does not have. */
  readonly step: (path: string, event: MachineEventType) => string;
  /** True when the state has a transition for the event: how a machine says that a command is legal. */
  readonly accepts: (path: string, event: MachineEventType) => boolean;
}

/** Flattens an XState value of nested (not parallel) states into a path. Throws on parallel states. */
export function pathOf(value: StateValue): string {
  if (typeof value === 'string') return value;
  const [[key, child] = ['', ''], ...others] = Object.entries(value);
  if (others.length > 0 || child === undefined)
    throw new Error('a kind uses nested states, not parallel ones');
  return `${key}.${pathOf(child)}`;
}

/** The part of a path that the world sees: `charging` of `charging.delivering`. */
export function worldState(path: string): string {
  const dot = path.indexOf('.');
  return dot === -1 ? path : path.slice(0, dot);
}

function valueOf(path: string): StateValue {
  const keys = path.split('.');
  const last = keys.pop();
  if (last === undefined) throw new Error('a state path is never empty');
  return keys.reduceRight<StateValue>((child, key) => ({ [key]: child }), last);
}

/** Answers by path and event. */
type Memory<T> = Map<string, Map<MachineEventType, T>>;

function remembered<T>(memory: Memory<T>, path: string, event: MachineEventType, work: () => T): T {
  let ofPath = memory.get(path);
  if (ofPath === undefined) memory.set(path, (ofPath = new Map<MachineEventType, T>()));
  let known = ofPath.get(event);
  if (known === undefined) ofPath.set(event, (known = work()));
  return known;
}

/** Compiles a machine. Throws when the machine holds context, which the memory of steps could not be right about. */
export function compileStatechart(machine: AnyStateMachine): Statechart {
  const born = initialTransition(machine)[0] as AnyMachineSnapshot;
  if (Object.keys(born.context as object).length > 0) {
    throw new Error(
      `machine ${machine.id} has context: its state must follow from (state, event type) alone`,
    );
  }
  const snapshots = new Map<string, AnyMachineSnapshot>();
  const steps: Memory<string> = new Map();
  const legal: Memory<boolean> = new Map();

  function snapshotOf(path: string): AnyMachineSnapshot {
    let snapshot = snapshots.get(path);
    if (snapshot === undefined) {
      snapshot = machine.resolveState({ value: valueOf(path), context: {} }) as AnyMachineSnapshot;
      snapshots.set(path, snapshot);
    }
    return snapshot;
  }

  return {
    initial: pathOf(born.value as StateValue),
    step: (path, event) =>
      remembered(steps, path, event, () => {
        const [next] = transition(machine, snapshotOf(path), { type: event });
        return pathOf((next as AnyMachineSnapshot).value as StateValue);
      }),
    accepts: (path, event) => remembered(legal, path, event, () => snapshotOf(path).can({ type: event })),
  };
}
