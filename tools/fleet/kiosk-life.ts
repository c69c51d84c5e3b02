/**
 * The life of a kiosk. Visitors fetch keys and cards and bring them back, all day; the staff fill it up in the morning. When
 * the mains fail it serves from its buffer battery, and charges that first when they are back.
 */
import type { Command } from '../../machines/command.ts';
import type { Verdict } from '../../src/device/ports.ts';
import type { Dice } from './chance.ts';
import { type Being, type Circumstances, later, type Life, planned, type Turn, without } from './life.ts';
import { DAY, HOUR, MINUTE, nextArrival, VISITORS } from './rhythm.ts';

const SECOND = 1_000;

type What =
  | 'visitor-comes'
  | 'holder-comes'
  | 'compartment-opens'
  | 'compartment-closes'
  | 'visitor-gives-up'
  | 'staff-come'
  | 'staff-leave'
  | 'mains-fail'
  | 'mains-return'
  | 'buffer-is-full';

interface Kiosk extends Being<What> {
  readonly isServing: boolean;
  readonly compartmentOpen: boolean;
  readonly serviceDoorOpen: boolean;
  readonly mainsPresent: boolean;
  /** The buffer battery was drawn on and is not full again. */
  readonly isCharging: boolean;
  readonly bufferPercent: number;
  readonly itemsInside: number;
}

const after = later<What, Kiosk>;
const planFor = planned<What, Kiosk>;
const cancel = without<What, Kiosk>;

/** Plans of a visit: they end with it. */
const VISIT = ['compartment-opens', 'compartment-closes', 'visitor-gives-up'] as const;

const COMPARTMENTS = 24;
const FULL_ENOUGH = 18;
const MAINS_FAIL_EVERY = 9 * DAY;
const DRAIN_PERCENT_PER_HOUR = 12;
const CHARGING_PERCENT_PER_HOUR = 60;
const STAFF_COME_AT = 6 * HOUR;

function born(dice: Dice, at: number): Kiosk {
  const bare: Kiosk = {
    at,
    agenda: [],
    draws: 0,
    executedN: 0,
    isServing: false,
    compartmentOpen: false,
    serviceDoorOpen: false,
    mainsPresent: true,
    isCharging: false,
    bufferPercent: 100,
    itemsInside: Math.floor(dice.between(10, COMPARTMENTS)),
  };
  const expecting = planFor(bare, nextArrival(VISITORS, at, dice), 'visitor-comes');
  const staffed = planFor(expecting, nextMorning(at, dice), 'staff-come');
  return after(staffed, dice.waiting(MAINS_FAIL_EVERY), 'mains-fail');
}

function nextMorning(at: number, dice: Dice): number {
  return (Math.floor(at / DAY) + 1) * DAY + STAFF_COME_AT + dice.between(0, 40) * MINUTE;
}

function advance(state: Kiosk, at: number): Kiosk {
  const hours = Math.max(0, at - state.at) / HOUR;
  const rate = state.mainsPresent ? CHARGING_PERCENT_PER_HOUR : -DRAIN_PERCENT_PER_HOUR;
  const bufferPercent = Math.max(0, Math.min(100, state.bufferPercent + rate * hours));
  return { ...state, at, bufferPercent };
}

function happen(state: Kiosk, what: What, { dice, isHeld }: Circumstances): Turn<Kiosk> {
  switch (what) {
    case 'visitor-comes': {
      const next = planFor(state, nextArrival(VISITORS, state.at, dice), 'visitor-comes');
      return { state: isHeld || !isReady(state) ? next : served(next, dice) };
    }
    case 'holder-comes':
      return isHeld && isReady(state) ? { state: served(state, dice), endsHold: true } : { state };
    case 'compartment-opens':
      return {
        state: after({ ...state, compartmentOpen: true }, dice.between(5, 20) * SECOND, 'compartment-closes'),
      };
    case 'compartment-closes':
      return { state: { ...afterExchange(state, dice), isServing: false } };
    case 'visitor-gives-up':
      return { state: { ...state, isServing: false } };
    case 'staff-come':
      return staffCome(state, isHeld, dice);
    case 'staff-leave': {
      const filled = Math.max(state.itemsInside, FULL_ENOUGH);
      return { state: { ...state, serviceDoorOpen: false, itemsInside: filled } };
    }
    case 'mains-fail': {
      const dark: Kiosk = { ...cancel(state, 'buffer-is-full'), mainsPresent: false, isCharging: false };
      return { state: after(dark, dice.between(5, 120) * MINUTE, 'mains-return') };
    }
    case 'mains-return':
      return { state: powered(state, dice) };
    case 'buffer-is-full':
      return { state: { ...state, isCharging: false } };
  }
}

function isReady(state: Kiosk): boolean {
  return !state.isServing && !state.serviceDoorOpen && !state.isCharging && state.bufferPercent > 5;
}

/** A visitor stands before it and types; one in eight gives up. */
function served(state: Kiosk, dice: Dice): Kiosk {
  const serving: Kiosk = { ...cancel(state, ...VISIT), isServing: true };
  const typesFor = dice.between(15, 70) * SECOND;
  return after(serving, typesFor, dice.happens(0.125) ? 'visitor-gives-up' : 'compartment-opens');
}

/** Something was taken, or brought back. */
function afterExchange(state: Kiosk, dice: Dice): Kiosk {
  const isTaken = state.itemsInside > 0 && (state.itemsInside === COMPARTMENTS || dice.happens(0.52));
  return { ...state, compartmentOpen: false, itemsInside: state.itemsInside + (isTaken ? -1 : 1) };
}

function staffCome(state: Kiosk, isHeld: boolean, dice: Dice): Turn<Kiosk> {
  const tomorrow = planFor(state, nextMorning(state.at, dice), 'staff-come');
  if (state.isServing) return { state: tomorrow };
  const open: Kiosk = { ...tomorrow, serviceDoorOpen: true };
  return { state: after(open, dice.between(4, 15) * MINUTE, 'staff-leave'), endsHold: isHeld };
}

function powered(state: Kiosk, dice: Dice): Kiosk {
  const isCharging = state.bufferPercent < 80 && !state.isServing;
  const back = after(
    { ...state, mainsPresent: true, isCharging },
    dice.waiting(MAINS_FAIL_EVERY),
    'mains-fail',
  );
  return after(back, ((100 - state.bufferPercent) / CHARGING_PERCENT_PER_HOUR) * HOUR, 'buffer-is-full');
}

function read(state: Kiosk, isHeld: boolean): ReturnType<typeof kioskLife.read> {
  return {
    state: worldStateOf(state, isHeld),
    sensors: {
      compartmentOpen: state.compartmentOpen,
      boltsClosed: !state.compartmentOpen,
      serviceDoorOpen: state.serviceDoorOpen,
      mainsPresent: state.mainsPresent,
      bufferPercent: Math.round(state.bufferPercent),
      itemsInside: state.itemsInside,
    },
  };
}

function worldStateOf(state: Kiosk, isHeld: boolean): string {
  if (state.serviceDoorOpen) return 'out-of-service';
  if (state.isServing) return 'serving';
  if (isHeld) return 'reserved';
  return state.isCharging ? 'charging' : 'available';
}

function judge(state: Kiosk, command: Command, isHeld: boolean): Verdict {
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
      if (!state.isServing) return { type: 'refuse', reason: 'not-serving' };
      return state.compartmentOpen
        ? { type: 'refuse', reason: 'compartment-open' }
        : { type: 'accept', hold: 'keep', acts: true };
    default:
      return { type: 'refuse', reason: 'unknown-command' };
  }
}

function execute(state: Kiosk, command: Command, { dice }: Circumstances): Kiosk | string {
  if (command.name === 'stop') return { ...cancel(state, ...VISIT), isServing: false };
  const serving: Kiosk = { ...cancel(state, ...VISIT), isServing: true };
  return after(serving, dice.between(1, 4) * SECOND, 'compartment-opens');
}

/** Three of four who reserve come in time. */
function awaitHolder(state: Kiosk, withinMs: number, dice: Dice): Kiosk {
  return after(cancel(state, 'holder-comes'), dice.between(0.1, 1.3) * withinMs, 'holder-comes');
}

/** The life of a kiosk. */
export const kioskLife: Life<What, Kiosk> = {
  kind: 'kiosk',
  heartbeatMs: 45_000,
  firmware: '1.19.4',
  components: [
    { slot: 'controller', model: 'LK-24', serial: '24' },
    { slot: 'bolts', model: 'B-8', serial: '8' },
    { slot: 'battery', model: 'LFP-40', serial: '4' },
  ],
  born,
  advance,
  happen,
  read,
  judge,
  execute,
  awaitHolder,
};
