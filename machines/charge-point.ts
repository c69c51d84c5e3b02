/**
 * The charge point: one connector with one parking bay.
 *
 * Reported states against the words of OCPP 2.0.1 (part 2, ConnectorStatusEnumType) and 1.6 (section 7.7,
 * ChargePointStatus), for whoever writes a gateway:
 *
 * | OCPP 2.0.1                            | OCPP 1.6                              | report                                             |
 * |---------------------------------------|---------------------------------------|----------------------------------------------------|
 * | Available                             | Available                             | `available`                                        |
 * | Available, while the gateway holds it | Available, while the gateway holds it | `reserved`, with `hold`                            |
 * | Occupied                              | Preparing, Finishing                  | `available`, with `cableConnected` or `carPresent` |
 * | Occupied                              | Charging, SuspendedEV, SuspendedEVSE  | `charging`, with `powerW`                          |
 * | Reserved                              | Reserved                              | `reserved`, with `hold` if the gateway made it     |
 * | Unavailable                           | Unavailable                           | `unavailable`                                      |
 * | Faulted                               | Faulted                               | `faulted`                                          |
 */
import { Type } from '@sinclair/typebox';
import { createMachine } from 'xstate';
import { holdArgument, noArguments } from './arguments.ts';
import type { CommandSpec } from './command.ts';
import { binary, hasSettled, measured, sinceChangeMs } from './evidence.ts';
import { hearing } from './hearing.ts';
import { type Contradiction, defineKind, type Kind } from './kind.ts';
import { probe } from './probe.ts';
import type { Report } from './report.ts';
import { BY_HOLD, BY_HOLD_ENDED, BY_RING } from './resolver.ts';
import { abandon, clear, reboot, renewIdentity } from './common-commands.ts';

const observations = [
  'available.idle',
  'available.occupied',
  'reserved.waiting',
  'reserved.arrived',
  'charging.delivering',
  'charging.suspended',
  'suspect.out-of-service',
] as const;
type Observation = (typeof observations)[number];

const sensors = Type.Object({
  hatchOpen: Type.Optional(Type.Boolean({ description: 'the flap over the socket is open' })),
  cableConnected: Type.Optional(Type.Boolean({ description: 'a plug sits in the socket' })),
  carPresent: Type.Optional(Type.Boolean({ description: 'a vehicle stands in the bay' })),
  meterWh: Type.Optional(Type.Number({ description: 'energy register of the meter, Wh', unit: 'Wh' })),
  powerW: Type.Optional(Type.Number({ description: 'power delivered now, W', unit: 'W' })),
  temperatureC: Type.Optional(Type.Number({ description: 'inside the housing, °C', unit: '°C' })),
});

/** Below this a power reading is the noise of the meter, W. */
const POWER_NOISE_W = 50;

/** Two sensors are read at most this far apart, ms: closer changes have no order. */
const SENSOR_JITTER_MS = 1_000;

const token = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 36,
    description: 'the card or contract that may use it (OCPP idToken)',
  }),
);

/** What cannot be true of a charge point. */
const contradictions = {
  'cable-without-hatch': 'the cable connected although the hatch had been closed before and since',
  'charging-without-cable': 'it charges, and no cable has been in it for a while',
  'charging-without-car': 'it charges, and no car has stood in the bay for a while',
  'power-without-cable': 'power flows, and no cable has been in it for a while',
} as const;
type Found = Contradiction<keyof typeof contradictions>;

const commands = {
  reserve: {
    description: 'Keep the bay for one person; the device lets go by itself when the hold ends.',
    args: Type.Object(
      {
        holdMs: Type.Optional(
          Type.Integer({ minimum: 1_000, maximum: 3_600_000, description: 'how long to hold it, ms' }),
        ),
        token,
      },
      { additionalProperties: false },
    ),
    decidedBy: 'device',
    startWindowMs: 20_000,
    freshWithinMs: 60_000,
    hold: { defaultMs: 900_000, longestMs: 3_600_000 },
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
    description: 'Begin to charge: for whoever has plugged in, or for the holder of the reservation.',
    args: Type.Object(
      {
        token,
        limitWh: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: Number.MAX_SAFE_INTEGER,
            description: 'stop after this much energy, Wh',
          }),
        ),
      },
      { additionalProperties: false },
    ),
    decidedBy: 'device',
    startWindowMs: 20_000,
    freshWithinMs: 60_000,
    hold: null,
    endsHold: true,
    resolver: { ...BY_RING, compensatedBy: 'stop' },
  },
  stop: {
    description: 'End the charging session and unlock the cable.',
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
  id: 'charge-point',
  initial: 'offline',
  on: { ...hearing(observations), 'command.report': send },
  states: {
    available: {
      initial: 'idle',
      states: {
        /** Nobody in the bay, nothing in the socket: the only state in which it can be promised to somebody. */
        idle: { on: { 'command.reserve': send, 'command.start': send, 'command.reboot': send } },
        /** No session, but a car or a cable is in the way: OCPP's Preparing before, Finishing after. */
        occupied: { on: { 'command.start': send, 'command.reboot': send } },
      },
    },
    reserved: {
      initial: 'waiting',
      on: { 'command.release': send, 'command.start': send, 'command.reboot': send },
      states: {
        waiting: { on: { expiry: '#charge-point.available.idle' } },
        /** Somebody has come: the holder, or a stranger. Only the device can tell, by the token. */
        arrived: { on: { expiry: '#charge-point.available.occupied' } },
      },
    },
    charging: {
      initial: 'delivering',
      // Starting anew is the usual remedy of a session that hangs; the answer says what it ends.
      on: { 'command.stop': send, 'command.reboot': send },
      states: {
        delivering: {},
        /** The session is on and no energy flows: the car is full, or the site is throttled. */
        suspended: {},
      },
    },
    /** Silent for longer than its kind allows, or never heard. */
    offline: { on: { 'command.clear': decide, 'command.renew-identity': decide, 'command.abandon': decide } },
    suspect: {
      initial: 'doubted',
      on: { 'command.reboot': send },
      states: {
        doubted: {
          on: { 'command.clear': decide, 'command.renew-identity': decide, 'command.abandon': decide },
        },
        /** The device itself says that it must not be used: OCPP's Faulted and Unavailable. */
        'out-of-service': {},
      },
    },
  },
});

function isOccupied(report: Report): boolean {
  return binary(report, 'cableConnected') === true || binary(report, 'carPresent') === true;
}

function observe(report: Report): Observation {
  switch (report.state) {
    case 'available':
      return isOccupied(report) ? 'available.occupied' : 'available.idle';
    case 'reserved':
      return isOccupied(report) ? 'reserved.arrived' : 'reserved.waiting';
    case 'charging': {
      const powerW = measured(report, 'powerW');
      return powerW !== null && powerW < POWER_NOISE_W ? 'charging.suspended' : 'charging.delivering';
    }
    case 'unavailable':
    case 'faulted':
      return 'suspect.out-of-service';
    default:
      throw new Error(`a charge point reports no state "${report.state}"`);
  }
}

/** A meter that runs backwards or jumps is no contradiction: it spoils a reading, and must not spoil the session. */
function findContradictions(report: Report, previous: Report | null): readonly Found[] {
  return [
    cableWithoutHatch(report),
    chargingWithout(report, previous, {
      code: 'charging-without-cable',
      sensor: 'cableConnected',
      detail: 'it says that it charges and no cable is in it',
    }),
    chargingWithout(report, previous, {
      code: 'charging-without-car',
      sensor: 'carPresent',
      detail: 'it says that it charges and no car stands in the bay',
    }),
    powerWithoutCable(report, previous),
  ].filter((found) => found !== null);
}

/**
 * A plug reaches the socket only through the open hatch. A hatch that is closed and last moved before the cable did was
 * closed when the cable connected. Told from one report: two would not show what happened between them.
 */
function cableWithoutHatch(report: Report): Found | null {
  const hatchMs = sinceChangeMs(report, 'hatchOpen');
  const cableMs = sinceChangeMs(report, 'cableConnected');
  if (binary(report, 'hatchOpen') !== false || binary(report, 'cableConnected') !== true) return null;
  if (hatchMs === null || cableMs === null || hatchMs <= cableMs + SENSOR_JITTER_MS) return null;
  return {
    code: 'cable-without-hatch',
    detail: `the cable connected ${String(cableMs)} ms ago through a hatch that has been closed for ${String(hatchMs)} ms`,
  };
}

function chargingWithout(
  report: Report,
  previous: Report | null,
  missing: Found & { readonly sensor: string },
): Found | null {
  if (report.state !== 'charging') return null;
  if (!hasSettled(report, previous, { sensor: missing.sensor, value: false })) return null;
  return { code: missing.code, detail: missing.detail };
}

function powerWithoutCable(report: Report, previous: Report | null): Found | null {
  const powerW = measured(report, 'powerW');
  if (powerW === null || powerW < POWER_NOISE_W) return null;
  if (!hasSettled(report, previous, { sensor: 'cableConnected', value: false })) return null;
  return { code: 'power-without-cable', detail: `${String(powerW)} W flow and no cable is in it` };
}

/** The kind `charge-point`. */
export const chargePoint: Kind = defineKind({
  name: 'charge-point',
  description: 'One connector of a charging station for electric cars, with its parking bay.',
  machine,
  reportedStates: ['available', 'reserved', 'charging', 'unavailable', 'faulted'],
  sensors,
  binarySensors: ['hatchOpen', 'cableConnected', 'carPresent'],
  commands,
  observations,
  observe,
  contradictions,
  findContradictions,
  divergence: {
    // A bay that is kept for nobody is lost, and one that was promised has to be there: both are set right at once.
    'ghost-hold': 're-assert',
    'lost-hold': 're-assert',
    'resurrected-hold': 're-assert',
    // A stranger is charging on a reserved bay: accept it. Software cannot unplug a car, so re-asserting would change nothing.
    'foreign-use': 'trust-device',
  },
  limits: { silenceMs: 300_000, freshMs: 60_000, driftPpm: 200, probeTimeoutMs: 5_000, resendMs: 5_000 },
});
