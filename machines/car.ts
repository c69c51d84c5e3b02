/**
 * The shared car: a telematics unit with a mobile connection, which locks, immobilises and measures.
 *
 * It lives with long silences (underground garages, dead spots), so it is given more time before it counts as offline,
 * and it keeps its word without a connection: a rental begun stays begun, a hold ends by itself.
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
  'available.secured',
  'available.open',
  'reserved.secured',
  'reserved.open',
  'rented.parked',
  'rented.driving',
  'charging',
  'suspect.out-of-service',
] as const;
type Observation = (typeof observations)[number];

const sensors = Type.Object({
  doorsOpen: Type.Optional(Type.Boolean({ description: 'at least one door is open' })),
  locked: Type.Optional(Type.Boolean({ description: 'central locking engaged and engine immobilised' })),
  ignitionOn: Type.Optional(Type.Boolean({ description: 'ready to drive' })),
  plugged: Type.Optional(Type.Boolean({ description: 'a charging cable is plugged in' })),
  batteryPercent: Type.Optional(Type.Number({ description: 'charge of the traction battery, %', unit: '%' })),
  odometerKm: Type.Optional(
    Type.Number({ description: 'distance driven since it was built, km', unit: 'km' }),
  ),
  position: Type.Optional(
    Type.Object({
      latitude: Type.Number({ description: 'degrees north, WGS 84' }),
      longitude: Type.Number({ description: 'degrees east, WGS 84' }),
    }),
  ),
});

/** An odometer counts whole kilometres: only more than one of them proves that the car moved, km. */
const MOVED_KM = 1;

const driver = Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'who may drive it' }));

/** What cannot be true of a car. */
const contradictions = {
  'open-while-locked': 'a door has been open for a while, and the central locking has been engaged',
  'charging-unplugged': 'it charges, and no cable has been in it for a while',
  'moved-while-plugged': 'it drove while a cable was in it all the time',
  'moved-while-locked': 'it drove while it was locked all the time, and nobody had rented it',
} as const;
type Found = Contradiction<keyof typeof contradictions>;

const commands = {
  reserve: {
    description: 'Keep the car for one driver; the car lets go by itself when the hold ends.',
    args: Type.Object(
      {
        holdMs: Type.Optional(
          Type.Integer({ minimum: 1_000, maximum: 43_200_000, description: 'how long to hold it, ms' }),
        ),
        driver,
      },
      { additionalProperties: false },
    ),
    decidedBy: 'device',
    startWindowMs: 30_000,
    freshWithinMs: 120_000,
    hold: { defaultMs: 1_200_000, longestMs: 43_200_000 },
    endsHold: false,
    resolver: { ...BY_HOLD, compensatedBy: 'release' },
  },
  release: {
    description: 'Let the reservation go: whichever there is, or only the one that is named.',
    args: holdArgument,
    decidedBy: 'device',
    startWindowMs: 120_000,
    freshWithinMs: null,
    hold: null,
    endsHold: true,
    resolver: BY_HOLD_ENDED,
  },
  start: {
    description: 'Begin the rental: open the car and let its engine run.',
    args: Type.Object({ driver }, { additionalProperties: false }),
    decidedBy: 'device',
    startWindowMs: 30_000,
    freshWithinMs: 120_000,
    hold: null,
    endsHold: true,
    resolver: { ...BY_RING, compensatedBy: 'stop' },
  },
  stop: {
    description: 'End the rental: lock the car and immobilise it.',
    args: noArguments,
    decidedBy: 'device',
    startWindowMs: 120_000,
    freshWithinMs: 120_000,
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
  id: 'car',
  initial: 'offline',
  on: { ...hearing(observations), 'command.report': send },
  states: {
    available: {
      initial: 'secured',
      states: {
        secured: { on: { 'command.reserve': send, 'command.start': send, 'command.reboot': send } },
        /** No rental, but unlocked or with a door open: somebody is at it, or the last driver left it so. */
        open: {},
      },
    },
    reserved: {
      initial: 'secured',
      on: { 'command.release': send, 'command.reboot': send },
      states: {
        secured: { on: { 'command.start': send, expiry: '#car.available.secured' } },
        /** Open before the rental began: not by Corral. It is not handed to its holder like that. */
        open: { on: { expiry: '#car.available.open' } },
      },
    },
    rented: {
      initial: 'parked',
      states: {
        parked: { on: { 'command.stop': send } },
        /** Ready to drive, so perhaps on the road: a car in which somebody sits is not immobilised. */
        driving: {},
      },
    },
    /** Plugged in between two rentals; it is offered again when it says so itself. */
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
        /** The car itself says that it must not be used: a warning lamp, a crash sensor, the workshop's switch. */
        'out-of-service': {},
      },
    },
  },
});

function isOpen(report: Report): boolean {
  return binary(report, 'doorsOpen') === true || binary(report, 'locked') === false;
}

function observe(report: Report): Observation {
  switch (report.state) {
    case 'available':
      return isOpen(report) ? 'available.open' : 'available.secured';
    case 'reserved':
      return isOpen(report) ? 'reserved.open' : 'reserved.secured';
    case 'rented':
      return binary(report, 'ignitionOn') === true ? 'rented.driving' : 'rented.parked';
    case 'charging':
      return 'charging';
    case 'out-of-service':
      return 'suspect.out-of-service';
    default:
      throw new Error(`a car reports no state "${report.state}"`);
  }
}

/** A position that jumps is no contradiction: satellite fixes do that between high houses. An odometer does not. */
function findContradictions(report: Report, previous: Report | null): readonly Found[] {
  return [
    openWhileLocked(report, previous),
    chargingUnplugged(report, previous),
    movedWhile(report, previous, { code: 'moved-while-plugged', sensor: 'plugged' }),
    isInUse(report) || isInUse(previous)
      ? null
      : movedWhile(report, previous, { code: 'moved-while-locked', sensor: 'locked' }),
  ].filter((found) => found !== null);
}

/** While it is rented the locks engage by themselves on the road, so that a locked car may well move. */
function isInUse(report: Report | null): boolean {
  return report?.state === 'rented';
}

function openWhileLocked(report: Report, previous: Report | null): Found | null {
  if (!hasSettled(report, previous, { sensor: 'doorsOpen', value: true })) return null;
  if (!hasSettled(report, previous, { sensor: 'locked', value: true })) return null;
  return { code: 'open-while-locked', detail: 'it is locked and a door is open' };
}

function chargingUnplugged(report: Report, previous: Report | null): Found | null {
  if (report.state !== 'charging') return null;
  if (!hasSettled(report, previous, { sensor: 'plugged', value: false })) return null;
  return { code: 'charging-unplugged', detail: 'it says that it charges and no cable is plugged in' };
}

/** The odometer grew although the sensor proves that the car was held all the time between the two reports. */
function movedWhile(
  report: Report,
  previous: Report | null,
  held: { readonly code: Found['code']; readonly sensor: string },
): Found | null {
  if (previous === null || !hasStayed(previous, report, { sensor: held.sensor, value: true })) return null;
  const beforeKm = measured(previous, 'odometerKm');
  const afterKm = measured(report, 'odometerKm');
  if (beforeKm === null || afterKm === null || afterKm - beforeKm <= MOVED_KM) return null;
  return {
    code: held.code,
    detail: `the odometer went from ${String(beforeKm)} to ${String(afterKm)} km while ${held.sensor} was true throughout`,
  };
}

/** The kind `car`. */
export const car: Kind = defineKind({
  name: 'car',
  description: 'A shared car that drivers open, drive and leave by themselves.',
  machine,
  reportedStates: ['available', 'reserved', 'rented', 'charging', 'out-of-service'],
  sensors,
  binarySensors: ['doorsOpen', 'locked', 'ignitionOn', 'plugged'],
  commands,
  observations,
  observe,
  contradictions,
  findContradictions,
  divergence: {
    'ghost-hold': 're-assert',
    'lost-hold': 're-assert',
    'resurrected-hold': 're-assert',
    // A car that drives away under its holder's eyes is a matter for people.
    'foreign-use': 'ask-person',
  },
  limits: { silenceMs: 900_000, freshMs: 120_000, driftPpm: 200, probeTimeoutMs: 10_000, resendMs: 10_000 },
});
