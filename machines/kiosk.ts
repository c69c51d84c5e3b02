/**
 * The kiosk: a locker terminal that hands out keys and cards to one person at a time.
 *
 * It moves its bolts from a buffer battery. After a power cut it serves nobody until that battery can move every bolt
 * again: this is the `charging` of a kiosk.
 */
import { Type } from '@sinclair/typebox';
import { createMachine } from 'xstate';
import { holdArgument, noArguments } from './arguments.ts';
import type { CommandSpec } from './command.ts';
import { binary, hasSettled, hasStayed, measured } from './evidence.ts';
import { hearing } from './hearing.ts';
import { type Contradiction, defineKind, type Kind } from './kind.ts';
import { probe } from './probe.ts';
import type { Report } from './report.ts';
import { BY_HOLD, BY_HOLD_ENDED, BY_RING } from './resolver.ts';
import { abandon, clear, reboot, renewIdentity } from './common-commands.ts';

const observations = [
  'available',
  'reserved',
  'serving.dialog',
  'serving.handover',
  'charging',
  'suspect.out-of-service',
] as const;
type Observation = (typeof observations)[number];

const sensors = Type.Object({
  compartmentOpen: Type.Optional(Type.Boolean({ description: 'at least one compartment is open' })),
  boltsClosed: Type.Optional(Type.Boolean({ description: 'every bolt is in its locked position' })),
  serviceDoorOpen: Type.Optional(Type.Boolean({ description: 'the door for the staff is open' })),
  mainsPresent: Type.Optional(Type.Boolean({ description: 'supplied by the mains' })),
  bufferPercent: Type.Optional(Type.Number({ description: 'charge of the buffer battery, %', unit: '%' })),
  itemsInside: Type.Optional(
    Type.Integer({ description: 'compartments with something in them', unit: 'compartments' }),
  ),
});

const compartment = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 999, description: 'which compartment, as numbered on its door' }),
);

/** What cannot be true of a kiosk. */
const contradictions = {
  'open-while-bolted': 'a compartment has been open for a while, and every bolt has been closed',
  'taken-without-opening': 'something went in or out while every door was shut all the time',
  'charging-without-mains': 'it recovers its battery, and has had no mains for a while',
} as const;
type Found = Contradiction<keyof typeof contradictions>;

const commands = {
  reserve: {
    description: 'Keep the kiosk for one person; it lets go by itself when the hold ends.',
    args: Type.Object(
      {
        holdMs: Type.Optional(
          Type.Integer({ minimum: 1_000, maximum: 3_600_000, description: 'how long to hold it, ms' }),
        ),
        compartment,
      },
      { additionalProperties: false },
    ),
    decidedBy: 'device',
    startWindowMs: 15_000,
    freshWithinMs: 60_000,
    hold: { defaultMs: 600_000, longestMs: 3_600_000 },
    endsHold: false,
    resolver: { ...BY_HOLD, compensatedBy: 'release' },
  },
  release: {
    description: 'Let the reservation go: whichever there is, or only the one that is named.',
    args: holdArgument,
    decidedBy: 'device',
    startWindowMs: 60_000,
    freshWithinMs: null,
    hold: null,
    endsHold: true,
    resolver: BY_HOLD_ENDED,
  },
  start: {
    description: 'Serve the person in front of it: unbolt the compartment.',
    args: Type.Object({ compartment }, { additionalProperties: false }),
    decidedBy: 'device',
    startWindowMs: 15_000,
    freshWithinMs: 60_000,
    hold: null,
    endsHold: true,
    resolver: { ...BY_RING, compensatedBy: 'stop' },
  },
  stop: {
    description: 'End the dialog on the screen.',
    args: noArguments,
    decidedBy: 'device',
    startWindowMs: 60_000,
    freshWithinMs: null,
    hold: null,
    endsHold: false,
    resolver: BY_RING,
  },
  report: probe,
  reboot,
  clear,
  'renew-identity': renewIdentity,
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
  id: 'kiosk',
  initial: 'offline',
  on: { ...hearing(observations), 'command.report': send },
  states: {
    available: { on: { 'command.reserve': send, 'command.start': send, 'command.reboot': send } },
    reserved: {
      on: { 'command.release': send, 'command.start': send, 'command.reboot': send, expiry: 'available' },
    },
    serving: {
      initial: 'dialog',
      states: {
        dialog: { on: { 'command.stop': send } },
        /** A compartment stands open, with a hand in it: it ends when the door is shut, not by command. */
        handover: {},
      },
    },
    charging: { on: { 'command.reboot': send } },
    /** Silent for longer than its kind allows, or never heard. */
    offline: { on: { 'command.clear': decide, 'command.renew-identity': decide, 'command.abandon': decide } },
    suspect: {
      initial: 'doubted',
      on: { 'command.reboot': send },
      states: {
        doubted: {
          on: { 'command.clear': decide, 'command.renew-identity': decide, 'command.abandon': decide },
        },
        /** The kiosk itself says that it must not be used: being serviced, out of stock, a bolt that jams. */
        'out-of-service': {},
      },
    },
  },
});

function observe(report: Report): Observation {
  switch (report.state) {
    case 'available':
      return 'available';
    case 'reserved':
      return 'reserved';
    case 'serving':
      return binary(report, 'compartmentOpen') === true ? 'serving.handover' : 'serving.dialog';
    case 'charging':
      return 'charging';
    case 'out-of-service':
      return 'suspect.out-of-service';
    default:
      throw new Error(`a kiosk reports no state "${report.state}"`);
  }
}

function findContradictions(report: Report, previous: Report | null): readonly Found[] {
  return [
    openWhileBolted(report, previous),
    takenWithoutOpening(report, previous),
    chargingWithoutMains(report, previous),
  ].filter((found) => found !== null);
}

function openWhileBolted(report: Report, previous: Report | null): Found | null {
  if (!hasSettled(report, previous, { sensor: 'compartmentOpen', value: true })) return null;
  if (!hasSettled(report, previous, { sensor: 'boltsClosed', value: true })) return null;
  return { code: 'open-while-bolted', detail: 'its bolts are closed and a compartment is open' };
}

/** Nothing goes in or out while every door, the staff's too, proves to have been shut between the two reports. */
function takenWithoutOpening(report: Report, previous: Report | null): Found | null {
  if (previous === null) return null;
  const doors = ['compartmentOpen', 'serviceDoorOpen'];
  if (!doors.every((sensor) => hasStayed(previous, report, { sensor, value: false }))) return null;
  const before = measured(previous, 'itemsInside');
  const after = measured(report, 'itemsInside');
  if (before === null || after === null || before === after) return null;
  return {
    code: 'taken-without-opening',
    detail: `itemsInside went from ${String(before)} to ${String(after)} while no door was open`,
  };
}

function chargingWithoutMains(report: Report, previous: Report | null): Found | null {
  if (report.state !== 'charging') return null;
  if (!hasSettled(report, previous, { sensor: 'mainsPresent', value: false })) return null;
  return { code: 'charging-without-mains', detail: 'it says that it charges and has no mains' };
}

/** The kind `kiosk`. */
export const kiosk: Kind = defineKind({
  name: 'kiosk',
  description: 'A locker terminal that hands out keys and cards, one person at a time.',
  machine,
  reportedStates: ['available', 'reserved', 'serving', 'charging', 'out-of-service'],
  sensors,
  binarySensors: ['compartmentOpen', 'boltsClosed', 'serviceDoorOpen', 'mainsPresent'],
  commands,
  observations,
  observe,
  contradictions,
  findContradictions,
  divergence: {
    // Staff reserve it on the spot: what it holds for a stranger is their business.
    'ghost-hold': 'trust-device',
    // Its holds are short; whoever stands before it is served.
    'lost-hold': 'trust-device',
    'resurrected-hold': 're-assert',
    // It may have handed somebody's keys to somebody else: they have to be counted.
    'foreign-use': 'ask-person',
  },
  limits: { silenceMs: 180_000, freshMs: 60_000, driftPpm: 200, probeTimeoutMs: 5_000, resendMs: 5_000 },
});
