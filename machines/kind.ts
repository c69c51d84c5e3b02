/**
 * What a kind of device IS: its machine, its sensors, its command table, its health rules and its limits.
 * A kind is one file in this folder and one line in `kinds.ts`.
 */
import type { TObject } from '@sinclair/typebox';
import type { AnyStateMachine } from 'xstate';
import type { CommandSpec } from './command.ts';
import type { DivergencePolicies } from './divergence.ts';
import type { Report } from './report.ts';
import { compileStatechart, type Statechart } from './statechart.ts';

/** The states the world sees of every kind. A kind may add its own (a car adds `rented`). */
export const WORLD_STATES = ['available', 'reserved', 'charging', 'offline', 'suspect'] as const;

/** Two statements in a report (or in two reports in a row) that cannot both be true. */
export interface Contradiction<Code extends string = string> {
  /** Stable kebab-case code, such as `cable-without-hatch`: one that the kind's `contradictions` list. */
  readonly code: Code;
  /** One sentence for an engineer, with the values that contradict each other. */
  readonly detail: string;
}

/** Limits of a kind; every duration in ms. */
export interface KindLimits {
  /** Nothing heard for this long (in stream time): `offline`. */
  readonly silenceMs: number;
  /** The state is `fresh` while its age is proved to be at most this. */
  readonly freshMs: number;
  /** The drift of the device's monotonic clock is at most this, in parts per million. */
  readonly driftPpm: number;
  /** How long an answer to the command `report` is waited for. */
  readonly probeTimeoutMs: number;
  /** A command in flight is sent again (same `n`) at this interval until it may no longer start. */
  readonly resendMs: number;
}

/** A kind of device, as its file writes it down; `defineKind` makes a {@link Kind} of it. */
export interface KindDefinition {
  readonly name: string;
  /** One sentence: what such a device is. */
  readonly description: string;
  /** The known state. Its top-level states are what the world sees; initial: `offline` (never heard). */
  readonly machine: AnyStateMachine;
  /** Values a report's `state` may have. */
  readonly reportedStates: readonly string[];
  /** Schema of `sensors`: known ones typed and optional, unknown ones kept. */
  readonly sensors: TObject;
  /** The sensors of which a report tells `since`. */
  readonly binarySensors: readonly string[];
  readonly commands: Readonly<Record<string, CommandSpec>>;
  /** All observations `observe` can return; the machine has an event `report.<observation>` for each. */
  readonly observations: readonly string[];
  /** Which observation this report is: usually its `state`, refined by sensors where the machine has sub-states. */
  readonly observe: (report: Report) => string;
  /** Every code of a contradiction, with the sentence that explains it. */
  readonly contradictions: Readonly<Record<string, string>>;
  /** What in this report, or between it and the one before it, cannot be true. Must not throw on any parsed report. */
  readonly findContradictions: (report: Report, previous: Report | null) => readonly Contradiction[];
  /** What is done where the device and the ledger disagree about who may use it. */
  readonly divergence: DivergencePolicies;
  readonly limits: KindLimits;
}

/** A kind of device whose machine can be stepped. */
export interface Kind extends KindDefinition {
  readonly chart: Statechart;
}

/** Makes a kind of its definition. Throws when the machine does not have an event for each observation or command. */
export function defineKind(definition: KindDefinition): Kind {
  const chart = compileStatechart(definition.machine);
  const events = new Set<string>(definition.machine.events as string[]);
  const needed = [
    ...definition.observations.map((observation) => `report.${observation}`),
    ...Object.keys(definition.commands).map((name) => `command.${name}`),
    'silence',
    'suspicion',
  ];
  const absent = needed.filter((event) => !events.has(event));
  if (absent.length > 0)
    throw new Error(`machine ${definition.name} has no transition for ${absent.join(', ')}`);
  return { ...definition, chart };
}
