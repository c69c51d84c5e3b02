/**
 * The barrier of a car park: an arm that lets one vehicle at a time pass.
 */
import { Type } from '@sinclair/typebox';
import { createMachine } from 'xstate';
import { holdArgument, noArguments } from '../../machines/arguments.ts';
import type { CommandSpec } from '../../machines/command.ts';
import { binary, hasSettled } from '../../machines/evidence.ts';
import { hearing } from '../../machines/hearing.ts';
import { type Contradiction, defineKind, type Kind } from '../../machines/kind.ts';
import { probe } from '../../machines/probe.ts';
import type { Report } from '../../machines/report.ts';
import { BY_HOLD, BY_HOLD_ENDED, BY_RING } from '../../machines/resolver.ts';
import { abandon, clear, reboot } from '../../machines/common-commands.ts';

const observations = ['available', 'reserved', 'open.waiting', 'open.passing'] as const;
type Observation = (typeof observations)[number];

const sensors = Type.Object({
  armUp: Type.Optional(Type.Boolean({ description: 'the arm is in its upper position' })),
  armDown: Type.Optional(Type.Boolean({ description: 'the arm is in its lower position' })),
  vehicleUnderArm: Type.Optional(Type.Boolean({ description: 'the loop under the arm feels metal' })),
  armCycles: Type.Optional(Type.Integer({ description: 'how often the arm has gone up' })),
});

/** What cannot be true of a barrier. */
const contradictions = {
  'arm-in-two-places': 'both limit switches have been closed for a while: one of them is broken',
} as const;

const commands = {
  reserve: {
    description: 'Open for nobody else until the one it is kept for has come; it lets go by itself.',
    args: Type.Object(
      { holdMs: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 600_000 })) },
      { additionalProperties: false },
    ),
    decidedBy: 'device',
    startWindowMs: 15_000,
    freshWithinMs: 60_000,
    hold: { defaultMs: 120_000, longestMs: 600_000 },
    endsHold: false,
    resolver: { ...BY_HOLD, compensatedBy: 'release' },
  },
  release: {
    description: 'Let the reservation go.',
    args: holdArgument,
    decidedBy: 'device',
    startWindowMs: 60_000,
    freshWithinMs: null,
    hold: null,
    endsHold: true,
    resolver: BY_HOLD_ENDED,
  },
  open: {
    description: 'Lift the arm for one vehicle.',
    args: noArguments,
    decidedBy: 'device',
    // An arm that goes up a minute later lets the wrong car in: after ten seconds it must not start any more.
    startWindowMs: 10_000,
    freshWithinMs: 30_000,
    hold: null,
    endsHold: true,
    resolver: BY_RING,
  },
  report: probe,
  reboot,
  clear,
  abandon,
} as const satisfies Record<string, CommandSpec>;

const send = { actions: 'send' } as const;
const decide = { actions: 'decide' } as const;

const machine = createMachine({
  types: {} as {
    events: {
      type: `report.${Observation}` | `command.${keyof typeof commands}` | 'silence' | 'suspicion' | 'expiry';
    };
    actions: { type: 'send' } | { type: 'decide' };
  },
  id: 'barrier',
  initial: 'offline',
  on: { ...hearing(observations), 'command.report': send },
  states: {
    available: { on: { 'command.reserve': send, 'command.open': send, 'command.reboot': send } },
    reserved: { on: { 'command.release': send, 'command.open': send, expiry: 'available' } },
    open: {
      initial: 'waiting',
      states: {
        waiting: {},
        /** A vehicle is under the arm: nothing may move it. */
        passing: {},
      },
    },
    offline: { on: { 'command.clear': decide, 'command.abandon': decide } },
    suspect: { on: { 'command.clear': decide, 'command.abandon': decide, 'command.reboot': send } },
  },
});

function observe(report: Report): Observation {
  switch (report.state) {
    case 'available':
      return 'available';
    case 'reserved':
      return 'reserved';
    case 'open':
      return binary(report, 'vehicleUnderArm') === true ? 'open.passing' : 'open.waiting';
    default:
      throw new Error(`a barrier reports no state "${report.state}"`);
  }
}

function findContradictions(
  report: Report,
  previous: Report | null,
): readonly Contradiction<keyof typeof contradictions>[] {
  if (!hasSettled(report, previous, { sensor: 'armUp', value: true })) return [];
  if (!hasSettled(report, previous, { sensor: 'armDown', value: true })) return [];
  return [{ code: 'arm-in-two-places', detail: 'the arm is up and down at once' }];
}

/** The kind `barrier`. */
export const barrier: Kind = defineKind({
  name: 'barrier',
  description: 'An arm that lets one vehicle at a time into a car park.',
  machine,
  reportedStates: ['available', 'reserved', 'open'],
  sensors,
  binarySensors: ['armUp', 'armDown', 'vehicleUnderArm'],
  commands,
  observations,
  observe,
  contradictions,
  findContradictions,
  divergence: {
    'ghost-hold': 'trust-device',
    'lost-hold': 'trust-device',
    'resurrected-hold': 're-assert',
    'foreign-use': 'trust-device',
  },
  limits: { silenceMs: 120_000, freshMs: 30_000, driftPpm: 200, probeTimeoutMs: 5_000, resendMs: 2_000 },
});
