/**
 * The life of a charge point. Drivers come, open the hatch, plug in, show their card; energy flows until the car is full or
 * they are back. Some have reserved, some start by telephone, some park where they must not. Now and then a sensor sticks.
 */
import type { Command } from '../../machines/command.ts';
import type { Verdict } from '../../src/device/ports.ts';
import type { Dice } from './chance.ts';
import { type Being, type Circumstances, later, type Life, planned, type Turn, without } from './life.ts';
import { COMMUTERS, DAY, HOUR, MINUTE, nextArrival } from './rhythm.ts';

const SECOND = 1_000;

type What =
  | 'driver-comes'
  | 'holder-comes'
  | 'hatch-opens'
  | 'cable-connects'
  | 'card-is-shown'
  | 'car-is-full'
  | 'driver-returns'
  | 'cable-disconnects'
  | 'hatch-closes'
  | 'car-leaves'
  | 'sensor-sticks'
  | 'sensor-recovers'
  | 'fault-begins'
  | 'fault-ends';

interface ChargePoint extends Being<What> {
  /** What the hardware can deliver, W. */
  readonly ratedW: number;
  readonly hatchOpen: boolean;
  readonly cableConnected: boolean;
  readonly carPresent: boolean;
  readonly session: {
    readonly powerW: number;
    /** What the car still takes, Wh. */
    readonly wantedWh: number;
  } | null;
  readonly meterWh: number;
  readonly isFaulty: boolean;
  /** The hatch's sensor says "closed", whatever the hatch does. */
  readonly isHatchSensorStuck: boolean;
}

const after = later<What, ChargePoint>;
const planFor = planned<What, ChargePoint>;
const cancel = without<What, ChargePoint>;

/** Plans of a visit: they end with it. */
const VISIT = [
  'hatch-opens',
  'cable-connects',
  'card-is-shown',
  'car-is-full',
  'driver-returns',
  'cable-disconnects',
  'hatch-closes',
  'car-leaves',
] as const;

/** How often a sensor of one charge point sticks, and how often it has a fault. */
const SENSOR_STICKS_EVERY = 25 * DAY;
const FAULT_EVERY = 30 * DAY;

function born(dice: Dice, at: number): ChargePoint {
  const bare: ChargePoint = {
    at,
    agenda: [],
    draws: 0,
    executedN: 0,
    ratedW: dice.oneOf([11_000, 11_000, 22_000, 50_000]),
    hatchOpen: false,
    cableConnected: false,
    carPresent: false,
    session: null,
    meterWh: Math.floor(dice.between(20_000, 9_000_000)),
    isFaulty: false,
    isHatchSensorStuck: false,
  };
  const expecting = planFor(bare, nextArrival(COMMUTERS, at, dice), 'driver-comes');
  const ageing = after(expecting, dice.waiting(SENSOR_STICKS_EVERY), 'sensor-sticks');
  return after(ageing, dice.waiting(FAULT_EVERY), 'fault-begins');
}

function advance(state: ChargePoint, at: number): ChargePoint {
  const { session } = state;
  const elapsedMs = Math.max(0, at - state.at);
  if (session === null) return { ...state, at };
  const flownWh = Math.min(session.wantedWh, (session.powerW * elapsedMs) / HOUR);
  const wantedWh = session.wantedWh - flownWh;
  return { ...state, at, meterWh: state.meterWh + flownWh, session: { ...session, wantedWh } };
}

function happen(state: ChargePoint, what: What, { dice, isHeld }: Circumstances): Turn<ChargePoint> {
  switch (what) {
    case 'driver-comes': {
      const next = planFor(state, nextArrival(COMMUTERS, state.at, dice), 'driver-comes');
      return { state: arrival(next, isHeld, dice) };
    }
    case 'holder-comes':
      return { state: isHeld && !state.carPresent ? parked(state, dice) : state };
    case 'hatch-opens':
      return { state: { ...state, hatchOpen: true } };
    case 'cable-connects':
      return { state: { ...state, cableConnected: true } };
    case 'card-is-shown':
      return state.isFaulty
        ? { state: ended(state, dice) }
        : { state: begun(state, null, dice), endsHold: isHeld };
    case 'car-is-full':
      return { state: { ...state, session: state.session && { ...state.session, wantedWh: 0 } } };
    case 'driver-returns':
      return { state: ended(state, dice) };
    case 'cable-disconnects':
      return { state: { ...state, cableConnected: false } };
    case 'hatch-closes':
      return { state: { ...state, hatchOpen: false } };
    case 'car-leaves':
      return { state: { ...state, carPresent: false } };
    case 'sensor-sticks':
      return {
        state: after({ ...state, isHatchSensorStuck: true }, dice.between(3, 8) * HOUR, 'sensor-recovers'),
      };
    case 'sensor-recovers': {
      const well = { ...state, isHatchSensorStuck: false };
      return { state: after(well, dice.waiting(SENSOR_STICKS_EVERY), 'sensor-sticks') };
    }
    case 'fault-begins': {
      const down = after({ ...state, isFaulty: true }, dice.between(20, 90) * MINUTE, 'fault-ends');
      return { state: down.session === null ? down : ended(down, dice), endsHold: isHeld };
    }
    case 'fault-ends':
      return {
        state: after({ ...state, isFaulty: false }, dice.waiting(FAULT_EVERY), 'fault-begins'),
      };
  }
}

/** Somebody comes without a reservation. Most go on where they cannot charge; one in twenty parks there all the same. */
function arrival(state: ChargePoint, isHeld: boolean, dice: Dice): ChargePoint {
  if (state.carPresent) return state;
  if (!isHeld && !state.isFaulty) return parked(state, dice);
  if (!dice.happens(0.05)) return state;
  return after({ ...state, carPresent: true }, dice.between(5, 40) * MINUTE, 'car-leaves');
}

/** A driver parks, plugs in and shows a card. */
function parked(state: ChargePoint, dice: Dice): ChargePoint {
  const opensAfter = dice.between(20, 60) * SECOND;
  const connectsAfter = opensAfter + dice.between(8, 20) * SECOND;
  const showsAfter = connectsAfter + dice.between(10, 30) * SECOND;
  const opening = after({ ...state, carPresent: true }, opensAfter, 'hatch-opens');
  const connecting = after(opening, connectsAfter, 'cable-connects');
  return after(connecting, showsAfter, 'card-is-shown');
}

/** Energy begins to flow. */
function begun(state: ChargePoint, limitWh: number | null, dice: Dice): ChargePoint {
  const powerW = Math.min(state.ratedW, dice.oneOf([3_700, 7_400, 11_000, 11_000, 22_000, 50_000]));
  const neededWh = dice.between(4_000, 45_000);
  const wantedWh = limitWh === null ? neededWh : Math.min(limitWh, neededWh);
  const fullAfter = (wantedWh / powerW) * HOUR;
  const backAfter = Math.max(10 * MINUTE, fullAfter * dice.between(0.5, 2.2));
  const charging: ChargePoint = { ...cancel(state, ...VISIT), session: { powerW, wantedWh } };
  const filling = after(charging, fullAfter, 'car-is-full');
  return after(filling, backAfter, 'driver-returns');
}

/** The session ends; the driver unplugs and leaves. */
function ended(state: ChargePoint, dice: Dice): ChargePoint {
  const unplugsAfter = dice.between(10, 40) * SECOND;
  const idle: ChargePoint = { ...cancel(state, ...VISIT), session: null };
  const unplugging = after(idle, unplugsAfter, 'cable-disconnects');
  const closing = after(unplugging, unplugsAfter + 5 * SECOND, 'hatch-closes');
  return after(closing, unplugsAfter + dice.between(30, 120) * SECOND, 'car-leaves');
}

function read(state: ChargePoint, isHeld: boolean): ReturnType<typeof chargePointLife.read> {
  const { session } = state;
  const powerW = session === null || session.wantedWh <= 0 ? 0 : session.powerW;
  const hour = (state.at % DAY) / HOUR;
  const outsideC = 12 + 6 * Math.sin(((hour - 9) / 24) * 2 * Math.PI);
  return {
    state: state.isFaulty ? 'faulted' : session !== null ? 'charging' : isHeld ? 'reserved' : 'available',
    sensors: {
      hatchOpen: state.hatchOpen && !state.isHatchSensorStuck,
      cableConnected: state.cableConnected,
      carPresent: state.carPresent,
      meterWh: Math.floor(state.meterWh),
      powerW: Math.round(powerW),
      temperatureC: Math.round((outsideC + (powerW / state.ratedW) * 14) * 10) / 10,
    },
  };
}

function judge(state: ChargePoint, command: Command, isHeld: boolean): Verdict {
  const { isFaulty } = state;
  switch (command.name) {
    case 'reserve':
      if (isFaulty) return { type: 'refuse', reason: 'out-of-service' };
      return isHeld || state.session !== null || state.carPresent || state.cableConnected
        ? { type: 'refuse', reason: 'busy' }
        : { type: 'accept', hold: 'begin', acts: false };
    case 'release':
      return { type: 'accept', hold: 'end', acts: false };
    case 'start':
      if (isFaulty) return { type: 'refuse', reason: 'out-of-service' };
      return state.session === null
        ? { type: 'accept', hold: 'end', acts: true }
        : { type: 'refuse', reason: 'busy' };
    case 'stop':
      return state.session === null
        ? { type: 'refuse', reason: 'not-charging' }
        : { type: 'accept', hold: 'keep', acts: true };
    default:
      return { type: 'refuse', reason: 'unknown-command' };
  }
}

function execute(state: ChargePoint, command: Command, { dice }: Circumstances): ChargePoint | string {
  if (command.name === 'stop') return ended(state, dice);
  // Who starts by telephone stands before it, plug in hand; one in twenty does not get it in.
  if (!state.cableConnected && dice.happens(0.05)) return 'no-cable';
  const { limitWh } = command.args;
  const plugged: ChargePoint = { ...state, carPresent: true, hatchOpen: true, cableConnected: true };
  return begun(plugged, typeof limitWh === 'number' ? limitWh : null, dice);
}

/** Three of four who reserve come in time. */
function awaitHolder(state: ChargePoint, withinMs: number, dice: Dice): ChargePoint {
  const comesAfter = dice.between(0.1, 1.3) * withinMs;
  return after(cancel(state, 'holder-comes'), comesAfter, 'holder-comes');
}

/** The life of a charge point. */
export const chargePointLife: Life<What, ChargePoint> = {
  kind: 'charge-point',
  heartbeatMs: 45_000,
  firmware: '4.11.2',
  components: [
    { slot: 'controller', model: 'CC-40', serial: '40' },
    { slot: 'meter', model: 'EM24', serial: '24' },
    { slot: 'modem', model: 'L860', serial: '86', firmware: '18.01' },
  ],
  born,
  advance,
  happen,
  read,
  judge,
  execute,
  awaitHolder,
};
