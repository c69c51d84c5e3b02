/**
 * The life of a shared car. Drivers open it with a card or a telephone, drive somewhere, leave it parked for a while, drive
 * back, and plug it in when it needs it. It has no connection in the garage below the station.
 */
import type { Command } from '../../machines/command.ts';
import type { Verdict } from '../../src/device/ports.ts';
import type { Dice } from './chance.ts';
import { type Being, type Circumstances, later, type Life, planned, type Turn, without } from './life.ts';
import { DAY, DRIVERS, HOUR, MINUTE, nextArrival } from './rhythm.ts';

const SECOND = 1_000;

type What =
  | 'driver-comes'
  | 'holder-comes'
  | 'doors-open'
  | 'doors-close'
  | 'drive-begins'
  | 'drive-ends'
  | 'rental-ends'
  | 'battery-is-full'
  | 'warning-begins'
  | 'warning-ends';

interface Position {
  readonly latitude: number;
  readonly longitude: number;
}

interface Car extends Being<What> {
  readonly home: Position;
  readonly position: Position;
  readonly doorsOpen: boolean;
  readonly locked: boolean;
  readonly plugged: boolean;
  readonly isRented: boolean;
  /** The leg it is driving, or `null`. */
  readonly drive: { readonly to: Position; readonly arrivesAt: number } | null;
  /** Legs of the rental that are still to be driven, the last one back home. */
  readonly legsLeft: number;
  readonly batteryPercent: number;
  readonly odometerKm: number;
  readonly needsWorkshop: boolean;
}

const after = later<What, Car>;
const planFor = planned<What, Car>;
const cancel = without<What, Car>;

/** Plans of a rental: they end with it. */
const RENTAL = ['doors-open', 'doors-close', 'drive-begins', 'drive-ends', 'rental-ends'] as const;

const WARNING_EVERY = 40 * DAY;
const CITY: Position = { latitude: 51.96, longitude: 7.63 };
const CITY_RADIUS_KM = 9;
const KM_PER_DEGREE = 111;
const SPEED_KM_PER_HOUR = 27;
const BATTERY_PERCENT_PER_KM = 0.4;
const CHARGING_PERCENT_PER_HOUR = 22;
const PLUGGED_IN_BELOW_PERCENT = 70;

function born(dice: Dice, at: number): Car {
  const home = somewhere(dice);
  const bare: Car = {
    at,
    agenda: [],
    draws: 0,
    executedN: 0,
    home,
    position: home,
    doorsOpen: false,
    locked: true,
    plugged: false,
    isRented: false,
    drive: null,
    legsLeft: 0,
    batteryPercent: dice.between(45, 100),
    odometerKm: dice.between(500, 90_000),
    needsWorkshop: false,
  };
  const expecting = planFor(bare, nextArrival(DRIVERS, at, dice), 'driver-comes');
  return after(expecting, dice.waiting(WARNING_EVERY), 'warning-begins');
}

function advance(state: Car, at: number): Car {
  const elapsedMs = Math.max(0, at - state.at);
  if (state.drive !== null) return driven(state, state.drive, at);
  if (!state.plugged) return { ...state, at };
  const chargedPercent = (CHARGING_PERCENT_PER_HOUR * elapsedMs) / HOUR;
  return { ...state, at, batteryPercent: Math.min(100, state.batteryPercent + chargedPercent) };
}

function driven(state: Car, drive: NonNullable<Car['drive']>, at: number): Car {
  const leftMs = drive.arrivesAt - state.at;
  const share = leftMs <= 0 ? 1 : Math.min(1, Math.max(0, at - state.at) / leftMs);
  const position = {
    latitude: state.position.latitude + (drive.to.latitude - state.position.latitude) * share,
    longitude: state.position.longitude + (drive.to.longitude - state.position.longitude) * share,
  };
  const km = distanceKm(state.position, position);
  return {
    ...state,
    at,
    position,
    odometerKm: state.odometerKm + km,
    batteryPercent: Math.max(1, state.batteryPercent - km * BATTERY_PERCENT_PER_KM),
  };
}

function happen(state: Car, what: What, { dice, isHeld }: Circumstances): Turn<Car> {
  switch (what) {
    case 'driver-comes': {
      const next = planFor(state, nextArrival(DRIVERS, state.at, dice), 'driver-comes');
      return { state: isHeld || !isReady(state) ? next : rented(next, dice) };
    }
    case 'holder-comes':
      return isHeld && isReady(state) ? { state: rented(state, dice), endsHold: true } : { state };
    case 'doors-open':
      return { state: { ...state, doorsOpen: true, locked: false } };
    case 'doors-close':
      return { state: { ...state, doorsOpen: false } };
    case 'drive-begins':
      return { state: departed(state, dice) };
    case 'drive-ends':
      return { state: arrived({ ...state, drive: null }, dice) };
    case 'rental-ends':
      return { state: returned(state) };
    case 'battery-is-full':
      return { state: { ...state, batteryPercent: state.plugged ? 100 : state.batteryPercent } };
    case 'warning-begins':
      return {
        state: after({ ...state, needsWorkshop: true }, dice.between(1, 6) * HOUR, 'warning-ends'),
        endsHold: isHeld,
      };
    case 'warning-ends':
      return {
        state: after({ ...state, needsWorkshop: false }, dice.waiting(WARNING_EVERY), 'warning-begins'),
      };
  }
}

function isReady(state: Car): boolean {
  return !state.isRented && !state.needsWorkshop && !isCharging(state) && state.locked;
}

function isCharging(state: Car): boolean {
  return state.plugged && state.batteryPercent < 100;
}

/** The rental begins: the driver unplugs the car if need be, gets in, and drives off. */
function rented(state: Car, dice: Dice): Car {
  const opened: Car = {
    ...cancel(state, ...RENTAL, 'battery-is-full'),
    isRented: true,
    locked: false,
    plugged: false,
    legsLeft: dice.oneOf([2, 2, 3, 4]),
  };
  return gettingIn(opened, dice);
}

function gettingIn(state: Car, dice: Dice): Car {
  const opensAfter = dice.between(3, 15) * SECOND;
  const closesAfter = opensAfter + dice.between(10, 40) * SECOND;
  const opening = after(state, opensAfter, 'doors-open');
  const closing = after(opening, closesAfter, 'doors-close');
  return after(closing, closesAfter + dice.between(15, 60) * SECOND, 'drive-begins');
}

function departed(state: Car, dice: Dice): Car {
  const to = state.legsLeft <= 1 ? state.home : somewhere(dice);
  const driveMs = Math.max(3 * MINUTE, (distanceKm(state.position, to) / SPEED_KM_PER_HOUR) * HOUR);
  const arrivesAt = state.at + driveMs;
  const driving: Car = { ...state, locked: true, legsLeft: state.legsLeft - 1, drive: { to, arrivesAt } };
  return planFor(driving, arrivesAt, 'drive-ends');
}

/** At the end of a leg: the driver gets out, to come back later or for good. */
function arrived(state: Car, dice: Dice): Car {
  const opensAfter = dice.between(5, 20) * SECOND;
  const closesAfter = opensAfter + dice.between(8, 30) * SECOND;
  const opening = after(state, opensAfter, 'doors-open');
  const closing = after(opening, closesAfter, 'doors-close');
  if (state.legsLeft === 0) return after(closing, closesAfter + dice.between(5, 30) * SECOND, 'rental-ends');
  const stayMs = dice.between(10, 120) * MINUTE;
  const reopening = after(closing, closesAfter + stayMs, 'doors-open');
  const reclosing = after(reopening, closesAfter + stayMs + 20 * SECOND, 'doors-close');
  return after(reclosing, closesAfter + stayMs + 50 * SECOND, 'drive-begins');
}

/** The rental ends: locked, and plugged in when the battery is low. */
function returned(state: Car): Car {
  const plugged = state.batteryPercent < PLUGGED_IN_BELOW_PERCENT;
  const parked: Car = {
    ...cancel(state, ...RENTAL),
    isRented: false,
    locked: true,
    doorsOpen: false,
    drive: null,
    legsLeft: 0,
    plugged,
  };
  if (!plugged) return parked;
  return after(parked, ((100 - state.batteryPercent) / CHARGING_PERCENT_PER_HOUR) * HOUR, 'battery-is-full');
}

function read(state: Car, isHeld: boolean): ReturnType<typeof carLife.read> {
  const { latitude, longitude } = state.position;
  return {
    state: worldStateOf(state, isHeld),
    sensors: {
      doorsOpen: state.doorsOpen,
      locked: state.locked,
      ignitionOn: state.drive !== null,
      plugged: state.plugged,
      batteryPercent: Math.round(state.batteryPercent * 10) / 10,
      odometerKm: Math.floor(state.odometerKm),
      position: { latitude: rounded(latitude), longitude: rounded(longitude) },
    },
  };
}

function worldStateOf(state: Car, isHeld: boolean): string {
  if (state.needsWorkshop && !state.isRented) return 'out-of-service';
  if (state.isRented) return 'rented';
  if (isHeld) return 'reserved';
  return isCharging(state) ? 'charging' : 'available';
}

function judge(state: Car, command: Command, isHeld: boolean): Verdict {
  switch (command.name) {
    case 'reserve':
      return isHeld || !isReady(state)
        ? { type: 'refuse', reason: 'busy' }
        : { type: 'accept', hold: 'begin', acts: false };
    case 'release':
      return { type: 'accept', hold: 'end', acts: false };
    case 'start':
      return isReady(state)
        ? { type: 'accept', hold: 'end', acts: true }
        : { type: 'refuse', reason: 'busy' };
    case 'stop':
      if (!state.isRented) return { type: 'refuse', reason: 'not-rented' };
      return state.drive === null
        ? { type: 'accept', hold: 'keep', acts: true }
        : { type: 'refuse', reason: 'driving' };
    default:
      return { type: 'refuse', reason: 'unknown-command' };
  }
}

function execute(state: Car, command: Command, { dice }: Circumstances): Car | string {
  if (command.name === 'start') return rented(state, dice);
  return state.doorsOpen ? 'door-open' : returned(state);
}

/** Three of four who reserve come in time. */
function awaitHolder(state: Car, withinMs: number, dice: Dice): Car {
  return after(cancel(state, 'holder-comes'), dice.between(0.1, 1.3) * withinMs, 'holder-comes');
}

function somewhere(dice: Dice): Position {
  const angle = dice.between(0, 2 * Math.PI);
  const degrees = (Math.sqrt(dice.draw()) * CITY_RADIUS_KM) / KM_PER_DEGREE;
  return {
    latitude: CITY.latitude + degrees * Math.sin(angle),
    longitude: CITY.longitude + (degrees * Math.cos(angle)) / Math.cos((CITY.latitude * Math.PI) / 180),
  };
}

/** On roads, which are longer than the bee-line. */
function distanceKm(a: Position, b: Position): number {
  const north = (a.latitude - b.latitude) * KM_PER_DEGREE;
  const east = (a.longitude - b.longitude) * KM_PER_DEGREE * Math.cos((CITY.latitude * Math.PI) / 180);
  return 1.3 * Math.hypot(north, east);
}

function rounded(degrees: number): number {
  return Math.round(degrees * 1e5) / 1e5;
}

/** The life of a shared car. */
export const carLife: Life<What, Car> = {
  kind: 'car',
  heartbeatMs: 90_000,
  firmware: '2.8.0',
  components: [
    { slot: 'telematics', model: 'TCU-9', serial: '9' },
    { slot: 'modem', model: 'SIM7600', serial: '76', firmware: 'B04' },
    { slot: 'card-reader', model: 'PN5180', serial: '51' },
  ],
  born,
  advance,
  happen,
  read,
  judge,
  execute,
  awaitHolder,
};
